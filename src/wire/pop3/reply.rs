//! The server's lines. Their texts are our own words and digits: no line ends, and well under the
//! 512 octets that RFC 2449, section 4, allows.

use std::fmt::Display;
use std::io::Write;

/// What a program can tell from an `-ERR` (RFC 2449, section 8; RFC 3206).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResponseCode {
    /// The name or the password is wrong.
    Auth,
    /// They are right, but another session has the mailbox.
    InUse,
    /// The server has a problem that is likely to pass.
    SysTemp,
    /// The server has a problem that somebody has to solve.
    SysPerm,
}

impl ResponseCode {
    fn word(self) -> &'static str {
        match self {
            Self::Auth => "AUTH",
            Self::InUse => "IN-USE",
            Self::SysTemp => "SYS/TEMP",
            Self::SysPerm => "SYS/PERM",
        }
    }
}

/// `+OK text`
pub fn put_ok(out: &mut Vec<u8>, text: impl Display) {
    put_line(out, format_args!("+OK {text}"));
}

/// `-ERR text`
pub fn put_err(out: &mut Vec<u8>, text: impl Display) {
    put_line(out, format_args!("-ERR {text}"));
}

/// `-ERR [CODE] text`
pub fn put_err_with(out: &mut Vec<u8>, code: ResponseCode, text: impl Display) {
    put_line(out, format_args!("-ERR [{}] {text}", code.word()));
}

/// The empty challenge with which `PLAIN` asks for its message (RFC 5034, section 4).
pub fn put_continue(out: &mut Vec<u8>) {
    put_line(out, "+ ");
}

/// A line of a long answer. It must not begin with a dot.
pub fn put_line(out: &mut Vec<u8>, text: impl Display) {
    // Writing to memory can't fail.
    let _ = write!(out, "{text}\r\n");
}

/// "a final line is sent, consisting of a termination octet (decimal code 046, ".") and a CRLF
/// pair" (RFC 1939, section 3).
pub fn put_end(out: &mut Vec<u8>) {
    out.extend_from_slice(b".\r\n");
}
