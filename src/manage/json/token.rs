//! JSON Web Tokens (RFC 7519), signed with HMAC SHA-256 and with nothing else.

use std::collections::BTreeSet;
use std::fmt;

use jsonwebtoken::crypto::verify;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use serde::{Deserialize, Serialize};

use super::hs256;

/// Signs tokens and checks them. It does not show in `Debug`.
#[derive(Clone)]
pub struct JwtKey {
    signing: EncodingKey,
    checking: DecodingKey,
}

impl fmt::Debug for JwtKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JwtKey(..)")
    }
}

/// What a right token says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// Whose it is, for the log; may be empty.
    pub subject: String,
    /// What it allows.
    pub scopes: BTreeSet<String>,
    /// When it ends, in milliseconds since 1970.
    pub expires: u64,
}

/// The most octets of a token's scopes, each with one behind it. Answers repeat all of
/// them, and JSON may take six octets for one; all that there are take less than 200.
const SCOPES_MAX: usize = 8192;

/// Why a token opens nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BadToken {
    /// It is no token of ours.
    Invalid,
    /// It was ours, and its time is over; whose it was.
    Expired(String),
}

#[derive(Deserialize)]
struct Claims {
    /// "NumericDate values ... non-integer values can be represented."
    exp: f64,
    nbf: Option<f64>,
    sub: Option<String>,
    scopes: Option<BTreeSet<String>>,
    /// RFC 8693, section 4.2: "a space-separated list of scopes".
    scope: Option<String>,
}

#[derive(Serialize)]
struct NewClaims<'a> {
    sub: &'a str,
    scopes: &'a BTreeSet<String>,
    iat: u64,
    exp: u64,
}

impl JwtKey {
    /// The shortest secret, in octets: anyone who holds a token can try secrets at
    /// home, so it must not be guessable. RFC 7518, section 3.2 wants 32.
    pub const SECRET_MIN: usize = 16;

    /// The key of a secret; `None` when that is shorter than [`Self::SECRET_MIN`].
    pub fn new(secret: &[u8]) -> Option<Self> {
        hs256::install();
        let (signing, checking) =
            (EncodingKey::from_secret(secret), DecodingKey::from_secret(secret));
        (secret.len() >= Self::SECRET_MIN).then_some(Self { signing, checking })
    }

    /// A token for `subject` from `now` until `expires`, both in seconds since 1970.
    ///
    /// # Errors
    /// A sentence when it can't be signed.
    pub fn mint(
        &self,
        subject: &str,
        scopes: &BTreeSet<String>,
        now: u64,
        expires: u64,
    ) -> Result<String, String> {
        let claims = NewClaims { sub: subject, scopes, iat: now, exp: expires };
        encode(&Header::new(Algorithm::HS256), &claims, &self.signing)
            .map_err(|error| format!("signing the token failed: {error}"))
    }

    /// What a token says, at `now` in milliseconds since 1970.
    ///
    /// # Errors
    /// [`BadToken`], also for more than 8 KiB of scopes; nothing of a token whose
    /// signature is wrong is believed.
    pub fn check(&self, token: &str, now: u64) -> Result<Grant, BadToken> {
        if !self.has_signed(token) {
            return Err(BadToken::Invalid);
        }
        let token = decode::<Claims>(token, &self.checking, &validation());
        let token = token.map_err(|_| BadToken::Invalid)?;
        let claims = token.claims;
        // RFC 7515, section 4.1.11: "If any of the listed extension Header Parameters
        // are not understood and supported by the recipient, then the JWS is invalid."
        if token.header.crit.is_some() || claims.nbf.is_some_and(|nbf| milliseconds(nbf) > now) {
            return Err(BadToken::Invalid);
        }
        let subject = claims.sub.unwrap_or_default();
        let expires = milliseconds(claims.exp);
        // RFC 7519, section 4.1.4: "on or after which the JWT MUST NOT be accepted".
        if expires <= now {
            return Err(BadToken::Expired(subject));
        }
        let listed = claims.scope.unwrap_or_default();
        let listed = listed.split_ascii_whitespace().map(String::from);
        let mut scopes = claims.scopes.unwrap_or_default();
        scopes.extend(listed);
        if scopes.iter().map(|scope| scope.len() + 1).sum::<usize>() > SCOPES_MAX {
            return Err(BadToken::Invalid);
        }
        Ok(Grant { subject, scopes, expires })
    }
}

impl JwtKey {
    /// Before this is known, a token is not looked into: what strangers nest in its
    /// header would take the library more stack than a pool's thread has.
    fn has_signed(&self, token: &str) -> bool {
        let Some((message, signature)) = token.rsplit_once('.') else { return false };
        let verified = verify(signature, message.as_bytes(), &self.checking, Algorithm::HS256);
        matches!(verified, Ok(true))
    }
}

/// HS256 only: "none" and a public key taken for a secret don't get this far. A
/// token that names an audience is refused, since none is ours. Times are checked
/// by [`JwtKey::check`], which is told what time it is.
fn validation() -> Validation {
    let mut validation = Validation::new(Algorithm::HS256);
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation
}

