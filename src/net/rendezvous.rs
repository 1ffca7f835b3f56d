//! A listener that waits for one peer on behalf of a client, who may leave.
//!
//! Two threads: one is blocked in `accept`, the other one watches the client and
//! later copies from it to the peer. Whichever comes first, the peer or a reason
//! to give up, settles it for both.

use std::io::{ErrorKind, Read};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, TryRecvError};
use parking_lot::Mutex;

use super::acceptor::reachable;
use super::control::Control;
use super::driver::is_timeout;
use super::relay::Relay;
use crate::core::Ended;

/// Octets kept that the client sends before its peer is there.
const MOST_HELD: usize = 64 * 1024;
/// Octets asked for in one read.
const CHUNK: usize = 4096;
/// Once octets are held, how long the peer may wait for them: std can't
/// interrupt the `read` in which more of them are awaited.
const SLICE: Duration = Duration::from_millis(100);
/// How long one attempt to wake a thread that is blocked in `accept` may take.
const WAKE_FOR: Duration = Duration::from_secs(1);

/// How the waiting ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The peer came.
    Met,
    /// The client left before that.
    ClientLeft,
    /// Neither, until the deadline.
    TimedOut,
    /// The listener failed.
    Failed,
}

/// What both threads know.
#[derive(Default)]
struct Settled(Mutex<Option<Outcome>>);

impl Settled {
    /// The first to say how it ended is right; says what holds.
    fn settle(&self, outcome: Outcome) -> Outcome {
        *self.0.lock().get_or_insert(outcome)
    }

    fn get(&self) -> Option<Outcome> {
        *self.0.lock()
    }
}

/// Gives the relay to the thread that watches the client.
pub type Hand = Sender<Arc<Relay>>;

/// The side that waits for the peer.
pub struct PeerWait {
    listener: TcpListener,
    settled: Arc<Settled>,
    hand: Hand,
}

/// The side that watches the client.
pub struct ClientWatch {
    control: Arc<Control>,
    held: Vec<u8>,
    /// Whether nothing comes behind that.
    finished: bool,
    deadline: Instant,
    listener: SocketAddr,
    settled: Arc<Settled>,
    relay: Receiver<Arc<Relay>>,
}

/// The two sides of a rendezvous, each for a thread of its own. `early` is what
/// the client has sent already.
///
/// # Errors
/// When the listener has no address.
pub fn rendezvous(
    listener: TcpListener,
    control: Arc<Control>,
    early: Vec<u8>,
    deadline: Instant,
) -> std::io::Result<(PeerWait, ClientWatch)> {
    let settled = Arc::new(Settled::default());
    let (hand, relay) = crossbeam_channel::bounded(1);
    let address = reachable(listener.local_addr()?);
    let watch = ClientWatch {
        control,
        held: early,
        finished: false,
        deadline,
        listener: address,
        settled: Arc::clone(&settled),
        relay,
    };
    Ok((PeerWait { listener, settled, hand }, watch))
}

impl PeerWait {
    /// Waits for a peer that `admits` likes; the others are closed. Then nobody
    /// else can connect any more.
    ///
    /// # Errors
    /// Why there is none.
    pub fn accept(
        self,
        admits: impl Fn(SocketAddr) -> bool,
    ) -> Result<(TcpStream, SocketAddr, Hand), Outcome> {
        loop {
            let accepted = self.listener.accept();
            if let Some(outcome) = self.settled.get() {
                return Err(outcome);
            }
            match accepted {
                Ok((peer, from)) if admits(from) => {
                    return match self.settled.settle(Outcome::Met) {
                        Outcome::Met => Ok((peer, from, self.hand)),
                        other => Err(other),
                    };
                }
                Ok(_) => {}
                // It left before it was accepted.
                Err(error) if error.kind() == ErrorKind::ConnectionAborted => {}
                Err(error) => {
                    log::warn!(service = "bind", error:%; "accept-failed");
                    return Err(self.settled.settle(Outcome::Failed));
                }
            }
        }
    }
}

/// What a look at the client has shown.
enum Sight {
    /// Nothing that settles anything.
    Waiting,
    /// It is gone, or the time is over.
    GiveUp(Outcome, Health),
}

/// Whether the client can still be read from.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Health {
    Sound,
    Broken,
}

impl ClientWatch {
    /// Watches the client until the peer is there, then copies from the client to
    /// it until that direction is over; what was held goes first.
    pub fn run(mut self) {
        loop {
            let sight = self.look();
            match self.relay.try_recv() {
                Ok(relay) => return self.go_on(&relay, sight.health()),
                Err(TryRecvError::Disconnected) => return,
                Err(TryRecvError::Empty) => {}
            }
            if let Sight::GiveUp(outcome, health) = sight {
                return self.give_up(outcome, health);
            }
        }
    }

    fn look(&mut self) -> Sight {
        let left = self.deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Sight::GiveUp(Outcome::TimedOut, Health::Sound);
        }
        if self.finished || self.held.len() >= MOST_HELD {
            return self.look_away(left);
        }
        let wait = if self.held.is_empty() { left } else { left.min(SLICE) };
        let mut client = self.control.stream();
        let mut chunk = [0; CHUNK];
        // Zero would mean no timeout at all.
        let timeout = Some(wait.max(Duration::from_millis(1)));
        match client.set_read_timeout(timeout).and_then(|()| client.read(&mut chunk)) {
            // Who has sent something wants it delivered; a mere end is a client that gave up.
            Ok(0) if self.held.is_empty() => Sight::GiveUp(Outcome::ClientLeft, Health::Sound),
            Ok(0) => {
                self.finished = true;
                Sight::Waiting
            }
            Ok(count) => {
                self.held.extend_from_slice(chunk.get(..count).unwrap_or_default());
                Sight::Waiting
            }
            Err(error) if is_timeout(&error) => Sight::Waiting,
            Err(error) if error.kind() == ErrorKind::Interrupted => Sight::Waiting,
            Err(_) => Sight::GiveUp(Outcome::ClientLeft, Health::Broken),
        }
    }

    /// Waits without reading, since nothing more comes or there is no room for it; then
    /// an orderly end of the client is behind octets that nobody takes. A reset shows.
    fn look_away(&self, left: Duration) -> Sight {
        std::thread::sleep(SLICE.min(left));
        let broken = !matches!(self.control.stream().take_error(), Ok(None));
        if broken || self.control.is_ending() {
            return Sight::GiveUp(Outcome::ClientLeft, Health::Broken);
        }
        Sight::Waiting
    }

    fn give_up(&self, outcome: Outcome, health: Health) {
        if self.settled.settle(outcome) != Outcome::Met {
            return self.wake();
        }
        // The peer came at the same moment.
        if let Ok(relay) = self.relay.recv() {
            self.go_on(&relay, health);
        }
    }

    /// std can't interrupt `accept`, so it is woken by a connection of our own,
    /// until the other thread has let go of its end.
    fn wake(&self) {
        loop {
            let _ = TcpStream::connect_timeout(&self.listener, WAKE_FOR);
            let Err(RecvTimeoutError::Timeout) = self.relay.recv_timeout(SLICE) else { return };
        }
    }

    fn go_on(&self, relay: &Relay, health: Health) {
        let clear = self.control.stream().set_read_timeout(None);
        if health == Health::Broken || clear.is_err() {
            return relay.abort(Ended::ClientError);
        }
        relay.run_up(&self.held);
    }
}

impl Sight {
    fn health(&self) -> Health {
        match self {
            Self::GiveUp(_, health) => *health,
            Self::Waiting => Health::Sound,
        }
    }
}
