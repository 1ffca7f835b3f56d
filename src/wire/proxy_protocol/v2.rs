//! Version 2: binary.
//!
//! ```text
//! SIGNATURE 12 | VER_CMD 1 | FAM 1 | LEN 2 | LEN octets
//!
//! VER_CMD:  2, then 0 LOCAL or 1 PROXY                             four bits each
//! FAM:      0 none, 1 IPv4, 2 IPv6, 3 Unix; then 0 none, 1 stream, 2 datagrams
//! LEN octets of FAM 1x and 2x:  SRC 4/16 | DST 4/16 | SRC.PORT 2 | DST.PORT 2 | TLVs
//! LEN octets of FAM 3x:         SRC 108 | DST 108 | TLVs
//! TLV:      TYPE 1 | LENGTH 2 | LENGTH octets
//! ```

use std::net::{IpAddr, SocketAddr};

use super::{Header, ProxyProtocolError, begins};
use crate::wire::Decoded;
use crate::wire::input::Input;

pub const SIGNATURE: &[u8; 12] = b"\r\n\r\n\0\r\nQUIT\n";

/// The octets before those that LEN counts.
const FIXED: usize = SIGNATURE.len() + 4;

/// FAM: the transport that is ours.
const STREAM: u8 = 1;

/// The octets of two addresses of Unix sockets.
const UNIX: usize = 2 * 108;

/// The TLV with a checksum of the whole header (section 2.2.3).
const CRC32C: u8 = 0x03;

pub fn decode(bytes: &[u8]) -> Decoded<Header, ProxyProtocolError> {
    if !begins(bytes, SIGNATURE) {
        return Err(ProxyProtocolError::Signature);
    }
    let mut input = Input::new(bytes);
    let Some(version_command) = input.take(SIGNATURE.len()).and_then(|_| input.u8()) else {
        return Ok(None);
    };
    let (version, command) = (version_command >> 4, version_command & 0x0f);
    // "it must always be sent as \x2 and the receiver must only accept this value"
    if version != 2 {
        return Err(ProxyProtocolError::Version(version));
    }
    // "Receivers must drop connections presenting unexpected values here."
    if command > 1 {
        return Err(ProxyProtocolError::Command(command));
    }
    let Some(family) = input.u8() else { return Ok(None) };
    // LOCAL: "discard the protocol block including the family which is ignored".
    let is_local = command == 0;
    if !is_local && (family >> 4 > 3 || family & 0x0f > 2) {
        return Err(ProxyProtocolError::Family(family));
    }
    let Some(length) = input.u16() else { return Ok(None) };
    let Some(block) = input.take(length.into()) else { return Ok(None) };
    let source = if is_local { None } else { source(family, bytes, block)? };
    Ok(Some((Header { source }, input.used())))
}

/// The source in a block, which is to be whole and intact. `None`: the family has none that
/// could be used.
fn source(
    family: u8,
    bytes: &[u8],
    block: &[u8],
) -> Result<Option<SocketAddr>, ProxyProtocolError> {
    let mut input = Input::new(block);
    let addresses = match family >> 4 {
        // "the receiver should ignore address information", and what else there is.
        0 => return Ok(None),
        1 => pair(&mut input, |input| input.array::<4>().map(IpAddr::from)).map(Some),
        2 => pair(&mut input, |input| input.array::<16>().map(IpAddr::from)).map(Some),
        _ => input.take(UNIX).map(|_| None),
    };
    let source = addresses.ok_or(ProxyProtocolError::Truncated)?;
    while input.used() < block.len() {
        let start = FIXED + input.used();
        let mut vector = || Some((input.u8()?, input.u16()?));
        let (kind, length) = vector().ok_or(ProxyProtocolError::Truncated)?;
        let value = input.take(length.into()).ok_or(ProxyProtocolError::Truncated)?;
        if kind == CRC32C {
            let place = start + 3;
            let header = bytes.get(..FIXED + block.len()).unwrap_or(bytes);
            if value != checksum(header, place).to_be_bytes() {
                return Err(ProxyProtocolError::Checksum);
            }
        }
    }
    // "automatically falls back to the UNSPEC mode for the valid combinations above that it does
    // not support", which is "to accept the connection anyway and use the real endpoint
    // addresses". Datagrams are none of ours.
    Ok(source.filter(|_| family & 0x0f == STREAM))
}

/// Both addresses, then both ports; the source's.
fn pair(input: &mut Input, address: impl Fn(&mut Input) -> Option<IpAddr>) -> Option<SocketAddr> {
    let (source, _destination) = (address(input)?, address(input)?);
    let (source_port, _destination_port) = (input.u16()?, input.u16()?);
    Some(SocketAddr::new(source, source_port))
}

/// The CRC32c of a header (RFC 4960, appendix B), with zeros for the four octets of the
/// checksum itself, which are at `place`.
fn checksum(header: &[u8], place: usize) -> u32 {
    /// The polynomial, its bits in the order in which they are sent.
    const POLYNOMIAL: u32 = 0x82f6_3b78;
    let octets = (0..).zip(header);
    let crc = octets.fold(u32::MAX, |crc, (at, octet)| {
        let octet = if (place..place + 4).contains(&at) { 0 } else { *octet };
        (0..8).fold(crc ^ u32::from(octet), |crc, _| {
            let divided = if crc & 1 == 1 { POLYNOMIAL } else { 0 };
            (crc >> 1) ^ divided
        })
    });
    !crc
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_the_one_of_the_rfc() {
        // RFC 3720, appendix B.4, whose examples are sent with the low octet first.
        let counting: Vec<u8> = (0..32).collect();
        assert_eq!(checksum(&counting, 32), 0x46dd_794e);
        assert_eq!(checksum(&[0xff; 32], 32), 0x62a8_ab43);
        assert_eq!(checksum(b"123456789", 9), 0xe306_9283);
        assert_eq!(checksum(&[0; 32], 32), 0x8a91_36aa);
        let filled = [vec![0; 20], vec![9; 4], vec![0; 8]].concat();
        assert_eq!(checksum(&filled, 20), 0x8a91_36aa);
    }
}
