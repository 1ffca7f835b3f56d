//! Clients to whom the last word has been said, and who are heard out until they have read
//! it: those that are turned away at once, and those whose conversation is over.

use std::io::Write;
use std::net::TcpStream;
use std::sync::Arc;

use super::close::close_gracefully;
use super::pool::Pool;
use crate::core::Connection;

/// Who is heard out at one moment. Beyond them a client is told and left at once.
const LINGERING: usize = 128;

/// Hears clients out; clones share their threads.
#[derive(Clone)]
pub struct Refusals(Pool);

impl Refusals {
    /// With threads of this name.
    pub fn new(name: &'static str) -> Self {
        Self(Pool::new(name, LINGERING))
    }

    /// Says this, maybe nothing, and ends the connection with an end and not with a reset.
    pub fn refuse(&self, mut stream: TcpStream, words: &[u8]) {
        // A few words fit into the buffer of any fresh socket, so nothing waits here.
        if stream.write_all(words).is_ok() {
            // Without a thread it is closed at once, which is all that can be done.
            let _ = self.0.run(move || close_gracefully(&stream));
        }
    }

    /// Ends a conversation. Its connection counts no more, however long the client takes to
    /// leave; where too many do so at this moment it counts until then.
    pub fn part(&self, connection: Connection, stream: Arc<TcpStream>) {
        let leaving = Arc::clone(&stream);
        if self.0.run(move || close_gracefully(&leaving)).is_err() {
            close_gracefully(&stream);
        }
        drop(connection);
    }
}
