//! Slows down the guessing of passwords and tokens, per client address.
//!
//! [`FREE_FAILURES`] failed logins within [`WINDOW`] are free, over all services
//! together. The next one has the address refused for one second, and each
//! further one for twice as long, up to [`LONGEST_REFUSAL`]. A success clears it.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// Failed logins that cost nothing.
pub const FREE_FAILURES: u32 = 10;
/// Failures further apart than this are forgotten.
pub const WINDOW: Duration = Duration::from_secs(120);
/// The longest time for which an address is refused.
pub const LONGEST_REFUSAL: Duration = Duration::from_secs(15 * 60);
/// How many addresses are remembered. A peer chooses how many there are, so the
/// one that failed longest ago makes room.
const MAX_ADDRESSES: usize = 4096;

#[derive(Debug)]
struct Record {
    failures: u32,
    /// When the failures began to count.
    since: Instant,
    last_failure: Instant,
    refused_until: Option<Instant>,
}

/// The failures of the addresses seen lately.
#[derive(Debug, Default)]
pub struct Guessing {
    records: Mutex<HashMap<IpAddr, Record>>,
    /// Lets a login skip the lock while nobody has failed.
    remembered: AtomicUsize,
}

impl Guessing {
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
    pub fn failed(&self, from: IpAddr, now: Instant) {
        let mut records = self.records.lock();
        let origin = origin(from);
        if !records.contains_key(&origin) && records.len() >= MAX_ADDRESSES {
            forget_oldest(&mut records);
        }
        let fresh = Record { failures: 0, since: now, last_failure: now, refused_until: None };
        let record = records.entry(origin).or_insert(fresh);
        if is_stale(record, now) {
            record.failures = 0;
            record.since = now;
        }
        record.failures = record.failures.saturating_add(1);
        record.last_failure = now;
        let beyond = record.failures.saturating_sub(FREE_FAILURES);
        record.refused_until = refusal(beyond).map(|refusal| now + refusal);
        self.remembered.store(records.len(), Ordering::Release);
    }

    /// Clears an address: it has just proved who it is.
    pub fn succeeded(&self, from: IpAddr) {
        if self.remembered.load(Ordering::Acquire) == 0 {
            return;
        }
        let mut records = self.records.lock();
        records.remove(&origin(from));
        self.remembered.store(records.len(), Ordering::Release);
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

/// The window runs from the end of a refusal, or waiting it out would reset it.
fn is_stale(record: &Record, now: Instant) -> bool {
    let from = record.refused_until.unwrap_or(record.since);
    now.saturating_duration_since(from) > WINDOW
}

fn refusal(beyond: u32) -> Option<Duration> {
    let doublings = beyond.checked_sub(1)?;
    let seconds = 1u64.checked_shl(doublings).unwrap_or(u64::MAX);
    Some(Duration::from_secs(seconds).min(LONGEST_REFUSAL))
}

fn forget_oldest(records: &mut HashMap<IpAddr, Record>) {
    let oldest = records.iter().min_by_key(|(_, record)| record.last_failure);
    if let Some(origin) = oldest.map(|(origin, _)| *origin) {
        records.remove(&origin);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 7));

    fn fail(guessing: &Guessing, times: u32, now: Instant) {
        (0..times).for_each(|_| guessing.failed(PEER, now));
    }

    #[test]
    fn ten_failures_are_free_then_refusals_double() {
        let (guessing, now) = (Guessing::default(), Instant::now());
        fail(&guessing, FREE_FAILURES, now);
        assert_eq!(guessing.refused_for(PEER, now), None);
        for seconds in [1, 2, 4, 8] {
            guessing.failed(PEER, now);
            assert_eq!(guessing.refused_for(PEER, now), Some(Duration::from_secs(seconds)));
        }
        fail(&guessing, 100, now);
        assert_eq!(guessing.refused_for(PEER, now), Some(LONGEST_REFUSAL));
        assert_eq!(guessing.refused_for(PEER, now + LONGEST_REFUSAL), None);
    }

    #[test]
    fn success_and_time_clear_it() {
        let (guessing, now) = (Guessing::default(), Instant::now());
        fail(&guessing, 11, now);
        guessing.succeeded(PEER);
        assert_eq!(guessing.refused_for(PEER, now), None);
        fail(&guessing, 10, now);
        let later = now + WINDOW + Duration::from_secs(1);
        guessing.failed(PEER, later);
        assert_eq!(guessing.refused_for(PEER, later), None);
    }

    #[test]
    fn waiting_out_a_refusal_does_not_reset_the_doubling() {
        let (guessing, mut now) = (Guessing::default(), Instant::now());
        fail(&guessing, FREE_FAILURES, now);
        for doubling in 0..12 {
            guessing.failed(PEER, now);
            let expected = Duration::from_secs(1 << doubling).min(LONGEST_REFUSAL);
            assert_eq!(guessing.refused_for(PEER, now), Some(expected));
            now += expected;
        }
    }

    #[test]
    fn an_ipv6_network_is_one_guesser() {
        let (guessing, now) = (Guessing::default(), Instant::now());
        for host in 0..11u16 {
            guessing.failed(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, host, 0, 0, 1).into(), now);
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
            guessing.failed(other, now + Duration::from_millis(u64::from(n) + 1));
        }
        assert_eq!(guessing.records.lock().len(), MAX_ADDRESSES);
        assert!(guessing.refused_for(PEER, now).is_none());
    }
}
