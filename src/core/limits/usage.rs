//! What one user has used and how fast it may go on: one value for each user in the
//! directory, shared by all its connections.
//!
//! Octets are counted by the connections themselves ([`Entry::moved`]), without a
//! lock. A few times a second, and whenever somebody asks, what has been added since
//! is collected here ([`Usage::collect`]). Only where a rate or a quota is set does
//! each piece ask first ([`Usage::take`]). What was asked for and what has moved is summed
//! up in a [`Ledger`].

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex, MutexGuard};

use super::bucket::{Bucket, LEAST, Ticket};
use super::ledger::{Ledger, Way};
use super::used::Used;
use super::user_limits::UserLimits;
use crate::core::clock::Date;
use crate::core::entry::Entry;
use crate::core::states::Ended;

/// A piece is at most this part of what is left of a quota: whoever is slow to move it
/// must not keep all of it from the others.
const SHARES: u64 = 4;
/// How often who waits for what was granted to others looks whether it has moved: as
/// often as that is collected.
const SETTLE: Duration = Duration::from_millis(250);

/// What one user uses.
pub(in crate::core) struct Usage {
    /// Whether octets in that direction have to ask: no lock while they need not.
    asks: [AtomicBool; 2],
    /// Whether that is because of a rate.
    rated: [AtomicBool; 2],
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    ledger: Ledger,
    buckets: [Bucket; 2],
    waiting: u64,
    /// How often the limits have changed: who has waited since before asks anew.
    changes: u64,
}

/// What [`Usage::report`] tells.
pub(in crate::core) struct Report {
    pub up: u64,
    pub down: u64,
    pub used: Used,
}

impl fmt::Debug for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Usage(..)")
    }
}

impl Usage {
    pub fn new(limits: &UserLimits, used: Used) -> Self {
        let now = Instant::now();
        let buckets = [Bucket::new(now), Bucket::new(now)];
        let state = State { ledger: Ledger::new(used), buckets, waiting: 0, changes: 0 };
        let usage = Self {
            asks: Default::default(),
            rated: Default::default(),
            state: Mutex::new(state),
            changed: Condvar::new(),
        };
        usage.obey(limits);
        usage
    }

    /// Holds these limits from now on, also for who waits.
    pub fn obey(&self, limits: &UserLimits) {
        let mut state = self.state.lock();
        let now = Instant::now();
        state.ledger.limits = limits.clone();
        state.changes += 1;
        let quota = limits.quota_day.or(limits.quota_month).is_some();
        let rates = [limits.rate_up, limits.rate_down];
        for way in [Way::Up, Way::Down] {
            let at = way as usize;
            state.buckets[at].set_rate(rates[at], now);
            self.rated[at].store(rates[at].is_some(), Ordering::Relaxed);
            self.asks[at].store(quota || rates[at].is_some(), Ordering::Relaxed);
        }
        drop(state);
        self.changed.notify_all();
    }

    /// Whether octets have to ask before they move.
    pub fn asks(&self, way: Way) -> bool {
        self.asks[way as usize].load(Ordering::Relaxed)
    }

    /// Whether that direction has a rate.
    pub fn has_rate(&self, way: Way) -> bool {
        self.rated[way as usize].load(Ordering::Relaxed)
    }

    /// Waits until some of these octets may move; says how many, at least one, or why
    /// none ever will.
    pub fn take(&self, entry: &Entry, way: Way, octets: u64) -> Result<u64, Option<Ended>> {
        let mut state = self.state.lock();
        loop {
            let left = self.left(&mut state, entry)?;
            let waiting = state.waiting;
            let bucket = &mut state.buckets[way as usize];
            let piece = bucket.piece(octets.min(left).min((left / SHARES).max(LEAST)), waiting);
            let ticket = bucket.charge(piece, Instant::now());
            state.ledger.grant(entry, way, piece);
            if self.wait(&mut state, entry, way, piece, ticket) {
                return Ok(piece);
            }
            state.ledger.take_back(entry, way, piece);
            if entry.metering.over.load(Ordering::Acquire) {
                return Err(None);
            }
        }
    }

    /// Waits for the turn of a piece; `false` when it is over or there are other limits:
    /// then the bucket has it back.
    fn wait(
        &self,
        state: &mut MutexGuard<'_, State>,
        entry: &Entry,
        way: Way,
        piece: u64,
        ticket: Ticket,
    ) -> bool {
        let _waiting = entry.metering.wait();
        let (changes, way) = (state.changes, way as usize);
        state.waiting += 1;
        state.buckets[way].queued += piece;
        let come = loop {
            if state.changes != changes {
                break false;
            }
            let bucket = &mut state.buckets[way];
            if entry.metering.over.load(Ordering::Acquire) {
                bucket.queued -= piece;
                // Who comes behind it gets its turn.
                bucket.refund(piece);
                self.changed.notify_all();
                break false;
            }
            match bucket.wait(ticket, Instant::now()) {
                None => {
                    bucket.queued -= piece;
                    break true;
                }
                // Woken by the time, by other limits, or because it is over.
                Some(wait) => self.changed.wait_for(state, wait),
            };
        };
        state.waiting -= 1;
        come
    }

