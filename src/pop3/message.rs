//! A message on its way from a file to the wire, piece by piece.
//!
//! On the wire lines end in CRLF, a line that begins with a dot gets another one
//! before it, and a line with a dot alone comes last (RFC 1939, section 3). In a
//! file lines end in LF or CRLF, also mixed, and the last one may lack its end. A
//! CR alone is an octet like others.

use std::io::{self, Read};

use crate::net::driver::read_some;
use crate::wire::pop3::put_end;

/// Octets read from a file at once. On the wire they are three times as many at
/// the very most: with nothing but lines of no or one octet.
pub const CHUNK: usize = 32 * 1024;

/// Turns the octets of a file into those of the wire.
#[derive(Debug)]
pub struct WireForm {
    line: Line,
    part: Part,
}

/// The line that has begun.
#[derive(Debug, Default)]
struct Line {
    /// Its octets so far.
    length: usize,
    /// Whether the last one is a CR.
    cr: bool,
}

/// How much of a message is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Whole,
    /// The lines up to the first empty one, then this many.
    Header(u64),
    /// This many lines more.
    Body(u64),
}

impl WireForm {
    /// All of a message.
    pub fn whole() -> Self {
        Self { line: Line::default(), part: Part::Whole }
    }

    /// "the headers of the message, the blank line separating the headers from the
    /// body, and then the number of lines of the indicated message's body" (RFC
    /// 1939, section 7).
    pub fn top(lines: u64) -> Self {
        Self { line: Line::default(), part: Part::Header(lines) }
    }

    /// Whether nothing more of the file is wanted.
    pub fn has_enough(&self) -> bool {
        self.part == Part::Body(0)
    }

    /// Appends what the next octets of the file become.
    pub fn push(&mut self, octets: &[u8], out: &mut Vec<u8>) {
        for piece in octets.split_inclusive(|&octet| octet == b'\n') {
            if self.has_enough() {
                return;
            }
            // "If any line begins with the termination octet, the line is
            // "byte-stuffed" by pre-pending the termination octet".
            if self.line.length == 0 && piece.starts_with(b".") {
                out.push(b'.');
            }
            match piece.strip_suffix(b"\n") {
                Some(text) => self.end_line(text, out),
                None => {
                    out.extend_from_slice(piece);
                    self.line.grow(piece);
                }
            }
        }
    }

    fn end_line(&mut self, text: &[u8], out: &mut Vec<u8>) {
        self.line.grow(text);
        out.extend_from_slice(text);
        out.extend_from_slice(if self.line.cr { b"\n" } else { b"\r\n" });
        let is_empty = self.line.length == usize::from(self.line.cr);
        self.part = match self.part {
            Part::Header(lines) if is_empty => Part::Body(lines),
            Part::Body(lines) => Part::Body(lines.saturating_sub(1)),
            part => part,
        };
        self.line = Line::default();
    }

    /// Appends what is missing at the end of the file.
    pub fn finish(self, out: &mut Vec<u8>) {
        if self.line.length > 0 {
            out.extend_from_slice(b"\r\n");
        }
        put_end(out);
    }
}

impl Line {
    fn grow(&mut self, octets: &[u8]) {
        self.length = self.length.saturating_add(octets.len());
        self.cr = octets.last().map_or(self.cr, |&last| last == b'\r');
    }
}

