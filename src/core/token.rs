//! Tokens that say who an admin is, and how they are kept.

use std::fmt;
use std::io;

use subtle::ConstantTimeEq;

use super::account::Password;
use super::verifier::{Digest, Key, keyed};

/// A token of exactly 16 printable ASCII characters.
#[derive(Debug, Clone)]
pub struct Token(Password);

impl Token {
    /// Its length, in octets.
    pub const LENGTH: usize = 16;

    /// Accepts the octets of a token; `None` unless they are
    /// [`Self::LENGTH`] printable ASCII characters.
    pub fn new(octets: &[u8]) -> Option<Self> {
        let printable = |octet: &u8| (0x20..0x7f).contains(octet);
        if octets.len() != Self::LENGTH || !octets.iter().all(printable) {
            return None;
        }
        Password::new(octets).ok().map(Self)
    }
}

/// Octets of the salt.
const SALT_LEN: usize = 16;

/// The salted digest of a [`Token`]: quick to compare, because a token is
/// compared with everybody's. Its text is `$blake2b$SALT$DIGEST`, hexadecimal.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct TokenHash {
    salt: [u8; SALT_LEN],
    digest: Digest,
}

impl TokenHash {
    /// # Errors
    /// When the system has no random bytes.
    pub fn of(token: &Token) -> io::Result<Self> {
        let mut salt = [0; SALT_LEN];
        getrandom::fill(&mut salt).map_err(io::Error::other)?;
        Ok(Self { salt, digest: salted(&salt, token.0.octets()) })
    }

    /// Whether this digest is of that token.
    pub fn is_of(&self, token: &Token) -> bool {
        self.matches(token.0.octets())
    }

    /// Compares in constant time.
    pub(super) fn matches(&self, token: &[u8]) -> bool {
        self.digest.ct_eq(&salted(&self.salt, token)).into()
    }

    /// Reads the text; `None` when it is none.
    pub fn parse(text: &str) -> Option<Self> {
        let (salt, digest) = text.strip_prefix("$blake2b$")?.split_once('$')?;
        Some(Self { salt: octets(salt)?, digest: octets(digest)? })
    }
}

fn salted(salt: &[u8; SALT_LEN], token: &[u8]) -> Digest {
    let mut key: Key = [0; 64];
    for (to, from) in key.iter_mut().zip(salt) {
        *to = *from;
    }
    keyed(&key, token)
}

/// Reads exactly `N` octets of two lower-case hexadecimal digits each.
fn octets<const N: usize>(text: &str) -> Option<[u8; N]> {
    let value = |digit: &u8| match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    };
    let values: Vec<u8> = text.bytes().map(|digit| value(&digit)).collect::<Option<_>>()?;
    let (pairs, []) = values.as_chunks::<2>() else { return None };
    let octets: Vec<u8> = pairs.iter().map(|[high, low]| high << 4 | low).collect();
    octets.try_into().ok()
}

impl fmt::Display for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("$blake2b$")?;
        self.salt.iter().try_for_each(|octet| write!(f, "{octet:02x}"))?;
        f.write_str("$")?;
        self.digest.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
    }
}

impl fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenHash(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_sixteen_printable_characters() {
        assert!(Token::new(b"0123456789abcdef").is_some());
        assert!(Token::new(b"0123456789abcde").is_none());
        assert!(Token::new(b"0123456789abcde\n").is_none());
    }

    #[test]
    fn a_hash_survives_its_text_and_matches_its_token_only() {
        let hash = TokenHash::of(&Token::new(b"0123456789abcdef").unwrap()).unwrap();
        let text = hash.to_string();
        let read = TokenHash::parse(&text).unwrap();
        assert!(read == hash && read.matches(b"0123456789abcdef"));
        assert!(!read.matches(b"0123456789abcdeF") && !read.matches(b""));
        assert!(!text.contains("0123456789abcdef"));
        for wrong in ["", &text[..text.len() - 1], &text.replace("$blake2b", "$md5")] {
            assert!(TokenHash::parse(wrong).is_none(), "{wrong}");
        }
        assert!(TokenHash::parse(&format!("{text}00")).is_none());
    }
}
