//! The addresses of this machine from which connections and datagrams leave.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, TcpListener};

/// For each address family the one to leave from, where it is not left to the system.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sources {
    v4: Option<Ipv4Addr>,
    v6: Option<Ipv6Addr>,
}

/// Why addresses make no [`Sources`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BadSources {
    /// Nothing can leave from there: it means any address, or many hosts.
    Unusable(IpAddr),
    /// There are two of a family.
    Twice(IpAddr),
}

impl fmt::Display for BadSources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unusable(ip) => {
                write!(f, "{ip} is no address of one machine, name one of this machine's")
            }
            Self::Twice(ip) => {
                write!(f, "{ip} is the second of its family, give one of IPv4 and one of IPv6")
            }
        }
    }
}

impl std::error::Error for BadSources {}

impl Sources {
    /// Everything is left to the system.
    pub const ANY: Self = Self { v4: None, v6: None };

    /// At most one address of each family.
    ///
    /// # Errors
    /// [`BadSources`] names the address that is one too many, or none to leave from.
    pub fn new(addresses: &[IpAddr]) -> Result<Self, BadSources> {
        let mut sources = Self::ANY;
        for address in addresses {
            let address = address.to_canonical();
            let broadcast = address == IpAddr::V4(Ipv4Addr::BROADCAST);
            if address.is_unspecified() || address.is_multicast() || broadcast {
                return Err(BadSources::Unusable(address));
            }
            let earlier = match address {
                IpAddr::V4(ip) => sources.v4.replace(ip).is_some(),
                IpAddr::V6(ip) => sources.v6.replace(ip).is_some(),
            };
            if earlier {
                return Err(BadSources::Twice(address));
            }
        }
        Ok(sources)
    }

    /// Where what goes to `ip` leaves from; `None`: the system chooses. IPv4-mapped
    /// addresses are IPv4.
    pub fn towards(&self, ip: IpAddr) -> Option<IpAddr> {
        match ip.to_canonical() {
            IpAddr::V4(_) => self.v4.map(IpAddr::V4),
            IpAddr::V6(_) => self.v6.map(IpAddr::V6),
        }
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = IpAddr> {
        let (v4, v6) = (self.v4.map(IpAddr::V4), self.v6.map(IpAddr::V6));
        v4.into_iter().chain(v6)
    }

    /// Tries whether all of them are this machine's.
    ///
    /// # Errors
    /// The first that is not, and what the system says.
    pub fn check(&self) -> Result<(), (IpAddr, io::Error)> {
        self.iter().try_for_each(|ip| match TcpListener::bind((ip, 0)) {
            Ok(_) => Ok(()),
            Err(error) => Err((ip, error)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sources(list: &[&str]) -> Result<Sources, BadSources> {
        let addresses: Vec<IpAddr> = list.iter().map(|ip| ip.parse().unwrap()).collect();
        Sources::new(&addresses)
    }

    #[test]
    fn each_family_has_its_own() {
        let both = sources(&["2001:db8::1", "::ffff:192.0.2.1"]).unwrap();
        let (v4, v6): (IpAddr, IpAddr) = ([192, 0, 2, 1].into(), "2001:db8::1".parse().unwrap());
        assert_eq!(both.towards([198, 51, 100, 1].into()), Some(v4));
        assert_eq!(both.towards("2001:db8::9".parse().unwrap()), Some(v6));
        assert_eq!(both.iter().collect::<Vec<_>>(), [v4, v6]);
        assert_eq!(both.towards("::ffff:198.51.100.1".parse().unwrap()), Some(v4));
        assert_eq!(sources(&["192.0.2.1"]).unwrap().towards(v6), None);
        assert_eq!(sources(&[]), Ok(Sources::ANY));
    }

    #[test]
    fn what_can_not_be_a_source_is_named() {
        for bad in ["0.0.0.0", "::", "224.0.0.1", "ff02::1", "255.255.255.255"] {
            assert_eq!(sources(&[bad]), Err(BadSources::Unusable(bad.parse().unwrap())));
        }
        let twice = sources(&["192.0.2.1", "192.0.2.2"]);
        assert_eq!(twice, Err(BadSources::Twice([192, 0, 2, 2].into())));
    }

    #[test]
    fn only_addresses_of_this_machine_pass() {
        assert!(sources(&["127.0.0.1"]).unwrap().check().is_ok());
        let elsewhere = sources(&["127.0.0.1", "2001:db8::1"]).unwrap();
        assert_eq!(elsewhere.check().unwrap_err().0, "2001:db8::1".parse::<IpAddr>().unwrap());
    }
}
