//! Base64 with the standard alphabet (RFC 4648, section 4), read strictly.

use std::fmt;

/// The text is not base64: an octet outside the alphabet (also a line end or a space), padding
/// that is missing or too much, or bits set behind the last octet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotBase64;

impl fmt::Display for NotBase64 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the text is not base64 with its padding")
    }
}

impl std::error::Error for NotBase64 {}

/// The octets that `text` stands for; none for an empty text.
///
/// # Errors
///
/// [`NotBase64`]. There is exactly one right text for any octets, so nothing can hide in it.
pub fn decode(text: &[u8]) -> Result<Vec<u8>, NotBase64> {
    // "Special processing is performed if fewer than 24 bits are available at the end of the data
    // being encoded": one or two "=" make up for what is missing in the last four characters.
    let padding = match text {
        [.., b'=', b'='] => 2,
        [.., b'='] => 1,
        _ => 0,
    };
    let (groups, []) = text.as_chunks::<4>() else { return Err(NotBase64) };
    let mut octets = Vec::with_capacity(groups.len() * 3);
    for (at, group) in groups.iter().enumerate() {
        let padding = if at + 1 == groups.len() { padding } else { 0 };
        let [_, first, second, third] = bits(group, padding)?.to_be_bytes();
        octets.extend([first, second, third]);
    }
    octets.truncate(octets.len() - padding);
    Ok(octets)
}

/// The 24 bits of four characters, of which the last `padding` are "=".
fn bits(group: &[u8; 4], padding: usize) -> Result<u32, NotBase64> {
    let mut bits = 0;
    for (at, &character) in group.iter().enumerate() {
        let sextet = if at < 4 - padding { sextet(character).ok_or(NotBase64)? } else { 0 };
        bits = bits << 6 | u32::from(sextet);
    }
    // Section 3.5: decoders "MAY chose to reject an encoding if the pad bits have not been set to
    // zero".
    if bits & ((1 << (8 * padding)) - 1) == 0 { Ok(bits) } else { Err(NotBase64) }
}

/// The six bits of one character of the alphabet.
fn sextet(character: u8) -> Option<u8> {
    Some(match character {
        b'A'..=b'Z' => character - b'A',
        b'a'..=b'z' => character - b'a' + 26,
        b'0'..=b'9' => character - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The other direction, bit by bit, so that it shares no thought with the decoder.
    fn encode(octets: &[u8]) -> Vec<u8> {
        let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let bits: String = octets.iter().map(|octet| format!("{octet:08b}")).collect();
        let mut text: Vec<u8> = bits
            .as_bytes()
            .chunks(6)
            .map(|six| format!("{:0<6}", str::from_utf8(six).unwrap()))
            .map(|six| alphabet[usize::from_str_radix(&six, 2).unwrap()])
            .collect();
        text.resize(text.len().next_multiple_of(4), b'=');
        text
    }

    #[test]
    fn the_test_vectors_of_section_10() {
        for (octets, text) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(decode(text.as_bytes()), Ok(octets.as_bytes().to_vec()));
            assert_eq!(encode(octets.as_bytes()), text.as_bytes());
        }
        assert_eq!(decode(b"+/+/"), Ok(vec![0xfb, 0xff, 0xbf]));
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "Z", "Zg", "Zg=", "Zm9", "Zg==Zg==", "Zg=a", "=", "==", "====", "Z===", "A===",
            "Zg===", "Zh==", "Zm9=", "-_-_", "Zm9v\r\n", " Zm9v", "Zm 9v", "Zm9v\0", "*", "é===",
        ] {
            assert_eq!(decode(text.as_bytes()), Err(NotBase64), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_decoded(octets: Vec<u8>) {
            prop_assert_eq!(decode(&encode(&octets)), Ok(octets));
        }

        #[test]
        fn what_is_decoded_has_one_text(text in "[AZaz09+/=]{0,12}") {
            if let Ok(octets) = decode(text.as_bytes()) {
                prop_assert_eq!(encode(&octets), text.as_bytes());
            }
        }
    }
}