/// The size of a message "in octets" (RFC 1939, sections 5 and 11): with CRLF at
/// each line's end, without the dots of the byte-stuffing and of the last line.
///
/// # Errors
/// When the file can't be read.
pub fn size(mut file: impl Read) -> io::Result<u64> {
    let mut buffer = vec![0; CHUNK];
    let (mut octets, mut last) = (0, b'\n');
    loop {
        let chunk = read_some(&mut file, &mut buffer)?;
        let Some(&end) = chunk.last() else { break };
        let before = std::iter::once(&last).chain(chunk);
        let bare =
            before.zip(chunk).filter(|(before, octet)| **octet == b'\n' && **before != b'\r');
        octets += chunk.len() as u64 + bare.count() as u64;
        last = end;
    }
    Ok(if last == b'\n' { octets } else { octets + 2 })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn wire(form: WireForm, file: &[u8], chunk: usize) -> Vec<u8> {
        let (mut form, mut out) = (form, Vec::new());
        file.chunks(chunk).for_each(|piece| form.push(piece, &mut out));
        form.finish(&mut out);
        out
    }

    /// The file as RFC 1939 wants it, by other means: octet for octet.
    fn normalized(file: &[u8]) -> Vec<u8> {
        let mut text = Vec::new();
        for &octet in file {
            if octet == b'\n' && text.last() != Some(&b'\r') {
                text.push(b'\r');
            }
            text.push(octet);
        }
        if !matches!(text.last(), None | Some(b'\n')) {
            text.extend(b"\r\n");
        }
        text
    }

    /// What a client makes of an answer: lines up to a dot alone, dots removed.
    fn unstuffed(wire: &[u8]) -> Vec<u8> {
        let mut text = Vec::new();
        let mut left = wire;
        loop {
            let end = left.windows(2).position(|pair| pair == b"\r\n").expect("a CRLF") + 2;
            let (line, rest) = left.split_at(end);
            left = rest;
            if line == b".\r\n" {
                assert_eq!(left, b"", "octets behind the end");
                return text;
            }
            text.extend(line.strip_prefix(b".").unwrap_or(line));
        }
    }

    #[test]
    fn real_mail() {
        for (file, expected) in [
            ("", ".\r\n"),
            ("\n", "\r\n.\r\n"),
            (".", "..\r\n.\r\n"),
            (".\n", "..\r\n.\r\n"),
            ("..\r\n", "...\r\n.\r\n"),
            ("a: b\n\ntext", "a: b\r\n\r\ntext\r\n.\r\n"),
            ("a\r\nb\nc\r\n", "a\r\nb\r\nc\r\n.\r\n"),
            ("a\rb\r\r\n.c\r", "a\rb\r\r\n..c\r\r\n.\r\n"),
            ("a.\n\r.\n", "a.\r\n\r.\r\n.\r\n"),
        ] {
            for chunk in 1..=file.len().max(1) {
                let said = wire(WireForm::whole(), file.as_bytes(), chunk);
                assert_eq!(said.escape_ascii().to_string(), expected.escape_default().to_string());
            }
        }
    }

    #[test]
    fn the_top_of_a_message() {
        let file = b"a: b\n.c: d\r\n\n.1\n2\r\n\n4";
        for (lines, body) in [(0, ""), (1, "..1\r\n"), (2, "..1\r\n2\r\n"), (3, "..1\r\n2\r\n\r\n")]
        {
            let expected = format!("a: b\r\n..c: d\r\n\r\n{body}.\r\n");
            for chunk in 1..=file.len() {
                assert_eq!(wire(WireForm::top(lines), file, chunk), expected.as_bytes());
            }
        }
        for lines in [4, 5, u64::MAX] {
            assert_eq!(wire(WireForm::top(lines), file, 3), wire(WireForm::whole(), file, 3));
        }
        assert_eq!(wire(WireForm::top(0), b"only headers", 5), b"only headers\r\n.\r\n");
        assert_eq!(wire(WireForm::top(0), b"\r\nbody", 1), b"\r\n.\r\n");
    }

    proptest! {
        #[test]
        fn a_client_gets_the_normalized_file(
            file in "[a.\r\n]{0,40}", chunk in 1usize..9,
        ) {
            let file = file.as_bytes();
            let said = wire(WireForm::whole(), file, chunk);
            prop_assert_eq!(unstuffed(&said), normalized(file));
            prop_assert_eq!(size(file).unwrap(), normalized(file).len() as u64);
        }

        #[test]
        fn any_octets_and_any_chunks(file: Vec<u8>, chunk in 1usize..300, lines in 0u64..5) {
            let said = wire(WireForm::whole(), &file, chunk);
            prop_assert_eq!(unstuffed(&said), normalized(&file));
            let top = unstuffed(&wire(WireForm::top(lines), &file, chunk));
            prop_assert!(normalized(&file).starts_with(&top));
        }

        #[test]
        fn a_size_does_not_depend_on_the_chunks(file in "[a\r\n]{0,40}", chunk in 1usize..9) {
            struct Slowly<'a>(&'a [u8], usize);
            impl Read for Slowly<'_> {
                fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
                    let most = self.1.min(buffer.len());
                    self.0.read(&mut buffer[..most])
                }
            }
            let file = file.as_bytes();
            prop_assert_eq!(size(Slowly(file, chunk)).unwrap(), size(file).unwrap());
        }
    }
}
