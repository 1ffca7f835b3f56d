//! Names and secrets of users and admins.
//!
//! Both are byte strings (ISO 8859-1), as the protocols carry them. A value of
//! these types is already acceptable; nothing past the edge checks again.

use std::collections::BTreeSet;
use std::fmt;

use subtle::{Choice, ConstantTimeEq};

/// The longest name or password, in octets: one length octet on the wire.
pub const MAX_LENGTH: usize = 255;

/// Why bytes can't be a name or a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BadAccount {
    /// No octets at all.
    Empty,
    /// More than [`MAX_LENGTH`] octets.
    TooLong,
    /// A name with a control character, `:` or `/`, which some dialect or a
    /// file name could not carry.
    Character(u8),
}

impl fmt::Display for BadAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => write!(f, "it is empty, give 1 to {MAX_LENGTH} octets"),
            Self::TooLong => write!(f, "it is longer than {MAX_LENGTH} octets"),
            Self::Character(octet) => write!(
                f,
                "a name can't hold the octet {octet:02x}: no control characters, ':' or '/'"
            ),
        }
    }
}

impl std::error::Error for BadAccount {}

/// The name of a user or an admin: 1-255 octets, no control character, no `:`,
/// no `/`, and neither `.` nor `..` (it is also the name of a mailbox folder).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(Box<[u8]>);

impl Name {
    /// Accepts the octets of a name.
    ///
    /// # Errors
    /// [`BadAccount`] says which rule they break.
    pub fn new(octets: &[u8]) -> Result<Self, BadAccount> {
        check_length(octets)?;
        let forbidden = |octet: &u8| octet.is_ascii_control() || b":/".contains(octet);
        if let Some(&octet) = octets.iter().find(|octet| forbidden(octet)) {
            return Err(BadAccount::Character(octet));
        }
        if matches!(octets, b"." | b"..") {
            return Err(BadAccount::Character(b'.'));
        }
        Ok(Self(octets.into()))
    }

    /// The octets, as they go on the wire.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The first of these names that has been there before.
    pub fn repeated<'a>(mut names: impl Iterator<Item = &'a Self>) -> Option<&'a Self> {
        let mut seen = BTreeSet::new();
        names.find(|name| !seen.insert(*name))
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", super::text::Printable(&self.0))
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Name({self})")
    }
}

/// A secret of 1-255 octets. It never shows in `Debug` and has no `Display`.
#[derive(Clone)]
pub struct Password(Box<[u8]>);

impl Password {
    /// Accepts the octets of a password.
    ///
    /// # Errors
    /// [`BadAccount`] when it is empty or too long.
    pub fn new(octets: &[u8]) -> Result<Self, BadAccount> {
        check_length(octets)?;
        Ok(Self(octets.into()))
    }

    /// The octets, to be hashed.
    pub(super) fn octets(&self) -> &[u8] {
        &self.0
    }

    /// Compares in a time that depends on neither secret: both are laid into
    /// a block of fixed size with their length, and the blocks are compared.
    pub fn matches(&self, candidate: &[u8]) -> bool {
        bool::from(self.block().ct_eq(&block(candidate)) & fits(candidate))
    }

    fn block(&self) -> [u8; MAX_LENGTH + 1] {
        block(&self.0)
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(..)")
    }
}

fn check_length(octets: &[u8]) -> Result<(), BadAccount> {
    match octets.len() {
        0 => Err(BadAccount::Empty),
        1..=MAX_LENGTH => Ok(()),
        _ => Err(BadAccount::TooLong),
    }
}

fn fits(candidate: &[u8]) -> Choice {
    Choice::from(u8::from(candidate.len() <= MAX_LENGTH))
}

fn block(secret: &[u8]) -> [u8; MAX_LENGTH + 1] {
    let mut block = [0; MAX_LENGTH + 1];
    for (to, from) in block.iter_mut().zip(secret) {
        *to = *from;
    }
    block[MAX_LENGTH] = secret.len().min(MAX_LENGTH) as u8;
    block
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_keep_to_the_rules() {
        assert!(Name::new(b"ana").is_ok());
        assert!(Name::new(&[0xe9; MAX_LENGTH]).is_ok());
        assert_eq!(Name::new(b"").unwrap_err(), BadAccount::Empty);
        assert_eq!(Name::new(&[b'a'; 256]).unwrap_err(), BadAccount::TooLong);
        for bad in [b"a:b".as_slice(), b"a/b", b"a\0", b"\x7f", b"a\n", b".", b".."] {
            assert!(matches!(Name::new(bad), Err(BadAccount::Character(_))), "{bad:?}");
        }
    }

    #[test]
    fn a_password_matches_itself_only() {
        let password = Password::new(b"secret").unwrap();
        assert!(password.matches(b"secret"));
        for wrong in [b"".as_slice(), b"secre", b"secret\0", b"Secret", &[b's'; 300]] {
            assert!(!password.matches(wrong), "{wrong:?}");
        }
        let longest = Password::new(&[7; MAX_LENGTH]).unwrap();
        assert!(longest.matches(&[7; MAX_LENGTH]));
        assert!(!longest.matches(&[7; MAX_LENGTH + 1]));
    }

    #[test]
    fn a_password_does_not_show() {
        let shown = format!("{:?}", Password::new(b"secret").unwrap());
        assert!(!shown.contains("secret"));
    }
}
