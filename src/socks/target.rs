//! From the address in a request to addresses that can be connected to.

use std::net::{IpAddr, SocketAddr};
use std::time::Instant;

use crate::net::dial;
use crate::net::failure::Failure;
use crate::net::pool::Pool;
use crate::wire::socks5::{Address, Host};

/// The addresses of a destination, in the order to try them.
///
/// # Errors
/// A name that can't be one, or has no address, is [`Failure::NameNotFound`].
pub fn resolve(
    pool: &Pool,
    destination: &Address,
    deadline: Instant,
) -> Result<Vec<SocketAddr>, Failure> {
    let port = destination.port;
    match Target::of(&destination.host)? {
        Target::Ip(ip) => Ok(vec![SocketAddr::new(ip, port)]),
        Target::Name(name) => dial::resolve(pool, name, port, deadline),
    }
}

/// What the host of a request means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target<'a> {
    /// An address, IPv4-mapped ones unmapped.
    Ip(IpAddr),
    /// A name that may be resolved.
    Name(&'a str),
}

impl<'a> Target<'a> {
    /// The meaning of a host; a name may hold an address in its text form.
    ///
    /// # Errors
    /// A name that can't be one is [`Failure::NameNotFound`].
    pub fn of(host: &'a Host) -> Result<Self, Failure> {
        let name = match host {
            Host::V4(ip) => return Ok(Self::Ip((*ip).into())),
            Host::V6(ip) => return Ok(Self::Ip(IpAddr::V6(*ip).to_canonical())),
            Host::Name(name) => name,
        };
        // An embedded NUL or the like would be resolved up to it, a way around rules.
        let text = Host::parse_name(name).map_err(|_| Failure::NameNotFound)?;
        let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
        Ok(match bare.parse::<IpAddr>() {
            Ok(ip) => Self::Ip(ip.to_canonical()),
            Err(_) => Self::Name(text),
        })
    }
}
