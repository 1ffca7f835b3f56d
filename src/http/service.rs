//! The HTTP service: hands connections to threads of its own.

use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::metrics::Sources;
use super::{HEAD_MAX, HttpSession, NAME};
use crate::core::{End, Password};
use crate::net::close::close_gracefully;
use crate::net::control::Control;
use crate::net::driver::{Bounds, Ending, converse};
use crate::net::pool::Pool;
use crate::net::strangers::{Places, Strangers};

/// Connections that wait for their answers: below the threads that there are for
/// them, and at least as many as a browser opens at once.
const STRANGERS: Places = Places { per_address: 32, total: 48 };

/// The service and what it works with.
pub struct Service {
    sources: Arc<Sources>,
    token: Option<Password>,
    pool: Pool,
    strangers: Strangers,
    timeout: Duration,
}

impl Service {
    /// A service that shows these sources to whoever has the token, or to everybody
    /// without one. A request and its answer together may take `timeout`.
    pub fn new(sources: Sources, token: Option<Password>, pool: Pool, timeout: Duration) -> Self {
        let strangers = Strangers::new(NAME, STRANGERS);
        Self { sources: Arc::new(sources), token, pool, strangers, timeout }
    }

    /// Serves a connection on a thread of the pool, or refuses it at once.
    pub fn serve(&self, stream: TcpStream, from: SocketAddr) {
        let (sources, token) = (Arc::clone(&self.sources), self.token.clone());
        let mut session = HttpSession::new(sources, token, from.ip(), SystemTime::now);
        let timeout = Some(self.timeout);
        let bounds = Bounds { total: timeout, idle: timeout, longest_input: HEAD_MAX };
        let control = Control::new(stream);
        let stranger = self.strangers.enter(from.ip(), Arc::clone(&control) as Arc<dyn End>);
        self.pool.serve(from, move || {
            let (stream, _stranger) = (control.stream(), stranger);
            let _ = stream.set_nodelay(true);
            if let Ok(Ending::Closed) = converse(stream, &mut session, bounds) {
                close_gracefully(stream);
            }
        });
    }
}
