//! One connection in the list of [`super::connections`]: what is known about it,
//! how it is shown, and how it is ended from outside.

use std::fmt;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant, SystemTime};

use parking_lot::Mutex;

use super::account::Name;
use super::clock::Date;
use super::limits::{Metering, Usage};
use super::states::{Ended, State};

/// The number of a connection: 1, 2, 3 ... since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId(pub u64);

impl fmt::Display for ConnectionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// The sockets of a connection, as far as ending it goes.
pub trait End: Send + Sync {
    /// Ends it: `orderly` after silence, so that peers see an end; otherwise so
    /// that peers see an error. Called again while threads still hold on to it.
    fn end(&self, orderly: bool);
}

/// A connection as an admin sees it.
#[derive(Debug, Clone)]
pub struct ConnectionView {
    /// Its number.
    pub id: ConnectionId,
    /// The service that accepted it.
    pub service: &'static str,
    /// Who it is, `anonymous` without a login, `-` before it.
    pub user: String,
    /// The user it has logged in as.
    pub login: Option<Name>,
    /// Where it comes from.
    pub client: SocketAddr,
    /// Where it goes, once known: `host:port`.
    pub target: Option<String>,
    /// What it is doing.
    pub state: State,
    /// Octets from the client.
    pub bytes_up: u64,
    /// Octets to the client.
    pub bytes_down: u64,
    /// Time since it was accepted.
    pub age: Duration,
}

/// Shown for clients that need no login.
pub const ANONYMOUS: &str = "anonymous";

/// Shown for clients that have not logged in yet.
pub const NOBODY: &str = "-";

/// One connection in the list.
pub(super) struct Entry {
    pub id: ConnectionId,
    pub service: &'static str,
    /// The other end of the socket, which may be a proxy's.
    pub peer: SocketAddr,
    /// The client, as which it is counted per address; a proxy has yet to say.
    pub client: OnceLock<SocketAddr>,
    pub started: Instant,
    pub began: SystemTime,
    pub up: AtomicU64,
    pub down: AtomicU64,
    /// Its place among the users that are counted by name, once admitted.
    pub user_place: OnceLock<usize>,
    /// Its user's, once admitted, if it has logged in.
    pub usage: OnceLock<Arc<Usage>>,
    /// Whether its octets count for its user's rates and quotas.
    pub metered: AtomicBool,
    pub metering: Metering,
    /// The host that it has reached, in lower case.
    pub target: OnceLock<Arc<str>>,
    pub about: Mutex<About>,
}

/// What changes about it.
pub(super) struct About {
    /// The login that was tried, accepted or not.
    pub claimed: Option<String>,
    /// `Some` once admitted; the inner `None` is open access.
    pub user: Option<Option<Name>>,
    pub destination: Option<(String, u16)>,
    pub state: State,
    pub status: Option<u8>,
    pub ended: Option<Ended>,
    pub end: Option<Arc<dyn End>>,
    /// Ended from outside its threads, which may be stuck.
    pub pressed: bool,
    /// Octets seen by the last sweep, and since when there have been no more.
    pub quiet: (u64, Instant),
    /// Silence that is not too long, whatever the timeout.
    pub tolerated: Option<Duration>,
}

impl Entry {
    pub fn new(id: ConnectionId, service: &'static str, peer: SocketAddr) -> Self {
        let now = Instant::now();
        let about = About {
            claimed: None,
            user: None,
            destination: None,
            state: State::Handshake,
            status: None,
            ended: None,
            end: None,
            pressed: false,
            quiet: (0, now),
            tolerated: None,
        };
        Self {
            id,
            service,
            peer,
            client: OnceLock::new(),
            started: now,
            began: SystemTime::now(),
            up: AtomicU64::new(0),
            down: AtomicU64::new(0),
            user_place: OnceLock::new(),
            usage: OnceLock::new(),
            metered: AtomicBool::new(false),
            metering: Metering::default(),
            target: OnceLock::new(),
            about: Mutex::new(about),
        }
    }

