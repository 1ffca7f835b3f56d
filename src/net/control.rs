//! A client's connection before and beside a relay: the handshake, a target being
//! reached, BIND while it waits, an association of datagrams, a mailbox.

use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;

use super::close;
use crate::core::{Connection, End};

/// Ends such a connection from outside, so that the thread that reads it notices.
pub struct Control {
    stream: Arc<TcpStream>,
    ending: AtomicBool,
    parked: Mutex<Option<Connection>>,
}

impl Control {
    /// For this connection.
    pub fn new(stream: TcpStream) -> Arc<Self> {
        let (stream, ending) = (Arc::new(stream), AtomicBool::new(false));
        Arc::new(Self { stream, ending, parked: Mutex::new(None) })
    }

    /// The connection.
    pub fn stream(&self) -> &TcpStream {
        &self.stream
    }

    /// The connection, to be held together with others.
    pub fn shared(&self) -> Arc<TcpStream> {
        Arc::clone(&self.stream)
    }

    /// Whether it was ended from outside.
    pub fn is_ending(&self) -> bool {
        self.ending.load(Ordering::Acquire)
    }

    /// Leaves a connection here while its thread is blocked where nothing can wake
    /// it, in a name look-up or a connect: whoever ends it meanwhile ends it at
    /// once, and its line is in the log. Then there is `None`.
    pub fn parking<T>(
        &self,
        connection: Connection,
        work: impl FnOnce() -> T,
    ) -> Option<(Connection, T)> {
        *self.parked.lock() = Some(connection);
        // Also when the work panics, or the connection would count for ever.
        let _out = Unparked(self);
        // It may have been ended just before.
        if self.is_ending() {
            drop(self.unpark());
        }
        let done = work();
        Some((self.unpark()?, done))
    }

    fn unpark(&self) -> Option<Connection> {
        self.parked.lock().take()
    }
}

/// Leaves no connection parked.
struct Unparked<'a>(&'a Control);

impl Drop for Unparked<'_> {
    fn drop(&mut self) {
        drop(self.0.unpark());
    }
}

impl End for Control {
    fn end(&self, orderly: bool) {
        let again = self.ending.swap(true, Ordering::AcqRel);
        // Out of the list first, then closed.
        drop(self.unpark());
        close::end(&self.stream, orderly, again);
    }
}
