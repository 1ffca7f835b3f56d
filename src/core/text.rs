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

/// Shows octets as ISO 8859-1 text, as they are: for what escapes by itself.
pub struct Latin1<'a>(pub &'a [u8]);

impl fmt::Display for Latin1<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|octet| fmt::Write::write_char(f, char::from(*octet)))
    }
}

/// Shows JSON in which nothing ends a line or steers a terminal for anybody: serde
/// leaves what is above U+007E as it is.
pub struct JsonLine<'a>(pub &'a serde_json::Value);

impl fmt::Display for JsonLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.to_string().chars().try_for_each(|c| match c {
            // Control characters, and the separators of lines and paragraphs: none is
            // above U+FFFF, and all are in strings.
            _ if c.is_control() => write!(f, "\\u{:04x}", u32::from(c)),
            '\u{2028}' | '\u{2029}' => write!(f, "\\u{:04x}", u32::from(c)),
            _ => fmt::Write::write_char(f, c),
        })
    }
}

/// The text in ISO 8859-1, the character set of names and passwords.
///
/// # Errors
/// A sentence when a character is not in it; it does not repeat the text.
pub fn latin1(text: &str) -> Result<Vec<u8>, String> {
    let octet = |c: char| {
        u8::try_from(c).map_err(|_| "a character is not in ISO 8859-1, use others".to_owned())
    };
    text.chars().map(octet).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_escaped() {
        let shown = Printable(b"a\tb\r\n\\ \xe9\x85\x7f").to_string();
        assert_eq!(shown, "a\\x09b\\x0d\\x0a\\x5c \u{e9}\\x85\\x7f");
    }

    #[test]
    fn json_is_one_line_that_steers_nothing() {
        let text = "\u{9b}2J\u{85}\u{7f}\n\u{2028}\u{2029}\u{f1}\u{1f600}\"";
        let json = serde_json::json!({ "\u{9b}": text });
        let line = JsonLine(&json).to_string();
        let expected = r#"{"\u009b":"\u009b2J\u0085\u007f\n\u2028\u2029ñ😀\""}"#;
        assert_eq!(line, expected);
        assert_eq!(serde_json::from_str::<serde_json::Value>(&line).unwrap(), json);
    }

    #[test]
    fn text_becomes_octets() {
        assert_eq!(latin1("a\u{f1}o"), Ok(b"a\xf1o".to_vec()));
        assert!(latin1("\u{20ac}").is_err());
    }
}
