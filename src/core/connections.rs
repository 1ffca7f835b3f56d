//! The client connections that are open now, and the counters they feed.
//!
//! A [`Connection`] is a guard: while it lives the connection is counted and
//! listed; its `Drop` takes it out, adds its octets to the totals and writes its
//! line of the access log, on every way out.

use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::access::AccessLine;
use super::account::Name;
use super::arrivals::Arrivals;
use super::clock::Date;
use super::counters::{Counters, Details, PerUser};
use super::entry::{ANONYMOUS, ConnectionId, ConnectionView, End, Entry};
use super::guessing::origin;
use super::history::{History, Recorder};
use super::lines::Lines;
use super::states::{Ended, State};
use super::targets::{TargetTotals, Targets};
use super::totals::Totals;
use super::usage::Usage;

/// What the settings allow, at the moment of asking.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Connections at once.
    pub total: u32,
    /// At once from one address; an IPv6 network of 64 bits counts as one.
    pub per_address: Option<u32>,
    /// New ones per second from one address, likewise.
    pub new_per_address: Option<NonZeroU32>,
}

#[derive(Default)]
struct Live {
    entries: BTreeMap<u64, Arc<Entry>>,
    /// By their [`origin`].
    per_address: HashMap<IpAddr, u32>,
    arrivals: Arrivals,
    per_user: HashMap<Option<Name>, u32>,
    historic: u64,
    max_current: u64,
    refused: u64,
    finished_up: u64,
    finished_down: u64,
    users: PerUser,
    targets: Targets,
    recorder: Recorder,
}

impl Live {
    fn totals(&self) -> Totals {
        let moving = |count: fn(&Entry) -> &AtomicU64| -> u64 {
            self.entries.values().map(|entry| count(entry).load(Ordering::Relaxed)).sum()
        };
        Totals {
            historic: self.historic,
            current: self.entries.len() as u64,
            max_current: self.max_current,
            bytes_up: self.finished_up.saturating_add(moving(|entry| &entry.up)),
            bytes_down: self.finished_down.saturating_add(moving(|entry| &entry.down)),
            active_users: self.per_user.len() as u64,
            refused: self.refused,
        }
    }

    /// Takes the samples that are due, which is seldom.
    fn record(&mut self, now: Instant) {
        let steps = self.recorder.due(now);
        if steps > 0 {
            let totals = self.totals();
            self.recorder.record(steps, totals);
        }
    }
}

/// All connections of all services.
#[derive(Default)]
pub struct Connections {
    live: Mutex<Live>,
    access_log: Option<Lines>,
    pub(super) counters: Counters,
}

impl Connections {
    pub(super) fn new(access_log: Option<Lines>) -> Self {
        Self { access_log, ..Self::default() }
    }

    /// Admits a connection, or counts it as refused when a limit is reached.
    pub(super) fn admit(
        self: &Arc<Self>,
        service: &'static str,
        client: SocketAddr,
        limits: Limits,
    ) -> Option<Connection> {
        let client = canonical(client);
        let mut live = self.live.lock();
        let admitted = live.has_room(limits) && live.count_from(client.ip(), limits);
        if !admitted {
            live.refused = live.refused.saturating_add(1);
            return None;
        }
        let entry = live.enter(service, client);
        entry.client.get_or_init(|| client);
        Some(Connection { entry, all: Arc::clone(self) })
    }

    /// Admits a connection of a proxy, which has yet to say for whom it is: until then
    /// only the limit on all of them holds. See [`Connection::is_identified`].
    pub(super) fn admit_proxied(
        self: &Arc<Self>,
        service: &'static str,
        proxy: SocketAddr,
        limits: Limits,
    ) -> Option<Connection> {
        let mut live = self.live.lock();
        if !live.has_room(limits) {
            live.refused = live.refused.saturating_add(1);
            return None;
        }
        let entry = live.enter(service, canonical(proxy));
        Some(Connection { entry, all: Arc::clone(self) })
    }

    /// What is open now, in the order of the numbers.
    pub fn list(&self) -> Vec<ConnectionView> {
        self.snapshot().iter().map(|entry| entry.view()).collect()
    }

    /// Ends those that `which` picks; says how many.
    pub(super) fn cut(&self, why: Ended, which: impl Fn(&Entry) -> bool) -> usize {
        let chosen = self.snapshot().into_iter().filter(|entry| which(entry));
        chosen.map(|entry| entry.end(why, false)).count()
    }

    /// Ends what has been silent for too long or goes beyond the limits of its user,
    /// and presses on those that were ended and still hold on. Takes the samples of
    /// the history. To be called every fraction of a second.
    pub fn sweep(&self, now: Instant, today: Date, timeout: Duration, half_closed: Duration) {
        self.live.lock().record(now);
        for entry in self.snapshot() {
            entry.hold_to_limits(today);
            entry.sweep(now, timeout, half_closed);
        }
    }

    /// Ends what goes beyond the limits of its user.
    pub(super) fn hold_to_limits(&self, today: Date) {
        self.snapshot().iter().for_each(|entry| entry.hold_to_limits(today));
    }

    /// Adds what has moved to what the users have used.
    pub(super) fn collect(&self) {
        self.snapshot().iter().for_each(|entry| entry.collect());
    }

    /// How many connections a user has open.
    pub(super) fn open_of(&self, user: &Name) -> u32 {
        self.live.lock().per_user.get(&Some(user.clone())).copied().unwrap_or(0)
    }

    /// Counts a connection that a limit or a rule has refused.
    pub(super) fn refuse(&self) {
        let mut live = self.live.lock();
        live.refused = live.refused.saturating_add(1);
    }

