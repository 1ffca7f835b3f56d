//! Mailboxes on disk: a folder per user with the folders `new` (just delivered)
//! and `cur` (seen by some program), a file per message.
//!
//! Other programs deliver, move and remove at any time and without a lock. They
//! keep the unique part of a name, so a message that is not where it was is looked
//! for by that. `tmp` and whatever begins with a dot hold nothing that is ready.

use std::collections::HashMap;
use std::fs::{self, File, Metadata};
use std::io::{self, ErrorKind, Read};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use super::lock::{Held, Locks};
use super::mailboxes::{Mailbox, Mailboxes, Unavailable};
use super::message;
use super::reach;
use super::sizes::{Known, Measured, Sizes};
use super::uid::{unique_id, unique_part};
use crate::core::{Core, Latin1, Name};

/// Looks for a message that was renamed: reading a folder while that happens may
/// miss it, but hardly so often in a row.
const LOOKS: usize = 3;

/// The mailboxes in the maildir of the settings.
pub struct Maildirs {
    core: Core,
    locks: Locks,
    sizes: Arc<Sizes>,
}

impl Maildirs {
    /// The mailboxes in whatever is the maildir at each login.
    pub fn new(core: Core) -> Self {
        Self { core, locks: Locks::default(), sizes: Arc::default() }
    }
}

impl Mailboxes for Maildirs {
    fn open(&self, user: &Name) -> Result<Box<dyn Mailbox>, Unavailable> {
        let root = self.core.settings().maildir.ok_or(Unavailable::NoMaildir)?;
        // One mailbox has one path, so that the lock holds whatever the root is called.
        let root = root.canonicalize().map_err(Unavailable::Io)?;
        let folder = folder(&root, user).map_err(Unavailable::Io)?;
        let held = self.locks.take(&folder).ok_or(Unavailable::InUse)?;
        let messages = messages(&folder).map_err(Unavailable::Io)?;
        let known = self.sizes.take(&folder);
        Ok(Box::new(Maildir { held, messages, known, sizes: Arc::clone(&self.sizes) }))
    }
}

/// The folder of a user, which need not exist, right below the root.
fn folder(root: &Path, user: &Name) -> io::Result<PathBuf> {
    // Names are ISO 8859-1; a folder's name is the same text.
    let name = Latin1(user.as_bytes()).to_string();
    // It holds no '/', but another system may have other separators.
    let mut components = Path::new(&name).components();
    let (Some(Component::Normal(name)), None) = (components.next(), components.next()) else {
        return Err(io::Error::other("this name can't be a folder's"));
    };
    let folder = root.join(name);
    // Where upper and lower case are the same, so are two users' folders.
    if is_folder(&folder)? { folder.canonicalize() } else { Ok(folder) }
}

