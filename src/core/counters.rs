//! Counters for whoever watches the server: replies, failures, times, users.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::account::Name;
use super::states::Ended;

/// The upper bounds of a histogram's buckets, in seconds.
pub const BUCKETS: [f64; 12] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1., 2.5, 10.];

/// Users with counters of their own. A name that comes later is counted together
/// with all others that do, so that neither memory nor an answer grows for ever.
pub const MOST_USERS: usize = 256;

/// The REP octets that RFC 1928, section 6 assigns: 00 to 08.
const REPLIES: usize = 9;

/// Everything here is counted without a lock.
#[derive(Default)]
pub(super) struct Counters {
    replies: [AtomicU64; REPLIES],
    handshake_failures: [AtomicU64; Ended::ALL.len()],
    pub connect: Histogram,
    pub first_byte: Histogram,
}

impl Counters {
    pub fn replied(&self, code: u8) {
        if let Some(count) = self.replies.get(usize::from(code)) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub fn handshake_failed(&self, why: Ended) {
        let place = Ended::ALL.iter().position(|reason| *reason == why);
        if let Some(count) = place.and_then(|place| self.handshake_failures.get(place)) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// What is counted here at this moment, and what `users` have used.
    pub fn details(&self, users: Vec<UserTotals>) -> Details {
        let load = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let failures = self.handshake_failures.iter().map(load);
        Details {
            replies: (0..).zip(self.replies.iter().map(load)).collect(),
            handshake_failures: Ended::ALL.into_iter().zip(failures).collect(),
            users,
            connect: self.connect.timings(),
            first_byte: self.first_byte.timings(),
        }
    }
}

/// How often something took how long.
#[derive(Default)]
pub(super) struct Histogram {
    /// One more than bounds: for what took longer than the last.
    buckets: [AtomicU64; BUCKETS.len() + 1],
    microseconds: AtomicU64,
}

impl Histogram {
    pub fn observe(&self, took: Duration) {
        let seconds = took.as_secs_f64();
        let place = BUCKETS.iter().position(|bound| seconds <= *bound).unwrap_or(BUCKETS.len());
        if let Some(bucket) = self.buckets.get(place) {
            bucket.fetch_add(1, Ordering::Relaxed);
        }
        let microseconds = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.microseconds.fetch_add(microseconds, Ordering::Relaxed);
    }

    fn timings(&self) -> Timings {
        let mut count = 0;
        let mut buckets = Vec::with_capacity(BUCKETS.len());
        for (place, bucket) in self.buckets.iter().enumerate() {
            count += bucket.load(Ordering::Relaxed);
            buckets.extend(BUCKETS.get(place).map(|bound| (*bound, count)));
        }
        let sum = Duration::from_micros(self.microseconds.load(Ordering::Relaxed));
        Timings { buckets, count, sum }
    }
}

/// A histogram at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Timings {
    /// Upper bounds in seconds, and how many took at most so long.
    pub buckets: Vec<(f64, u64)>,
    /// How many there were in all.
    pub count: u64,
    /// How long all took together.
    pub sum: Duration,
}

/// What is counted beyond [`super::Metrics`], at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Details {
    /// Replies to SOCKS clients by their REP octet (RFC 1928, section 6).
    pub replies: Vec<(u8, u64)>,
    /// Connections that ended before they were served, by the reason.
    pub handshake_failures: Vec<(Ended, u64)>,
    /// What each user has used; at most [`MOST_USERS`] besides the rest.
    pub users: Vec<UserTotals>,
    /// Name look-up and connecting, where it succeeded.
    pub connect: Timings,
    /// From a target's connection to the first octet it sends.
    pub first_byte: Timings,
}

/// Whose counters these are.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Who {
    /// A user.
    User(Name),
    /// Clients that need no login.
    Anonymous,
    /// Everybody who came when [`MOST_USERS`] had counters of their own.
    Others,
}

