//! Rules: who may come, and where they may go.
//!
//! # A rule is a line
//!
//! ```text
//! RULE  = ("allow" | "deny") " " HOST [":" PORTS]
//! HOST  = "*"                                everything
//!       | ADDRESS ["/" BITS]                 192.0.2.7      192.0.2.0/24
//!       | "[" ADDRESS "]" ["/" BITS]         [2001:db8::7]  [2001:db8::]/32
//!       | NAME                               that name, and none below it
//!       | "*." NAME                          all names below it, and not itself
//! PORTS = PORT or FIRST-LAST, several with commas between them: 80,443,8000-8100
//! ```
//!
//! IPv6 always stands in brackets. Names are ASCII (write others in their `xn--`
//! form); upper and lower case are the same, and so is a dot at the end. It is the
//! same line in the configuration file, the state, json and `socksctl`.
//!
//! # Lists
//!
//! - `clients`: who may connect to SOCKS5 and POP3; addresses only. The management
//!   listeners ask nobody: an admin could lock itself out.
//! - `user:NAME`: where that user may go. It is looked at first; what none of its
//!   rules matches is left to
//! - `targets`: where everybody may go.
//!
//! In each **the first rule that matches wins**, and **what no rule matches is
//! allowed**: a list that is meant to allow some things only ends with `deny *`.
//!
//! # What is looked at
//!
//! The address that is about to be used, its port, and the name in the request if
//! there was one: for every address of a name, every UDP datagram, and for BIND the
//! address of the request and then that of the peer. A rule with a name matches
//! requests with that name and nothing else: who asks for the address instead has
//! to be kept out by a rule with an address. IPv4-mapped addresses are the IPv4
//! addresses that they are, and those of NAT64 are in the ranges of both.
//!
//! # The safe default
//!
//! Clients that are not on loopback themselves don't reach loopback, link-local and
//! unspecified addresses, nor the SOCKS and management ports of this server; see
//! [`SafeDefault`]. A rule lifts it when it allows the *address*, as in
//! `allow 127.0.0.1:3000`; without a port that is the management ports, too. `allow *`
//! and names don't lift it: who owns a name chooses its address.

mod denial;
mod enforce;
mod list;
mod pattern;
mod ports;
mod rule;
mod safe_default;

pub use denial::Denial;
pub(super) use denial::Denials;
pub use enforce::NotAdmitted;
pub use list::{BadRules, RuleChange, RuleList, Rules, UnknownList};
pub use pattern::{BadPattern, Pattern};
pub use ports::{BadPorts, Ports};
pub use rule::{Action, BadRule, Rule};
pub use safe_default::{Protected, SafeDefault};

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use super::Client;

/// An address that is about to be used.
#[derive(Debug, Clone, Copy)]
pub struct Destination<'a> {
    /// The name that was asked for, if it was one.
    pub name: Option<&'a str>,
    /// One of its addresses, or the one that was asked for.
    pub address: SocketAddr,
}

/// The name, if there is one, and the address.
impl fmt::Display for Destination<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name {
            Some(name) => write!(f, "{name}, {}", self.address),
            None => self.address.fmt(f),
        }
    }
}

/// Who asks: from where, and which client.
pub type Asker<'a> = (IpAddr, &'a Client);

/// An address that the rules allow, made by [`Core::may_reach`](super::Core::may_reach)
/// and [`Core::reachable`](super::Core::reachable) only.
#[derive(Debug, Clone, Copy)]
pub struct Allowed(SocketAddr);

impl Allowed {
    /// The address.
    pub fn address(self) -> SocketAddr {
        self.0
    }
}

/// The IPv4 address behind an IPv6 one of NAT64 (RFC 6052, section 2.1: "the
/// Well-Known Prefix 64:ff9b::/96").
fn behind_nat64(address: IpAddr) -> Option<IpAddr> {
    let IpAddr::V6(v6) = address else { return None };
    let [0x64, 0xff9b, 0, 0, 0, 0, high, low] = v6.segments() else { return None };
    Some(Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low)).into())
}
