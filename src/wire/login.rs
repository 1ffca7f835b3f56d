//! The login that SOCKS5 (RFC 1929, section 2) and SHOES (section 2) have in common.
//!
//! ```text
//! Login:   VER 01 | ULEN 1 | UNAME 1 to 255 | PLEN 1 | PASSWD 1 to 255
//! answer:  VER 01 | STATUS 1
//! ```
//!
//! Both want at least one octet in each field; clients send none, so 0 to 255 of anything
//! parse and the check of the credentials decides.

use std::fmt;

use super::input::Input;
use super::output::put_field;
use super::{Decoded, TooLong};

/// VER of the login and its answer; for SOCKS5 it is that of the sub-negotiation, not 05.
pub const LOGIN_VERSION: u8 = 1;

/// What the client claims to be. Its `Debug` does not show the password.
#[derive(Clone, PartialEq, Eq)]
pub struct Login {
    /// 0 to 255 octets of anything; an acceptable one has at least 1.
    pub username: Vec<u8>,
    /// 0 to 255 octets of anything; an acceptable one has at least 1.
    pub password: Vec<u8>,
}

impl Login {
    /// The longest login: 255 octets of each.
    pub const LEN_MAX: usize = 513;

    /// Whether both fit their fields; a decoded login always does.
    ///
    /// # Errors
    ///
    /// Names the one that is over 255 octets.
    pub fn check(&self) -> Result<(), TooLong> {
        TooLong::check("username", &self.username)?;
        TooLong::check("password", &self.password)
    }

    /// Reads one message from the front of `bytes`.
    ///
    /// # Errors
    ///
    /// [`LoginError::Version`] as soon as the first byte is another than 01.
    pub fn decode(bytes: &[u8]) -> Decoded<Login, LoginError> {
        let mut input = Input::new(bytes);
        if !begins(&mut input)? {
            return Ok(None);
        }
        let (Some(username), Some(password)) = (input.field(), input.field()) else {
            return Ok(None);
        };
        Ok(Some((Login { username, password }, input.used())))
    }

    /// Appends the message to `out`.
    ///
    /// # Panics
    ///
    /// When [`Login::check`] fails.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.push(LOGIN_VERSION);
        put_field(out, &self.username);
        put_field(out, &self.password);
    }
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login")
            .field("username", &format_args!("\"{}\"", self.username.escape_ascii()))
            .field("password", &format_args!("<hidden>"))
            .finish()
    }
}

/// Reads the status of an answer from the front of `bytes`; what it means differs.
pub(super) fn decode_status(bytes: &[u8]) -> Decoded<u8, LoginError> {
    let mut input = Input::new(bytes);
    if !begins(&mut input)? {
        return Ok(None);
    }
    Ok(input.u8().map(|status| (status, input.used())))
}

/// Appends `01 STATUS` to `out`.
pub(super) fn encode_status(status: u8, out: &mut Vec<u8>) {
    out.extend_from_slice(&[LOGIN_VERSION, status]);
}

/// Whether the version has come.
fn begins(input: &mut Input<'_>) -> Result<bool, LoginError> {
    match input.u8() {
        None => Ok(false),
        Some(LOGIN_VERSION) => Ok(true),
        Some(other) => Err(LoginError::Version(other)),
    }
}

/// Why bytes can't be a login or its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoginError {
    /// They begin with another version than [`LOGIN_VERSION`].
    Version(u8),
}

impl fmt::Display for LoginError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let LoginError::Version(got) = self;
        write!(f, "the message begins with version {got:#04x} where a login has 0x01")
    }
}

impl std::error::Error for LoginError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_version_is_told_at_the_first_byte() {
        for version in (0..=255).filter(|v| *v != LOGIN_VERSION) {
            let error = LoginError::Version(version);
            assert_eq!(Login::decode(&[version]), Err(error));
            assert_eq!(decode_status(&[version]), Err(error));
        }
    }

    #[test]
    fn lengths_of_zero_decode() {
        let empty = Login { username: Vec::new(), password: Vec::new() };
        assert_eq!(Login::decode(&[1, 0, 0]), Ok(Some((empty, 3))));
    }

    #[test]
    fn debug_shows_no_password() {
        let login = Login { username: b"ada\n\xff".to_vec(), password: b"secret".to_vec() };
        assert_eq!(format!("{login:?}"), r#"Login { username: "ada\n\xff", password: <hidden> }"#);
    }

    #[test]
    fn check_names_what_is_too_long() {
        let mut login = Login { username: vec![0; 255], password: vec![0; 256] };
        assert_eq!(login.check().map_err(|e| e.field), Err("password"));
        login.password.pop();
        assert_eq!(login.check(), Ok(()));
        let mut out = Vec::new();
        login.encode(&mut out);
        assert_eq!(out.len(), Login::LEN_MAX);
    }
}
