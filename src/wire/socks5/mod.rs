//! SOCKS5 (RFC 1928) and its username/password sub-negotiation (RFC 1929).
//!
//! The messages in the order in which a connection carries them:
//!
//! ```text
//! client                                 server
//!   Greeting            ------------->              what I can do          (1928, section 3)
//!                       <-------------   MethodSelection   do this         (1928, section 3)
//!   Login               ------------->              only for method 02     (1929, section 2)
//!                       <-------------   LoginStatus                       (1929, section 2)
//!   Request             ------------->              connect me there       (1928, section 4)
//!                       <-------------   Reply             done, or why not (1928, section 6)
//!   payload             <------------>
//! ```
//!
//! A UDP association also has a [`DatagramHeader`] before the payload of every datagram
//! (1928, section 7). An [`Address`] is the same in requests, replies and datagrams.

mod address;
mod datagram;
mod greeting;
mod login;
mod reply;
mod request;

use std::fmt;

pub use crate::wire::login::{LOGIN_VERSION, Login, LoginError};
pub use address::{Address, BadName, Host};
pub use datagram::DatagramHeader;
pub use greeting::{Greeting, Method, MethodSelection};
pub use login::LoginStatus;
pub use reply::{Reply, ReplyCode};
pub use request::{Command, Request};

/// The protocol version, first octet of everything but the sub-negotiation and the datagrams.
pub const VERSION: u8 = 5;

/// Why bytes can't be a SOCKS5 message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Socks5Error {
    /// The message begins with another protocol version than [`VERSION`].
    Version(u8),
    /// The sub-negotiation begins with another version than [`LOGIN_VERSION`].
    Login(LoginError),
    /// ATYP is none of 01, 03 and 04, so where the address ends is unknown.
    AddressType(u8),
    /// A datagram ended inside its header.
    Truncated,
}

impl fmt::Display for Socks5Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Version(got) => {
                write!(f, "the message begins with version {got:#04x} where SOCKS5 has 0x05")
            }
            Self::Login(error) => error.fmt(f),
            Self::AddressType(got) => {
                write!(f, "the address type {got:#04x} is none of 0x01, 0x03 and 0x04")
            }
            Self::Truncated => write!(f, "the datagram ends inside its SOCKS5 header"),
        }
    }
}

impl std::error::Error for Socks5Error {}

impl From<LoginError> for Socks5Error {
    fn from(error: LoginError) -> Self {
        Self::Login(error)
    }
}

/// Holds the first octet of a message against [`VERSION`].
fn check_version(octet: u8) -> Result<(), Socks5Error> {
    if octet == VERSION { Ok(()) } else { Err(Socks5Error::Version(octet)) }
}
