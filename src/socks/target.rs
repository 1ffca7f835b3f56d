//! From the address in a request to addresses that may be connected to.

use std::net::{IpAddr, SocketAddr};
use std::time::Instant;

use super::service::Service;
use crate::core::rules::Allowed;
use crate::core::{Asker, Destination};
use crate::net::dial;
use crate::net::failure::Failure;
use crate::wire::socks5::{Address, Host};

/// The addresses of a destination that the rules allow, in the order to try them.
///
/// # Errors
/// A name that can't be one, or has no address, is [`Failure::NameNotFound`]; when
/// none of its addresses is allowed it is [`Failure::Forbidden`]. A name that the
/// rules deny whatever its address is not looked up.
pub fn resolve(
    service: &Service,
    asker: Asker<'_>,
    destination: &Address,
    deadline: Instant,
) -> Result<Vec<SocketAddr>, Failure> {
    let (core, port) = (&service.core, destination.port);
    let allowed = match Target::of(&destination.host)? {
        Target::Ip(ip) => {
            let to = Destination { name: None, address: SocketAddr::new(ip, port) };
            core.may_reach(asker, to).into_iter().collect()
        }
        Target::Name(name) if !core.may_ask_for(asker, Some(name), Some(port)) => Vec::new(),
        Target::Name(name) => {
            let found = dial::resolve(&service.pool, name, port, deadline)?;
            core.reachable(asker, name, &found)
        }
    };
    if allowed.is_empty() {
        return Err(Failure::Forbidden);
    }
    Ok(allowed.into_iter().map(Allowed::address).collect())
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
