//! How often each address may connect: a bucket of tokens for each.
//!
//! A bucket holds as many tokens as the rate is per second, so that many may come at
//! one moment; a connection takes one, and they come back evenly. What is kept of a
//! bucket is only when it will be full again. That is at most a second away, and then
//! there is nothing to remember: so this never holds more than one second's clients,
//! and a changed rate counts at once.

use std::collections::{BTreeSet, HashMap};
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::{Duration, Instant};

/// Buckets that are remembered. A peer chooses how many addresses it uses (in IPv6 at
/// least), so the one that is nearest to being full makes room: it loses the fewest
/// tokens. To have an emptied one forgotten somebody would have to empty so many others
/// as well, within the same second.
const MOST: usize = 16_384;

/// A second, in nanoseconds: what filling an empty bucket takes.
const SECOND: u64 = 1_000_000_000;

/// The buckets that are not full.
#[derive(Debug, Default)]
pub struct Arrivals {
    full_at: HashMap<IpAddr, Instant>,
    /// The same the other way round, the first to be full first.
    order: BTreeSet<(Instant, IpAddr)>,
}

impl Arrivals {
    /// Takes a token of this address; `false` when there is none, which costs nothing.
    pub fn admit(&mut self, from: IpAddr, per_second: NonZeroU32, now: Instant) -> bool {
        self.forget_full(now);
        // More than one in a nanosecond can't be told apart.
        let token = (SECOND / u64::from(per_second.get())).max(1);
        let bucket = Duration::from_nanos(token.saturating_mul(per_second.get().into()));
        let before = self.full_at.get(&from).copied();
        let full_at = before.unwrap_or(now).max(now) + Duration::from_nanos(token);
        if full_at.saturating_duration_since(now) > bucket {
            return false;
        }
        match before {
            Some(before) => drop(self.order.remove(&(before, from))),
            None => self.make_room(),
        }
        self.full_at.insert(from, full_at);
        self.order.insert((full_at, from));
        true
    }

    fn forget_full(&mut self, now: Instant) {
        while self.order.first().is_some_and(|(full_at, _)| *full_at <= now) {
            self.forget_first();
        }
    }

    fn make_room(&mut self) {
        if self.order.len() >= MOST {
            self.forget_first();
        }
    }

    fn forget_first(&mut self) {
        if let Some((_, from)) = self.order.pop_first() {
            self.full_at.remove(&from);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    const PEER: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7));

    fn other(number: usize) -> IpAddr {
        Ipv4Addr::from_bits(0x0a00_0000 + u32::try_from(number).unwrap()).into()
    }

    fn rate(per_second: u32) -> NonZeroU32 {
        NonZeroU32::new(per_second).unwrap()
    }

    /// How many of `tries` are let in at one moment.
    fn let_in(arrivals: &mut Arrivals, tries: u32, per_second: u32, now: Instant) -> usize {
        (0..tries).filter(|_| arrivals.admit(PEER, rate(per_second), now)).count()
    }

    #[test]
    fn a_burst_is_the_rate_and_tokens_come_back_evenly() {
        for per_second in [1, 2, 3, 7, 1000, 70_000] {
            let (mut arrivals, now) = (Arrivals::default(), Instant::now());
            let burst = usize::try_from(per_second).unwrap();
            assert_eq!(let_in(&mut arrivals, per_second + 9, per_second, now), burst);
            let token = Duration::from_nanos(SECOND / u64::from(per_second));
            let early = now + token - Duration::from_nanos(1);
            assert_eq!(let_in(&mut arrivals, 2, per_second, early), 0);
            assert_eq!(let_in(&mut arrivals, 2, per_second, now + token), 1);
            let later = now + token + Duration::from_secs(1);
            assert_eq!(let_in(&mut arrivals, per_second + 9, per_second, later), burst);
        }
    }

    #[test]
    fn who_knocks_on_while_refused_is_let_in_no_later() {
        let (mut arrivals, now) = (Arrivals::default(), Instant::now());
        assert_eq!(let_in(&mut arrivals, 1000, 2, now), 2);
        assert_eq!(let_in(&mut arrivals, 1000, 2, now + Duration::from_millis(500)), 1);
    }

    #[test]
    fn the_largest_rate_there_is_overflows_nothing() {
        let (mut arrivals, now) = (Arrivals::default(), Instant::now());
        assert_eq!(let_in(&mut arrivals, 1000, u32::MAX, now), 1000);
    }

    #[test]
    fn addresses_have_their_own_buckets_and_a_changed_rate_counts() {
        let (mut arrivals, now) = (Arrivals::default(), Instant::now());
        assert_eq!(let_in(&mut arrivals, 2, 1, now), 1);
        assert!(arrivals.admit(other(1), rate(1), now));
        let soon = now + Duration::from_millis(100);
        assert_eq!(let_in(&mut arrivals, 200, 1000, soon), 100);
        assert_eq!(let_in(&mut arrivals, 2, 1, soon), 0);
    }

    #[test]
    fn memory_is_bounded_and_an_emptied_bucket_is_not_forgotten() {
        let (mut arrivals, now) = (Arrivals::default(), Instant::now());
        assert_eq!(let_in(&mut arrivals, 9, 5, now), 5);
        for number in 0..3 * MOST {
            assert!(arrivals.admit(other(number), rate(5), now));
        }
        assert_eq!((arrivals.order.len(), arrivals.full_at.len()), (MOST, MOST));
        assert_eq!(let_in(&mut arrivals, 1, 5, now), 0);
        assert_eq!(let_in(&mut arrivals, 9, 5, now + Duration::from_secs(1)), 5);
        assert_eq!((arrivals.order.len(), arrivals.full_at.len()), (1, 1));
    }
}
