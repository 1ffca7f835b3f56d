//! Passwords as argon2id hashes, written as PHC strings.

use std::fmt;
use std::io;

use argon2::password_hash::phc::{Output, PasswordHash, Salt};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use subtle::ConstantTimeEq;

use super::account::Password;

/// An argon2id hash, `$argon2id$v=19$m=19456,t=2,p=1$salt$hash`. It does not show
/// in `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct Phc(Box<PasswordHash>);

/// The dearest hash that is accepted: it is computed for whoever knocks.
const MEMORY_KIB_MAX: u32 = 64 * 1024;
const PASSES_MAX: u32 = 10;
const LANES_MAX: u32 = 4;
/// Octets of a salt and of a hash that we make. Its parameters are the defaults of
/// the crate, 19 MiB, two passes, one lane: recommended by OWASP's cheat sheet.
const SALT_LEN: usize = 16;
const HASH_LEN: usize = 32;

/// Why a text is no [`Phc`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BadPhc {
    /// No PHC string of argon2id with version 19, salt and hash.
    Form,
    /// It would take more memory or time than a login may.
    TooDear,
}

impl fmt::Display for BadPhc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Form => f.write_str(
                "it is no argon2id PHC string with v=19, make one with socksd hash-password",
            ),
            Self::TooDear => write!(
                f,
                "its parameters go beyond m={MEMORY_KIB_MAX},t={PASSES_MAX},p={LANES_MAX}, make \
                 another one with socksd hash-password"
            ),
        }
    }
}

impl std::error::Error for BadPhc {}

impl Phc {
    /// Reads a PHC string.
    ///
    /// # Errors
    /// [`BadPhc`]; it does not repeat the text.
    pub fn parse(text: &str) -> Result<Self, BadPhc> {
        let hash = PasswordHash::new(text).map_err(|_| BadPhc::Form)?;
        let complete = hash.salt.is_some() && hash.hash.is_some();
        let version = u32::from(Version::V0x13);
        if hash.algorithm.as_str() != Algorithm::Argon2id.as_str()
            || hash.version != Some(version)
            || !complete
        {
            return Err(BadPhc::Form);
        }
        let params = Params::try_from(&hash).map_err(|_| BadPhc::Form)?;
        let dear = params.m_cost() > MEMORY_KIB_MAX
            || params.t_cost() > PASSES_MAX
            || params.p_cost() > LANES_MAX;
        if dear { Err(BadPhc::TooDear) } else { Ok(Self(hash.into())) }
    }

    /// Hashes a password with a new salt: 19 MiB and some ten milliseconds.
    ///
    /// # Errors
    /// When the system has no random bytes.
    pub fn of(password: &Password) -> io::Result<Self> {
        Self::made_in(&mut Memory::default(), password)
    }

    /// As [`Self::of`], in memory that was used before.
    pub(super) fn made_in(memory: &mut Memory, password: &Password) -> io::Result<Self> {
        let mut salt = [0; SALT_LEN];
        getrandom::fill(&mut salt).map_err(io::Error::other)?;
        let mut hash = [0; HASH_LEN];
        compute(Params::DEFAULT, memory, password.octets(), &salt, &mut hash)
            .map_err(io::Error::other)?;
        Self::with(&salt, &hash)
    }

    /// One that costs as much to compare with as any, and that nothing matches.
    ///
    /// # Errors
    /// When the system has no random bytes.
    pub(super) fn decoy() -> io::Result<Self> {
        let mut random = [0; SALT_LEN + HASH_LEN];
        getrandom::fill(&mut random).map_err(io::Error::other)?;
        let (salt, hash) = random.split_at(SALT_LEN);
        Self::with(salt, hash)
    }