    pub(super) fn totals(&self) -> Totals {
        self.live.lock().totals()
    }

    /// The last hour.
    pub(super) fn history(&self) -> History {
        let live = self.live.lock();
        live.recorder.history(Instant::now(), &live.totals())
    }

    /// What has been exchanged with the targets.
    pub(super) fn targets(&self) -> Vec<TargetTotals> {
        let live = self.live.lock();
        let open = live.entries.values().filter_map(|entry| {
            let (up, down) = entry.moved();
            Some((entry.target.get()?, up, down))
        });
        live.targets.with_open(open)
    }

    /// What is counted beyond the totals.
    pub(super) fn details(&self) -> Details {
        let live = self.live.lock();
        let open = live.entries.values().filter_map(|entry| {
            let (up, down) = entry.moved();
            Some((*entry.user_place.get()?, up, down))
        });
        let users = live.users.with_open(open);
        drop(live);
        self.counters.details(users)
    }

    fn snapshot(&self) -> Vec<Arc<Entry>> {
        self.live.lock().entries.values().cloned().collect()
    }

    fn forget(&self, entry: &Entry, user: Option<&Option<Name>>) {
        let mut live = self.live.lock();
        live.entries.remove(&entry.id.0);
        if let Some(client) = entry.client.get() {
            release(&mut live.per_address, &origin(client.ip()));
        }
        if let Some(user) = user {
            release(&mut live.per_user, user);
        }
        let (up, down) = entry.moved();
        if let Some(place) = entry.user_place.get() {
            live.users.moved(*place, up, down);
        }
        if let Some(host) = entry.target.get() {
            live.targets.finished(host, up, down);
        }
        live.finished_up = live.finished_up.saturating_add(up);
        live.finished_down = live.finished_down.saturating_add(down);
    }
}

impl Live {
    fn has_room(&self, limits: Limits) -> bool {
        self.entries.len() < limits.total as usize
    }

    /// Counts one more from an address, unless there are too many or they come too fast.
    fn count_from(&mut self, client: IpAddr, limits: Limits) -> bool {
        let origin = origin(client);
        let here = self.per_address.get(&origin).copied().unwrap_or(0);
        if limits.per_address.is_some_and(|most| here >= most) {
            return false;
        }
        let rate = limits.new_per_address;
        if rate.is_some_and(|rate| !self.arrivals.admit(origin, rate, Instant::now())) {
            return false;
        }
        *self.per_address.entry(origin).or_default() += 1;
        true
    }

    fn enter(&mut self, service: &'static str, peer: SocketAddr) -> Arc<Entry> {
        self.historic = self.historic.saturating_add(1);
        self.max_current = self.max_current.max(self.entries.len() as u64 + 1);
        self.recorder.saw(self.entries.len() as u64 + 1);
        let entry = Arc::new(Entry::new(ConnectionId(self.historic), service, peer));
        self.entries.insert(entry.id.0, Arc::clone(&entry));
        entry
    }
}

/// IPv4-mapped addresses unmapped.
fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

fn release<K: std::hash::Hash + Eq>(counts: &mut HashMap<K, u32>, key: &K) {
    if let Some(count) = counts.get_mut(key) {
        *count -= 1;
        if *count == 0 {
            counts.remove(key);
        }
    }
}

/// One open client connection.
pub struct Connection {
    entry: Arc<Entry>,
    all: Arc<Connections>,
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
        let client = client.map_or(self.entry.peer, canonical);
        let mut live = self.all.live.lock();
        if self.is_identified() {
            return true;
        }
        if !live.count_from(client.ip(), limits) {
            live.refused = live.refused.saturating_add(1);
            return false;
        }
        self.entry.client.get_or_init(|| client);
        true
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
        let user = user.cloned();
        let mut live = self.all.live.lock();
        let open = live.per_user.get(&user).copied().unwrap_or(0);
        if user.is_some() && most.is_some_and(|most| open >= most) {
            live.refused = live.refused.saturating_add(1);
            return false;
        }
        *live.per_user.entry(user.clone()).or_default() += 1;
        self.entry.user_place.get_or_init(|| live.users.connected(user.as_ref()));
        drop(live);
        self.entry.about.lock().user = Some(user);
        true
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

    /// Allows it this much silence even when the timeout is shorter, because its
    /// protocol promises so.
    pub fn tolerate(&self, silence: Duration) {
        self.entry.about.lock().tolerated = silence;
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
        self.entry.about.lock().ended.is_some()
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
}

impl Drop for Connection {
    fn drop(&mut self) {
        let entry = &self.entry;
        if let Some(usage) = entry.metered() {
            usage.close(entry);
        }
        // Out of the list first, then closed: it may be the last to hold the socket.
        let _end = entry.about.lock().end.take();
        let mut about = entry.about.lock();
        let user = about.user.take();
        self.all.forget(entry, user.as_ref());
        if let (State::Handshake, Some(why)) = (about.state, about.ended) {
            self.all.counters.handshake_failed(why);
        }
        // Whoever vanished without a word (a health check) is no news.
        let (Some(log), Some(ended)) = (&self.all.access_log, about.ended) else { return };
        let named = user.map(|user| user.map_or(ANONYMOUS.into(), |name| name.to_string()));
        let line = AccessLine {
            date: entry.began,
            user: named.or(about.claimed.take()),
            client: entry.client(),
            destination: about.destination.take(),
            status: about.status,
            bytes_up: entry.up.load(Ordering::Relaxed),
            bytes_down: entry.down.load(Ordering::Relaxed),
            lasted: entry.started.elapsed(),
            ended,
        };
        drop(about);
        log(line.to_string());
    }
}
