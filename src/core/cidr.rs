//! Ranges of addresses in CIDR notation (RFC 4632, section 3.1; RFC 4291,
//! section 2.3).

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// A range of addresses: `192.0.2.0/24`, `2001:db8::/32`, or one address alone.
/// IPv4-mapped IPv6 addresses count as the IPv4 addresses they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Cidr {
    network: IpAddr,
    prefix: u8,
}

/// Why a text is no [`Cidr`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BadCidr {
    /// No address, or no length behind the slash.
    Syntax,
    /// A length beyond that of the address, in bits.
    Prefix(u8),
    /// Bits behind the prefix are set: this range was meant, or a longer prefix.
    HostBits(Cidr),
}

impl fmt::Display for BadCidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Syntax => f.write_str("write ADDRESS or ADDRESS/BITS, such as 192.0.2.0/24"),
            Self::Prefix(longest) => write!(f, "the address has {longest} bits, no more"),
            Self::HostBits(meant) => {
                write!(f, "there are bits set behind the prefix: the range is {meant}")
            }
        }
    }
}

impl std::error::Error for BadCidr {}

impl Cidr {
    /// The range of the addresses that share the first `prefix` bits with this one.
    ///
    /// # Errors
    /// [`BadCidr`] when the prefix is too long or other bits are set.
    pub fn new(address: IpAddr, prefix: u8) -> Result<Self, BadCidr> {
        let longest = bits(address);
        if prefix > longest {
            return Err(BadCidr::Prefix(longest));
        }
        let meant = Self { network: masked(address, prefix), prefix };
        if meant.network == address { Ok(meant) } else { Err(BadCidr::HostBits(meant)) }
    }

    /// Whether an address is in the range.
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        address.is_ipv4() == self.network.is_ipv4() && masked(address, self.prefix) == self.network
    }
}

fn bits(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

/// The address with all bits behind the prefix cleared.
fn masked(address: IpAddr, prefix: u8) -> IpAddr {
    let prefix = u32::from(prefix);
    match address {
        IpAddr::V4(v4) => {
            let mask = u32::MAX.checked_shl(32 - prefix).unwrap_or(0);
            Ipv4Addr::from_bits(v4.to_bits() & mask).into()
        }
        IpAddr::V6(v6) => {
            let mask = u128::MAX.checked_shl(128 - prefix).unwrap_or(0);
            Ipv6Addr::from_bits(v6.to_bits() & mask).into()
        }
    }
}

impl FromStr for Cidr {
    type Err = BadCidr;

    fn from_str(text: &str) -> Result<Self, BadCidr> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| BadCidr::Syntax)?;
        let prefix = match prefix {
            None => bits(address),
            // "+8" and "08" are numbers, but no prefixes.
            Some(digits) => {
                let number = digits.parse::<u8>().ok();
                number.filter(|n| n.to_string() == digits).ok_or(BadCidr::Syntax)?
            }
        };
        // A mapped range is the IPv4 range that it means.
        match (address, address.to_canonical()) {
            (IpAddr::V6(_), canonical @ IpAddr::V4(_)) if prefix >= 96 => {
                Self::new(canonical, prefix - 96)
            }
            _ => Self::new(address, prefix),
        }
    }
}

impl fmt::Display for Cidr {
    /// An address alone without its prefix.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.prefix == bits(self.network) {
            write!(f, "{}", self.network)
        } else {
            write!(f, "{}/{}", self.network, self.prefix)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contains(range: &str, address: &str) -> bool {
        range.parse::<Cidr>().unwrap().contains(address.parse().unwrap())
    }

    #[test]
    fn a_range_holds_what_shares_its_prefix() {
        assert!(contains("192.0.2.0/24", "192.0.2.255") && !contains("192.0.2.0/24", "192.0.3.0"));
        assert!(contains("0.0.0.0/0", "255.255.255.255") && !contains("0.0.0.0/0", "::1"));
        assert!(contains("::/0", "::1") && !contains("::/0", "127.0.0.1"));
        assert!(contains("fe80::/10", "febf::1") && !contains("fe80::/10", "fec0::"));
        assert!(contains("192.0.2.7", "192.0.2.7") && !contains("192.0.2.7", "192.0.2.6"));
    }

    #[test]
    fn mapped_addresses_are_ipv4() {
        assert!(contains("127.0.0.0/8", "::ffff:127.0.0.1"));
        assert!(contains("::ffff:127.0.0.0/104", "127.0.0.1"));
        assert!(!contains("::/0", "::ffff:127.0.0.1"));
    }

    #[test]
    fn a_range_reads_as_it_shows() {
        for text in ["192.0.2.0/24", "0.0.0.0/0", "192.0.2.1", "2001:db8::/32", "::1", "::/0"] {
            assert_eq!(text.parse::<Cidr>().unwrap().to_string(), text);
        }
        assert_eq!("192.0.2.1/32".parse::<Cidr>().unwrap().to_string(), "192.0.2.1");
    }

    #[test]
    fn what_is_no_range_says_why() {
        for text in ["", "/", "x/8", "192.0.2.0/", "192.0.2.0/+8", "192.0.2.0/08", "1.2.3/8"] {
            assert_eq!(text.parse::<Cidr>(), Err(BadCidr::Syntax), "{text}");
        }
        assert_eq!("192.0.2.0/33".parse::<Cidr>(), Err(BadCidr::Prefix(32)));
        assert_eq!("::/129".parse::<Cidr>(), Err(BadCidr::Prefix(128)));
        let why = "192.0.2.7/24".parse::<Cidr>().unwrap_err().to_string();
        assert!(why.ends_with("the range is 192.0.2.0/24"), "{why}");
    }
}
