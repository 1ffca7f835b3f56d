//! Bytes to values and back: pure codecs, one room per protocol.
//!
//! Nothing here opens a socket, keeps state, takes a lock or knows what a message is *for*.
//! A decoder looks at the bytes that have come so far and says one of three things:
//!
//! | answer | meaning | what the caller does |
//! |---|---|---|
//! | `Ok(None)` | a right beginning, but not all of it | reads more, asks again from the same start |
//! | `Ok(Some((value, used)))` | one whole message in the first `used` bytes | drops `used` bytes; what is behind them is the next message or payload |
//! | `Err(why)` | no further byte can make it right | answers, closes |
//!
//! An error comes with the first byte that deserves it, so nobody waits for the rest of a
//! message that is wrong already. Whether a *well-formed* message makes sense is not asked here:
//! unknown commands, codes and methods are kept as values, and so are empty names.
//!
//! ```
//! use socksd::wire::socks5::{Greeting, Method, Socks5Error};
//!
//! let received = [0x05, 0x02, 0x00, 0x02, b'p', b'a', b'y'];
//!
//! assert_eq!(Greeting::decode(&received[..3]), Ok(None));
//! let (greeting, used) = Greeting::decode(&received)?.expect("the whole greeting is there");
//! assert!(greeting.offers(Method::USERNAME_PASSWORD));
//! assert_eq!(&received[used..], b"pay");
//!
//! assert_eq!(Greeting::decode(b"GET / HTTP/1.1"), Err(Socks5Error::Version(b'G')));
//! # Ok::<(), Socks5Error>(())
//! ```
//!
//! # The gates
//!
//! What a peer sent is read through the private cursor of `input.rs` alone, which has no way to
//! panic; what we send is written through `output.rs`. Integers are in network byte order.
//!
//! # Caps
//!
//! No decoder reserves memory for what has not come. The `LEN_MAX` of a message is all that a
//! connection ever has to buffer for it, which is little where every length that a peer chooses
//! is one octet wide, and a field at most [`FIELD_MAX`] octets. Elsewhere the cap is its own:
//!
//! - [`pop3`] and [`monitor`] have lines without a length: one over [`pop3::LINE_MAX`] octets is
//!   refused, and so is a client's over [`monitor::LINE_MAX`].
//! - [`oneshot`] has a length of two octets: its `LEN_MAX` is waited for only once the token was
//!   right.
//! - [`proxy_protocol`] has one of two octets as well, with a cap far below it, and only trusted
//!   peers may speak it.
//! - [`json`] has one of four octets: [`json::FRAME_MAX`], 256 KiB, is the most, and anybody may
//!   fill it, since the token itself stands in such a frame.

pub mod base64;
pub mod datagram;
mod input;
pub mod json;
mod login;
pub mod monitor;
pub mod oneshot;
mod output;
pub mod pop3;
pub mod proxy_protocol;
pub mod shoes;
pub mod socks5;

pub use output::TooLong;

/// What a decoder answers: `Ok(None)` needs more bytes, `Ok(Some((value, used)))` is one message
/// and how many bytes it took, `Err` can never become valid.
pub type Decoded<T, E> = Result<Option<(T, usize)>, E>;

/// The most octets that a field can have whose length stands in one octet before it.
pub const FIELD_MAX: usize = u8::MAX as usize;