    fn with(salt: &[u8], hash: &[u8]) -> io::Result<Self> {
        let hash = PasswordHash {
            algorithm: Algorithm::Argon2id.ident(),
            version: Some(Version::V0x13.into()),
            params: Params::DEFAULT.try_into().map_err(io::Error::other)?,
            salt: Some(Salt::new(salt).map_err(io::Error::other)?),
            hash: Some(Output::new(hash).map_err(io::Error::other)?),
        };
        Ok(Self(hash.into()))
    }

    /// Hashes the candidate in the same way and compares, in constant time.
    pub(super) fn matches(&self, memory: &mut Memory, candidate: &[u8]) -> bool {
        let (Some(salt), Some(hash)) = (&self.0.salt, &self.0.hash) else { return false };
        let Ok(params) = Params::try_from(&*self.0) else { return false };
        let mut computed = vec![0; hash.len()];
        compute(params, memory, candidate, salt, &mut computed).is_ok()
            && computed.ct_eq(hash.as_bytes()).into()
    }
}

/// What a computation takes. It is used again and again: the system's allocator
/// would keep as much for every thread that has ever computed.
#[derive(Default)]
pub(super) struct Memory(Vec<Block>);

fn compute(
    params: Params,
    memory: &mut Memory,
    password: &[u8],
    salt: &[u8],
    hash: &mut [u8],
) -> Result<(), argon2::Error> {
    let blocks = params.block_count();
    if memory.0.len() < blocks {
        memory.0.resize(blocks, Block::default());
    }
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    argon2.hash_password_into_with_memory(password, salt, hash, &mut memory.0)
}

impl fmt::Display for Phc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Phc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Phc(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The beginning of a cheap one.
    const SMALL: &str = "$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHQ$";

    #[test]
    fn a_hash_survives_its_text_and_matches_its_password_only() {
        let phc = Phc::of(&Password::new(b"secr\xe9t").unwrap()).unwrap();
        let text = phc.to_string();
        assert!(text.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{text}");
        let read = Phc::parse(&text).unwrap();
        let mut memory = Memory::default();
        assert!(read == phc && read.matches(&mut memory, b"secr\xe9t"));
        assert!(!read.matches(&mut memory, b"secret") && !read.matches(&mut memory, b""));
        // The memory may be dirty.
        assert!(read.matches(&mut memory, b"secr\xe9t"));
        assert!(!format!("{phc:?}").contains('$'));
    }

    #[test]
    fn the_hash_is_that_of_the_crate_itself() {
        use argon2::PasswordVerifier;
        let phc = Phc::of(&Password::new(b"secret").unwrap()).unwrap();
        assert!(Argon2::default().verify_password(b"secret", &*phc.0).is_ok());
        assert!(Argon2::default().verify_password(b"secreT", &*phc.0).is_err());
    }

    #[test]
    fn the_decoy_looks_like_any_other() {
        let decoy = Phc::decoy().unwrap();
        assert!(Phc::parse(&decoy.to_string()).unwrap() == decoy);
        assert!(!decoy.matches(&mut Memory::default(), b"decoy"));
    }

    #[test]
    fn what_is_no_hash_or_too_dear_is_refused() {
        let hash = "aGFzaGhhc2hoYXNoaGFzaGhhc2hoYXNoaGFzaGhhc2g";
        assert!(Phc::parse(&format!("{SMALL}{hash}")).is_ok());
        let form = ["", "secret", "$argon2id$", "$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHQ"];
        for text in form {
            assert_eq!(Phc::parse(text), Err(BadPhc::Form), "{text}");
        }
        for (from, to) in [("argon2id", "argon2i"), ("v=19", "v=16"), ("argon2id", "scrypt")] {
            let other = format!("{SMALL}{hash}").replace(from, to);
            assert_eq!(Phc::parse(&other), Err(BadPhc::Form), "{other}");
        }
        for (from, to) in [("m=64", "m=4000000"), ("t=1", "t=11"), ("p=1", "p=5")] {
            let dear = format!("{SMALL}{hash}").replace(from, to);
            assert_eq!(Phc::parse(&dear), Err(BadPhc::TooDear), "{dear}");
        }
    }
}
