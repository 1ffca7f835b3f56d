//! The PROXY protocol, versions 1 and 2: what a proxy in front of this server says about
//! a connection before the first octet of its client
//! (<https://www.haproxy.org/download/3.2/doc/proxy-protocol.txt>).
//!
//! ```text
//! version 1:  "PROXY TCP4 192.0.2.7 198.51.100.1 56324 1080" CR LF
//! version 2:  SIGNATURE 12 | VERSION 2, COMMAND | FAMILY, TRANSPORT | LENGTH 2 | LENGTH octets
//! ```
//!
//! "The receiver MUST be configured to only receive the protocol described in this
//! specification and MUST not try to guess whether the protocol header is present or not."
//! Who decodes has decided that there is one; which version it is, its first octet tells.

mod v1;
mod v2;

use std::fmt;
use std::net::SocketAddr;

use super::Decoded;

/// What stands before a proxied connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// Where the connection came from before the proxy. `None`: there is nothing better
    /// than the address of the proxy, since it speaks for itself (a health check) or the
    /// client has no address that could stand here.
    pub source: Option<SocketAddr>,
}

/// Why octets can't be a [`Header`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProxyProtocolError {
    /// It begins like neither version.
    Signature,
    /// A line of version 1 that has not ended after [`Header::LINE_MAX`] octets.
    LineTooLong,
    /// A line of version 1 that does not say what its protocol needs.
    Line,
    /// A binary header of another version than 2.
    Version(u8),
    /// A command that is neither LOCAL nor PROXY.
    Command(u8),
    /// An address family or a transport that the specification does not have.
    Family(u8),
    /// The announced octets don't hold what has to be in them.
    Truncated,
    /// The header has been changed on its way.
    Checksum,
}

impl fmt::Display for ProxyProtocolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Signature => f.write_str("it begins like no header of the PROXY protocol"),
            Self::LineTooLong => {
                write!(f, "the line has no end within {} octets", Header::LINE_MAX)
            }
            Self::Line => f.write_str("the line is none of PROXY TCP4, TCP6 and UNKNOWN"),
            Self::Version(got) => write!(f, "the binary header has the version {got} instead of 2"),
            Self::Command(got) => write!(f, "the command {got:#03x} is neither LOCAL nor PROXY"),
            Self::Family(got) => write!(f, "there is no address family and transport {got:#04x}"),
            Self::Truncated => f.write_str("the header ends inside of what it has to hold"),
            Self::Checksum => f.write_str("the checksum does not fit the header"),
        }
    }
}

impl std::error::Error for ProxyProtocolError {}

impl Header {
    /// The longest line of version 1, CR LF included: "a 108-byte buffer is always enough
    /// to store all the line and a trailing zero".
    pub const LINE_MAX: usize = 107;

    /// The longest header of either version: 16 octets, and as many as they can announce. Most
    /// have some 50, but there may be a client's certificate in it.
    pub const LEN_MAX: usize = 16 + u16::MAX as usize;

    /// Reads a header from the front of `bytes`.
    ///
    /// # Errors
    ///
    /// [`ProxyProtocolError`]: the connection has to be closed.
    pub fn decode(bytes: &[u8]) -> Decoded<Header, ProxyProtocolError> {
        match bytes.first() {
            None => Ok(None),
            Some(first) if v2::SIGNATURE.starts_with(&[*first]) => v2::decode(bytes),
            Some(_) => v1::decode(bytes),
        }
    }
}

/// Whether `bytes` begin with `expected`, as far as they have come.
fn begins(bytes: &[u8], expected: &[u8]) -> bool {
    bytes.iter().zip(expected).all(|(got, expected)| got == expected)
}
