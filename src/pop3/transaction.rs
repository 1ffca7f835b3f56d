//! The states TRANSACTION and UPDATE (RFC 1939, sections 5 and 6): the messages as
//! one session sees them, and the long answers, made piece by piece.

use std::io::{self, ErrorKind, Read};

use super::mailboxes::Mailbox;
use super::message::{CHUNK, WireForm};
use crate::net::driver::read_some;
use crate::wire::pop3::{put_end, put_err, put_line, put_ok};

/// An answer of this many octets is sent before more of it is made.
pub const ENOUGH_OUTPUT: usize = 32 * 1024;

/// One session's view of its mailbox.
pub struct Transaction {
    mailbox: Box<dyn Mailbox>,
    messages: Vec<Message>,
    sending: Option<Sending>,
}

#[derive(Clone, Copy)]
struct Message {
    deleted: bool,
    size: Size,
}

#[derive(Clone, Copy)]
enum Size {
    /// Nobody has asked yet.
    Unknown,
    Octets(u64),
    /// It was gone, or can't be read, before anybody asked: it is not listed.
    Gone,
}

/// What is left of an answer.
enum Sending {
    /// The lines of LIST from this message on.
    Sizes(usize),
    /// The lines of UIDL from this message on.
    UniqueIds(usize),
    Message {
        file: Box<dyn Read>,
        form: WireForm,
        buffer: Vec<u8>,
    },
}

impl Transaction {
    /// Nothing is deleted, nothing is being sent.
    pub fn new(mailbox: Box<dyn Mailbox>) -> Self {
        let fresh = Message { deleted: false, size: Size::Unknown };
        let messages = vec![fresh; mailbox.count()];
        Self { mailbox, messages, sending: None }
    }

    /// Whether an answer is not all said yet.
    pub fn is_sending(&self) -> bool {
        self.sending.is_some()
    }

    /// Says more of the answer, up to about [`ENOUGH_OUTPUT`] octets.
    ///
    /// # Errors
    /// When a message can't be read on. Its end must not be said then.
    pub fn send_on(&mut self, output: &mut Vec<u8>) -> io::Result<()> {
        while output.len() < ENOUGH_OUTPUT {
            match self.sending.take() {
                None => return Ok(()),
                Some(Sending::Sizes(at)) => self.list_on(at, output),
                Some(Sending::UniqueIds(at)) => self.list_ids_on(at, output),
                Some(Sending::Message { mut file, mut form, mut buffer }) => {
                    let octets = read_some(&mut file, &mut buffer)?;
                    form.push(octets, output);
                    if octets.is_empty() || form.has_enough() {
                        form.finish(output);
                    } else {
                        self.sending = Some(Sending::Message { file, form, buffer });
                    }
                }
            }
        }
        Ok(())
    }

    fn list_on(&mut self, at: usize, output: &mut Vec<u8>) {
        if at >= self.messages.len() {
            return put_end(output);
        }
        if let Some(size) = self.listed(at) {
            put_line(output, format_args!("{} {size}", at + 1));
        }
        self.sending = Some(Sending::Sizes(at + 1));
    }

    fn list_ids_on(&mut self, at: usize, output: &mut Vec<u8>) {
        let Some(message) = self.messages.get(at) else { return put_end(output) };
        let listed = !message.deleted && !matches!(message.size, Size::Gone);
        if let Some(id) = self.mailbox.unique_id(at).filter(|_| listed) {
            put_line(output, format_args!("{} {id}", at + 1));
        }
        self.sending = Some(Sending::UniqueIds(at + 1));
    }

    /// The size of a message, unless it is deleted or gone.
    fn listed(&mut self, at: usize) -> Option<u64> {
        let message = self.messages.get_mut(at).filter(|message| !message.deleted)?;
        if let Size::Unknown = message.size {
            message.size = match self.mailbox.size(at) {
                Ok(octets) => Size::Octets(octets),
                Err(error) => {
                    complain("measuring", at, &error);
                    Size::Gone
                }
            };
        }
        match message.size {
            Size::Octets(octets) => Some(octets),
            Size::Unknown | Size::Gone => None,
        }
    }

