//! The answer to a login (SHOES, section 2).

use std::fmt;

use crate::wire::Decoded;
use crate::wire::login::{LoginError, decode_status, encode_status};

/// The server's answer to a [`Login`](super::Login).
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
        Ok(decode_status(bytes)?.map(|(status, used)| (LoginStatus(status), used)))
    }

    /// Appends `01 STATUS` to `out`.
    pub fn encode(self, out: &mut Vec<u8>) {
        encode_status(self.0, out);
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
