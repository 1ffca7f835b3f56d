//! The client connections that are open now, and the counters they feed.

use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::account::Name;
use super::clock::Date;
use super::connection::Connection;
use super::counters::{Counters, Details, PerUser};
use super::entry::{ConnectionId, ConnectionView, Entry};
use super::guessing::origin;
use super::history::{History, Recorder};
use super::limits::{Arrivals, Usage};
use super::lines::Lines;
use super::states::Ended;
use super::targets::{TargetTotals, Targets};
use super::totals::Totals;

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
    /// By their [`account`].
    per_user: HashMap<Option<usize>, u32>,
    historic: u64,
    max_current: u64,
    refused: u64,
    denied: u64,
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
            denied: self.denied,
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
    pub(super) access_log: Option<Lines>,
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
            live.refuse();
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
            live.refuse();
            return None;
        }
        let entry = live.enter(service, canonical(proxy));
        Some(Connection { entry, all: Arc::clone(self) })
    }

    /// Counts a connection for the client that a proxy has named; see
    /// [`Connection::identify`].
    pub(super) fn identify(
        &self,
        entry: &Entry,
        client: Option<SocketAddr>,
        limits: Limits,
    ) -> bool {
        let client = client.map_or(entry.peer, canonical);
        let mut live = self.live.lock();
        if entry.client.get().is_some() {
            return true;
        }
        if !live.count_from(client.ip(), limits) {
            live.refuse();
            return false;
        }
        entry.client.get_or_init(|| client);
        true
    }

    /// Counts a connection for a user; see [`Connection::admit_user`].
    pub(super) fn admit_user(&self, entry: &Entry, user: Option<&Name>, most: Option<u32>) -> bool {
        let (mut live, key) = (self.live.lock(), entry.usage.get().map(account));
        let open = live.per_user.get(&key).copied().unwrap_or(0);
        if user.is_some() && most.is_some_and(|most| open >= most) {
            live.refuse();
            return false;
        }
        *live.per_user.entry(key).or_default() += 1;
        entry.user_place.get_or_init(|| live.users.connected(user));
        true
    }

    /// What is open now, in the order of the numbers.
    pub fn list(&self) -> Vec<ConnectionView> {
        self.snapshot().iter().map(|entry| entry.view()).collect()
    }

    /// Ends those that `which` picks; says how many.
    pub(super) fn cut(&self, why: Ended, which: impl Fn(&Entry) -> bool) -> usize {
        let mut chosen = self.snapshot();
        chosen.retain(|entry| which(entry));
        chosen.iter().for_each(|entry| entry.end(why, false));
        chosen.len()
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

    /// How many connections the account with this usage has open.
    pub(super) fn open_of(&self, usage: &Arc<Usage>) -> u32 {
        self.live.lock().per_user.get(&Some(account(usage))).copied().unwrap_or(0)
    }

    /// Counts a connection that a limit has refused.
    pub(super) fn refuse(&self) {
        self.live.lock().refuse();
    }

    /// Counts a connection that a rule has refused.
    pub(super) fn deny(&self) {
        let mut live = self.live.lock();
        live.refuse();
        live.denied = live.denied.saturating_add(1);
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

    pub(super) fn forget(&self, entry: &Entry) {
        let mut live = self.live.lock();
        live.entries.remove(&entry.id.0);
        if let Some(client) = entry.client.get() {
            release(&mut live.per_address, &origin(client.ip()));
        }
        let (up, down) = entry.moved();
        if let Some(place) = entry.user_place.get() {
            release(&mut live.per_user, &entry.usage.get().map(account));
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
    fn refuse(&mut self) {
        self.refused = self.refused.saturating_add(1);
    }

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

/// Tells an account from one of the same name that was removed: where its usage is,
/// which stays there while a connection belongs to it.
fn account(usage: &Arc<Usage>) -> usize {
    Arc::as_ptr(usage).addr()
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