/// What a user has used since the start, open connections included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserTotals {
    /// Who it is.
    pub who: Who,
    /// Connections.
    pub connections: u64,
    /// Octets from the client.
    pub bytes_up: u64,
    /// Octets to the client.
    pub bytes_down: u64,
}

impl UserTotals {
    /// Octets in both directions.
    pub fn bytes(&self) -> u64 {
        self.bytes_up.saturating_add(self.bytes_down)
    }

    fn none(who: Who) -> Self {
        Self { who, connections: 0, bytes_up: 0, bytes_down: 0 }
    }
}

/// The totals of all users. A user's place in it never changes.
#[derive(Default)]
pub(super) struct PerUser {
    totals: Vec<UserTotals>,
    places: HashMap<Who, usize>,
}

impl PerUser {
    /// Counts a connection; says the user's place.
    pub fn connected(&mut self, user: Option<&Name>) -> usize {
        let mut who = user.map_or(Who::Anonymous, |name| Who::User(name.clone()));
        if !self.places.contains_key(&who) && self.totals.len() >= MOST_USERS {
            who = Who::Others;
        }
        let end = self.totals.len();
        let place = *self.places.entry(who.clone()).or_insert(end);
        if place == end {
            self.totals.push(UserTotals::none(who));
        }
        if let Some(totals) = self.totals.get_mut(place) {
            totals.connections += 1;
        }
        place
    }

    /// Adds the octets of a connection.
    pub fn moved(&mut self, place: usize, up: u64, down: u64) {
        if let Some(totals) = self.totals.get_mut(place) {
            totals.bytes_up = totals.bytes_up.saturating_add(up);
            totals.bytes_down = totals.bytes_down.saturating_add(down);
        }
    }

    /// The totals with the octets of what is still open, each with its place.
    pub fn with_open(&self, open: impl Iterator<Item = (usize, u64, u64)>) -> Vec<UserTotals> {
        let mut all = Self { totals: self.totals.clone(), places: HashMap::new() };
        open.for_each(|(place, up, down)| all.moved(place, up, down));
        all.totals
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_histogram_is_cumulative_and_its_bounds_are_inclusive() {
        let histogram = Histogram::default();
        for milliseconds in [1, 2, 20_000] {
            histogram.observe(Duration::from_millis(milliseconds));
        }
        let timings = histogram.timings();
        assert_eq!(timings.buckets[..2], [(0.001, 1), (0.0025, 2)]);
        assert_eq!(timings.buckets.last(), Some(&(10., 2)));
        assert_eq!((timings.count, timings.sum), (3, Duration::from_millis(20_003)));
    }

    #[test]
    fn users_beyond_the_bound_are_counted_together() {
        let mut users = PerUser::default();
        let name = |n: usize| Name::new(n.to_string().as_bytes()).unwrap();
        for n in 0..MOST_USERS + 10 {
            let place = users.connected(Some(&name(n)));
            users.moved(place, 1, 2);
        }
        assert_eq!(users.connected(Some(&name(3))), 3);
        let totals = users.with_open([(3, 5, 7)].into_iter());
        assert_eq!(totals.len(), MOST_USERS + 1);
        let first =
            UserTotals { who: Who::User(name(3)), connections: 2, bytes_up: 6, bytes_down: 9 };
        assert_eq!(totals[3], first);
        let rest = UserTotals { who: Who::Others, connections: 10, bytes_up: 10, bytes_down: 20 };
        assert_eq!(totals.last(), Some(&rest));
    }

    #[test]
    fn what_has_no_counter_is_no_panic() {
        let counters = Counters::default();
        counters.replied(8);
        counters.replied(255);
        counters.handshake_failed(Ended::LoginFailed);
        let details = counters.details(Vec::new());
        assert_eq!(details.replies.last(), Some(&(8, 1)));
        assert!(details.handshake_failures.contains(&(Ended::LoginFailed, 1)));
    }
}
