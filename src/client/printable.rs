//! Texts of others, made fit for a cell of a screen.

use ratatui::text::Span;

/// The text with what would steer the terminal, or hide, written as its number:
/// `\x1b`, `\u{202e}`.
pub fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            _ if c.is_control() && u32::from(c) < 0x100 => {
                shown.push_str(&format!("\\x{:02x}", u32::from(c)));
            }
            _ if hides(c) => shown.push_str(&c.escape_unicode().to_string()),
            _ => shown.push(c),
        }
    }
    shown
}

/// Characters without a picture of their own, of which some reorder others. What
/// only combines (accents) is left: it stands on the letter before it.
fn hides(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}'
        | '\u{fff0}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

/// How many columns it takes.
pub fn width(text: &str) -> usize {
    Span::raw(text).width()
}

/// As much of it as `columns` hold, with `…` where something was left out.
pub fn cut(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let mut shown = String::new();
    let mut left = columns.saturating_sub(1);
    for grapheme in Span::raw(text).styled_graphemes(ratatui::style::Style::new()) {
        let Some(rest) = left.checked_sub(width(grapheme.symbol)) else { break };
        left = rest;
        shown.push_str(grapheme.symbol);
    }
    if columns > 0 {
        shown.push('…');
    }
    shown
}

/// The text in lines of at most so many columns, broken between words where that
/// can be done.
pub fn lines(text: &str, columns: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if width(line) + 1 + width(word) <= columns => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_between_words() {
        assert_eq!(lines("can't reach the server", 11), ["can't reach", "the server"]);
        assert_eq!(lines("can't reach", 3), ["can't", "reach"], "who draws them cuts them");
        assert_eq!(lines("", 3), [""]);
    }

    #[test]
    fn nothing_steers_the_terminal() {
        assert_eq!(printable("a\x1b[2J\u{9b}\n"), "a\\x1b[2J\\x9b\\x0a");
        assert_eq!(printable("gpj.\u{202e}exe"), "gpj.\\u{202e}exe");
        assert_eq!(printable("ñandú 例え e\u{301}"), "ñandú 例え e\u{301}");
    }

    #[test]
    fn a_cut_counts_columns() {
        assert_eq!(cut("abcdef", 6), "abcdef");
        assert_eq!(cut("abcdefg", 6), "abcde…");
        assert_eq!(cut("例え.jp", 7), "例え.jp");
        assert_eq!(cut("例え.jp", 6), "例え.…");
        assert_eq!(cut("例え.jp", 4), "例…", "half a letter does not fit");
        assert_eq!(cut("abc", 1), "…");
        assert_eq!(cut("abc", 0), "");
    }
}
