//! The relay: two sockets, two threads, each copying one direction.
//!
//! - The end of the data from one side becomes the end of the writing to the
//!   other side, and nothing else: the other direction goes on.
//! - A side that breaks breaks the other one too, with a reset and not with an
//!   end, so that half an answer never looks like a whole one.
//! - The threads block without timeouts of their own. Silence is noticed by the
//!   sweep over all connections (see [`crate::core::Core::sweep`]), which ends
//!   the sockets from outside; so does an admin who cuts.

use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use parking_lot::Mutex;

use super::close;
use super::copier::{Broken, Copier, Look};
use super::watch::Watch;
use crate::core::{self, BufferSize, Connection, End, Ended, State};

/// Two connected sockets and the connection that they are counted as.
pub struct Relay {
    // Dropped in this order: out of the list first, then closed.
    connection: Connection,
    sides: Arc<Sides>,
    buffer: Option<BufferSize>,
    watch: Option<Box<dyn Watch>>,
    first: Mutex<Option<Over>>,
    opened: Instant,
}

/// One direction, and what it is called when a side breaks.
struct Way<'a> {
    from: &'a TcpStream,
    to: &'a TcpStream,
    from_broke: Ended,
    to_broke: Ended,
}

/// How the direction that was over first has ended.
#[derive(Clone, Copy)]
enum Over {
    /// With the end of its data, or so it seems.
    Orderly { doubtful: bool },
    /// The side it wrote to is gone.
    Broken { reset: bool, why: Ended },
}

struct Sides {
    client: Arc<TcpStream>,
    target: TcpStream,
    ending: AtomicBool,
}

impl Relay {
    /// Joins two sockets. With a buffer size, exactly that much is read at once.
    pub fn new(
        connection: Connection,
        client: Arc<TcpStream>,
        target: TcpStream,
        buffer: Option<BufferSize>,
        watch: Option<Box<dyn Watch>>,
    ) -> Arc<Self> {
        let sides = Arc::new(Sides { client, target, ending: AtomicBool::new(false) });
        connection.enter(State::Open);
        connection.attach(Arc::clone(&sides) as Arc<dyn End>);
        Arc::new(Self {
            connection,
            sides,
            buffer,
            watch,
            first: Mutex::new(None),
            opened: Instant::now(),
        })
    }

    /// The connection it is counted as.
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// The client's socket.
    pub fn client(&self) -> &TcpStream {
        &self.sides.client
    }

    /// Copies from the client to the target, `first` before all else; returns
    /// when this direction is over.
    pub fn run_up(&self, first: &[u8]) {
        let watch = |bytes: &[u8]| self.watch.as_ref().is_some_and(|watch| watch.up(bytes));
        let (from, to) = (&self.sides.client, &self.sides.target);
        let mut copier = self.copier(from, to, core::Way::Up, &watch);
        let result = copier.pass(first).and_then(|()| copier.run());
        let (from_broke, to_broke) = (Ended::ClientError, Ended::TargetError);
        self.finish(result, &Way { from, to, from_broke, to_broke });
    }

    /// Copies from the target to the client; returns when this direction is over.
    pub fn run_down(&self) {
        let watch = |bytes: &[u8]| self.watch.as_ref().is_some_and(|watch| watch.down(bytes));
        let (from, to) = (&self.sides.target, &self.sides.client);
        let mut copier = self.copier(from, to, core::Way::Down, &watch);
        let first = || self.connection.first_byte(self.opened.elapsed());
        copier.first = Some(&first);
        let result = copier.run();
        let (from_broke, to_broke) = (Ended::TargetError, Ended::ClientError);
        self.finish(result, &Way { from, to, from_broke, to_broke });
    }

    fn copier<'a>(
        &'a self,
        from: &'a TcpStream,
        to: &'a TcpStream,
        way: core::Way,
        watch: Look<'a>,
    ) -> Copier<'a> {
        let watch = self.watch.is_some().then_some(watch);
        let fixed = self.buffer.map(|size| usize::from(size.octets()));
        let count = match way {
            core::Way::Up => self.connection.up(),
            core::Way::Down => self.connection.down(),
        };
        let pace = self.connection.pace(way);
        Copier { from, to, count, pace, watch, first: None, fixed }
    }

    /// Draws the conclusions of a direction that is over.
    fn finish(&self, result: Result<(), Broken>, way: &Way<'_>) {
        // Ended from outside: there is nothing to pass on.
        if self.sides.ending.load(Ordering::Acquire) {
            return;
        }
        let over = match result {
            Ok(()) => Over::Orderly { doubtful: is_error_taken(way.from) },
            // The broken side's last words are still read by the other thread.
            Err(Broken::To { reset }) => Over::Broken { reset, why: way.to_broke },
            Err(Broken::From) => return self.abort(way.from_broke),
        };
        let before = self.first.lock().replace(over);
        match (before, over) {
            (None, Over::Broken { .. }) => {}
            // The other thread was told whether this is an end or a reset.
            (None, Over::Orderly { doubtful: true }) => {}
            (None, Over::Orderly { doubtful: false }) => {
                end_data(way.to);
                self.connection.enter(State::HalfClosed);
            }
            (Some(Over::Orderly { .. }), Over::Orderly { .. }) => self.end_both(Ended::Closed),
            // What has been passed on to the other side is whole.
            (Some(Over::Orderly { doubtful: false }), Over::Broken { why, .. }) => {
                self.end_both(why);
            }
            (Some(Over::Broken { reset, why }), _) | (_, Over::Broken { reset, why }) => {
                if reset {
                    self.abort(why)
                } else {
                    self.end_both(why)
                }
            }
        }
    }

    /// Says to both sides that no more comes.
    fn end_both(&self, why: Ended) {
        end_data(&self.sides.client);
        end_data(&self.sides.target);
        self.connection.ended(why);
    }

    /// Ends both sides with an error.
    pub fn abort(&self, why: Ended) {
        self.connection.end(why);
    }
}

/// Whether a socket that has come to its end broke, and the other thread, which
/// writes to it, was told: the system tells an error only once, and then pretends
/// that the data has ended.
fn is_error_taken(socket: &TcpStream) -> bool {
    socket.peer_addr().is_err() && matches!(socket.take_error(), Ok(None))
}

/// Says that no more comes. It fails only when that side is gone, which its
/// reader sees.
fn end_data(to: &TcpStream) {
    let _ = to.shutdown(Shutdown::Write);
}

impl End for Sides {
    fn end(&self, orderly: bool) {
        let again = self.ending.swap(true, Ordering::AcqRel);
        close::end(&self.client, orderly, again);
        close::end(&self.target, orderly, again);
    }
}
