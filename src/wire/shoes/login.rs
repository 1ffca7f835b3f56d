//! Authentication (SHOES, section 2).
//!
//! ```text
//! Login:   VER 01 | ULEN 1 | UNAME 1 to 255 | PLEN 1 | PASSWD 1 to 255
//! answer:  VER 01 | STATUS 1
//! ```

use std::fmt;

use super::VERSION;
use crate::wire::input::Input;
use crate::wire::output::put_field;
use crate::wire::{Decoded, TooLong};

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
        let Some(version) = input.u8() else {
            return Ok(None);
        };
        check_version(version)?;
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
        out.push(VERSION);
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
    /// 00: requests may follow.
    pub const OK: LoginStatus = LoginStatus(0);
    /// 01: general SHOES server failure.
    pub const FAILURE: LoginStatus = LoginStatus(1);
    /// 02: invalid protocol version.
    pub const BAD_VERSION: LoginStatus = LoginStatus(2);
    /// 03: invalid username or password.
    pub const BAD_CREDENTIALS: LoginStatus = LoginStatus(3);
    /// Every answer has this length.
    pub const LEN: usize = 2;

    /// Reads one message from the front of `bytes`.
    ///
    /// # Errors
    ///
    /// [`LoginError::Version`] as soon as the first byte is another than 01.
    pub fn decode(bytes: &[u8]) -> Decoded<LoginStatus, LoginError> {
        let mut input = Input::new(bytes);
        let Some(version) = input.u8() else {
            return Ok(None);
        };
        check_version(version)?;
        let Some(status) = input.u8() else {
            return Ok(None);
        };
        Ok(Some((LoginStatus(status), input.used())))
    }

    /// Appends `01 STATUS` to `out`.
    pub fn encode(self, out: &mut Vec<u8>) {
        out.extend_from_slice(&[VERSION, self.0]);
    }
}

/// The specification's words.
impl fmt::Display for LoginStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            0 => "success",
            1 => "general SHOES server failure",
            2 => "invalid protocol version",
            3 => "invalid username or password",
            unknown => return write!(f, "unknown login status {unknown:#04x}"),
        })
    }
}

/// Why bytes can't be a login or its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoginError {
    /// They begin with another version than [`VERSION`].
    Version(u8),
}

impl fmt::Display for LoginError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let LoginError::Version(got) = self;
        write!(f, "the message begins with version {got:#04x} where SHOES has 0x01")
    }
}

impl std::error::Error for LoginError {}

fn check_version(octet: u8) -> Result<(), LoginError> {
    if octet == VERSION { Ok(()) } else { Err(LoginError::Version(octet)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_version_is_told_at_the_first_byte() {
        for version in (0..=255).filter(|v| *v != VERSION) {
            let error = LoginError::Version(version);
            assert_eq!(Login::decode(&[version]), Err(error));
            assert_eq!(LoginStatus::decode(&[version]), Err(error));
        }
    }

    #[test]
    fn lengths_of_zero_decode() {
        let empty = Login { username: Vec::new(), password: Vec::new() };
        assert_eq!(Login::decode(&[1, 0, 0]), Ok(Some((empty, 3))));
    }

    #[test]
    fn debug_shows_no_password() {
        let login = Login { username: b"ada".to_vec(), password: b"secret".to_vec() };
        assert!(!format!("{login:?}").contains("secret"));
        assert!(format!("{login:?}").contains("ada"));
    }
}
