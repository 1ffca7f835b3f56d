//! Why a connection can't be made, told apart from the system's error.

use std::fmt;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;

/// What kept a connection from being made. The order is how much it tells about
/// the target: with several addresses tried, the greatest is reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Failure {
    /// This machine has no route of that kind at all: no such address family.
    FamilyUnavailable,
    /// Something that has no better name.
    Other,
    /// This machine is short of descriptors, threads, ports or memory.
    Shortage,
    /// The name has no address.
    NameNotFound,
    /// There is no route to the network.
    NetworkUnreachable,
    /// Nothing answered in time.
    TimedOut,
    /// A router says that the host does not answer.
    HostUnreachable,
    /// This machine's rules forbid it.
    Forbidden,
    /// The host is there and does not want it.
    Refused,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::FamilyUnavailable => "this machine can't use that address family",
            Self::Other => "it failed",
            Self::Shortage => "this machine is short of descriptors, threads or ports",
            Self::NameNotFound => "the name has no address",
            Self::NetworkUnreachable => "the network is unreachable",
            Self::TimedOut => "nothing answered in time",
            Self::HostUnreachable => "the host is unreachable",
            Self::Forbidden => "this machine's rules forbid it",
            Self::Refused => "the connection was refused",
        })
    }
}

impl Failure {
    /// Tells apart why connecting to `address` failed.
    pub fn of(error: &io::Error, address: SocketAddr) -> Self {
        if is_shortage(error) {
            return Self::Shortage;
        }
        match error.kind() {
            ErrorKind::ConnectionRefused | ErrorKind::ConnectionReset => Self::Refused,
            ErrorKind::TimedOut | ErrorKind::WouldBlock => Self::TimedOut,
            ErrorKind::HostUnreachable => Self::HostUnreachable,
            ErrorKind::NetworkUnreachable | ErrorKind::NetworkDown => Self::NetworkUnreachable,
            ErrorKind::PermissionDenied => Self::Forbidden,
            // Without IPv6 there is no local address to connect from; with IPv4
            // it means that all local ports are taken.
            ErrorKind::AddrNotAvailable if address.is_ipv6() => Self::FamilyUnavailable,
            ErrorKind::AddrNotAvailable => Self::Shortage,
            _ if is_family_unavailable(error) => Self::FamilyUnavailable,
            _ => Self::Other,
        }
    }
}

/// Whether the process or the system has run out of descriptors or memory, which
/// passes when something else ends.
pub fn is_shortage(error: &io::Error) -> bool {
    // ENFILE 23, EMFILE 24 and ENOMEM 12 on every Unix; ENOBUFS differs.
    const UNIX: [i32; 5] = [12, 23, 24, 55, 105];
    // WSAEMFILE, WSAENOBUFS.
    const WINDOWS: [i32; 2] = [10024, 10055];
    let codes: &[i32] = if cfg!(windows) { &WINDOWS } else { &UNIX };
    error.raw_os_error().is_some_and(|code| codes.contains(&code))
        || error.kind() == ErrorKind::OutOfMemory
}

fn is_family_unavailable(error: &io::Error) -> bool {
    // EAFNOSUPPORT on Linux, on the BSDs and macOS, on Windows.
    let code = if cfg!(windows) {
        10047
    } else if cfg!(target_os = "linux") {
        97
    } else {
        47
    };
    error.raw_os_error() == Some(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_informative_failure_is_the_greatest() {
        let tried = [Failure::FamilyUnavailable, Failure::Refused, Failure::TimedOut];
        assert_eq!(tried.into_iter().max(), Some(Failure::Refused));
        let tried = [Failure::NetworkUnreachable, Failure::TimedOut];
        assert_eq!(tried.into_iter().max(), Some(Failure::TimedOut));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn system_errors_have_their_meaning() {
        let (v4, v6) = ("192.0.2.1:1".parse().unwrap(), "[2001:db8::1]:1".parse().unwrap());
        let of = |code, address| Failure::of(&io::Error::from_raw_os_error(code), address);
        assert_eq!(of(111, v4), Failure::Refused);
        assert_eq!(of(110, v4), Failure::TimedOut);
        assert_eq!(of(101, v4), Failure::NetworkUnreachable);
        assert_eq!(of(113, v4), Failure::HostUnreachable);
        assert_eq!(of(24, v4), Failure::Shortage);
        assert_eq!(of(97, v6), Failure::FamilyUnavailable);
        assert_eq!(of(99, v6), Failure::FamilyUnavailable);
        assert_eq!(of(99, v4), Failure::Shortage);
        assert_eq!(of(13, v4), Failure::Forbidden);
    }
}
