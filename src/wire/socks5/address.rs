//! An address and its port (RFC 1928, section 5), the same in requests, replies and datagrams.
//!
//! ```text
//! ATYP 01 | IPv4 address 4                | port 2
//! ATYP 03 | length 1 | name 0 to 255      | port 2     no terminating NUL
//! ATYP 04 | IPv6 address 16               | port 2
//! ```

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::Socks5Error;
use crate::wire::TooLong;
use crate::wire::input::Input;
use crate::wire::output::{put_field, put_u16};

const ATYP_V4: u8 = 0x01;
const ATYP_NAME: u8 = 0x03;
const ATYP_V6: u8 = 0x04;

/// The host part of an [`Address`].
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum Host {
    /// ATYP 01.
    V4(Ipv4Addr),
    /// ATYP 04, as it came: an IPv4-mapped one is still mapped.
    V6(Ipv6Addr),
    /// ATYP 03, 0 to 255 octets as they came. [`Host::parse_name`] says whether it can be a name;
    /// it may hold an IP address in its text form.
    Name(Vec<u8>),
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::V4(ip) => write!(f, "V4({ip})"),
            Self::V6(ip) => write!(f, "V6({ip})"),
            Self::Name(name) => write!(f, "Name(\"{}\")", name.escape_ascii()),
        }
    }
}

impl Host {
    /// The text of a [`Host::Name`] that may be handed to a resolver.
    ///
    /// A resolver in C stops at a NUL, and would resolve another name than the one that the rules
    /// and the log have seen; that is why control characters never get there. Nor does `\`: to
    /// the C library of Linux `ex\097mple.org` is another way to write `example.org`.
    ///
    /// # Errors
    ///
    /// [`BadName`] says why it can't be one.
    pub fn parse_name(name: &[u8]) -> Result<&str, BadName> {
        if name.is_empty() {
            return Err(BadName::Empty);
        }
        if let Some(control) = name.iter().copied().find(u8::is_ascii_control) {
            return Err(BadName::Control(control));
        }
        if name.contains(&b' ') {
            return Err(BadName::Space);
        }
        if name.contains(&b'\\') {
            return Err(BadName::Backslash);
        }
        str::from_utf8(name).map_err(|_| BadName::NotUtf8)
    }
}

/// For logs: IPv6 without brackets; in a name every octet that is not printable ASCII, and `\`,
/// `'` and `"`, are escaped, so that no peer forges a line.
impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Host::V4(ip) => ip.fmt(f),
            Host::V6(ip) => ip.fmt(f),
            Host::Name(name) => name.escape_ascii().fmt(f),
        }
    }
}

/// IPv4-mapped IPv6 addresses become the IPv4 address that they are.
impl From<IpAddr> for Host {
    fn from(ip: IpAddr) -> Self {
        match ip.to_canonical() {
            IpAddr::V4(ip) => Host::V4(ip),
            IpAddr::V6(ip) => Host::V6(ip),
        }
    }
}

/// Why a [`Host::Name`] can't be a host's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BadName {
    /// No octet at all.
    Empty,
    /// This control character is in it: 00-1F or 7F.
    Control(u8),
    /// A space is in it.
    Space,
    /// A backslash is in it.
    Backslash,
    /// It is not UTF-8.
    NotUtf8,
}

impl fmt::Display for BadName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BadName::Empty => write!(f, "the host name is empty"),
            BadName::Control(octet) => {
                write!(f, "the host name holds the control character {octet:#04x}")
            }
            BadName::Space => write!(f, "the host name holds a space"),
            BadName::Backslash => write!(f, "the host name holds a backslash"),
            BadName::NotUtf8 => write!(f, "the host name is not UTF-8"),
        }
    }
}

impl std::error::Error for BadName {}

/// Where to, or who.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Address {
    /// The host.
    pub host: Host,
    /// The TCP or UDP port, 0 to 65535.
    pub port: u16,
}

impl Address {
    /// The longest address with its type and port: a name of 255 octets.
    pub const LEN_MAX: usize = 259;

    /// 0.0.0.0:0, the address of a reply that has none to tell.
    pub const UNSPECIFIED: Address = Address { host: Host::V4(Ipv4Addr::UNSPECIFIED), port: 0 };

    /// Whether the host fits its field; a decoded one always does.
    ///
    /// # Errors
    ///
    /// For a name over 255 octets.
    pub fn check(&self) -> Result<(), TooLong> {
        match &self.host {
            Host::Name(name) => TooLong::check("host name", name),
            Host::V4(_) | Host::V6(_) => Ok(()),
        }
    }

