//! The lines of POP3: commands and the statuses of their answers (RFC 1939), `AUTH` (RFC 5034)
//! and the message of its mechanism `PLAIN` (RFC 4616).
//!
//! ```text
//! client                         server
//!                     <-----     +OK ready                    the greeting
//! USER ada            ----->
//!                     <-----     +OK
//! PASS open sesame    ----->
//!                     <-----     -ERR [AUTH] no               may be tried again
//! AUTH PLAIN          ----->
//!                     <-----     +                            go on
//! AGFkYQBzZXNhbWU=    ----->                                  NUL ada NUL sesame; "*" cancels
//!                     <-----     +OK
//! ```
//!
//! Every line ends in CRLF; a bare LF is understood too. An answer to some commands goes on over
//! several lines after `+OK`, see [`Command::has_long_answer`].
//!
//! ```
//! use socksd::wire::pop3::{Command, Plain, Status, decode_line};
//!
//! let received = b"pass open sesame\r\nSTAT\r\n";
//! let (line, used) = decode_line(received)?.expect("a whole line is there");
//! assert_eq!(Command::parse(line), Command::Pass(b"open sesame"));
//! assert_eq!(&received[used..], b"STAT\r\n");
//!
//! assert_eq!(Status::parse(b"+OK welcome"), Some(Status::Ok));
//!
//! let login = Plain::parse(b"\0ada\0sesame").expect("two NULs, a name and a password");
//! assert_eq!((login.authcid, login.passwd), (&b"ada"[..], &b"sesame"[..]));
//! # Ok::<(), socksd::wire::pop3::LineTooLong>(())
//! ```

mod reply;
mod request;

use std::fmt;

pub use reply::{ResponseCode, put_continue, put_end, put_err, put_err_with, put_line, put_ok};
pub use request::{ARGUMENT_MAX, Request, RequestError};

use super::Decoded;

/// The most octets of a line, its end not counted. RFC 2449 allows commands 255 octets and
/// answers 512, RFC 5034 more for what `AUTH` carries: three fields of 255 octets in base64, the
/// longest message of `PLAIN` that we care for, are 1,024.
pub const LINE_MAX: usize = 1024;

/// The longest line and its CRLF: all that a direction of a connection ever has to buffer.
pub const LINE_LEN_MAX: usize = LINE_MAX + 2;

/// The line has more than [`LINE_MAX`] octets, so where the next one begins is not looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LineTooLong;

impl fmt::Display for LineTooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the POP3 line is over {LINE_MAX} octets long")
    }
}

impl std::error::Error for LineTooLong {}

/// Takes a line off the front of `bytes`; it comes without its LF and the CR before that.
///
/// # Errors
///
/// [`LineTooLong`] as soon as there is one octet too much.
pub fn decode_line(bytes: &[u8]) -> Decoded<&[u8], LineTooLong> {
    let window = bytes.get(..LINE_LEN_MAX).unwrap_or(bytes);
    let before_lf = window.split(|&octet| octet == b'\n').next().unwrap_or_default();
    let line = before_lf.strip_suffix(b"\r").unwrap_or(before_lf);
    if line.len() > LINE_MAX {
        Err(LineTooLong)
    } else if before_lf.len() == window.len() {
        Ok(None)
    } else {
        Ok(Some((line, before_lf.len() + 1)))
    }
}