    /// Where it comes from, as far as that is known.
    pub fn client(&self) -> SocketAddr {
        *self.client.get().unwrap_or(&self.peer)
    }

    /// Octets from the client, and to it.
    pub fn moved(&self) -> (u64, u64) {
        (self.up.load(Ordering::Relaxed), self.down.load(Ordering::Relaxed))
    }

    fn octets(&self) -> u64 {
        let (up, down) = self.moved();
        up.saturating_add(down)
    }

    /// As an admin sees it.
    pub fn view(&self) -> ConnectionView {
        let about = self.about.lock();
        let login = about.user.clone().flatten();
        let user = match (&about.user, &login) {
            (_, Some(name)) => name.to_string(),
            (Some(None), _) => ANONYMOUS.into(),
            _ => NOBODY.into(),
        };
        let (bytes_up, bytes_down) = self.moved();
        let target = about.destination.as_ref().map(|(host, port)| format!("{host}:{port}"));
        ConnectionView {
            id: self.id,
            service: self.service,
            user,
            login,
            client: self.client(),
            target,
            state: about.state,
            bytes_up,
            bytes_down,
            age: self.started.elapsed(),
        }
    }

    /// Ends it from outside the threads that serve it.
    pub fn end(&self, why: Ended, orderly: bool) {
        let mut about = self.about.lock();
        about.ended.get_or_insert(why);
        about.pressed = true;
        let end = about.end.clone();
        drop(about);
        if let Some(end) = end {
            end.end(orderly);
        }
        // Behind it: who is woken finds the sockets ended.
        if let Some(usage) = self.usage.get() {
            usage.release(self);
        }
    }

    /// The usage that its octets count for, if they do.
    pub fn metered(&self) -> Option<&Arc<Usage>> {
        self.usage.get().filter(|_| self.metered.load(Ordering::Relaxed))
    }

    /// Adds what has moved since the last time to what its user has used.
    pub fn collect(&self) {
        if let Some(usage) = self.metered() {
            usage.collect(self);
        }
    }

    /// Whether it has been ended, by a cut or otherwise.
    pub fn is_ended(&self) -> bool {
        self.about.lock().ended.is_some()
    }

    /// Whether it belongs to this user.
    pub fn is_of(&self, name: &Name) -> bool {
        matches!(&self.about.lock().user, Some(Some(user)) if user == name)
    }

    /// Ends it when its user may not go on.
    pub fn hold_to_limits(&self, today: Date) {
        self.collect();
        let Some(usage) = self.usage.get() else { return };
        let ended = self.is_ended();
        if let Some(why) = usage.verdict(today, self.metered().is_some()).filter(|_| !ended) {
            self.end(why, false);
        }
    }

    /// Ends it when it has been silent for too long, or presses on.
    pub fn sweep(&self, now: Instant, timeout: Duration, half_closed: Duration) {
        let octets = self.octets();
        let mut about = self.about.lock();
        // Who waits for its rate isn't silent.
        if about.quiet.0 != octets || self.metering.is_waiting() {
            about.quiet = (octets, now);
        }
        let allowed = match about.state {
            // Without a promise of its protocol the deadlines of the conversation hold.
            State::Handshake => about.tolerated.unwrap_or(Duration::MAX),
            State::Open => timeout.max(about.tolerated.unwrap_or_default()),
            State::HalfClosed => timeout.min(half_closed),
        };
        let silent = now.saturating_duration_since(about.quiet.1) >= allowed;
        let (ended, pressed, end) = (about.ended, about.pressed, about.end.clone());
        drop(about);
        match (ended, end) {
            // Who ends by itself must not be hurried: its last words may still be
            // on their way, and a reset would eat them.
            (Some(_), Some(end)) if pressed => end.end(false),
            (None, _) if silent => self.end(Ended::Idle, true),
            _ => {}
        }
    }
}
