//! Secrets that dialects can't do without.

use std::env;
use std::ffi::OsString;
use std::fmt;

use subtle::ConstantTimeEq;

use super::json::JwtKey;
use crate::core::{Password, Token};
use crate::wire::datagram::parse_token;

/// The environment variable of [`Secrets::datagram`].
const DATAGRAM: &str = "SOCKSD_DATAGRAM_TOKEN";
/// What it has to look like.
const DATAGRAM_FORM: &str = "a number from 0 to 4294967295, or 0x and 8 hexadecimal digits";
/// The environment variable of [`Secrets::jwt`].
const JWT: &str = "SOCKSD_JWT_SECRET";
/// What it has to look like.
const JWT_FORM: &str = "at least 16 octets that nobody can guess, better 32";

/// The environment variable of [`Secrets::oneshot`].
const ONESHOT: &str = "SOCKSD_ONESHOT_TOKEN";
/// What it has to look like.
const ONESHOT_FORM: &str = "16 printable ASCII characters";

/// The environment variable of [`Secrets::http`].
const HTTP: &str = "SOCKSD_HTTP_TOKEN";
/// What it has to look like.
const HTTP_FORM: &str = "16 to 255 octets that nobody can guess";
/// The fewest of them.
const HTTP_LEAST: usize = 16;

/// What a server was given of them. A dialect takes its own when the server starts
/// and refuses to start without.
#[derive(Debug, Clone, Default)]
pub struct Secrets {
    /// TOKEN of the datagram dialect.
    pub datagram: Option<SharedToken>,
    /// Signs the tokens of the json dialect.
    pub jwt: Option<JwtKey>,
    /// TOKEN with which the first admin logs in to the oneshot dialect.
    pub oneshot: Option<Token>,
    /// What everybody has to show who asks over HTTP.
    pub http: Option<Password>,
}

impl Secrets {
    /// Those in this process's environment.
    ///
    /// # Errors
    /// [`SecretError::Malformed`].
    pub fn from_env() -> Result<Self, SecretError> {
        Self::read(|variable| env::var_os(variable))
    }

    /// Those that `value` has under the names of their variables. An empty one is
    /// none at all.
    ///
    /// # Errors
    /// [`SecretError::Malformed`].
    pub fn read(value: impl Fn(&str) -> Option<OsString>) -> Result<Self, SecretError> {
        let given = |variable| value(variable).filter(|value| !value.is_empty());
        let malformed = SecretError::Malformed { variable: DATAGRAM, form: DATAGRAM_FORM };
        let datagram = given(DATAGRAM)
            .map(|token| SharedToken::parse(&token.into_encoded_bytes()).ok_or(malformed));
        let malformed = SecretError::Malformed { variable: JWT, form: JWT_FORM };
        let jwt =
            given(JWT).map(|secret| JwtKey::new(&secret.into_encoded_bytes()).ok_or(malformed));
        let malformed = SecretError::Malformed { variable: ONESHOT, form: ONESHOT_FORM };
        let oneshot =
            given(ONESHOT).map(|token| Token::new(token.as_encoded_bytes()).ok_or(malformed));
        let malformed = SecretError::Malformed { variable: HTTP, form: HTTP_FORM };
        let http = given(HTTP).map(|token| {
            let token = token.as_encoded_bytes();
            let token = Some(token).filter(|token| token.len() >= HTTP_LEAST);
            token.and_then(|token| Password::new(token).ok()).ok_or(malformed)
        });
        Ok(Self {
            datagram: datagram.transpose()?,
            jwt: jwt.transpose()?,
            oneshot: oneshot.transpose()?,
            http: http.transpose()?,
        })
    }

    /// These, and the others where there is none.
    pub fn or(self, others: Self) -> Self {
        Self {
            datagram: self.datagram.or(others.datagram),
            jwt: self.jwt.or(others.jwt),
            oneshot: self.oneshot.or(others.oneshot),
            http: self.http.or(others.http),
        }
    }

    /// The datagram dialect's own.
    ///
    /// # Errors
    /// [`SecretError::Missing`].
    pub fn datagram(&self) -> Result<SharedToken, SecretError> {
        let (dialect, variable, form) = ("datagram", DATAGRAM, DATAGRAM_FORM);
        self.datagram.ok_or(SecretError::Missing { dialect, variable, form })
    }

    /// The json dialect's own.
    ///
    /// # Errors
    /// [`SecretError::Missing`].
    pub fn jwt(&self) -> Result<JwtKey, SecretError> {
        let (dialect, variable, form) = ("json", JWT, JWT_FORM);
        self.jwt.clone().ok_or(SecretError::Missing { dialect, variable, form })
    }

    /// The oneshot dialect's own: it is the first admin's, more come and go later.
    ///
    /// # Errors
    /// [`SecretError::Missing`].
    pub fn oneshot(&self) -> Result<&Token, SecretError> {
        let (dialect, variable, form) = ("oneshot", ONESHOT, ONESHOT_FORM);
        self.oneshot.as_ref().ok_or(SecretError::Missing { dialect, variable, form })
    }
}

/// Four octets that only those know who may manage. It does not show in `Debug`.
#[derive(Clone, Copy)]
pub struct SharedToken(u32);

