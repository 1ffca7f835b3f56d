//! A connection that carries no payload itself, but whose end ends something:
//! BIND while it waits, an association of datagrams.

use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::close;
use crate::core::End;

/// Ends such a connection from outside, so that the thread that reads it notices.
pub struct Control {
    stream: Arc<TcpStream>,
    ending: AtomicBool,
}

impl Control {
    /// For this connection.
    pub fn new(stream: Arc<TcpStream>) -> Arc<Self> {
        Arc::new(Self { stream, ending: AtomicBool::new(false) })
    }

    /// The connection.
    pub fn stream(&self) -> &TcpStream {
        &self.stream
    }

    /// Whether it was ended from outside.
    pub fn is_ending(&self) -> bool {
        self.ending.load(Ordering::Acquire)
    }
}

impl End for Control {
    fn end(&self, orderly: bool) {
        let again = self.ending.swap(true, Ordering::AcqRel);
        close::end(&self.stream, orderly, again);
    }
}
