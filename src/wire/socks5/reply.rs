//! What became of a request (RFC 1928, section 6).
//!
//! ```text
//! VER 05 | REP 1 | RSV 00 | ATYP, BND.ADDR and BND.PORT: see Address
//! ```

use std::fmt;

use super::{Address, Socks5Error, VERSION, check_version};
use crate::wire::Decoded;
use crate::wire::input::Input;

/// REP. 09-FF are unassigned, and kept as they came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ReplyCode(pub u8);

impl ReplyCode {
    /// 00: succeeded.
    pub const SUCCEEDED: ReplyCode = ReplyCode(0);
    /// 01: general SOCKS server failure.
    pub const GENERAL_FAILURE: ReplyCode = ReplyCode(1);
    /// 02: connection not allowed by ruleset.
    pub const NOT_ALLOWED: ReplyCode = ReplyCode(2);
    /// 03: network unreachable.
    pub const NETWORK_UNREACHABLE: ReplyCode = ReplyCode(3);
    /// 04: host unreachable.
    pub const HOST_UNREACHABLE: ReplyCode = ReplyCode(4);
    /// 05: connection refused.
    pub const CONNECTION_REFUSED: ReplyCode = ReplyCode(5);
    /// 06: TTL expired.
    pub const TTL_EXPIRED: ReplyCode = ReplyCode(6);
    /// 07: command not supported.
    pub const COMMAND_NOT_SUPPORTED: ReplyCode = ReplyCode(7);
    /// 08: address type not supported.
    pub const ADDRESS_TYPE_NOT_SUPPORTED: ReplyCode = ReplyCode(8);
}

/// The RFC's words.
impl fmt::Display for ReplyCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            0 => "succeeded",
            1 => "general SOCKS server failure",
            2 => "connection not allowed by ruleset",
            3 => "network unreachable",
            4 => "host unreachable",
            5 => "connection refused",
            6 => "TTL expired",
            7 => "command not supported",
            8 => "address type not supported",
            unassigned => return write!(f, "unassigned reply code {unassigned:#04x}"),
        })
    }
}

/// The server's answer to a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// Success, or why not.
    pub code: ReplyCode,
    /// BND.ADDR and BND.PORT: the server's own end, or the peer in BIND's second reply.
    pub bound: Address,
}

impl Reply {
    /// The longest reply: a name of 255 octets.
    pub const LEN_MAX: usize = 3 + Address::LEN_MAX;

    /// A reply with nothing to tell but why: its address is 0.0.0.0:0, its length 10 octets.
    pub const fn failure(code: ReplyCode) -> Self {
        Reply { code, bound: Address::UNSPECIFIED }
    }

    /// Reads one message from the front of `bytes`.
    ///
    /// # Errors
    ///
    /// [`Socks5Error::Version`] as soon as the first byte is another than 05,
    /// [`Socks5Error::AddressType`] as soon as ATYP is an unknown one.
    pub fn decode(bytes: &[u8]) -> Decoded<Reply, Socks5Error> {
        let mut input = Input::new(bytes);
        let Some(version) = input.u8() else {
            return Ok(None);
        };
        check_version(version)?;
        let (Some(code), Some(_reserved)) = (input.u8(), input.u8()) else {
            return Ok(None);
        };
        let Some(bound) = Address::read(&mut input)? else {
            return Ok(None);
        };
        let code = ReplyCode(code);
        Ok(Some((Reply { code, bound }, input.used())))
    }

    /// Appends the message to `out`.
    ///
    /// # Panics
    ///
    /// When [`Address::check`] of the bound address fails.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&[VERSION, self.code.0, 0]);
        self.bound.encode(out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_a_complete_reply() {
        for code in 0..=255 {
            let mut out = Vec::new();
            Reply::failure(ReplyCode(code)).encode(&mut out);
            assert_eq!(out, [5, code, 0, 1, 0, 0, 0, 0, 0, 0]);
        }
    }

    #[test]
    fn codes_speak_as_the_rfc_does() {
        assert_eq!(ReplyCode::TTL_EXPIRED.to_string(), "TTL expired");
        assert_eq!(ReplyCode::NOT_ALLOWED.to_string(), "connection not allowed by ruleset");
        assert_eq!(ReplyCode(9).to_string(), "unassigned reply code 0x09");
    }
}
