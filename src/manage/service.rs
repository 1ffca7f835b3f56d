//! The management service over TCP: conversations in whichever dialect, on threads
//! of their own, so that management answers when the proxy is full.

use std::net::{IpAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use super::{Conversation, Dialect};
use crate::core::End;
use crate::net::close::close_gracefully;
use crate::net::control::Control;
use crate::net::driver::{Bounds, Ending, converse};
use crate::net::pool::Pool;
use crate::net::refusals::Refusals;
use crate::net::strangers::{Admission, Places, Strangers};

/// The name of the threads, in logs and in metrics.
pub const NAME: &str = "manage";
/// Conversations at once.
const THREADS: usize = 256;
/// Half of the threads are for those who have logged in.
const STRANGERS: Places = Places { per_address: 96, total: THREADS / 2 };
/// A conversation without a word for this long is closed.
const IDLE: Duration = Duration::from_secs(30 * 60);

/// The service; clones share their threads.
#[derive(Clone)]
pub struct Service {
    pool: Pool,
    strangers: Strangers,
    refusals: Refusals,
    login_timeout: Duration,
}

impl Service {
    /// A service that gives a peer `login_timeout` to log in.
    pub fn new(login_timeout: Duration) -> Self {
        let (pool, strangers) = (Pool::new(NAME, THREADS), Strangers::new(NAME, STRANGERS));
        let refusals = Refusals::new("manage-refusal");
        Self { pool, strangers, refusals, login_timeout }
    }

    /// The threads that hold the conversations.
    pub fn pool(&self) -> &Pool {
        &self.pool
    }

    /// Holds a conversation on a thread of the pool, or refuses it at once.
    pub fn serve(
        &self,
        dialect: Dialect,
        mut session: Conversation,
        stream: TcpStream,
        from: IpAddr,
    ) {
        if self.pool.turns_away(from) {
            return self.refusals.refuse(stream, &(dialect.busy)());
        }
        let control = Control::new(stream);
        let mut stranger = Some(self.strangers.enter(from, Arc::clone(&control) as Arc<dyn End>));
        let bounds = Bounds {
            total: Some(self.login_timeout),
            idle: Some(IDLE),
            longest_input: dialect.longest_input,
        };
        self.pool.serve(from, move || {
            let stream = control.stream();
            let _ = stream.set_nodelay(true);
            let mut session = Admission::of(session.as_mut(), &mut stranger);
            if let Ok(Ending::Closed) = converse(stream, &mut session, bounds) {
                close_gracefully(stream);
            }
        });
    }
}
