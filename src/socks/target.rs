//! From the address in a request to addresses that may be connected to.

use std::net::{IpAddr, SocketAddr};
use std::time::Instant;

use super::service::Service;
use crate::core::{Client, Connection, Destination};
use crate::net::dial;
use crate::net::failure::Failure;
use crate::wire::socks5::{Address, Host};

/// Who asks: a client and its connection.
pub type Asker<'a> = (&'a Connection, &'a Client);

/// The addresses of a destination that the rules allow, in the order to try them.
///
/// # Errors
/// A name that can't be one, or has no address, is [`Failure::NameNotFound`]; when
/// none of its addresses is allowed it is [`Failure::Forbidden`]. A name that the
/// rules deny whatever its address is not looked up.
pub fn resolve(
    service: &Service,
    (connection, client): Asker<'_>,
    destination: &Address,
    deadline: Instant,
) -> Result<Vec<SocketAddr>, Failure> {
    let (core, port) = (&service.core, destination.port);
    let (name, mut found) = match Target::of(&destination.host)? {
        Target::Ip(ip) => (None, vec![SocketAddr::new(ip, port)]),
        Target::Name(name) if !core.may_ask_for(connection, client, Some(name), Some(port)) => {
            return Err(Failure::Forbidden);
        }
        Target::Name(name) => (Some(name), dial::resolve(&service.pool, name, port, deadline)?),
    };
    found.retain(|address| {
        core.may_reach(connection, client, &Destination { name, address: *address })
    });
    if found.is_empty() { Err(Failure::Forbidden) } else { Ok(found) }
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
