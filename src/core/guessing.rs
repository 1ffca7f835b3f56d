//! Slows down the guessing of passwords and tokens, per client address.
//!
//! Some failed logins within some time ([`Thresholds`]) are free, over all services
//! together. The next one has the address refused for one second, and each
//! further one for twice as long, up to the longest refusal. An admin's success clears
//! the address, so that nobody who mistypes locks others out; a user's clears the
//! failures of users only, or an account would be enough to guess an admin's password.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::thresholds::{FIRST_REFUSAL, Thresholds};

/// How many addresses are remembered. A peer chooses how many there are, so the
/// one that failed longest ago makes room.
const MAX_ADDRESSES: usize = 4096;

/// Whose secret was shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// That of somebody who may not do everything.
    Users,
    /// That of somebody who may.
    Admins,
}

#[derive(Debug)]
struct Record {
    of_users: u32,
    of_admins: u32,
    /// When the failures began to count.
    since: Instant,
    last_failure: Instant,
    refused_until: Option<Instant>,
}

/// The failures of the addresses seen lately.
#[derive(Debug, Default)]
pub struct Guessing {
    thresholds: Thresholds,
    records: Mutex<HashMap<IpAddr, Record>>,
    /// Lets a login skip the lock while nobody has failed.
    remembered: AtomicUsize,
}

impl Guessing {
    /// One that remembers nobody yet.
    pub fn new(thresholds: Thresholds) -> Self {
        Self { thresholds, ..Self::default() }
    }

    /// For how long logins from this address are still refused.
    pub fn refused_for(&self, from: IpAddr, now: Instant) -> Option<Duration> {
        if self.remembered.load(Ordering::Acquire) == 0 {
            return None;
        }
        let records = self.records.lock();
        let until = records.get(&origin(from))?.refused_until?;
        Some(until.saturating_duration_since(now)).filter(|left| !left.is_zero())
    }

    /// Notes a failed login.
    pub fn failed(&self, from: IpAddr, whose: Whose, now: Instant) {
        let mut records = self.records.lock();
        let origin = origin(from);
        if !records.contains_key(&origin) && records.len() >= MAX_ADDRESSES {
            forget_oldest(&mut records);
        }
        let record = records.entry(origin).or_insert(Record::new(now));
        if record.is_stale(self.thresholds.window, now) {
            *record = Record::new(now);
        }
        let count = match whose {
            Whose::Users => &mut record.of_users,
            Whose::Admins => &mut record.of_admins,
        };
        *count = count.saturating_add(1);
        record.last_failure = now;
        let failures = record.of_users.saturating_add(record.of_admins);
        let beyond = failures.saturating_sub(self.thresholds.free_failures);
        let refusal = refusal(beyond).map(|refusal| refusal.min(self.thresholds.longest_refusal));
        record.refused_until = refusal.map(|refusal| now + refusal);
        self.remembered.store(records.len(), Ordering::Release);
    }

    /// Clears an address, as far as what it has just proved goes.
    pub fn succeeded(&self, from: IpAddr, whose: Whose) {
        if self.remembered.load(Ordering::Acquire) == 0 {
            return;
        }
        let mut records = self.records.lock();
        let origin = origin(from);
        if let Some(record) = records.get_mut(&origin) {
            record.of_users = 0;
            if whose == Whose::Admins || record.of_admins == 0 {
                records.remove(&origin);
            }
        }
        self.remembered.store(records.len(), Ordering::Release);
    }
}

impl Record {
    fn new(now: Instant) -> Self {
        Self { of_users: 0, of_admins: 0, since: now, last_failure: now, refused_until: None }
    }

    /// The window runs from the end of a refusal, or waiting it out would reset it.
    fn is_stale(&self, window: Duration, now: Instant) -> bool {
        let from = self.refused_until.unwrap_or(self.since);
        now.saturating_duration_since(from) > window
    }
}

/// What counts as one address: whoever has an IPv6 address has a /64 of them.
pub fn origin(from: IpAddr) -> IpAddr {
    match from.to_canonical() {
        IpAddr::V6(address) => {
            let network = address.to_bits() & !u128::from(u64::MAX);
            IpAddr::V6(Ipv6Addr::from_bits(network))
        }
        v4 => v4,
    }
}

fn refusal(beyond: u32) -> Option<Duration> {
    let doublings = beyond.checked_sub(1)?;
    let times = 1u32.checked_shl(doublings).unwrap_or(u32::MAX);
    Some(FIRST_REFUSAL.saturating_mul(times))
}

fn forget_oldest(records: &mut HashMap<IpAddr, Record>) {
    let oldest = records.iter().min_by_key(|(_, record)| record.last_failure);
    if let Some(origin) = oldest.map(|(origin, _)| *origin) {
        records.remove(&origin);
    }
}

