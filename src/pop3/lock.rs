//! One session per mailbox: "the POP3 server then acquires an exclusive-access
//! lock on the maildrop" (RFC 1939, section 4).

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;

/// The mailboxes that sessions have open.
#[derive(Debug, Default)]
pub struct Locks(Arc<Mutex<HashSet<PathBuf>>>);

/// An open mailbox; dropping it lets others have it.
#[derive(Debug)]
pub struct Held {
    folder: PathBuf,
    all: Arc<Mutex<HashSet<PathBuf>>>,
}

impl Locks {
    /// Takes the mailbox in that folder; `None` when somebody else has it.
    pub fn take(&self, folder: &Path) -> Option<Held> {
        let free = self.0.lock().insert(folder.into());
        free.then(|| Held { folder: folder.into(), all: Arc::clone(&self.0) })
    }
}

impl Held {
    /// The folder of the mailbox.
    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.all.lock().remove(&self.folder);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mailbox_is_held_until_it_is_dropped() {
        let (locks, ana) = (Locks::default(), Path::new("ana"));
        let held = locks.take(ana).unwrap();
        assert!(locks.take(ana).is_none());
        assert!(locks.take(Path::new("bea")).is_some());
        drop(held);
        assert!(locks.take(ana).is_some());
    }
}
