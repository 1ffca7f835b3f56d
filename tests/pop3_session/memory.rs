//! Mailboxes in memory.

use std::io::{self, Cursor, ErrorKind, Read};
use std::sync::Arc;

use parking_lot::Mutex;
use socksd::core::Name;
use socksd::pop3::mailboxes::{Mailbox, Mailboxes, Unavailable};
use socksd::pop3::message;

/// A unique-id and a file; a file that is gone is `None`.
pub type Message = (String, Option<Vec<u8>>);

/// Everybody has the same mailbox; clones are the same.
#[derive(Clone, Default)]
pub struct Memory {
    pub messages: Arc<Mutex<Vec<Message>>>,
    in_use: Arc<Mutex<bool>>,
    /// Reading breaks after this many octets.
    pub breaks_after: Option<u64>,
    /// Happens while the mailbox is being opened, which takes its time on a disk.
    pub meanwhile: Option<Arc<dyn Fn()>>,
}

impl Memory {
    pub fn holding(messages: impl IntoIterator<Item = (String, Vec<u8>)>) -> Self {
        let messages = messages.into_iter().map(|(id, file)| (id, Some(file))).collect();
        Self { messages: Arc::new(Mutex::new(messages)), ..Self::default() }
    }

    /// The unique-ids of what is still there.
    pub fn left(&self) -> Vec<String> {
        let messages = self.messages.lock();
        let here = messages.iter().filter(|(_, file)| file.is_some());
        here.map(|(id, _)| id.clone()).collect()
    }

    fn file(&self, message: usize) -> io::Result<Vec<u8>> {
        let file = self.messages.lock().get(message).and_then(|(_, file)| file.clone());
        file.ok_or(ErrorKind::NotFound.into())
    }
}

impl Mailboxes for Memory {
    fn open(&self, _: &Name) -> Result<Box<dyn Mailbox>, Unavailable> {
        if std::mem::replace(&mut *self.in_use.lock(), true) {
            return Err(Unavailable::InUse);
        }
        if let Some(meanwhile) = &self.meanwhile {
            meanwhile();
        }
        let count = self.messages.lock().len();
        Ok(Box::new(Open { memory: self.clone(), count }))
    }
}

struct Open {
    memory: Memory,
    count: usize,
}

impl Mailbox for Open {
    fn count(&self) -> usize {
        self.count
    }

    fn unique_id(&self, message: usize) -> Option<String> {
        Some(self.memory.messages.lock().get(message)?.0.clone())
    }

    fn size(&mut self, message: usize) -> io::Result<u64> {
        message::size(Cursor::new(self.memory.file(message)?))
    }

    fn read(&mut self, message: usize) -> io::Result<Box<dyn Read>> {
        let file = Cursor::new(self.memory.file(message)?);
        Ok(match self.memory.breaks_after {
            Some(octets) => Box::new(file.take(octets).chain(Broken)),
            None => Box::new(file),
        })
    }

    fn remove(&mut self, messages: &[usize]) -> io::Result<()> {
        for &message in messages {
            self.memory.messages.lock()[message].1 = None;
        }
        Ok(())
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        *self.memory.in_use.lock() = false;
    }
}

struct Broken;

impl Read for Broken {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(io::Error::other("the disk is broken"))
    }
}
