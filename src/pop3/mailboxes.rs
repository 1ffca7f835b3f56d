//! What a session needs of mailboxes. The real ones are in [`super::maildir`]; a
//! test has its own in memory.

use std::fmt;
use std::io::{self, Read};

use crate::core::Name;

/// All mailboxes.
pub trait Mailboxes {
    /// Opens the mailbox of a user for one session alone.
    ///
    /// # Errors
    /// [`Unavailable`] says why it can't be had now.
    fn open(&self, user: &Name) -> Result<Box<dyn Mailbox>, Unavailable>;
}

/// Why a mailbox can't be opened.
#[derive(Debug)]
pub enum Unavailable {
    /// Another session has it.
    InUse,
    /// It can't be read.
    Io(io::Error),
    /// There is no place for mailboxes.
    NoMaildir,
}

impl fmt::Display for Unavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InUse => f.write_str("another session has the mailbox open"),
            Self::Io(error) => write!(f, "the mailbox can't be read: {error}"),
            Self::NoMaildir => f.write_str("the server has no maildir, set one"),
        }
    }
}

impl std::error::Error for Unavailable {}

/// A mailbox that one session has to itself, with the messages that were in it
/// when it was opened. They are numbered from 0 here, and keep their numbers.
/// Other programs may move and remove messages meanwhile; `NotFound` says that one
/// is gone for good.
pub trait Mailbox {
    /// The number of messages.
    fn count(&self) -> usize;

    /// The unique-id of a message; `None` beyond the last.
    fn unique_id(&self, message: usize) -> Option<String>;

    /// The size of a message in octets as [`super::message::size`] defines it.
    ///
    /// # Errors
    /// When it can't be read.
    fn size(&mut self, message: usize) -> io::Result<u64>;

    /// The octets of a message as they are kept.
    ///
    /// # Errors
    /// When it can't be read.
    fn read(&mut self, message: usize) -> io::Result<Box<dyn Read>>;

    /// Removes messages. One that is gone already counts as removed.
    ///
    /// # Errors
    /// The first error; the others are removed all the same.
    fn remove(&mut self, messages: &[usize]) -> io::Result<()>;
}
