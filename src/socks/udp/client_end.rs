//! From where the client sends its datagrams, and where its answers go.

use std::net::{IpAddr, SocketAddr};

use crate::socks::target::Target;
use crate::wire::socks5::Address;

/// The one endpoint whose datagrams are relayed, as far as it is known.
#[derive(Debug)]
pub struct ClientEnd {
    ip: IpAddr,
    /// The only port from now on.
    port: Option<u16>,
    /// As the system gives it, with a scope where there is one.
    address: Option<SocketAddr>,
}

impl ClientEnd {
    /// The client of a control connection from `ip`, and what its request says.
    ///
    /// "The DST.ADDR and DST.PORT fields contain the address and port that the
    /// client expects to use to send UDP datagrams on for the association. The
    /// server MAY use this information to limit access to the association." It is
    /// used when the address is the one that we see: then nothing between us
    /// translates addresses, nor ports. An all zero address proves nothing, and
    /// there the first valid datagram decides.
    pub fn new(ip: IpAddr, announced: &Address) -> Self {
        let ip = ip.to_canonical();
        let same = Target::of(&announced.host) == Ok(Target::Ip(ip));
        let port = (same && announced.port != 0).then_some(announced.port);
        Self { ip, port, address: None }
    }

    /// Whether a datagram from there may be the client's: "The SOCKS server ...
    /// MUST drop any datagrams arriving from any source IP address other than the
    /// one recorded for the particular association."
    pub fn may_be(&self, from: SocketAddr) -> bool {
        from.ip().to_canonical() == self.ip && self.port.is_none_or(|port| port == from.port())
    }

    /// Settles on where a valid datagram came from.
    pub fn settle_on(&mut self, from: SocketAddr) {
        self.port = Some(from.port());
        self.address = Some(from);
    }

    /// Where answers go, once the client has sent something.
    pub fn address(&self) -> Option<SocketAddr> {
        self.address
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn end(announced: &str) -> ClientEnd {
        let announced: SocketAddr = announced.parse().unwrap();
        ClientEnd::new("192.0.2.1".parse().unwrap(), &announced.into())
    }

    fn from(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    #[test]
    fn the_first_valid_datagram_settles_the_port() {
        let mut end = end("0.0.0.0:0");
        assert!(end.may_be(from("192.0.2.1:5")) && end.may_be(from("[::ffff:192.0.2.1]:6")));
        assert!(!end.may_be(from("192.0.2.2:5")));
        assert_eq!(end.address(), None);
        end.settle_on(from("192.0.2.1:5"));
        assert!(end.may_be(from("192.0.2.1:5")) && !end.may_be(from("192.0.2.1:6")));
        assert_eq!(end.address(), Some(from("192.0.2.1:5")));
    }

    #[test]
    fn a_port_of_the_address_that_we_see_is_believed() {
        let exact = end("192.0.2.1:5");
        assert!(exact.may_be(from("192.0.2.1:5")) && !exact.may_be(from("192.0.2.1:6")));
        for unproven in ["0.0.0.0:5", "[::]:5", "10.0.0.1:5", "192.0.2.1:0"] {
            assert!(end(unproven).may_be(from("192.0.2.1:6")), "{unproven}");
        }
    }
}