impl SharedToken {
    /// The token of this value.
    pub fn new(token: u32) -> Self {
        Self(token)
    }

    /// Reads a decimal number, or `0x` and exactly 8 hexadecimal digits.
    pub fn parse(text: &[u8]) -> Option<Self> {
        parse_token(str::from_utf8(text).ok()?).map(Self)
    }

    /// Compares in a time that tells nothing.
    pub fn matches(self, candidate: u32) -> bool {
        self.0.ct_eq(&candidate).into()
    }
}

impl fmt::Debug for SharedToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SharedToken(..)")
    }
}

/// Why a dialect can't have its secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecretError {
    /// None was given.
    Missing {
        /// The dialect that needs it.
        dialect: &'static str,
        /// The environment variable for it.
        variable: &'static str,
        /// What it has to look like.
        form: &'static str,
    },
    /// What was given can't be one.
    Malformed {
        /// The environment variable that holds it.
        variable: &'static str,
        /// What it has to look like.
        form: &'static str,
    },
}

impl fmt::Display for SecretError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { dialect, variable, form } => {
                write!(f, "the dialect {dialect} needs its secret: set {variable} to {form}")
            }
            Self::Malformed { variable, form } => {
                write!(f, "the value of {variable} can't be used: set it to {form}")
            }
        }
    }
}

impl std::error::Error for SecretError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_decimal_or_eight_hexadecimal_digits() {
        for (text, token) in [
            ("0", 0),
            ("305419896", 0x1234_5678),
            ("4294967295", u32::MAX),
            ("0x12345678", 0x1234_5678),
            ("0xFFFFffff", u32::MAX),
        ] {
            let parsed = SharedToken::parse(text.as_bytes()).expect(text);
            assert!(parsed.matches(token) && !parsed.matches(token ^ 1), "{text}");
        }
        for wrong in [
            "",
            "+5",
            "-1",
            "4294967296",
            "12a",
            " 1",
            "1 ",
            "0x",
            "0x1234567",
            "0x123456789",
            "0x+1234567",
            "0X12345678",
            "12345678h",
            "\u{0661}",
        ] {
            assert!(SharedToken::parse(wrong.as_bytes()).is_none(), "{wrong:?}");
        }
        assert!(SharedToken::parse(b"\xff").is_none());
    }

    #[test]
    fn what_is_missing_or_malformed_is_named_and_not_shown() {
        let given = |text: &'static str| {
            Secrets::read(move |name| (name == "SOCKSD_DATAGRAM_TOKEN").then(|| text.into()))
        };
        assert!(given("7").unwrap().datagram().unwrap().matches(7));
        let malformed = given("s3cret").unwrap_err().to_string();
        assert!(malformed.contains("SOCKSD_DATAGRAM_TOKEN") && !malformed.contains("s3cret"));
        for none in [given("").unwrap(), Secrets::default()] {
            let missing = none.datagram().unwrap_err().to_string();
            assert!(missing.contains("datagram") && missing.contains("SOCKSD_DATAGRAM_TOKEN"));
        }
        assert!(!format!("{:?}", given("7777").unwrap()).contains("7777"));
    }

    #[test]
    fn a_jwt_secret_can_be_too_short() {
        let given = |text: &'static str| {
            Secrets::read(move |name| (name == "SOCKSD_JWT_SECRET").then(|| text.into()))
        };
        assert!(given("sixteen octets!!").unwrap().jwt().is_ok());
        let malformed = given("fifteen octets!").unwrap_err().to_string();
        assert!(malformed.contains("SOCKSD_JWT_SECRET") && !malformed.contains("fifteen"));
        let missing = given("").unwrap().jwt().unwrap_err().to_string();
        assert!(missing.contains("json") && missing.contains("SOCKSD_JWT_SECRET"));
    }

    #[test]
    fn the_http_token_can_be_too_short() {
        let given = |text: &'static str| {
            Secrets::read(move |name| (name == "SOCKSD_HTTP_TOKEN").then(|| text.into()))
        };
        assert!(given("sixteen octets!!").unwrap().http.unwrap().matches(b"sixteen octets!!"));
        let malformed = given("fifteen octets!").unwrap_err().to_string();
        assert!(malformed.contains("SOCKSD_HTTP_TOKEN") && !malformed.contains("fifteen"));
        assert!(given("").unwrap().http.is_none());
    }

    #[test]
    fn the_oneshot_token_is_sixteen_printable_characters() {
        let given = |text: &'static str| {
            Secrets::read(move |name| (name == "SOCKSD_ONESHOT_TOKEN").then(|| text.into()))
        };
        assert!(given("123456789abcdef1").unwrap().oneshot().is_ok());
        for wrong in ["123456789abcdef", "123456789abcdef12", "123456789abcdef\n"] {
            let malformed = given(wrong).unwrap_err().to_string();
            assert!(malformed.contains("SOCKSD_ONESHOT_TOKEN") && !malformed.contains("1234"));
        }
        let missing = given("").unwrap().oneshot().unwrap_err().to_string();
        assert!(missing.contains("oneshot") && missing.contains("SOCKSD_ONESHOT_TOKEN"));
    }
}