#[cfg(test)]
mod tests {
    use super::Whose::{Admins, Users};
    use super::*;
    use crate::core::FREE_FAILURES;

    const PEER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 7));

    fn fail(guessing: &Guessing, times: u32, now: Instant) {
        (0..times).for_each(|_| guessing.failed(PEER, Users, now));
    }

    #[test]
    fn ten_failures_are_free_then_refusals_double() {
        let (guessing, now) = (Guessing::default(), Instant::now());
        let longest = Thresholds::default().longest_refusal;
        fail(&guessing, FREE_FAILURES, now);
        assert_eq!(guessing.refused_for(PEER, now), None);
        for seconds in [1, 2, 4, 8] {
            guessing.failed(PEER, Users, now);
            assert_eq!(guessing.refused_for(PEER, now), Some(Duration::from_secs(seconds)));
        }
        fail(&guessing, 100, now);
        assert_eq!(guessing.refused_for(PEER, now), Some(longest));
        assert_eq!(guessing.refused_for(PEER, now + longest), None);
    }

    #[test]
    fn thresholds_are_those_that_are_given() {
        let seconds = Duration::from_secs;
        let (window, longest_refusal) = (seconds(5), seconds(3));
        let given = Thresholds { free_failures: 2, window, longest_refusal, ..Default::default() };
        let (guessing, now) = (Guessing::new(given), Instant::now());
        fail(&guessing, 2, now);
        assert_eq!(guessing.refused_for(PEER, now), None);
        for refused in [1, 2, 3, 3] {
            fail(&guessing, 1, now);
            assert_eq!(guessing.refused_for(PEER, now), Some(seconds(refused)));
        }
        let later = now + seconds(3) + window + seconds(1);
        fail(&guessing, 1, later);
        assert_eq!(guessing.refused_for(PEER, later), None);
        let strict = Guessing::new(Thresholds { free_failures: 0, ..given });
        fail(&strict, 1, now);
        assert_eq!(strict.refused_for(PEER, now), Some(seconds(1)));
    }

    #[test]
    fn success_and_time_clear_it() {
        let (guessing, now) = (Guessing::default(), Instant::now());
        fail(&guessing, 11, now);
        guessing.succeeded(PEER, Users);
        assert_eq!(guessing.refused_for(PEER, now), None);
        fail(&guessing, 10, now);
        let later = now + Thresholds::default().window + Duration::from_secs(1);
        guessing.failed(PEER, Users, later);
        assert_eq!(guessing.refused_for(PEER, later), None);
    }

    #[test]
    fn a_users_success_clears_no_failures_of_admins() {
        let (guessing, now) = (Guessing::default(), Instant::now());
        for _ in 1..FREE_FAILURES {
            guessing.failed(PEER, Users, now);
            guessing.failed(PEER, Admins, now);
            guessing.succeeded(PEER, Users);
            assert_eq!(guessing.refused_for(PEER, now), None);
        }
        fail(&guessing, 2, now);
        assert!(guessing.refused_for(PEER, now).is_some(), "both count together");
        guessing.succeeded(PEER, Admins);
        fail(&guessing, FREE_FAILURES, now);
        assert_eq!(guessing.refused_for(PEER, now), None);
    }

    #[test]
    fn waiting_out_a_refusal_does_not_reset_the_doubling() {
        let (guessing, mut now) = (Guessing::default(), Instant::now());
        let longest = Thresholds::default().longest_refusal;
        fail(&guessing, FREE_FAILURES, now);
        for doubling in 0..12 {
            guessing.failed(PEER, Users, now);
            let expected = Duration::from_secs(1 << doubling).min(longest);
            assert_eq!(guessing.refused_for(PEER, now), Some(expected));
            now += expected;
        }
    }

    #[test]
    fn an_ipv6_network_is_one_guesser() {
        let (guessing, now) = (Guessing::default(), Instant::now());
        for host in 0..11u16 {
            let from = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, host, 0, 0, 1).into();
            guessing.failed(from, Users, now);
        }
        let another: IpAddr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 99, 0, 0, 1).into();
        assert!(guessing.refused_for(another, now).is_some());
        assert!(guessing.refused_for(PEER, now).is_none());
    }

    #[test]
    fn memory_is_bounded_and_the_oldest_is_forgotten() {
        let (guessing, now) = (Guessing::default(), Instant::now());
        fail(&guessing, 11, now);
        for n in 0..MAX_ADDRESSES as u32 {
            let other = IpAddr::V4(std::net::Ipv4Addr::from_bits(0x0a00_0000 + n));
            guessing.failed(other, Users, now + Duration::from_millis(u64::from(n) + 1));
        }
        assert_eq!(guessing.records.lock().len(), MAX_ADDRESSES);
        assert!(guessing.refused_for(PEER, now).is_none());
    }
}
