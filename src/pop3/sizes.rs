//! Sizes that earlier sessions have measured, so that a client that asks every few
//! minutes doesn't have the whole mailbox read each time.

use std::collections::{HashMap, VecDeque};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use parking_lot::Mutex;

/// Messages remembered over all mailboxes; about 10 MB. The mailbox whose last
/// session ended longest ago is forgotten first.
const MOST: usize = 65_536;

/// The sizes of a mailbox's messages, by the unique parts of their names.
pub type Known = HashMap<Box<[u8]>, Measured>;

/// A size, and the file that it was measured of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Measured {
    /// The length of the file.
    pub length: u64,
    /// When it was last written to.
    pub modified: SystemTime,
    /// The size on the wire.
    pub octets: u64,
}

/// What is known of mailboxes that no session has open.
#[derive(Debug, Default)]
pub struct Sizes(Mutex<VecDeque<(PathBuf, Known)>>);

impl Sizes {
    /// Takes out what is known of a mailbox.
    pub fn take(&self, folder: &Path) -> Known {
        let mut all = self.0.lock();
        let at = all.iter().position(|(known, _)| known == folder);
        at.and_then(|at| all.remove(at)).map(|(_, known)| known).unwrap_or_default()
    }

    /// Remembers it for the next session.
    pub fn put(&self, folder: &Path, known: Known) {
        // It would weigh nothing, and so stay for ever.
        if known.is_empty() {
            return;
        }
        let mut all = self.0.lock();
        all.push_back((folder.into(), known));
        let mut total: usize = all.iter().map(|(_, known)| known.len()).sum();
        while total > MOST {
            let Some((_, oldest)) = all.pop_front() else { return };
            total -= oldest.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(messages: usize) -> Known {
        let measured = Measured { length: 1, modified: SystemTime::UNIX_EPOCH, octets: 2 };
        (0..messages).map(|n| (n.to_string().into_bytes().into(), measured)).collect()
    }

    #[test]
    fn what_was_put_is_taken_once() {
        let (sizes, ana) = (Sizes::default(), Path::new("ana"));
        sizes.put(ana, known(3));
        assert_eq!(sizes.take(Path::new("bea")).len(), 0);
        assert_eq!(sizes.take(ana), known(3));
        assert_eq!(sizes.take(ana).len(), 0);
    }

    #[test]
    fn the_oldest_make_room() {
        let sizes = Sizes::default();
        for user in ["ana", "bea", "cid"] {
            sizes.put(Path::new(user), known(MOST / 2));
        }
        assert_eq!(sizes.take(Path::new("ana")).len(), 0);
        assert_eq!(sizes.take(Path::new("bea")).len(), MOST / 2);
        sizes.put(Path::new("dan"), known(MOST + 1));
        assert_eq!(sizes.take(Path::new("dan")).len(), 0);
    }

    #[test]
    fn nothing_is_remembered_of_an_empty_mailbox() {
        let sizes = Sizes::default();
        sizes.put(Path::new("ana"), known(0));
        assert!(sizes.0.lock().is_empty());
    }
}