    /// Waits until some of the quotas is granted to nobody; says how much.
    fn left(&self, state: &mut MutexGuard<'_, State>, entry: &Entry) -> Result<u64, Option<Ended>> {
        let mut waiting = None;
        loop {
            state.ledger.collect(entry);
            match state.ledger.left() {
                _ if state.ledger.is_used_up() => return Err(Some(Ended::Quota)),
                0 if entry.metering.over.load(Ordering::Acquire) => return Err(None),
                // Granted to others, who may never move it.
                0 => {
                    waiting.get_or_insert_with(|| entry.metering.wait());
                    self.changed.wait_for(state, SETTLE)
                }
                left => return Ok(left),
            };
        }
    }

    /// Whether a datagram may go now. It never waits: what is over the rate is dropped.
    pub fn permits(&self, entry: &Entry, way: Way, octets: u64) -> Result<bool, Ended> {
        let mut state = self.state.lock();
        state.ledger.collect(entry);
        if state.ledger.used.left(&state.ledger.limits).is_some_and(|left| octets > left) {
            return Err(Ended::Quota);
        }
        let permitted = octets <= state.ledger.left()
            && state.buckets[way as usize].permits(octets, Instant::now());
        if permitted {
            state.ledger.grant(entry, way, octets);
        }
        Ok(permitted)
    }

    /// Takes back a datagram that may go but can't.
    pub fn unsent(&self, entry: &Entry, way: Way, octets: u64) {
        let mut state = self.state.lock();
        // It was not granted if there was no limit then.
        let granted = entry.metering.granted[way as usize].load(Ordering::Relaxed).min(octets);
        state.ledger.take_back(entry, way, granted);
        state.buckets[way as usize].refund(granted);
    }

    /// Lets nothing of a connection wait any more.
    pub fn release(&self, entry: &Entry) {
        // Under the lock: who waits has either seen it or is woken.
        let _state = self.state.lock();
        entry.metering.over.store(true, Ordering::Release);
        if entry.metering.is_waiting() {
            self.changed.notify_all();
        }
    }

    /// Collects what has moved on a connection.
    pub fn collect(&self, entry: &Entry) {
        self.state.lock().ledger.collect(entry);
    }

    /// Collects what has moved on a connection that moves no more.
    pub fn close(&self, entry: &Entry) {
        let mut state = self.state.lock();
        state.ledger.collect(entry);
        for way in [Way::Up, Way::Down] {
            let left = entry.metering.granted[way as usize].load(Ordering::Relaxed);
            state.ledger.take_back(entry, way, left);
            state.buckets[way as usize].refund(left);
        }
    }

    /// Why a connection of this user has to end today, if it has; `metered` if its
    /// octets count.
    pub fn verdict(&self, today: Date, metered: bool) -> Option<Ended> {
        let mut state = self.state.lock();
        state.ledger.used.turn(today);
        if state.ledger.limits.is_expired(today) {
            return Some(Ended::Expired);
        }
        (metered && state.ledger.is_used_up()).then_some(Ended::Quota)
    }

    /// What has been used by today.
    pub fn report(&self, today: Date) -> Report {
        let mut state = self.state.lock();
        state.ledger.used.turn(today);
        let [up, down] = state.ledger.totals;
        Report { up, down, used: state.ledger.used }
    }

    /// What is to be stored.
    pub fn used(&self) -> Used {
        self.state.lock().ledger.used
    }

    /// Notes that this is stored.
    pub fn stored(&self, used: Used) {
        self.state.lock().ledger.stored = used;
    }