    /// The index of a message that a client names, and that is not deleted.
    fn find(&self, number: u64) -> Result<usize, String> {
        let at = usize::try_from(number).ok().and_then(|number| number.checked_sub(1));
        let message = at.and_then(|at| self.messages.get(at).zip(Some(at)));
        match message {
            None => Err(format!("no such message, there are {}", self.messages.len())),
            Some((message, _)) if message.deleted => Err(format!("message {number} is deleted")),
            Some((_, at)) => Ok(at),
        }
    }

    /// `STAT`: "messages marked as deleted are not counted in either total".
    pub fn stat(&mut self, output: &mut Vec<u8>) {
        let (mut count, mut octets) = (0, 0u64);
        for at in 0..self.messages.len() {
            if let Some(size) = self.listed(at) {
                count += 1;
                octets = octets.saturating_add(size);
            }
        }
        put_ok(output, format_args!("{count} {octets}"));
    }

    /// `LIST` without a message.
    pub fn list(&mut self, output: &mut Vec<u8>) {
        put_ok(output, "message numbers and their sizes follow");
        self.sending = Some(Sending::Sizes(0));
    }

    /// `LIST msg`
    pub fn list_one(&mut self, number: u64, output: &mut Vec<u8>) {
        match self.find(number).map(|at| self.listed(at)) {
            Ok(Some(size)) => put_ok(output, format_args!("{number} {size}")),
            Ok(None) => put_gone(number, output),
            Err(why) => put_err(output, why),
        }
    }

    /// `UIDL` without a message.
    pub fn list_ids(&mut self, output: &mut Vec<u8>) {
        put_ok(output, "message numbers and their unique-ids follow");
        self.sending = Some(Sending::UniqueIds(0));
    }

    /// `UIDL msg`
    pub fn list_one_id(&self, number: u64, output: &mut Vec<u8>) {
        match self.find(number).map(|at| self.mailbox.unique_id(at)) {
            Ok(Some(id)) => put_ok(output, format_args!("{number} {id}")),
            Ok(None) => put_gone(number, output),
            Err(why) => put_err(output, why),
        }
    }

    /// `RETR` and `TOP`
    pub fn retrieve(&mut self, number: u64, form: WireForm, output: &mut Vec<u8>) {
        let at = match self.find(number) {
            Ok(at) => at,
            Err(why) => return put_err(output, why),
        };
        match self.mailbox.read(at) {
            Ok(file) => {
                put_ok(output, "the message follows");
                let buffer = vec![0; CHUNK];
                self.sending = Some(Sending::Message { file, form, buffer });
            }
            Err(error) => {
                complain("opening", at, &error);
                put_gone(number, output);
            }
        }
    }

    /// `DELE`
    pub fn delete(&mut self, number: u64, output: &mut Vec<u8>) {
        match self.find(number) {
            Ok(at) => {
                if let Some(message) = self.messages.get_mut(at) {
                    message.deleted = true;
                }
                put_ok(output, format_args!("message {number} is deleted at QUIT"));
            }
            Err(why) => put_err(output, why),
        }
    }

    /// `RSET`: "if any messages have been marked as deleted by the POP3 server, they
    /// are unmarked".
    pub fn reset(&mut self, output: &mut Vec<u8>) {
        for message in &mut self.messages {
            message.deleted = false;
        }
        put_ok(output, "no message is deleted");
    }

    /// `QUIT`, the state UPDATE: "the POP3 server removes all messages marked as
    /// deleted from the maildrop and replies as to the status of this operation. [...]
    /// In no case may the server remove any messages not marked as deleted."
    pub fn update(mut self, output: &mut Vec<u8>) {
        let marked = self.messages.iter().enumerate().filter(|(_, message)| message.deleted);
        let marked: Vec<usize> = marked.map(|(at, _)| at).collect();
        let removed = self.mailbox.remove(&marked);
        // Whoever hears the answer can log in again at once.
        drop(self.mailbox);
        match removed {
            Ok(()) => put_ok(output, "goodbye"),
            Err(error) => {
                log::warn!(doing = "removing", error:%; "mailbox-failed");
                put_err(output, "some deleted messages are not removed");
            }
        }
    }
}

fn put_gone(number: u64, output: &mut Vec<u8>) {
    put_err(output, format_args!("message {number} is not in the mailbox any more"));
}

/// That a message is gone is no news; that it can't be read is.
fn complain(doing: &str, at: usize, error: &io::Error) {
    if error.kind() != ErrorKind::NotFound {
        log::warn!(doing, message = at + 1, error:%; "mailbox-failed");
    }
}
