//! Which datagrams of a client are valid.

use crate::socks::target::Target;
use crate::wire::socks5::{DatagramHeader, Host};

/// A datagram that may be relayed.
#[derive(Debug, PartialEq, Eq)]
pub struct Request<'a> {
    /// Its destination; [`Target::of`] has found nothing wrong with it.
    pub host: Host,
    /// Its port, not 0.
    pub port: u16,
    /// What to send there, possibly nothing.
    pub payload: &'a [u8],
}

impl<'a> Request<'a> {
    /// Understands a datagram; `None` when it is to be dropped.
    pub fn decode(datagram: &'a [u8]) -> Option<Self> {
        let (header, length) = DatagramHeader::decode(datagram).ok()?;
        // "An implementation that does not support fragmentation MUST drop any
        // datagram whose FRAG field is other than X'00'."
        if header.frag != 0 {
            return None;
        }
        let (host, port) = (header.destination.host, header.destination.port);
        let somewhere = match Target::of(&host).ok()? {
            Target::Ip(ip) => !ip.is_unspecified(),
            Target::Name(_) => true,
        };
        let payload = datagram.get(length..)?;
        (somewhere && port != 0).then_some(Self { host, port, payload })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const V4: [u8; 11] = [0, 0, 0, 1, 192, 0, 2, 1, 0, 53, b'q'];

    #[test]
    fn a_whole_datagram_is_valid_with_or_without_payload() {
        let request = Request::decode(&V4).unwrap();
        assert_eq!((request.port, request.payload), (53, &b"q"[..]));
        assert_eq!(Request::decode(&V4[..10]).unwrap().payload, b"");
        let named = [0, 0, 0, 3, 3, b'a', b'.', b'b', 0, 53];
        assert_eq!(Request::decode(&named).unwrap().host, Host::Name(b"a.b".to_vec()));
    }

    #[test]
    fn every_truncation_is_dropped() {
        for length in 0..10 {
            assert_eq!(Request::decode(&V4[..length]), None, "the first {length} octets");
        }
    }

    #[test]
    fn fragments_and_nonsense_are_dropped() {
        for frag in 1..=255 {
            let mut datagram = V4;
            datagram[2] = frag;
            assert_eq!(Request::decode(&datagram), None, "FRAG {frag:#04x}");
        }
        let nonsense: [&[u8]; 6] = [
            &[0, 0, 0, 2, 192, 0, 2, 1, 0, 53],
            &[0, 0, 0, 1, 192, 0, 2, 1, 0, 0],
            &[0, 0, 0, 1, 0, 0, 0, 0, 0, 53],
            &[0, 0, 0, 3, 0, 0, 53],
            &[0, 0, 0, 3, 2, b'a', 0, 0, 53],
            &[0, 0, 0, 3, 1, 0xff, 0, 53],
        ];
        for datagram in nonsense {
            assert_eq!(Request::decode(datagram), None, "{datagram:02x?}");
        }
    }
}
