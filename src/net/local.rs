//! Which of this machine's addresses is the right one.

use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, UdpSocket};

use super::native;

/// Any port does: nothing is sent there (9 is "discard").
const NOWHERE: u16 = 9;

/// The address of this end of a connection, with port 0 to be bound again. An
/// IPv4-mapped one is unmapped; the scope of a link-local one is kept.
///
/// # Errors
/// When the connection is gone.
pub fn end_of(stream: &TcpStream) -> io::Result<SocketAddr> {
    stream.local_addr().map(portless)
}

/// The address from which this machine reaches `ip`, with port 0 to be bound.
///
/// # Errors
/// When there is no route.
pub fn towards(ip: IpAddr) -> io::Result<SocketAddr> {
    let any: IpAddr = match ip {
        IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    // Connecting a datagram socket sends nothing, but chooses the route.
    let probe = UdpSocket::bind((any, 0))?;
    probe.connect((ip, NOWHERE))?;
    probe.local_addr().map(portless)
}

/// Whether what is sent to an address from here may arrive here: it is one of this
/// machine's, since only to those can be bound, or the kernel keeps it without one, or
/// any group may have joined it. When that can't be found out, it is.
pub fn is_here(ip: IpAddr) -> bool {
    let bound = UdpSocket::bind((ip, 0));
    let other = bound.is_err_and(|error| error.kind() == ErrorKind::AddrNotAvailable);
    !other || ip.is_multicast() || native::leads_here(ip)
}

fn portless(mut address: SocketAddr) -> SocketAddr {
    address.set_port(0);
    match address.ip().to_canonical() {
        IpAddr::V4(ip) => SocketAddr::new(ip.into(), 0),
        // The address itself, because it may have a scope.
        IpAddr::V6(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_to_this_machine_begins_on_it() {
        let address = towards(Ipv4Addr::LOCALHOST.into()).unwrap();
        assert_eq!(address, SocketAddr::new(Ipv4Addr::LOCALHOST.into(), 0));
    }

    #[test]
    fn only_addresses_of_this_machine_are_here() {
        assert!(is_here(Ipv4Addr::LOCALHOST.into()));
        // For documentation: RFC 3849. A machine without IPv6 can't go there either.
        let elsewhere = "2001:db8:ffff::1".parse().unwrap();
        assert!(!is_here(elsewhere) || UdpSocket::bind((Ipv6Addr::LOCALHOST, 0)).is_err());
        assert!(!is_here(Ipv4Addr::new(203, 0, 113, 77).into()));
        assert!(is_here(Ipv4Addr::new(224, 0, 1, 1).into()));
    }

    #[test]
    fn a_mapped_address_is_unmapped_and_a_scope_kept() {
        let portless = |text: &str| super::portless(text.parse().unwrap()).to_string();
        assert_eq!(portless("[::ffff:192.0.2.1]:7"), "192.0.2.1:0");
        assert_eq!(portless("[fe80::1%3]:7"), "[fe80::1%3]:0");
    }
}
