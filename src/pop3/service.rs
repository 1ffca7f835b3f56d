//! The POP3 service: admits connections and has their sessions held.

use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use super::mailboxes::Mailboxes;
use super::session::{LONGEST_INPUT, NAME, Pop3Session};
use crate::core::{Connection, Core, End, Ended, NotAdmitted};
use crate::net::control::Control;
use crate::net::driver::{Bounds, Ending, converse};
use crate::net::pool::Pool;
use crate::net::refusals::Refusals;
use crate::net::session::{Input, Next, Session};
use crate::net::strangers::{Admission, Places, Stranger, Strangers};
use crate::wire::pop3::{ResponseCode, put_err_with};

/// Connections that have not logged in yet. They may take their time, so what keeps them
/// from holding every thread is that they make room.
const STRANGERS: Places = Places { per_address: 96, total: 128 };

/// The service and what it works with.
pub struct Service {
    core: Core,
    mailboxes: Box<dyn Mailboxes + Send + Sync>,
    pool: Pool,
    strangers: Strangers,
    refusals: Refusals,
}

impl Service {
    /// A service that holds at most `threads` sessions.
    pub fn new(core: Core, mailboxes: Box<dyn Mailboxes + Send + Sync>, threads: usize) -> Self {
        let (pool, refusals) = (Pool::new(NAME, threads), Refusals::new("pop3-refusal"));
        let strangers = Strangers::new(NAME, STRANGERS);
        Self { core, mailboxes, pool, strangers, refusals }
    }

    /// The threads that hold the sessions.
    pub fn pool(&self) -> &Pool {
        &self.pool
    }

    /// Serves a connection on a thread of the pool, or refuses it at once.
    pub fn serve(self: &Arc<Self>, stream: TcpStream, from: SocketAddr) {
        // Small answers must not wait for the acknowledgement of earlier ones.
        let _ = stream.set_nodelay(true);
        let connection = match self.core.admit(NAME, from) {
            Ok(connection) => connection,
            Err(NotAdmitted::OverLimit) => return self.refuse(stream),
            // Whom the rules don't want has nothing to be told.
            Err(NotAdmitted::ByRule) => return,
        };
        let service = Arc::clone(self);
        self.pool.serve(from, move || service.converse(connection, stream));
    }

    fn refuse(&self, stream: TcpStream) {
        let mut answer = Vec::new();
        put_err_with(&mut answer, ResponseCode::SysTemp, "too many connections, try again later");
        self.refusals.refuse(stream, &answer);
    }

    fn converse(&self, connection: Connection, stream: TcpStream) {
        let control = Control::new(stream);
        connection.attach(Arc::clone(&control) as Arc<dyn End>);
        // Silence is noticed by the sweep over all connections.
        let bounds = Bounds { total: None, idle: None, longest_input: LONGEST_INPUT };
        let session = Pop3Session::new(&self.core, &connection, self.mailboxes.as_ref());
        let mut counted = Counted { session, connection: &connection, waiting: 0 };
        let from = connection.client().ip();
        let mut stranger = Some(self.strangers.enter(from, Arc::clone(&control) as Arc<dyn End>));
        let mut session = Admission::of(&mut counted, &mut stranger);
        let ending = converse(control.stream(), &mut session, bounds);
        if stranger.as_ref().is_some_and(Stranger::was_ended) {
            connection.ended(Ended::HandshakeTimeout);
        }
        let outcome = counted.session.outcome();
        // The mailbox is free before the connection is.
        drop(counted);
        match ending {
            Ok(Ending::Left { spoke: false }) => {}
            Ok(Ending::Closed) => {
                connection.ended(outcome);
                self.refusals.part(connection, control.shared());
            }
            Ok(Ending::Done((), _) | Ending::Left { spoke: true }) | Err(_) => {
                connection.ended(outcome);
            }
        }
    }
}

/// A session whose octets are counted as they come and go.
struct Counted<'a> {
    session: Pop3Session<'a>,
    connection: &'a Connection,
    /// Octets that had come before and are not taken yet.
    waiting: usize,
}

impl Session for Counted<'_> {
    type Done = ();

    fn admitted(&self) -> bool {
        self.session.admitted()
    }

    fn advance(&mut self, input: &mut Input, output: &mut Vec<u8>, now: Instant) -> Next<()> {
        let came = input.bytes().len().saturating_sub(self.waiting);
        self.connection.up().fetch_add(came as u64, Ordering::Relaxed);
        let next = self.session.advance(input, output, now);
        self.waiting = input.bytes().len();
        self.connection.down().fetch_add(output.len() as u64, Ordering::Relaxed);
        next
    }
}
