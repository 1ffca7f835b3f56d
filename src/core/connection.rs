//! A client connection as a guard: while it lives it is counted and listed; its `Drop`
//! takes it out, adds its octets to the totals and writes its line of the access log,
//! on every way out.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::access::AccessLine;
use super::account::Name;
use super::connections::{Connections, Limits};
use super::entry::{ANONYMOUS, About, ConnectionId, End, Entry};
use super::limits::Usage;
use super::states::{Ended, State};

/// One open client connection.
pub struct Connection {
    pub(super) entry: Arc<Entry>,
    pub(super) all: Arc<Connections>,
}

impl Connection {
    /// Its number.
    pub fn id(&self) -> ConnectionId {
        self.entry.id
    }

    /// The service that accepted it.
    pub(super) fn service(&self) -> &'static str {
        self.entry.service
    }

    /// Where it comes from, IPv4-mapped addresses unmapped; the proxy's address until
    /// that has said more.
    pub fn client(&self) -> SocketAddr {
        self.entry.client()
    }

    /// Whether it is known, and counted, where it comes from. Until then nothing may be
    /// done for it.
    pub fn is_identified(&self) -> bool {
        self.entry.client.get().is_some()
    }

    /// Counts it for the client that a proxy has named (`None`: for the proxy itself);
    /// `false` when a limit is reached. Once only: later calls change nothing.
    pub(super) fn identify(&self, client: Option<SocketAddr>, limits: Limits) -> bool {
        self.all.identify(&self.entry, client, limits)
    }

    /// Notes the name of a login before it is checked.
    pub fn claims(&self, name: &[u8]) {
        self.entry.about.lock().claimed = Some(super::text::Printable(name).to_string());
    }

    pub(super) fn entry(&self) -> &Entry {
        &self.entry
    }

    /// Says whose usage it belongs to, before [`Self::admit_user`] does.
    pub(super) fn belongs_to(&self, usage: &Arc<Usage>) {
        self.entry.usage.get_or_init(|| Arc::clone(usage));
    }

    /// Has its octets count for its user's rates and quotas from now on.
    pub(super) fn meter(&self) {
        self.entry.metered.store(true, Ordering::Relaxed);
    }

    /// Counts it for this user; `false` when the user has as many as allowed.
    pub(super) fn admit_user(&self, user: Option<&Name>, most: Option<u32>) -> bool {
        let admitted = self.all.admit_user(&self.entry, user, most);
        if admitted {
            self.entry.about.lock().user = Some(user.cloned());
        }
        admitted
    }

    /// Notes where it wants to go.
    pub fn heads_for(&self, host: String, port: u16) {
        self.entry.about.lock().destination = Some((host, port));
    }

    /// Notes the status that the client was told.
    pub fn answered(&self, status: u8) {
        self.all.counters.replied(status);
        self.entry.about.lock().status = Some(status);
    }

    /// Notes how long finding and reaching the target took. Only what was reached
    /// counts as a target.
    pub fn connected(&self, took: Duration) {
        self.all.counters.connect.observe(took);
        let about = self.entry.about.lock();
        if let Some((host, _)) = &about.destination {
            self.entry.target.get_or_init(|| host.to_ascii_lowercase().into());
        }
    }

    /// Notes after how long the target sent its first octet.
    pub fn first_byte(&self, took: Duration) {
        self.all.counters.first_byte.observe(took);
    }

    /// Enters a state, from which the timeouts run anew.
    pub fn enter(&self, state: State) {
        let mut about = self.entry.about.lock();
        about.state = state;
        about.quiet.1 = Instant::now();
    }

    /// Allows it this much silence, because its protocol promises so: in a handshake, and
    /// when it is open even if the timeout is shorter.
    pub fn tolerate(&self, silence: Duration) {
        self.entry.about.lock().tolerated = Some(silence);
    }

    /// Says how to end it from outside. What was ended before this is ended now.
    pub fn attach(&self, end: Arc<dyn End>) {
        let mut about = self.entry.about.lock();
        about.end = Some(Arc::clone(&end));
        let late = about.pressed;
        drop(about);
        if late {
            end.end(false);
            if let Some(usage) = self.entry.usage.get() {
                usage.release(&self.entry);
            }
        }
    }

    /// Notes how it ended; the first to say so is right. `false` for the others.
    pub fn ended(&self, why: Ended) -> bool {
        let mut about = self.entry.about.lock();
        let first = about.ended.is_none();
        about.ended.get_or_insert(why);
        first
    }

    /// Whether it has been ended, by a cut or otherwise.
    pub fn is_ended(&self) -> bool {
        self.entry.is_ended()
    }

    /// Ends it for this reason from whichever thread notices it, as an error, and
    /// presses on until the other threads have let go.
    pub fn end(&self, why: Ended) {
        self.entry.end(why, false);
    }

    /// Octets from the client to the target; to be added to as they move.
    pub fn up(&self) -> &AtomicU64 {
        &self.entry.up
    }

    /// Octets from the target to the client.
    pub fn down(&self) -> &AtomicU64 {
        &self.entry.down
    }

    /// What there is to say about it when it is over.
    fn line(&self, about: &About, ended: Ended) -> AccessLine {
        let entry = &self.entry;
        AccessLine {
            date: entry.began,
            user: match &about.user {
                Some(user) => Some(user.as_ref().map_or(ANONYMOUS.into(), Name::to_string)),
                None => about.claimed.clone(),
            },
            client: entry.client(),
            destination: about.destination.clone(),
            status: about.status,
            bytes_up: entry.up.load(Ordering::Relaxed),
            bytes_down: entry.down.load(Ordering::Relaxed),
            lasted: entry.started.elapsed(),
            ended,
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        let entry = &self.entry;
        if let Some(usage) = entry.metered() {
            usage.close(entry);
        }
        // Out of the list first, then closed: it may be the last to hold the socket.
        let _end = entry.about.lock().end.take();
        let about = entry.about.lock();
        if let (State::Handshake, Some(why)) = (about.state, about.ended) {
            self.all.counters.handshake_failed(why);
        }
        // Whoever vanished without a word (a health check) is no news.
        let log = self.all.access_log.as_ref().zip(about.ended);
        let line = log.map(|(log, ended)| (log, self.line(&about, ended)));
        drop(about);
        // Before it counts no more: where none is open the process may end at once.
        if let Some((log, line)) = line {
            log(line.to_string());
        }
        self.all.forget(entry);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::OnceLock;

    use super::*;
    use crate::core::{Core, Start};

    #[test]
    fn a_connection_has_its_line_before_it_counts_no_more() {
        let known: Arc<OnceLock<Core>> = Arc::default();
        let seen = Arc::new(AtomicU64::new(0));
        let (asked, noted) = (Arc::clone(&known), Arc::clone(&seen));
        let line = move |_| {
            noted.store(asked.get().unwrap().metrics().current, Ordering::Relaxed);
        };
        let start = Start { access_log: Some(Box::new(line)), ..Start::default() };
        let (core, _stops) = Core::new(start).unwrap();
        assert!(known.set(core.clone()).is_ok());
        let connection = core.admit("test", "192.0.2.7:1".parse().unwrap()).unwrap();
        connection.ended(Ended::Closed);
        drop(connection);
        assert_eq!((seen.load(Ordering::Relaxed), core.metrics().current), (1, 0));
    }
}
