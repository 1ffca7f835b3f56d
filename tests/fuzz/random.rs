//! Chance from a seed, and what it does to bytes.

/// Marsaglia's xorshift: small, and the same everywhere for the same seed.
pub struct Random(u64);

/// The values at which lengths, types and versions turn over, and what ends lines.
const EDGES: [u8; 14] = [0, 1, 2, 3, 4, 5, 0x7f, 0x80, 0xfe, 0xff, b'\r', b'\n', b' ', b'.'];

/// Lengths at which a field, a line or a number of 16 bits is full.
const BOUNDARIES: [usize; 12] = [1, 16, 40, 127, 128, 255, 256, 512, 1023, 1024, 1025, 4096];

/// The most octets of an input, so that a run has an end.
const LONGEST: usize = 16 * 1024;

impl Random {
    pub fn new(seed: u64) -> Self {
        // The state must not be 0, and similar seeds must not begin alike.
        let mut random = Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        for _ in 0..8 {
            random.next();
        }
        random
    }

    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    pub fn one_in(&mut self, end: usize) -> bool {
        self.below(end) == 0
    }

    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }

    /// Cuts `bytes` into pieces: often small ones, sometimes all in one.
    pub fn pieces<'a>(&mut self, bytes: &'a [u8]) -> Vec<&'a [u8]> {
        let longest = *self.pick(&[1, 2, 7, 64, 1024, LONGEST]);
        let (mut pieces, mut rest) = (Vec::new(), bytes);
        while !rest.is_empty() {
            let (piece, behind) = rest.split_at(rest.len().min(1 + self.below(longest)));
            pieces.push(piece);
            rest = behind;
        }
        pieces
    }

    /// Changes `bytes` in up to four places, perhaps with parts of `other`; now and
    /// then not at all.
    pub fn mutate(&mut self, bytes: &mut Vec<u8>, other: &[u8]) {
        for _ in 0..self.below(5) {
            self.mutate_once(bytes, other);
        }
        bytes.truncate(LONGEST);
    }

    fn mutate_once(&mut self, bytes: &mut Vec<u8>, other: &[u8]) {
        let at = self.below(bytes.len() + 1);
        match self.below(10) {
            0 if at < bytes.len() => bytes[at] ^= 1 << self.below(8),
            1 if at < bytes.len() => bytes[at] = *self.pick(&EDGES),
            2 if at < bytes.len() => bytes[at] = self.next() as u8,
            3 => bytes.truncate(at),
            4 => drop(bytes.drain(at..bytes.len().min(at + 1 + self.below(8)))),
            5 => drop(bytes.splice(at..at, [*self.pick(&EDGES)])),
            6 => self.insert_run(bytes, at),
            // The end of the other message behind the beginning of this one.
            7 => {
                bytes.truncate(at);
                bytes.extend_from_slice(&other[self.below(other.len() + 1)..]);
            }
            8 => drop(bytes.splice(at..at, other.iter().copied())),
            _ => {
                let twice = bytes[at..].to_vec();
                bytes.extend(twice);
            }
        }
    }

    fn insert_run(&mut self, bytes: &mut Vec<u8>, at: usize) {
        let octet = if self.one_in(2) { b'x' } else { self.next() as u8 };
        let count = *self.pick(&BOUNDARIES);
        bytes.splice(at..at, std::iter::repeat_n(octet, count));
    }
}
