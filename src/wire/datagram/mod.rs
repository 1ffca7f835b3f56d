//! The datagram protocol: metrics, users and their pages over UDP, and the server's stop.
//!
//! ```text
//! request    VER 1 | TYPE 1 | CMD 2 | ID 2 | TOKEN 4 | DATA      10 octets and DATA
//! reply      VER 1 | STATUS 1 | TYPE 1 | CMD 2 | ID 2 | DATA     7 octets and DATA
//!
//! TYPE 00  ask                                 DATA              DATA of the reply
//!   CMD 0000  a page of the list of users      page 1            names joined by LF, NUL
//!   CMD 0001  connections since the start      -                 8
//!   CMD 0002  connections open now             -                 2
//!   CMD 0003  bytes transferred                -                 8
//!   CMD 0004  users in a page                  -                 1
//! TYPE 01  change
//!   CMD 0000  stop the server                  -                 -
//!   CMD 0001  add a user                       name:password     -
//!   CMD 0002  remove a user                    name              -
//!   CMD 0003  users in a page                  1 to 200, 1       -
//! ```
//!
//! Integers are in network byte order. A datagram comes whole or not at all, so nothing here waits
//! for more: what is missing is an error. Octets behind an argument are ignored. A text may end in
//! a NUL and otherwise ends with the datagram.
//!
//! A reply with a STATUS other than 00 carries no DATA. The reply to a changed VER is of version 1.

mod request;
mod response;

pub use request::{ArgumentError, Header, Request, RequestError, TEXT_MAX};
pub use response::{Reply, Response, ResponseError, Status};

/// VER of every request and every reply.
pub const VERSION: u8 = 1;

const ASK: u8 = 0x00;
const CHANGE: u8 = 0x01;

const USERS: u16 = 0x00;
const HISTORIC: u16 = 0x01;
const CURRENT: u16 = 0x02;
const BYTES: u16 = 0x03;
const PAGE_SIZE: u16 = 0x04;

const STOP: u16 = 0x00;
const ADD_USER: u16 = 0x01;
const REMOVE_USER: u16 = 0x02;
const SET_PAGE_SIZE: u16 = 0x03;

/// The TOKEN that a person writes as a decimal number, or as `0x` and exactly 8 hexadecimal
/// digits.
pub fn parse_token(text: &str) -> Option<u32> {
    let (digits, radix) = match text.strip_prefix("0x") {
        Some(hexadecimal) if hexadecimal.len() == 8 => (hexadecimal, 16),
        Some(_) => return None,
        None => (text, 10),
    };
    // `from_str_radix` would take a sign.
    let sound = digits.chars().all(|digit| digit.is_digit(radix));
    sound.then(|| u32::from_str_radix(digits, radix).ok()).flatten()
}
