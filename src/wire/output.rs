//! Writing our own messages: integers in network byte order and counted fields.

use std::fmt;

use byteorder::{BigEndian, ByteOrder};

use super::FIELD_MAX;

/// A value that can't be said on the wire, because its length does not fit its length octet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooLong {
    /// What it is: "username", "password", "name".
    pub field: &'static str,
    /// How long it is; over [`FIELD_MAX`].
    pub octets: usize,
}

impl TooLong {
    /// Whether `bytes` fit a field, called `field` in the error's sentence.
    pub(super) fn check(field: &'static str, bytes: &[u8]) -> Result<(), TooLong> {
        match bytes.len() {
            0..=FIELD_MAX => Ok(()),
            octets => Err(TooLong { field, octets }),
        }
    }
}

impl fmt::Display for TooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let TooLong { field, octets } = self;
        write!(
            f,
            "the {field} is {octets} octets long, the protocol has room for {FIELD_MAX}: use a shorter one"
        )
    }
}

impl std::error::Error for TooLong {}

/// Two octets.
pub fn put_u16(out: &mut Vec<u8>, value: u16) {
    let mut octets = [0; 2];
    BigEndian::write_u16(&mut octets, value);
    out.extend_from_slice(&octets);
}

/// Four octets.
pub fn put_u32(out: &mut Vec<u8>, value: u32) {
    let mut octets = [0; 4];
    BigEndian::write_u32(&mut octets, value);
    out.extend_from_slice(&octets);
}

/// Eight octets.
pub fn put_u64(out: &mut Vec<u8>, value: u64) {
    let mut octets = [0; 8];
    BigEndian::write_u64(&mut octets, value);
    out.extend_from_slice(&octets);
}

/// The length of `bytes` in one octet, then `bytes`.
///
/// # Panics
///
/// Over [`FIELD_MAX`] octets. Cutting them silently would say something else than was meant (set
/// another password, ask for another host). Nothing decoded is ever that long, so only a caller's
/// own value can be; the `check` of each message tells beforehand.
pub fn put_field(out: &mut Vec<u8>, bytes: &[u8]) {
    let length = u8::try_from(bytes.len()).expect("a field of at most 255 octets, see `check`");
    out.push(length);
    out.extend_from_slice(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_in_network_byte_order() {
        let mut out = Vec::new();
        put_u16(&mut out, 0x0102);
        put_u32(&mut out, 0x0304_0506);
        put_field(&mut out, b"hi");
        put_field(&mut out, b"");
        assert_eq!(out, [1, 2, 3, 4, 5, 6, 2, b'h', b'i', 0]);
    }

    #[test]
    fn the_longest_field_fits_and_no_longer_one() {
        assert_eq!(TooLong::check("name", &[b'n'; 255]), Ok(()));
        let error = TooLong::check("name", &[b'n'; 256]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the name is 256 octets long, the protocol has room for 255: use a shorter one"
        );
        let mut out = Vec::new();
        put_field(&mut out, &[b'n'; 255]);
        assert_eq!((out.len(), out[0]), (256, 255));
    }

    #[test]
    #[should_panic(expected = "a field of at most 255 octets")]
    fn a_longer_field_is_never_cut_silently() {
        put_field(&mut Vec::new(), &[0; 256]);
    }
}