/// Whether there is a folder; what is there and is none, a link too, is an error.
fn is_folder(path: &Path) -> io::Result<bool> {
    match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_dir() => Ok(true),
        Ok(_) => Err(io::Error::other(format!("{} is no folder", path.display()))),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// A message, and where it was last.
struct Message {
    unique: Box<[u8]>,
    /// `None` when it was not there.
    path: Option<PathBuf>,
}

/// The messages in a mailbox, in order.
fn messages(folder: &Path) -> io::Result<Vec<Message>> {
    let found = look(folder)?.into_iter();
    let mut messages: Vec<_> =
        found.map(|(unique, path)| Message { unique, path: Some(path) }).collect();
    messages.sort_by_cached_key(|message| {
        let time = arrival(&message.unique);
        (time.is_none(), time, message.unique.clone())
    });
    Ok(messages)
}

/// The time of delivery: names begin with the seconds since 1970 and a dot.
fn arrival(unique: &[u8]) -> Option<u64> {
    let first = unique.split(|&octet| octet == b'.').next()?;
    str::from_utf8(first).ok()?.parse().ok()
}

/// The files of a mailbox by the unique parts of their names.
fn look(mailbox: &Path) -> io::Result<HashMap<Box<[u8]>, PathBuf>> {
    let mut found = HashMap::new();
    if !is_folder(mailbox)? {
        return Ok(found);
    }
    // Messages move from `new` to `cur`: in this order one is seen twice, at worst.
    for part in ["new", "cur"] {
        let folder = mailbox.join(part);
        if !is_folder(&folder)? {
            continue;
        }
        for entry in fs::read_dir(&folder)? {
            let entry = entry?;
            let name = entry.file_name();
            let name = name.as_encoded_bytes();
            // What vanishes at this moment has no type any more.
            let is_file = entry.file_type().is_ok_and(|kind| kind.is_file());
            if is_file && !name.starts_with(b".") {
                found.insert(unique_part(name).into(), entry.path());
            }
        }
    }
    Ok(found)
}

/// One mailbox, open.
struct Maildir {
    held: Held,
    messages: Vec<Message>,
    known: Known,
    sizes: Arc<Sizes>,
}

impl Maildir {
    /// Looks where all messages are now.
    fn refresh(&mut self) -> io::Result<()> {
        let mut found = look(self.held.folder())?;
        for message in &mut self.messages {
            message.path = found.remove(&message.unique);
        }
        Ok(())
    }

    /// Does something with the file of a message, wherever it is now.
    fn with_file<T>(
        &mut self,
        message: usize,
        act: impl Fn(&Path) -> io::Result<T>,
    ) -> io::Result<T> {
        for _ in 0..LOOKS {
            if let Some(path) = self.path(message) {
                match act(path) {
                    Err(error) if error.kind() == ErrorKind::NotFound => {}
                    done => return done,
                }
            }
            self.refresh()?;
        }
        self.path(message).map_or_else(|| Err(ErrorKind::NotFound.into()), act)
    }

    fn path(&self, message: usize) -> Option<&Path> {
        self.messages.get(message)?.path.as_deref()
    }

    fn measure(&self, unique: &[u8], path: &Path) -> io::Result<Measured> {
        let metadata = file_metadata(path)?;
        let (length, modified) = (metadata.len(), modified(&metadata));
        let known = self.known.get(unique).copied();
        let same = |known: &Measured| known.length == length && known.modified == modified;
        if let Some(known) = known.filter(same) {
            return Ok(known);
        }
        Ok(Measured { length, modified, octets: message::size(open(path)?)? })
    }

    fn try_remove(&self, message: usize) -> io::Result<()> {
        match self.path(message).map(reach::remove) {
            None => Err(ErrorKind::NotFound.into()),
            Some(result) => result,
        }
    }
}

impl Mailbox for Maildir {
    fn count(&self) -> usize {
        self.messages.len()
    }

    fn unique_id(&self, message: usize) -> Option<String> {
        self.messages.get(message).map(|message| unique_id(&message.unique))
    }

    fn size(&mut self, message: usize) -> io::Result<u64> {
        // Where the last look found nothing, another one for each such message
        // would make a list of them quadratic.
        let Some(Message { unique, path: Some(_) }) = self.messages.get(message) else {
            return Err(ErrorKind::NotFound.into());
        };
        let unique = unique.clone();
        for _ in 0..LOOKS {
            let Some(path) = self.path(message) else { break };
            match self.measure(&unique, path) {
                Ok(measured) => {
                    self.known.insert(unique, measured);
                    return Ok(measured.octets);
                }
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
                Err(_) => self.refresh()?,
            }
        }
        Err(ErrorKind::NotFound.into())
    }

    fn read(&mut self, message: usize) -> io::Result<Box<dyn Read>> {
        Ok(Box::new(self.with_file(message, open)?))
    }

    fn remove(&mut self, messages: &[usize]) -> io::Result<()> {
        let mut left = messages.to_vec();
        let mut first = Ok(());
        for _ in 0..LOOKS {
            left.retain(|&message| match self.try_remove(message) {
                Ok(()) => false,
                Err(error) if error.kind() == ErrorKind::NotFound => true,
                Err(error) => {
                    if first.is_ok() {
                        first = Err(error);
                    }
                    false
                }
            });
            if left.is_empty() {
                break;
            }
            // Moved, or gone, which is what was asked for.
            self.refresh()?;
        }
        first
    }
}

impl Drop for Maildir {
    fn drop(&mut self) {
        let mut known = std::mem::take(&mut self.known);
        let here = self.messages.iter().filter(|message| message.path.is_some());
        let here: HashMap<_, _> =
            here.filter_map(|message| known.remove_entry(&message.unique)).collect();
        self.sizes.put(self.held.folder(), here);
    }
}

/// Of a file; of anything else, a link too, an error.
fn file_metadata(path: &Path) -> io::Result<Metadata> {
    let metadata = fs::symlink_metadata(path)?;
    if metadata.is_file() {
        return Ok(metadata);
    }
    Err(reach::no_file(path))
}

/// Opens a file, never what a link points to.
fn open(path: &Path) -> io::Result<File> {
    // What is no file for long is told by its name.
    file_metadata(path)?;
    reach::open(path)
}

/// Where the system knows no such date, one that never changes.
fn modified(metadata: &Metadata) -> SystemTime {
    metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH)
}
