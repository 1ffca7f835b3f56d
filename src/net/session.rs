//! A conversation as a pure state machine: bytes in, bytes out.
//!
//! A [`Session`] has no socket, thread or clock. [`super::driver::converse`]
//! feeds it from a real connection; a test feeds it from a slice, split anywhere.

use std::time::Instant;

/// What has been received and not yet taken by the session.
#[derive(Debug, Default)]
pub struct Input {
    bytes: Vec<u8>,
    taken: usize,
    ended: bool,
}

impl Input {
    /// Everything that waits, oldest first.
    pub fn bytes(&self) -> &[u8] {
        self.bytes.get(self.taken..).unwrap_or_default()
    }

    /// Takes `count` octets off the front; more than there are takes all.
    pub fn take(&mut self, count: usize) {
        self.taken = self.taken.saturating_add(count).min(self.bytes.len());
        if self.taken == self.bytes.len() {
            self.bytes.clear();
            self.taken = 0;
        }
    }

    /// Whether the peer has sent all that it will ever send.
    pub fn ended(&self) -> bool {
        self.ended
    }

    /// Adds what has just arrived; nothing at all means that the peer is done.
    pub fn receive(&mut self, bytes: &[u8]) {
        self.ended |= bytes.is_empty();
        // Octets taken make room before the buffer grows.
        if self.taken > 0 && self.bytes.len() + bytes.len() > self.bytes.capacity() {
            self.bytes.drain(..self.taken);
            self.taken = 0;
        }
        self.bytes.extend_from_slice(bytes);
    }

    /// Everything that still waits, as the payload behind a conversation.
    pub fn into_rest(mut self) -> Vec<u8> {
        self.bytes.drain(..self.taken);
        self.bytes
    }
}

/// What a session needs next. What it has put into `output` is sent first.
#[derive(Debug, PartialEq, Eq)]
pub enum Next<T> {
    /// More input, or, at the latest at this moment, another call without any.
    /// When the peer is done and no moment is given, the connection is closed.
    Read {
        /// When to call again if nothing arrives.
        until: Option<Instant>,
    },
    /// Another call as soon as the output is sent: there is more of it than
    /// should be held in memory at once.
    Write,
    /// The end: whatever is in `output` reaches the peer, then the connection is
    /// closed.
    Close,
    /// The conversation is over; the connection goes on as something else.
    Done(T),
}

impl<T> Next<T> {
    /// More input, however long it takes.
    pub const READ: Self = Self::Read { until: None };
}

/// One conversation with one peer.
pub trait Session {
    /// What it ends in, when it doesn't end the connection.
    type Done;

    /// Whether the peer has proved who it is. From then on the total deadline,
    /// which keeps strangers from holding threads, no longer runs.
    fn admitted(&self) -> bool {
        false
    }

    /// Goes on as far as it can: takes what it understands from `input`, appends
    /// its answers to `output`. It is called once before anything has arrived
    /// (for a banner), then whenever something has, when the moment it asked for
    /// is reached, and once more when the peer is done.
    fn advance(
        &mut self,
        input: &mut Input,
        output: &mut Vec<u8>,
        now: Instant,
    ) -> Next<Self::Done>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn input_is_taken_from_the_front() {
        let mut input = Input::default();
        input.receive(b"abc");
        input.take(2);
        input.receive(b"def");
        assert_eq!(input.bytes(), b"cdef");
        input.take(99);
        assert_eq!(input.bytes(), b"");
        assert!(!input.ended());
        input.receive(b"");
        assert!(input.ended());
    }

    #[test]
    fn the_rest_is_what_was_not_taken() {
        let mut input = Input::default();
        input.receive(b"request payload");
        input.take(8);
        assert_eq!(input.into_rest(), b"payload");
    }
}
