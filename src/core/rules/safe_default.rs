//! The safe default: what clients don't reach that are not on loopback themselves,
//! unless a rule allows the address.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use super::behind_nat64;

/// What the safe default protects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protected {
    /// 127.0.0.0/8 and ::1.
    Loopback,
    /// 169.254.0.0/16 and fe80::/10, and the multicast that stays on a link or a
    /// machine: 224.0.0.0/24, and the scopes 1 and 2 of ff00::/8.
    LinkLocal,
    /// 0.0.0.0/8 ("this network", RFC 1122, section 3.2.1.3) and ::.
    Unspecified,
    /// The SOCKS and management ports of this server.
    OwnPort,
}

impl fmt::Display for Protected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Loopback => "loopback",
            Self::LinkLocal => "link-local",
            Self::Unspecified => "unspecified address",
            Self::OwnPort => "own port",
        })
    }
}

impl Protected {
    /// Whether an address is protected, whatever the port.
    pub(super) fn address(ip: IpAddr) -> Option<Self> {
        let ip = ip.to_canonical();
        let behind = behind_nat64(ip).and_then(Self::address);
        behind.or(match ip {
            ip if ip.is_loopback() => Some(Self::Loopback),
            IpAddr::V4(v4) => match v4.octets() {
                [0, ..] => Some(Self::Unspecified),
                [169, 254, ..] | [224, 0, 0, _] => Some(Self::LinkLocal),
                _ => None,
            },
            IpAddr::V6(v6) => match v6.segments() {
                [0, 0, 0, 0, 0, 0, 0, 0] => Some(Self::Unspecified),
                [0xfe80..=0xfebf, ..] => Some(Self::LinkLocal),
                // Its scope, whatever its flags (RFC 4291, section 2.7).
                [first, ..] if matches!(first & 0xff0f, 0xff01 | 0xff02) => Some(Self::LinkLocal),
                _ => None,
            },
        })
    }
}

/// Says whether an address is one of this machine's.
type IsHere = Box<dyn Fn(IpAddr) -> bool + Send + Sync>;

/// The listeners that are protected, wherever this machine can be reached.
pub struct SafeDefault {
    listeners: Vec<SocketAddr>,
    is_here: IsHere,
}

impl SafeDefault {
    /// Protects these listeners; one on an unspecified address at all addresses for
    /// which `is_here` holds. It is asked about the right ports only.
    pub fn new(
        listeners: impl IntoIterator<Item = SocketAddr>,
        is_here: impl Fn(IpAddr) -> bool + Send + Sync + 'static,
    ) -> Self {
        Self { listeners: listeners.into_iter().collect(), is_here: Box::new(is_here) }
    }

    /// Whether one of the listeners is there.
    pub(super) fn is_own(&self, to: SocketAddr) -> bool {
        let ip = to.ip().to_canonical();
        let ip = behind_nat64(ip).unwrap_or(ip);
        self.listeners.iter().any(|listener| {
            let own = listener.ip().to_canonical();
            listener.port() == to.port()
                && (own == ip || own.is_unspecified() && (self.is_here)(ip))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_near_is_protected() {
        use Protected::{LinkLocal, Loopback, Unspecified};
        for (address, expected) in [
            ("127.0.0.1", Some(Loopback)),
            ("127.255.255.255", Some(Loopback)),
            ("::1", Some(Loopback)),
            ("::ffff:127.0.0.1", Some(Loopback)),
            ("64:ff9b::7f00:1", Some(Loopback)),
            ("169.254.169.254", Some(LinkLocal)),
            ("64:ff9b::a9fe:a9fe", Some(LinkLocal)),
            ("fe80::1", Some(LinkLocal)),
            ("febf:ffff::1", Some(LinkLocal)),
            ("224.0.0.251", Some(LinkLocal)),
            ("ff02::fb", Some(LinkLocal)),
            ("ff11::1", Some(LinkLocal)),
            ("ff32::8000:1", Some(LinkLocal)),
            ("ff35::1", None),
            ("0.0.0.0", Some(Unspecified)),
            ("::ffff:0.0.0.0", Some(Unspecified)),
            ("::", Some(Unspecified)),
            ("128.0.0.1", None),
            ("126.255.255.255", None),
            ("169.253.0.1", None),
            ("10.0.0.1", None),
            ("fec0::1", None),
            ("::2", None),
            ("2001:db8::1", None),
            ("ff0e::1", None),
        ] {
            assert_eq!(Protected::address(address.parse().unwrap()), expected, "{address}");
        }
    }

    #[test]
    fn own_ports_are_protected_where_they_can_be_reached() {
        let listeners = ["192.0.2.1:1", "0.0.0.0:2", "[::]:3"].map(|at| at.parse().unwrap());
        let here: [IpAddr; 2] = ["192.0.2.2".parse().unwrap(), "2001:db8::2".parse().unwrap()];
        let default = SafeDefault::new(listeners, move |ip| here.contains(&ip));
        let is_own = |to: &str| default.is_own(to.parse().unwrap());
        assert!(is_own("192.0.2.1:1") && is_own("[::ffff:192.0.2.1]:1"));
        assert!(is_own("[64:ff9b::c000:201]:1"));
        assert!(!is_own("192.0.2.2:1") && !is_own("192.0.2.1:4") && !is_own("192.0.2.1:2"));
        for port in [2, 3] {
            assert!(is_own(&format!("192.0.2.2:{port}")), "{port}");
            assert!(is_own(&format!("[2001:db8::2]:{port}")), "{port}");
            assert!(!is_own(&format!("192.0.2.3:{port}")), "{port}");
        }
        assert!(!is_own("192.0.2.2:4"));
    }
}
