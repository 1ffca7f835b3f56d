//! Bytes of peers made fit for a line of text.

use std::fmt;

/// Shows octets as ISO 8859-1 text in which no control character survives: they
/// and the backslash appear as `\xNN`, so a peer can't forge a log line.
pub struct Printable<'a>(pub &'a [u8]);

impl fmt::Display for Printable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for &octet in self.0 {
            let shown = char::from(octet);
            if shown.is_control() || shown == '\\' {
                write!(f, "\\x{octet:02x}")?;
            } else {
                write!(f, "{shown}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_escaped() {
        let shown = Printable(b"a\tb\r\n\\ \xe9\x85\x7f").to_string();
        assert_eq!(shown, "a\\x09b\\x0d\\x0a\\x5c \u{e9}\\x85\\x7f");
    }
}
