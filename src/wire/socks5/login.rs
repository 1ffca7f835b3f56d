//! The answer to a login of the username/password sub-negotiation (RFC 1929, section 2).

use super::Socks5Error;
use crate::wire::Decoded;
use crate::wire::login::{decode_status, encode_status};

/// The server's answer to a [`Login`](super::Login).
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
    /// [`Socks5Error::Login`] as soon as the first byte is another than 01.
    pub fn decode(bytes: &[u8]) -> Decoded<LoginStatus, Socks5Error> {
        Ok(decode_status(bytes)?.map(|(status, used)| (LoginStatus(status), used)))
    }

    /// Appends `01 STATUS` to `out`.
    pub fn encode(self, out: &mut Vec<u8>) {
        encode_status(self.0, out);
    }
}
