//! What every stream decoder is put through: prefixes, splits and seeded mutations.

use std::fmt::Debug;

use socksd::wire::Decoded;

/// Every proper prefix of `golden` needs more, the whole of it is `value`, and what comes behind
/// it is left alone.
#[track_caller]
pub fn is_golden<T, E>(golden: &[u8], value: &T, decode: impl Fn(&[u8]) -> Decoded<T, E>)
where
    T: Debug + PartialEq,
    E: Debug + PartialEq,
{
    for cut in 0..golden.len() {
        assert_eq!(decode(&golden[..cut]), Ok(None), "the first {cut} bytes");
    }
    for behind in [&b""[..], b"\x00", b"\xff\xff", golden, b"payload behind it"] {
        let received = [golden, behind].concat();
        let (decoded, used) = decode(&received)
            .expect("a golden message is right")
            .expect("a whole message is enough");
        assert_eq!(&decoded, value);
        assert_eq!(used, golden.len(), "with {} bytes behind it", behind.len());
    }
}

/// Decodes all messages of a stream that arrives in `chunks`, as a connection does: what came is
/// kept until a message is whole, and what is behind it begins the next one.
pub fn read_stream<'a, T, E: Debug>(
    chunks: impl IntoIterator<Item = &'a [u8]>,
    mut decode: impl FnMut(&[u8]) -> Decoded<T, E>,
) -> Vec<T> {
    let mut values = Vec::new();
    let mut received = Vec::new();
    for chunk in chunks {
        received.extend_from_slice(chunk);
        while let Some((value, used)) = decode(&received).expect("a right stream") {
            values.push(value);
            received.drain(..used);
        }
    }
    assert!(received.is_empty(), "{} bytes are left", received.len());
    values
}

/// `stream` holds `values`, whether it comes whole, in two parts (split anywhere), or in parts of
/// one, two, three ... bytes.
#[track_caller]
pub fn survives_every_split<T, E>(
    stream: &[u8],
    values: &[T],
    decode: impl Fn(&[u8]) -> Decoded<T, E>,
) where
    T: Debug + PartialEq,
    E: Debug,
{
    for cut in 0..=stream.len() {
        let (first, second) = stream.split_at(cut);
        assert_eq!(read_stream([first, second], &decode), values, "cut at {cut}");
    }
    for size in 1..=stream.len() {
        let read = read_stream(stream.chunks(size), &decode);
        assert_eq!(read, values, "in parts of {size}");
    }
}

/// Feeds `budget` mutations of the golden messages to `probe`, which asserts what must hold for any
/// bytes at all. The seed and the bytes stand in the output of a test that fails.
pub fn mutate(seed: u64, budget: usize, golden: &[Vec<u8>], mut probe: impl FnMut(&[u8])) {
    println!("seed {seed:#x}, {budget} mutations");
    let mut random = Xorshift(seed);
    for round in 0..budget {
        let mut bytes = golden[random.below(golden.len())].clone();
        for _ in 0..=random.below(4) {
            mutate_once(&mut bytes, &mut random);
        }
        let _shown = ShownOnPanic { round, bytes: &bytes };
        probe(&bytes);
    }
}

/// Prints the bytes at hand when a probe panics.
struct ShownOnPanic<'a> {
    round: usize,
    bytes: &'a [u8],
}

impl Drop for ShownOnPanic<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            println!("in round {}: {:02x?}", self.round, self.bytes);
        }
    }
}

fn mutate_once(bytes: &mut Vec<u8>, random: &mut Xorshift) {
    // The values at which lengths, types and versions turn over.
    const EDGES: [u8; 9] = [0, 1, 2, 3, 4, 5, 0x7f, 0x80, 0xff];
    let at = random.below(bytes.len() + 1);
    match random.below(6) {
        0 if at < bytes.len() => bytes[at] ^= 1 << random.below(8),
        1 if at < bytes.len() => bytes[at] = EDGES[random.below(EDGES.len())],
        2 if at < bytes.len() => drop(bytes.remove(at)),
        3 => bytes.truncate(at),
        4 => bytes.insert(at, EDGES[random.below(EDGES.len())]),
        _ => bytes.extend((0..random.below(300)).map(|_| random.next() as u8)),
    }
}

/// Marsaglia's xorshift: small, and the same everywhere for the same seed (which is not 0).
struct Xorshift(u64);

impl Xorshift {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }
}

/// What must hold for any bytes: no more is consumed than was given, what was consumed is enough,
/// and an answer once given (a message, an error) stays the same whatever follows.
pub fn holds_for_any_bytes<T, E>(bytes: &[u8], decode: impl Fn(&[u8]) -> Decoded<T, E>)
where
    T: Debug + PartialEq,
    E: Debug + PartialEq,
{
    let answer = decode(bytes);
    if let Ok(Some((_, used))) = &answer {
        assert!((1..=bytes.len()).contains(used), "{used} consumed");
        assert_eq!(decode(&bytes[..*used]), answer);
        assert_eq!(decode(&bytes[..*used - 1]), Ok(None));
    }
    if answer != Ok(None) {
        let longer = [bytes, b"\x00\xff\x05\x01"].concat();
        assert_eq!(decode(&longer), answer);
    }
}