/// A NumericDate; what is out of range becomes the nearest that is not.
fn milliseconds(seconds: f64) -> u64 {
    (seconds * 1000.0) as u64
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::crypto::sign;

    use super::*;

    const SECRET: &[u8] = b"0123456789abcdef0123456789abcdef";

    fn key() -> JwtKey {
        JwtKey::new(SECRET).unwrap()
    }

    /// A token with this header, signed with HS256 whatever it says.
    fn signed(header: &str, claims: &serde_json::Value) -> String {
        let message = format!("{}.{}", part(header), part(&claims.to_string()));
        let signature = sign(message.as_bytes(), &key().signing, Algorithm::HS256).unwrap();
        format!("{message}.{signature}")
    }

    fn check(claims: serde_json::Value) -> Result<Grant, BadToken> {
        key().check(&signed(r#"{"alg":"HS256"}"#, &claims), 5000)
    }

    fn scopes(names: &[&str]) -> BTreeSet<String> {
        names.iter().copied().map(String::from).collect()
    }

    #[test]
    fn what_is_minted_is_right_until_it_expires() {
        let token = key().mint("ana", &scopes(&["B", "A"]), 1, 6).unwrap();
        let grant = Grant { subject: "ana".into(), scopes: scopes(&["A", "B"]), expires: 6000 };
        assert_eq!(key().check(&token, 5999), Ok(grant));
        assert_eq!(key().check(&token, 6000), Err(BadToken::Expired("ana".into())));
        let other = JwtKey::new(b"another secret, long enough").unwrap();
        assert_eq!(other.check(&token, 6000), Err(BadToken::Invalid));
        assert!(JwtKey::new(b"fifteen octets!").is_none());
        assert!(!format!("{:?}", key()).contains("0123"));
    }

    #[test]
    fn scopes_are_an_array_or_words() {
        for (claims, expected) in [
            (serde_json::json!({"exp": 9, "scopes": ["A", "B", "A"]}), ["A", "B"].as_slice()),
            (serde_json::json!({"exp": 9.5, "scope": "A  B"}), &["A", "B"]),
            (serde_json::json!({"exp": 9, "scope": "A", "scopes": ["B"]}), &["A", "B"]),
            (serde_json::json!({"exp": 1e300, "nbf": 5}), &[]),
        ] {
            assert_eq!(check(claims).unwrap().scopes, scopes(expected));
        }
    }

    #[test]
    fn wrong_claims_prove_nothing() {
        for claims in [
            serde_json::json!({"sub": "ana"}),
            serde_json::json!({"exp": "9"}),
            serde_json::json!({"exp": null}),
            serde_json::json!({"exp": 9, "nbf": 6}),
            serde_json::json!({"exp": 9, "aud": "another service"}),
            serde_json::json!({"exp": 9, "scopes": "A"}),
            serde_json::json!({"exp": 9, "scopes": [1]}),
            serde_json::json!({"exp": 9, "sub": 7}),
        ] {
            assert_eq!(check(claims.clone()), Err(BadToken::Invalid), "{claims}");
        }
        assert_eq!(check(serde_json::json!({"exp": -1})), Err(BadToken::Expired(String::new())));
    }

    /// Text as it stands between the dots of a token.
    fn part(text: &str) -> String {
        let claims = serde_json::value::RawValue::from_string(text.into()).unwrap();
        let token = encode(&Header::default(), &claims, &key().signing).unwrap();
        token.split('.').nth(1).unwrap().into()
    }

    /// Half of what the pool's threads have.
    #[test]
    fn depth_in_a_token_costs_no_stack() {
        let small = std::thread::Builder::new().stack_size(128 * 1024);
        let test = small.spawn(|| {
            for depth in [120, 127, 1000] {
                let deep = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
                for member in ["x", "jwk", "crit"] {
                    let header = part(&format!(r#"{{"alg":"HS256","{member}":{deep}}}"#));
                    let claims = part(&format!(r#"{{"exp":9,"x":{deep}}}"#));
                    let token = format!("{header}.{claims}.x");
                    assert_eq!(key().check(&token, 0), Err(BadToken::Invalid));
                }
            }
        });
        test.unwrap().join().expect("it fits the stack");
    }

    #[test]
    fn only_hs256_is_believed() {
        let claims = serde_json::json!({"exp": 9});
        for header in [
            r#"{"alg":"HS384"}"#,
            r#"{"alg":"HS512"}"#,
            r#"{"alg":"RS256"}"#,
            r#"{"alg":"none"}"#,
            r#"{"alg":"HS256","crit":["b64"]}"#,
        ] {
            let token = signed(header, &claims);
            assert_eq!(key().check(&token, 0), Err(BadToken::Invalid), "{header}");
        }
        let right = signed(r#"{"alg":"HS256"}"#, &claims);
        assert!(key().check(&right, 0).is_ok());
        let (_, rest) = right.split_once('.').unwrap();
        let (claims, signature) = rest.split_once('.').unwrap();
        // {"alg":"none","typ":"JWT"}, {"alg":"NONE"} and {"alg":"RS256"}
        for header in
            ["eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0", "eyJhbGciOiJOT05FIn0", "eyJhbGciOiJSUzI1NiJ9"]
        {
            for token in [format!("{header}.{claims}."), format!("{header}.{claims}.{signature}")] {
                assert_eq!(key().check(&token, 0), Err(BadToken::Invalid), "{token}");
            }
        }
        for garbage in ["", ".", "..", "...", "a.b.c", "€", &right[1..], &right[..right.len() - 1]]
        {
            assert_eq!(key().check(garbage, 0), Err(BadToken::Invalid), "{garbage}");
        }
    }
}
