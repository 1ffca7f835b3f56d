//! What the kernel does with datagrams and connections to an address: whether it keeps them,
//! asked over rtnetlink(7). An address need not be on an interface for that: there are local
//! routes to whole networks, and anycast.
//!
//! ```text
//! MESSAGE:  LENGTH 4 | TYPE 2 | FLAGS 2 | SEQUENCE 4 | PORT 4 | ROUTE | ATTRIBUTE...
//! ROUTE:    FAMILY 1 | BITS OF DESTINATION 1 | 5 octets | TYPE 1 | FLAGS 4
//! ATTRIBUTE:  LENGTH 2 | TYPE 2 | the destination 4/16
//! ```
//!
//! All in the order of octets of the machine.

use std::io;
use std::net::IpAddr;

use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, recv, send, socket_with,
};

/// The octets of a message before what its type has.
const HEADER: usize = 16;
/// The octets of a route before its attributes.
const ROUTE: usize = 12;
/// Where a route has its type.
const ROUTE_TYPE: usize = HEADER + 7;

const RTM_NEWROUTE: u16 = 24;
const RTM_GETROUTE: u16 = 26;
const NLM_F_REQUEST: u16 = 1;
const RTA_DST: u16 = 1;

const RTN_LOCAL: u8 = 2;
const RTN_BROADCAST: u8 = 3;
const RTN_ANYCAST: u8 = 4;

/// Whether what is sent there from here arrives here, if nowhere else.
///
/// # Errors
/// When the kernel can't be asked.
pub fn leads_here(ip: IpAddr) -> io::Result<bool> {
    // The protocol 0 is NETLINK_ROUTE.
    let socket = socket_with(AddressFamily::NETLINK, SocketType::RAW, SocketFlags::CLOEXEC, None)?;
    send(&socket, &question(ip), SendFlags::empty())?;
    let mut answer = [0; 1024];
    // It is there already.
    let (_, length) = recv(&socket, &mut answer, RecvFlags::DONTWAIT)?;
    Ok(tells_here(answer.get(..length).unwrap_or(&answer)))
}

fn question(ip: IpAddr) -> Vec<u8> {
    let (family, address) = match ip {
        IpAddr::V4(ip) => (AddressFamily::INET, ip.octets().to_vec()),
        IpAddr::V6(ip) => (AddressFamily::INET6, ip.octets().to_vec()),
    };
    let attribute = 4 + address.len();
    let mut message = Vec::with_capacity(HEADER + ROUTE + attribute);
    message.extend(((HEADER + ROUTE + attribute) as u32).to_ne_bytes());
    message.extend(RTM_GETROUTE.to_ne_bytes());
    message.extend(NLM_F_REQUEST.to_ne_bytes());
    // SEQUENCE and PORT: there is one question only, and the kernel knows who asks.
    message.extend([0; 8]);
    message.extend([family.as_raw() as u8, 8 * address.len() as u8]);
    message.extend([0; ROUTE - 2]);
    message.extend((attribute as u16).to_ne_bytes());
    message.extend(RTA_DST.to_ne_bytes());
    message.extend(address);
    message
}

/// What an answer tells; where there is no route nothing leads here, either.
fn tells_here(answer: &[u8]) -> bool {
    let kind = answer.get(4..6).and_then(|kind| Some(u16::from_ne_bytes(kind.try_into().ok()?)));
    let route = answer.get(ROUTE_TYPE).filter(|_| kind == Some(RTM_NEWROUTE));
    route.is_some_and(|route| matches!(*route, RTN_LOCAL | RTN_BROADCAST | RTN_ANYCAST))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_tells_what_it_keeps() {
        for (ip, here) in [
            ("127.0.0.1", true),
            // Without an interface that has it: 127.0.0.0/8 is a local route.
            ("127.77.88.99", true),
            ("127.255.255.255", true),
            ("203.0.113.77", false),
            ("2001:db8:ffff::1", false),
        ] {
            assert_eq!(leads_here(ip.parse().unwrap()).unwrap(), here, "{ip}");
        }
    }

    #[test]
    fn what_is_no_answer_tells_nothing() {
        let mut answer = question("::1".parse().unwrap());
        answer[ROUTE_TYPE] = RTN_LOCAL;
        assert!(!tells_here(&answer));
        answer[4..6].copy_from_slice(&RTM_NEWROUTE.to_ne_bytes());
        assert!(tells_here(&answer));
        for length in 0..=ROUTE_TYPE {
            assert!(!tells_here(&answer[..length]));
        }
    }
}