    /// Whether all of it is stored.
    pub fn is_stored(&self) -> bool {
        self.state.lock().ledger.is_stored()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::entry::ConnectionId;

    fn date(text: &str) -> Date {
        text.parse().unwrap()
    }

    fn limits(words: &[(&str, &str)]) -> UserLimits {
        let mut limits = UserLimits::default();
        for (name, value) in words {
            limits.change(crate::core::UserLimit::parse(name, value).unwrap());
        }
        limits
    }

    fn entry() -> Entry {
        Entry::new(ConnectionId(1), "test", "192.0.2.7:4711".parse().unwrap())
    }

    fn until_waiting(entries: &[&Entry]) {
        while !entries.iter().all(|entry| entry.metering.is_waiting()) {
            std::thread::yield_now();
        }
    }

    #[test]
    fn what_moves_unasked_is_collected_once() {
        let (usage, entry) = (Usage::new(&UserLimits::default(), Used::default()), entry());
        assert!(!usage.asks(Way::Up) && !usage.asks(Way::Down));
        entry.up.store(3, Ordering::Relaxed);
        entry.down.store(5, Ordering::Relaxed);
        usage.collect(&entry);
        entry.down.store(6, Ordering::Relaxed);
        usage.collect(&entry);
        usage.collect(&entry);
        let report = usage.report(date("2026-11-21"));
        assert_eq!((report.up, report.down, report.used.day), (3, 6, 0));
        assert_eq!(usage.used().date, date("2026-11-21"));
    }

    #[test]
    fn a_quota_is_spent_to_the_octet_in_both_directions_together() {
        let (usage, entry) =
            (Usage::new(&limits(&[("quota_day", "10")]), Used::default()), entry());
        assert!(usage.asks(Way::Up) && usage.asks(Way::Down));
        assert_eq!(usage.take(&entry, Way::Up, 4), Ok(4));
        // Granted before it moved: it counts once.
        entry.up.store(4, Ordering::Relaxed);
        assert_eq!(usage.permits(&entry, Way::Down, 7), Err(Ended::Quota));
        assert_eq!(usage.take(&entry, Way::Down, 100), Ok(6));
        let today = usage.used().date;
        assert_eq!(usage.verdict(today, true), None, "the rest is on its way");
        entry.down.store(6, Ordering::Relaxed);
        usage.collect(&entry);
        assert_eq!(usage.take(&entry, Way::Up, 1), Err(Some(Ended::Quota)));
        assert_eq!(usage.verdict(today, true), Some(Ended::Quota));
        assert_eq!(usage.verdict(today, false), None);
        usage.obey(&limits(&[("quota_day", "11")]));
        assert_eq!(usage.take(&entry, Way::Up, 9), Ok(1));
        usage.obey(&limits(&[("quota_month", "11")]));
        assert_eq!(usage.verdict(date("2026-11-21"), true), None, "another month");
        usage.obey(&UserLimits::default());
        assert!(!usage.asks(Way::Up));
    }

    #[test]
    fn what_others_may_move_is_not_used_up_yet() {
        let usage = Usage::new(&limits(&[("quota_day", "10")]), Used::default());
        let (slow, other, cut) = (entry(), entry(), entry());
        assert_eq!(usage.take(&slow, Way::Down, 100), Ok(10));
        assert_eq!(usage.permits(&other, Way::Up, 10), Ok(false));
        std::thread::scope(|scope| {
            let waiters = [&other, &cut].map(|entry| {
                let usage = &usage;
                scope.spawn(move || usage.take(entry, Way::Up, 100))
            });
            until_waiting(&[&other, &cut]);
            usage.release(&cut);
            let [other, cut] = waiters;
            assert_eq!(cut.join().unwrap(), Err(None));
            slow.down.store(7, Ordering::Relaxed);
            usage.close(&slow);
            assert_eq!(other.join().unwrap(), Ok(3));
        });
    }

    #[test]
    fn a_user_expires_at_the_beginning_of_the_day() {
        let usage = Usage::new(&limits(&[("expires", "2026-11-21")]), Used::default());
        assert_eq!(usage.verdict(date("2026-11-20"), true), None);
        assert_eq!(usage.verdict(date("2026-11-21"), false), Some(Ended::Expired));
    }

    #[test]
    fn who_waits_is_woken_by_another_rate_and_by_the_end() {
        let usage = Usage::new(&limits(&[("rate_up", "1")]), Used::default());
        let (first, second) = (entry(), entry());
        let burst = usage.take(&first, Way::Up, 1 << 20).unwrap();
        // Others are before them, so that nobody's turn comes by itself.
        usage.state.lock().buckets[Way::Up as usize].charge(10 * burst, Instant::now());
        std::thread::scope(|scope| {
            let waiters = [&first, &second].map(|entry| {
                let usage = &usage;
                scope.spawn(move || usage.take(entry, Way::Up, 1 << 20))
            });
            until_waiting(&[&first, &second]);
            usage.release(&first);
            let [ended, other] = waiters;
            assert_eq!(ended.join().unwrap(), Err(None));
            assert!(second.metering.is_waiting() && !first.metering.is_waiting());
            usage.obey(&UserLimits::default());
            assert_eq!(other.join().unwrap(), Ok(1 << 20));
        });
        // What did not move is not counted, and hinders nobody.
        assert_eq!((usage.used().day, usage.state.lock().ledger.granted), (0, burst + (1 << 20)));
        [&first, &second].into_iter().for_each(|entry| usage.close(entry));
        assert_eq!(usage.state.lock().ledger.granted, 0);
    }

    #[test]
    fn what_waits_asks_anew_under_other_limits() {
        let usage = Usage::new(&limits(&[("rate_up", "10MB")]), Used::default());
        let (entry, way) = (entry(), Way::Up as usize);
        let wait_and_obey = |words: &[(&str, &str)]| {
            std::thread::scope(|scope| {
                let waiter = scope.spawn(|| usage.take(&entry, Way::Up, 1 << 20));
                until_waiting(&[&entry]);
                usage.obey(&limits(words));
                waiter.join().unwrap().unwrap()
            })
        };
        // The turn of what comes behind a minute's octets never comes by itself.
        usage.state.lock().buckets[way].charge(600_000_000, Instant::now());
        assert_eq!(wait_and_obey(&[("rate_up", "10kB")]), 1250, "a piece of this rate");
        usage.state.lock().buckets[way].charge(600_000, Instant::now());
        assert_eq!(wait_and_obey(&[("rate_up", "20kB"), ("quota_day", "1400")]), 150);
        assert_eq!(usage.state.lock().ledger.granted, 1400);
    }
}
