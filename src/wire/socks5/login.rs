//! The username/password sub-negotiation (RFC 1929, section 2).
//!
//! ```text
//! Login:   VER 01 | ULEN 1 | UNAME 1 to 255 | PLEN 1 | PASSWD 1 to 255
//! answer:  VER 01 | STATUS 1     00 success, anything else failure
//! ```
//!
//! The RFC wants at least one octet in each; clients send none, so 0 to 255 of anything parse and
//! the check of the credentials decides. VER is the version of the sub-negotiation, not 05.

use std::fmt;

use super::Socks5Error;
use crate::wire::input::Input;
use crate::wire::output::put_field;
use crate::wire::{Decoded, TooLong};

/// "The VER field contains the current version of the subnegotiation, which is X'01'."
pub const LOGIN_VERSION: u8 = 1;

/// What the client claims to be. Its `Debug` does not show the password.
#[derive(Clone, PartialEq, Eq)]
pub struct Login {
    /// 0 to 255 octets of anything.
    pub username: Vec<u8>,
    /// 0 to 255 octets of anything.
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
    /// [`Socks5Error::LoginVersion`] as soon as the first byte is another than 01.
    pub fn decode(bytes: &[u8]) -> Decoded<Login, Socks5Error> {
        let mut input = Input::new(bytes);
        let Some(version) = input.u8() else {
            return Ok(None);
        };
        check_login_version(version)?;
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

/// The server's answer to a [`Login`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LoginStatus(pub u8);

impl LoginStatus {
    /// "A STATUS field of X'00' indicates success."
    pub const SUCCESS: LoginStatus = LoginStatus(0);
    /// "If the server returns a 'failure' (STATUS value other than X'00') status, it MUST close
    /// the connection."
    pub const FAILURE: LoginStatus = LoginStatus(1);
    /// Every answer has this length.
    pub const LEN: usize = 2;

    /// Reads one message from the front of `bytes`.
    ///
    /// # Errors
    ///
    /// [`Socks5Error::LoginVersion`] as soon as the first byte is another than 01.
    pub fn decode(bytes: &[u8]) -> Decoded<LoginStatus, Socks5Error> {
        let mut input = Input::new(bytes);
        let Some(version) = input.u8() else {
            return Ok(None);
        };
        check_login_version(version)?;
        let Some(status) = input.u8() else {
            return Ok(None);
        };
        Ok(Some((LoginStatus(status), input.used())))
    }

    /// Appends `01 STATUS` to `out`.
    pub fn encode(self, out: &mut Vec<u8>) {
        out.extend_from_slice(&[LOGIN_VERSION, self.0]);
    }
}

fn check_login_version(octet: u8) -> Result<(), Socks5Error> {
    if octet == LOGIN_VERSION { Ok(()) } else { Err(Socks5Error::LoginVersion(octet)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_version_is_told_at_the_first_byte() {
        for version in (0..=255).filter(|v| *v != LOGIN_VERSION) {
            let error = Socks5Error::LoginVersion(version);
            assert_eq!(Login::decode(&[version]), Err(error));
            assert_eq!(LoginStatus::decode(&[version]), Err(error));
        }
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