    /// Reads ATYP, address and port; `Ok(None)` when they are not all there.
    pub(super) fn read(input: &mut Input<'_>) -> Result<Option<Address>, Socks5Error> {
        let Some(address_type) = input.u8() else {
            return Ok(None);
        };
        let host = match address_type {
            ATYP_V4 => input.array::<4>().map(|octets| Host::V4(octets.into())),
            ATYP_V6 => input.array::<16>().map(|octets| Host::V6(octets.into())),
            // "The first octet of the address field contains the number of octets of name that
            // follow, there is no terminating NUL octet."
            ATYP_NAME => input.field().map(Host::Name),
            unknown => return Err(Socks5Error::AddressType(unknown)),
        };
        let (Some(host), Some(port)) = (host, input.u16()) else {
            return Ok(None);
        };
        Ok(Some(Address { host, port }))
    }

    /// Appends ATYP, address and port to `out`.
    ///
    /// # Panics
    ///
    /// When [`Address::check`] fails.
    pub fn encode(&self, out: &mut Vec<u8>) {
        match &self.host {
            Host::V4(ip) => {
                out.push(ATYP_V4);
                out.extend_from_slice(&ip.octets());
            }
            Host::V6(ip) => {
                out.push(ATYP_V6);
                out.extend_from_slice(&ip.octets());
            }
            Host::Name(name) => {
                out.push(ATYP_NAME);
                put_field(out, name);
            }
        }
        put_u16(out, self.port);
    }
}

/// IPv4-mapped IPv6 addresses become the IPv4 address that they are; a scope is not kept.
impl From<SocketAddr> for Address {
    fn from(address: SocketAddr) -> Self {
        Address { host: address.ip().into(), port: address.port() }
    }
}

/// For logs: `host:port`, with brackets around IPv6, escaped as [`Host`] is.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            Host::V6(ip) => write!(f, "[{ip}]:{}", self.port),
            host => write!(f, "{host}:{}", self.port),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn displays_for_logs_without_control_bytes() {
        let shown = |host| Address { host, port: 80 }.to_string();
        assert_eq!(shown(Host::V4(Ipv4Addr::LOCALHOST)), "127.0.0.1:80");
        assert_eq!(shown(Host::V6(Ipv6Addr::LOCALHOST)), "[::1]:80");
        assert_eq!(shown(Host::Name(b"example.org".to_vec())), "example.org:80");
        assert_eq!(
            shown(Host::Name(b"a\r\n\0b\xc3\xa9\x7f\\".to_vec())),
            r"a\r\n\x00b\xc3\xa9\x7f\\:80"
        );
        assert_eq!(Host::V6(Ipv6Addr::LOCALHOST).to_string(), "::1");
    }

    #[test]
    fn socket_addresses_are_unmapped() {
        let from = |text: &str| Address::from(text.parse::<SocketAddr>().unwrap());
        let v4 = Host::V4(Ipv4Addr::new(192, 0, 2, 1));
        assert_eq!(from("192.0.2.1:7").host, v4);
        assert_eq!(from("[::ffff:192.0.2.1]:7").host, v4);
        assert_eq!(from("[::1]:7").host, Host::V6(Ipv6Addr::LOCALHOST));
        assert_eq!(from("[::1]:7").port, 7);
    }

    #[test]
    fn a_name_must_be_one() {
        assert_eq!(Host::parse_name(b"example.org"), Ok("example.org"));
        assert_eq!(Host::parse_name("bücher.example".as_bytes()), Ok("bücher.example"));
        assert_eq!(Host::parse_name(b"::1"), Ok("::1"));
        assert_eq!(Host::parse_name(b""), Err(BadName::Empty));
        assert_eq!(Host::parse_name(b"a b"), Err(BadName::Space));
        assert_eq!(Host::parse_name(b"ex\\097mple.org"), Err(BadName::Backslash));
        assert_eq!(Host::parse_name(b"a\xff"), Err(BadName::NotUtf8));
        for control in (0..0x20).chain([0x7f]) {
            let name = [b'a', control, b'b'];
            assert_eq!(Host::parse_name(&name), Err(BadName::Control(control)));
        }
    }

    #[test]
    fn an_unknown_type_is_told_before_the_address() {
        for unknown in (0..=255).filter(|t| ![1, 3, 4].contains(t)) {
            assert_eq!(
                Address::read(&mut Input::new(&[unknown])),
                Err(Socks5Error::AddressType(unknown))
            );
        }
    }

    #[test]
    fn the_longest_address_is_as_long_as_said() {
        let mut address = Address { host: Host::Name(vec![b'n'; 255]), port: 1 };
        let mut out = Vec::new();
        address.encode(&mut out);
        assert_eq!(out.len(), Address::LEN_MAX);
        assert_eq!(address.check(), Ok(()));
        address.host = Host::Name(vec![b'n'; 256]);
        assert_eq!(address.check().map_err(|e| e.octets), Err(256));
    }
}
