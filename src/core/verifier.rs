//! Checks secrets: quickly those that it has seen to be right, and all others as
//! slowly as argon2id is meant to be.

use std::fmt;
use std::io;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use blake2::Blake2bMac;
use blake2::digest::consts::U32;
use blake2::digest::{KeyInit, Mac};
use crossbeam_channel::{Receiver, Sender};
use subtle::ConstantTimeEq;

use super::account::Password;
use super::phc::{Memory, Phc};

/// A password as it is given to the server.
#[derive(Debug, Clone)]
pub enum Secret {
    /// Itself.
    Plain(Password),
    /// Its hash.
    Hashed(Phc),
}

impl Secret {
    /// Whether this hash is of it. For a plain one that takes as long as a login.
    pub fn is(&self, stored: &Phc) -> bool {
        match self {
            Self::Plain(password) => stored.matches(&mut Memory::default(), password.octets()),
            Self::Hashed(phc) => phc == stored,
        }
    }
}

impl From<Password> for Secret {
    fn from(password: Password) -> Self {
        Self::Plain(password)
    }
}

/// The keyed BLAKE2b digest of a secret.
pub(super) type Digest = [u8; 32];

/// The key of a digest.
pub(super) type Key = [u8; 64];

/// A password as it is kept: another password is another value, so what is cached
/// here can't outlive it.
pub(super) struct Kept {
    phc: Option<Phc>,
    /// The keyed digest of the password, once it has been seen.
    seen: OnceLock<Digest>,
}

impl Kept {
    /// What can be stored of it: always there when a [`Verifier`] keeps hashes.
    pub(super) fn phc(&self) -> Option<&Phc> {
        self.phc.as_ref()
    }
}

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Kept(..)")
    }
}

/// Makes and checks what is [`Kept`].
pub(super) struct Verifier {
    /// Of this process only: the digests are worth nothing to anybody else.
    key: Key,
    decoy: Phc,
    keeps_hashes: bool,
    /// Whether a wrong password may have to be told by its hash.
    any_hashes: AtomicBool,
    /// The memory of each computation that may go on at once, 19 MiB when it has
    /// been used.
    turns: (Sender<Memory>, Receiver<Memory>),
}

/// Hashes computed at once, at most.
const TURNS_MAX: usize = 4;

impl Verifier {
    /// One that hashes every password because it will be stored, or does without
    /// where no hash is given.
    ///
    /// # Errors
    /// When the system has no random bytes.
    pub(super) fn new(keeps_hashes: bool) -> io::Result<Self> {
        let mut key = [0; 64];
        getrandom::fill(&mut key).map_err(io::Error::other)?;
        let most = thread::available_parallelism().map_or(1, |count| count.get().min(TURNS_MAX));
        let turns = crossbeam_channel::bounded(most);
        for _ in 0..most {
            turns.0.send(Memory::default()).map_err(io::Error::other)?;
        }
        let any_hashes = AtomicBool::new(keeps_hashes);
        Ok(Self { key, decoy: Phc::decoy()?, keeps_hashes, any_hashes, turns })
    }

    /// # Errors
    /// When the system has no random bytes.
    pub(super) fn keep(&self, secret: Secret) -> io::Result<Kept> {
        let password = match secret {
            Secret::Hashed(phc) => {
                self.any_hashes.store(true, Ordering::Release);
                return Ok(Kept { phc: Some(phc), seen: OnceLock::new() });
            }
            Secret::Plain(password) => password,
        };
        let phc = self
            .keeps_hashes
            .then(|| self.in_turn(|memory| Phc::made_in(memory, &password)))
            .transpose()?;
        Ok(Kept { phc, seen: self.digest(password.octets()).into() })
    }

    /// Whether this is the password. An unknown name (`None`) costs as much as a
    /// wrong password. May take as long as a hash: no lock may be held.
    pub(super) fn verify(&self, kept: Option<&Kept>, candidate: &[u8]) -> bool {
        let digest = self.digest(candidate);
        let seen = kept.and_then(|kept| kept.seen.get());
        let right = bool::from(seen.unwrap_or(&Digest::default()).ct_eq(&digest));
        if right || !self.any_hashes.load(Ordering::Acquire) {
            return right && seen.is_some();
        }
        let phc = kept.and_then(Kept::phc);
        let right = self.in_turn(|memory| phc.unwrap_or(&self.decoy).matches(memory, candidate));
        match kept {
            Some(kept) if right && phc.is_some() => {
                // Somebody else may have been here first, with the same digest.
                let _ = kept.seen.set(digest);
                true
            }
            _ => false,
        }
    }

    fn digest(&self, secret: &[u8]) -> Digest {
        keyed(&self.key, secret)
    }

    fn in_turn<T>(&self, compute: impl FnOnce(&mut Memory) -> T) -> T {
        // It can't fail: we hold both ends.
        let memory = self.turns.1.recv().unwrap_or_default();
        let mut turn = Turn { memory, back: &self.turns.0 };
        compute(&mut turn.memory)
    }
}

/// Gives the turn back, whatever happens.
struct Turn<'a> {
    memory: Memory,
    back: &'a Sender<Memory>,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        // There is room: it was taken from there.
        let _ = self.back.try_send(std::mem::take(&mut self.memory));
    }
}

/// The keyed BLAKE2b digest (RFC 7693) of a text.
pub(super) fn keyed(key: &Key, text: &[u8]) -> Digest {
    let mut mac = Blake2bMac::<U32>::new(key.into());
    mac.update(text);
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(text: &str) -> Secret {
        Password::new(text.as_bytes()).unwrap().into()
    }

    #[test]
    fn a_right_password_is_hashed_once_and_remembered() {
        let verifier = Verifier::new(true).unwrap();
        let phc = verifier.keep(plain("secret")).unwrap().phc.unwrap();
        let kept = verifier.keep(Secret::Hashed(phc)).unwrap();
        assert!(kept.seen.get().is_none());
        assert!(!verifier.verify(Some(&kept), b"wrong") && kept.seen.get().is_none());
        assert!(verifier.verify(Some(&kept), b"secret") && kept.seen.get().is_some());
        assert!(verifier.verify(Some(&kept), b"secret"));
        assert!(!verifier.verify(Some(&kept), b"wrong"));
    }

    #[test]
    fn nothing_is_hashed_where_nothing_is_stored() {
        let verifier = Verifier::new(false).unwrap();
        let kept = verifier.keep(plain("secret")).unwrap();
        assert!(kept.phc().is_none() && verifier.verify(Some(&kept), b"secret"));
        assert!(!verifier.verify(Some(&kept), b"wrong") && !verifier.verify(None, b"secret"));
    }

    #[test]
    fn turns_are_given_back() {
        let verifier = Verifier::new(true).unwrap();
        let most = verifier.turns.1.len();
        assert!((1..=TURNS_MAX).contains(&most));
        assert_eq!(verifier.in_turn(|_| verifier.turns.1.len()), most - 1);
        let panics = || verifier.in_turn(|_| panic!("in the middle of it"));
        assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(panics)).is_err());
        assert_eq!(verifier.turns.1.len(), most);
        assert!(!verifier.verify(None, b"unknown"));
    }
}
