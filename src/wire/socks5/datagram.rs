//! The header before the payload of every relayed datagram, both ways (RFC 1928, section 7).
//!
//! ```text
//! RSV 0000 | FRAG 1 | ATYP, DST.ADDR and DST.PORT: see Address | DATA, to the datagram's end
//! ```

use super::{Address, Socks5Error};
use crate::wire::input::Input;
use crate::wire::output::put_u16;

/// The "UDP request header".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatagramHeader {
    /// 00 for a whole datagram. "An implementation that does not support fragmentation MUST drop
    /// any datagram whose FRAG field is other than X'00'": the caller's task.
    pub frag: u8,
    /// Where it goes; in an answer, who sent it.
    pub destination: Address,
}

impl DatagramHeader {
    /// The longest header: a name of 255 octets.
    pub const LEN_MAX: usize = 3 + Address::LEN_MAX;

    /// The header and its length; what is behind it is the payload, possibly none.
    ///
    /// # Errors
    ///
    /// There is no more to come after a datagram: one that ends inside the header is
    /// [`Socks5Error::Truncated`]. [`Socks5Error::AddressType`] for an unknown ATYP.
    pub fn decode(datagram: &[u8]) -> Result<(DatagramHeader, usize), Socks5Error> {
        let mut input = Input::new(datagram);
        let (Some(_reserved), Some(frag)) = (input.u16(), input.u8()) else {
            return Err(Socks5Error::Truncated);
        };
        let destination = Address::read(&mut input)?.ok_or(Socks5Error::Truncated)?;
        Ok((DatagramHeader { frag, destination }, input.used()))
    }

    /// Appends the header to `out`.
    ///
    /// # Panics
    ///
    /// When [`Address::check`] of the destination fails.
    pub fn encode(&self, out: &mut Vec<u8>) {
        put_u16(out, 0);
        out.push(self.frag);
        self.destination.encode(out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frag_is_kept_and_rsv_ignored() {
        let datagram = [0xde, 0xad, 0x81, 1, 192, 0, 2, 1, 0, 53, b'q'];
        let (header, length) = DatagramHeader::decode(&datagram).unwrap();
        assert_eq!((header.frag, length), (0x81, 10));
        assert_eq!(header.destination.to_string(), "192.0.2.1:53");
    }

    #[test]
    fn an_empty_payload_is_one() {
        let datagram = [0, 0, 0, 3, 1, b'a', 0, 53];
        assert_eq!(DatagramHeader::decode(&datagram).unwrap().1, datagram.len());
    }
}
