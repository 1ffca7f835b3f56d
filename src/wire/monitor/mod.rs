//! SOCKS-MONITOR 1.0: lines of text about a running server, over TCP.
//!
//! ```text
//! client                            server
//!                        <-----     SOCKS-MONITOR 1.0
//! SoyUnCliente 1.0       ----->
//!                        <-----     Please provide your credentials
//! root/secret            ----->
//!                        <-----     The credentials are valid. You can proceed with ...
//! CONFIG timeout 1       ----->
//!                        <-----     OK timeout set to 1
//! STAST                  ----->
//!                        <-----     ERR Unknown command: STAST
//! QUIT                   ----->     closes
//! ```
//!
//! Lines end in LF; a CR before it is not part of the line. Every [`Request`] is one line and has
//! one line as its [`Reply`]. Whatever of a peer's octets is said back, no octet of it can end the
//! line: see [`Refusal`].
//!
//! ```
//! use socksd::wire::monitor::{LINE_MAX, Request, decode_line};
//!
//! let (line, used) = decode_line(b"config timeout 1\r\nQUIT\n", LINE_MAX)?.expect("a line");
//! let asked = Request::Config { parameter: "timeout".into(), value: b"1".to_vec() };
//! assert_eq!((Request::parse(line), used), (Ok(asked), 18));
//! # Ok::<(), socksd::wire::monitor::LineTooLong>(())
//! ```

mod reply;
mod request;

use std::fmt;

pub use reply::{Refusal, Reply, ReplyError, Row, Stats, Totals};
pub use request::Request;

use super::Decoded;

/// The most octets of a client's line, its end not counted: the longest request, two words of 255
/// octets and a command, and the longest credentials, two of 255, have room to spare.
pub const LINE_MAX: usize = 1024;

/// The longest line of a client with CR and LF: all that a connection ever has to buffer.
pub const LINE_LEN_MAX: usize = LINE_MAX + 2;

/// What CONFIG changes; the document has no words for more.
pub const PARAMETERS: [&str; 4] = ["timeout", "max_connections", "max_users", "buffer_size"];

/// What the server says first.
pub const SERVER_BANNER: &str = "SOCKS-MONITOR 1.0";
/// What it says to a client's banner.
pub const CREDENTIALS_PLEASE: &str = "Please provide your credentials";
/// What it says to right credentials.
pub const CREDENTIALS_VALID: &str =
    "The credentials are valid. You can proceed with the monitoring!";
/// What it says to wrong credentials, before it closes.
pub const CREDENTIALS_INVALID: &str = "The credentials are invalid.";

/// The line has more octets than it may, so where the next one begins is not looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LineTooLong;

impl fmt::Display for LineTooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the line is longer than any in SOCKS-MONITOR")
    }
}

impl std::error::Error for LineTooLong {}

/// Takes a line of at most `longest` octets off the front of `bytes`; it comes without its LF and
/// the CR before that.
///
/// # Errors
///
/// [`LineTooLong`] as soon as there is one octet too much.
pub fn decode_line(bytes: &[u8], longest: usize) -> Decoded<&[u8], LineTooLong> {
    let window = bytes.get(..longest.saturating_add(2)).unwrap_or(bytes);
    let before_lf = window.split(|&octet| octet == b'\n').next().unwrap_or_default();
    let line = before_lf.strip_suffix(b"\r").unwrap_or(before_lf);
    if line.len() > longest {
        Err(LineTooLong)
    } else if before_lf.len() == window.len() {
        Ok(None)
    } else {
        Ok(Some((line, before_lf.len() + 1)))
    }
}

/// Appends a line of our own to `out`.
pub fn put_line(out: &mut Vec<u8>, line: &str) {
    out.extend_from_slice(line.as_bytes());
    out.push(b'\n');
}

/// Checks the line with which the other side introduces itself, `[BANNER] [ESPACIO] [VERSION]`:
/// any banner, and a version `1.x`.
///
/// # Errors
///
/// [`Refusal::InvalidBanner`] when a part is missing, [`Refusal::UnsupportedVersion`].
pub fn check_banner(line: &[u8]) -> Result<(), Refusal> {
    let mut parts = line.rsplitn(2, |&octet| octet == b' ');
    let (version, banner) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    if banner.is_empty() || version.is_empty() {
        return Err(Refusal::InvalidBanner);
    }
    let minor = version.strip_prefix(b"1.").unwrap_or_default();
    if minor.is_empty() || !minor.iter().all(u8::is_ascii_digit) {
        return Err(Refusal::UnsupportedVersion(version.to_vec()));
    }
    Ok(())
}

/// Splits `[USERNAME]/[PASSWORD]` at the first `/`. `None` without one: then nobody is named, and
/// all of it may be a password.
pub fn split_credentials(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let slash = line.iter().position(|&octet| octet == b'/')?;
    Some((line.get(..slash)?, line.get(slash + 1..)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_in_lf_and_a_cr_before_it_is_dropped() {
        assert_eq!(decode_line(b"STATS\nUSERS\n", 9), Ok(Some((&b"STATS"[..], 6))));
        assert_eq!(decode_line(b"a\rb\r\r\n", 9), Ok(Some((&b"a\rb\r"[..], 6))));
        assert_eq!(decode_line(b"\n", 9), Ok(Some((&b""[..], 1))));
        assert_eq!(decode_line(b"STATS\r", 9), Ok(None));
    }

    #[test]
    fn a_line_is_too_long_with_its_first_octet_too_much() {
        for end in [&b"\n"[..], b"\r\n"] {
            let line = [&[b'x'; LINE_MAX], end].concat();
            for cut in 0..line.len() {
                assert_eq!(decode_line(&line[..cut], LINE_MAX), Ok(None), "{cut}");
            }
            assert_eq!(
                decode_line(&line, LINE_MAX),
                Ok(Some((&line[..LINE_MAX], LINE_MAX + end.len())))
            );
        }
        assert_eq!(decode_line(&[b'x'; LINE_MAX + 1], LINE_MAX), Err(LineTooLong));
        let with_cr = [&[b'x'; LINE_MAX][..], b"\rx"].concat();
        assert_eq!(decode_line(&with_cr, LINE_MAX), Err(LineTooLong));
    }

    #[test]
    fn any_banner_of_version_one_is_welcome() {
        for right in ["SoyUnCliente 1.0", "x 1.17", "a b 1.0", "\u{f1} 1.9"] {
            assert_eq!(check_banner(right.as_bytes()), Ok(()), "{right}");
        }
        for invalid in ["", " ", "1.0", " 1.0", "SoyUnCliente", "SoyUnCliente "] {
            assert_eq!(check_banner(invalid.as_bytes()), Err(Refusal::InvalidBanner), "{invalid}");
        }
        for version in ["2.0", "1", "1.", "1.x", "11.0", "0.1", "1.0.0", "HTTP/1.1"] {
            let refusal = Refusal::UnsupportedVersion(version.into());
            assert_eq!(check_banner(format!("x {version}").as_bytes()), Err(refusal));
        }
    }

    #[test]
    fn credentials_split_at_the_first_slash() {
        assert_eq!(split_credentials(b"root/a/b"), Some((&b"root"[..], &b"a/b"[..])));
        assert_eq!(split_credentials(b"root:secret"), None);
        assert_eq!(split_credentials(b"root/"), Some((&b"root"[..], &b""[..])));
        assert_eq!(split_credentials(b"/x"), Some((&b""[..], &b"x"[..])));
    }
}
