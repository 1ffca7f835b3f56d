//! The HTTP service: hands connections to threads of its own.

use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::metrics::Sources;
use super::{HEAD_MAX, HttpSession, NAME};
use crate::core::Password;
use crate::net::close::close_gracefully;
use crate::net::driver::{Bounds, Ending, converse};
use crate::net::pool::Pool;

/// The service and what it works with.
pub struct Service {
    sources: Arc<Sources>,
    token: Option<Password>,
    pool: Pool,
    timeout: Duration,
}

impl Service {
    /// A service that shows these sources to whoever has the token, or to everybody
    /// without one. A request may take `timeout`, and so may its answer.
    pub fn new(sources: Sources, token: Option<Password>, pool: Pool, timeout: Duration) -> Self {
        Self { sources: Arc::new(sources), token, pool, timeout }
    }

    /// Serves a connection on a thread of the pool, or refuses it at once.
    pub fn serve(&self, stream: TcpStream, from: SocketAddr) {
        let (sources, token) = (Arc::clone(&self.sources), self.token.clone());
        let mut session = HttpSession::new(sources, token, from.ip(), SystemTime::now);
        let timeout = Some(self.timeout);
        let bounds = Bounds { total: timeout, idle: timeout, longest_input: HEAD_MAX };
        let conversation = move || {
            let _ = stream.set_nodelay(true);
            if let Ok(Ending::Closed) = converse(&stream, &mut session, bounds) {
                close_gracefully(&stream);
            }
        };
        if let Err(error) = self.pool.run(conversation) {
            log::warn!(service = NAME, from:%, error:%; "connection-refused");
        }
    }
}