/// What a client's line asks for. Arguments are octets as they came, possibly none.
///
/// "Keywords and arguments are each separated by a single SPACE character": a second one belongs
/// to the argument. The `Debug` form shows no argument, for any could be a secret.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Command<'a> {
    /// `USER name`
    User(&'a [u8]),
    /// `PASS string`. "Since the PASS command has exactly one argument, a POP3 server may treat
    /// spaces in the argument as part of the password."
    Pass(&'a [u8]),
    /// `AUTH mechanism [initial-response]`
    Auth {
        /// As it came; [`Command::is_plain`] tells whether it is PLAIN.
        mechanism: &'a [u8],
        /// Base64, or "=" for one without octets.
        initial_response: Option<&'a [u8]>,
    },
    /// Any other line, known or not: also an empty one, and `AUTH` without a mechanism.
    Other {
        /// As it came: compare without regard to case.
        verb: &'a [u8],
        /// All that follows the first space.
        argument: &'a [u8],
    },
}

/// Commands whose `+OK` is always followed by more lines (RFC 1939; RFC 2449, section 5).
const LONG: [&[u8]; 3] = [b"CAPA", b"RETR", b"TOP"];

/// Commands that list everything when they have no argument (RFC 1939; RFC 6856, section 3). For
/// AUTH that is the habit of many servers.
const LONG_WITHOUT_ARGUMENT: [&[u8]; 4] = [b"LIST", b"UIDL", b"LANG", b"AUTH"];

impl<'a> Command<'a> {
    /// The command in a line without its end: "a case-insensitive keyword, possibly followed by
    /// one or more arguments".
    pub fn parse(line: &'a [u8]) -> Self {
        let (verb, argument) = split_word(line);
        if is_one_of(verb, &[b"USER"]) {
            Self::User(argument)
        } else if is_one_of(verb, &[b"PASS"]) {
            Self::Pass(argument)
        } else if is_one_of(verb, &[b"AUTH"]) && !argument.is_empty() {
            let (mechanism, initial) = split_word(argument);
            let initial_response = (!initial.is_empty()).then_some(initial);
            Self::Auth { mechanism, initial_response }
        } else {
            Self::Other { verb, argument }
        }
    }

    /// The first word of the line.
    pub fn verb(&self) -> &'a [u8] {
        match self {
            Self::User(_) => b"USER",
            Self::Pass(_) => b"PASS",
            Self::Auth { .. } => b"AUTH",
            Self::Other { verb, .. } => verb,
        }
    }

    /// Whether the verb is `name`, in any case.
    pub fn is(&self, name: &str) -> bool {
        self.verb().eq_ignore_ascii_case(name.as_bytes())
    }

    /// Whether it begins the mechanism PLAIN.
    pub fn is_plain(&self) -> bool {
        matches!(self, Self::Auth { mechanism, .. } if mechanism.eq_ignore_ascii_case(b"PLAIN"))
    }

    /// Whether `+OK` to it is followed by more lines: "when all lines of the response have been
    /// sent, a final line is sent, consisting of a termination octet (decimal code 046, ".") and
    /// a CRLF pair."
    pub fn has_long_answer(&self) -> bool {
        match self {
            Self::Other { verb, argument } => {
                is_one_of(verb, &LONG)
                    || argument.is_empty() && is_one_of(verb, &LONG_WITHOUT_ARGUMENT)
            }
            _ => false,
        }
    }
}

impl fmt::Debug for Command<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Command({}, ..)", self.verb().escape_ascii())
    }
}

/// What is before the first space, and what is behind it.
fn split_word(line: &[u8]) -> (&[u8], &[u8]) {
    let mut parts = line.splitn(2, |&octet| octet == b' ');
    (parts.next().unwrap_or_default(), parts.next().unwrap_or_default())
}

fn is_one_of(word: &[u8], names: &[&[u8]]) -> bool {
    names.iter().any(|name| word.eq_ignore_ascii_case(name))
}

/// How a server's answer begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// `+OK`
    Ok,
    /// `-ERR`
    Err,
    /// `+ challenge`, within `AUTH` only: the client's next line is its response.
    Continue,
}

impl Status {
    /// The status of an answer's first line; `None` when it is no such line. "Servers MUST send
    /// the "+OK" and "-ERR" in upper case."
    pub fn parse(line: &[u8]) -> Option<Self> {
        if line.starts_with(b"+OK") {
            Some(Self::Ok)
        } else if line.starts_with(b"-ERR") {
            Some(Self::Err)
        } else if line == b"+" || line.starts_with(b"+ ") {
            Some(Self::Continue)
        } else {
            None
        }
    }
}

/// The client's message of the mechanism PLAIN, out of its base64. `Debug` hides the password.
///
/// ```text
/// [authzid] NUL authcid NUL passwd
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Plain<'a> {
    /// Whom to act as; none for the one who logs in.
    pub authzid: &'a [u8],
    /// Who logs in; at least 1 octet.
    pub authcid: &'a [u8],
    /// Their password; at least 1 octet.
    pub passwd: &'a [u8],
}

impl<'a> Plain<'a> {
    /// The parts of `message`; `None` unless it has exactly two NULs, a name and a password.
    pub fn parse(message: &'a [u8]) -> Option<Self> {
        let mut parts = message.split(|&octet| octet == 0);
        let (authzid, authcid, passwd) = (parts.next()?, parts.next()?, parts.next()?);
        // "authcid = 1*SAFE", "passwd = 1*SAFE", and NUL is not in SAFE.
        let right = parts.next().is_none() && !authcid.is_empty() && !passwd.is_empty();
        right.then_some(Self { authzid, authcid, passwd })
    }
}

impl fmt::Debug for Plain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Plain({}, ..)", self.authcid.escape_ascii())
    }
}
