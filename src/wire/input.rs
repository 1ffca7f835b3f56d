//! The one gate for untrusted bytes: a cursor that can run out, but not panic.

use byteorder::{BigEndian, ByteOrder};

/// Reads from the front of what has come so far. Every read answers `None` when the bytes for it
/// are not there yet; the cursor is of no use after that, the caller starts again with more bytes.
pub struct Input<'a> {
    rest: &'a [u8],
    used: usize,
}

impl<'a> Input<'a> {
    /// A cursor before the first of `bytes`.
    pub fn new(bytes: &'a [u8]) -> Self {
        Input { rest: bytes, used: 0 }
    }

    /// How many bytes the successful reads took.
    pub fn used(&self) -> usize {
        self.used
    }

    /// The next `n` bytes.
    pub fn take(&mut self, n: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(n)?;
        self.rest = rest;
        self.used += n;
        Some(taken)
    }

    /// The next `N` bytes, as an array.
    pub fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    /// One octet.
    pub fn u8(&mut self) -> Option<u8> {
        self.array().map(|[octet]| octet)
    }

    /// Two octets in network byte order.
    pub fn u16(&mut self) -> Option<u16> {
        self.take(2).map(BigEndian::read_u16)
    }

    /// Four octets in network byte order.
    pub fn u32(&mut self) -> Option<u32> {
        self.take(4).map(BigEndian::read_u32)
    }

    /// Eight octets in network byte order.
    pub fn u64(&mut self) -> Option<u64> {
        self.take(8).map(BigEndian::read_u64)
    }

    /// A length octet and as many octets as it says, 0 to 255.
    pub fn field(&mut self) -> Option<Vec<u8>> {
        let length = self.u8()?;
        self.take(length.into()).map(<[u8]>::to_vec)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_in_network_byte_order_and_counts() {
        let mut input = Input::new(&[1, 2, 3, 4, 5, 6, 7, 2, b'h', b'i', 9]);
        assert_eq!(input.u8(), Some(1));
        assert_eq!(input.u16(), Some(0x0203));
        assert_eq!(input.u32(), Some(0x0405_0607));
        assert_eq!(input.field(), Some(b"hi".to_vec()));
        assert_eq!(input.used(), 10);
        assert_eq!(input.take(1), Some(&[9][..]));
        assert_eq!(input.used(), 11);
    }

    #[test]
    fn a_read_past_the_end_takes_nothing() {
        let mut input = Input::new(&[1]);
        assert_eq!(input.u16(), None);
        assert_eq!(input.u32(), None);
        assert_eq!(input.array::<16>(), None);
        assert_eq!(input.take(usize::MAX), None);
        assert_eq!(input.used(), 0);
        assert_eq!(input.u8(), Some(1));
        assert_eq!(input.u8(), None);
        assert_eq!(input.take(0), Some(&[][..]));
        assert_eq!(input.used(), 1);
    }

    #[test]
    fn a_field_needs_all_that_its_length_says() {
        assert_eq!(Input::new(&[]).field(), None);
        assert_eq!(Input::new(&[2, b'a']).field(), None);
        assert_eq!(Input::new(&[0]).field(), Some(Vec::new()));
        let mut longest = vec![255];
        longest.extend([7; 255]);
        assert_eq!(Input::new(&longest).field(), Some(vec![7; 255]));
    }
}
