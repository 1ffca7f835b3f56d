//! Version 1: a line of text.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::{Header, ProxyProtocolError, begins};
use crate::wire::Decoded;

const BEGINNING: &[u8] = b"PROXY ";

pub fn decode(bytes: &[u8]) -> Decoded<Header, ProxyProtocolError> {
    if !begins(bytes, BEGINNING) {
        return Err(ProxyProtocolError::Signature);
    }
    let line = bytes.get(..Header::LINE_MAX).unwrap_or(bytes);
    let Some(end) = line.iter().position(|octet| *octet == b'\n') else {
        // "If the CRLF sequence is not found in the first 107 characters, the receiver
        // should declare the line invalid."
        let whole = line.len() == Header::LINE_MAX;
        return if whole { Err(ProxyProtocolError::LineTooLong) } else { Ok(None) };
    };
    // "The receiver must not tolerate a single CR or LF character to end the line."
    let line = line.get(BEGINNING.len()..end).and_then(|line| line.strip_suffix(b"\r"));
    let line = line.ok_or(ProxyProtocolError::Line)?;
    let source = source(line).ok_or(ProxyProtocolError::Line)?;
    Ok(Some((Header { source }, end + 1)))
}

/// What a line says behind its beginning; `None` when it is wrong.
fn source(line: &[u8]) -> Option<Option<SocketAddr>> {
    // "the receiver must ignore anything presented before the CRLF is found"
    if line.strip_prefix(b"UNKNOWN").is_some_and(|rest| matches!(rest, [] | [b' ', ..])) {
        return Some(None);
    }
    let line = str::from_utf8(line).ok()?;
    // "exactly one space" between two words: two of them enclose an empty word.
    let mut words = line.split(' ');
    let address: fn(&str) -> Option<IpAddr> = match words.next()? {
        "TCP4" => |word| word.parse::<Ipv4Addr>().ok().map(IpAddr::V4),
        "TCP6" => |word| word.parse::<Ipv6Addr>().ok().map(IpAddr::V6),
        _ => return None,
    };
    let (source, _destination) = (address(words.next()?)?, address(words.next()?)?);
    let (source_port, _destination_port) = (port(words.next()?)?, port(words.next()?)?);
    words.next().is_none().then_some(Some(SocketAddr::new(source, source_port)))
}

/// "a decimal number in the range [0..65535] inclusive. Heading zeroes are not permitted."
fn port(word: &str) -> Option<u16> {
    word.parse::<u16>().ok().filter(|port| port.to_string() == word)
}
