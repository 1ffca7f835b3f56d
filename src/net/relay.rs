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

use super::close;
use super::copier::{Broken, Copier, Look};
use super::watch::Watch;
use crate::core::{BufferSize, Connection, End, Ended, State};

/// Two connected sockets and the connection that they are counted as.
pub struct Relay {
    // Dropped in this order: out of the list first, then closed.
    connection: Connection,
    sides: Arc<Sides>,
    buffer: Option<BufferSize>,
    watch: Option<Box<dyn Watch>>,
    one_done: AtomicBool,
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
        Arc::new(Self { connection, sides, buffer, watch, one_done: AtomicBool::new(false) })
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
        let mut copier = self.copier(from, to, self.connection.up(), &watch);
        let result = copier.pass(first).and_then(|()| copier.run());
        self.finish(result, to, Ended::ClientError);
    }

    /// Copies from the target to the client; returns when this direction is over.
    pub fn run_down(&self) {
        let watch = |bytes: &[u8]| self.watch.as_ref().is_some_and(|watch| watch.down(bytes));
        let (from, to) = (&self.sides.target, &self.sides.client);
        let result = self.copier(from, to, self.connection.down(), &watch).run();
        self.finish(result, to, Ended::TargetError);
    }

    fn copier<'a>(
        &'a self,
        from: &'a TcpStream,
        to: &'a TcpStream,
        count: &'a std::sync::atomic::AtomicU64,
        watch: Look<'a>,
    ) -> Copier<'a> {
        let watch = self.watch.is_some().then_some(watch);
        let fixed = self.buffer.map(|size| usize::from(size.octets()));
        Copier { from, to, count, watch, fixed }
    }

    fn finish(&self, result: Result<(), Broken>, to: &TcpStream, why: Ended) {
        match result {
            // Ended from outside: there is nothing to pass on.
            _ if self.sides.ending.load(Ordering::Acquire) => {}
            Ok(()) => {
                // It fails only when that side is gone, which its reader sees.
                let _ = to.shutdown(Shutdown::Write);
                if self.one_done.swap(true, Ordering::AcqRel) {
                    self.connection.ended(Ended::Closed);
                } else {
                    self.connection.enter(State::HalfClosed);
                }
            }
            // The broken side's last words are still read by the other thread,
            // which then finds it broken as well.
            Err(Broken::To) => {
                self.one_done.store(true, Ordering::Release);
            }
            Err(Broken::From) => self.abort(why),
        }
    }

    /// Ends both sides with an error.
    pub fn abort(&self, why: Ended) {
        self.connection.ended(why);
        self.sides.end(false);
    }
}

impl End for Sides {
    fn end(&self, orderly: bool) {
        let again = self.ending.swap(true, Ordering::AcqRel);
        close::end(&self.client, orderly, again);
        close::end(&self.target, orderly, again);
    }
}
