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
    let name = match &destination.host {
        Host::V4(ip) => return Ok(vec![SocketAddr::new((*ip).into(), port)]),
        Host::V6(ip) => return Ok(vec![SocketAddr::new(IpAddr::V6(*ip).to_canonical(), port)]),
        Host::Name(name) => name,
    };
    // An embedded NUL or the like would be resolved up to it, a way around rules.
    let text = Host::parse_name(name).map_err(|_| Failure::NameNotFound)?;
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    if let Ok(ip) = bare.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(ip.to_canonical(), port)]);
    }
    dial::resolve(pool, text, port, deadline)
}
