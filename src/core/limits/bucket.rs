//! A token bucket: how many octets may have gone by now, at a rate.

use std::num::NonZeroU64;
use std::time::{Duration, Instant};

/// The least burst and the least piece, in octets: a rate of a few octets per second
/// must not make single octets of everything.
pub(in crate::core) const LEAST: u64 = 512;
/// Parts of a second's octets that go at once: small enough that several connections
/// share alike, large enough that a fast one is not chopped up.
const PIECES_PER_SECOND: u64 = 8;
/// The burst is half a second's worth: what may go at once after a silence.
const BURSTS_PER_SECOND: u64 = 2;
const NANOS: u128 = 1_000_000_000;

/// A place in the queue of a [`Bucket`]: the octets up to and with its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::core) struct Ticket(u64);

/// One direction of a user. Octets are charged first and wait until they are
/// released: in the order in which they came, so everybody gets on.
#[derive(Debug)]
pub(in crate::core) struct Bucket {
    rate: Option<NonZeroU64>,
    /// All octets that have asked.
    charged: u64,
    /// Of them, those whose askers wait and would ask anew under another rate.
    pub(super) queued: u64,
    /// All that may have gone; ahead of `charged` by a burst at most.
    released: u64,
    /// Up to when `released` is right.
    at: Instant,
}

impl Bucket {
    /// Without a rate.
    pub(in crate::core) fn new(now: Instant) -> Self {
        Self { rate: None, charged: 0, queued: 0, released: 0, at: now }
    }

    /// The rate from now on, in octets per second. What is queued is given back: its
    /// tickets are void. A debt of more than a burst of another rate is let off the rest.
    pub(in crate::core) fn set_rate(&mut self, rate: Option<NonZeroU64>, now: Instant) {
        self.advance(now);
        self.charged = self.charged.saturating_sub(std::mem::take(&mut self.queued));
        if rate == self.rate {
            return;
        }
        // The first rate begins with a whole burst.
        let begins = self.rate.is_none();
        self.rate = rate;
        let (least, most) = match rate {
            None => (self.charged, self.charged),
            Some(rate) => {
                let burst = burst(rate);
                (self.charged.saturating_sub(burst), self.charged.saturating_add(burst))
            }
        };
        self.released = if begins { most } else { self.released.clamp(least, most) };
    }

    /// How many of these octets should go at once, when so many others wait.
    pub(in crate::core) fn piece(&self, octets: u64, waiting: u64) -> u64 {
        let Some(rate) = self.rate else { return octets };
        let share = rate.get() / PIECES_PER_SECOND / waiting.saturating_add(1);
        octets.min(share.max(LEAST))
    }

    /// Queues so many octets.
    pub(in crate::core) fn charge(&mut self, octets: u64, now: Instant) -> Ticket {
        // A silence before them saves a burst, and not these besides.
        self.advance(now);
        self.charged = self.charged.saturating_add(octets);
        if self.rate.is_none() {
            self.released = self.charged;
        }
        Ticket(self.charged)
    }

    /// How long a ticket still has to wait; `None`: it may go.
    pub(in crate::core) fn wait(&mut self, ticket: Ticket, now: Instant) -> Option<Duration> {
        self.advance(now);
        let lacking = ticket.0.checked_sub(self.released).filter(|lacking| *lacking > 0)?;
        let rate = self.rate?;
        // Rounded up: who wakes too early wakes twice.
        let nanos = (u128::from(lacking) * NANOS).div_ceil(rate.get().into());
        let since = now.saturating_duration_since(self.at);
        let whole = Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX));
        Some(whole.saturating_sub(since).max(Duration::from_nanos(1)))
    }

    /// Charges octets that can't wait, when nothing else does; whether they may go.
    pub(in crate::core) fn permits(&mut self, octets: u64, now: Instant) -> bool {
        self.advance(now);
        // More than there is may go, or a long datagram never could: what comes next
        // waits for it.
        let permitted = self.rate.is_none() || self.released > self.charged;
        if permitted {
            self.charge(octets, now);
        }
        permitted
    }

    /// Takes back octets that were charged and will not go: all who wait are that much
    /// nearer. Over time no more goes than without them.
    pub(in crate::core) fn refund(&mut self, octets: u64) {
        let Some(rate) = self.rate else { return };
        let most = self.charged.saturating_add(burst(rate)).max(self.released);
        self.released = self.released.saturating_add(octets).min(most);
    }

    /// Releases what the time has brought.
    fn advance(&mut self, now: Instant) {
        let Some(rate) = self.rate else {
            self.at = now;
            return;
        };
        let nanos = now.saturating_duration_since(self.at).as_nanos();
        let gained = nanos.saturating_mul(rate.get().into()) / NANOS;
        let most = self.charged.saturating_add(burst(rate)).max(self.released);
        let released = u128::from(self.released) + gained;
        match u64::try_from(released) {
            Ok(released) if released < most => self.released = released,
            _ => {
                (self.released, self.at) = (most, now.max(self.at));
                return;
            }
        }
        // Only the time of whole octets is used up.
        let used = u64::try_from(gained * NANOS / u128::from(rate.get())).unwrap_or(u64::MAX);
        self.at += Duration::from_nanos(used);
    }
}

/// The octets that may go at once after a silence.
fn burst(rate: NonZeroU64) -> u64 {
    (rate.get() / BURSTS_PER_SECOND).max(LEAST)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn bucket(rate: u64, now: Instant) -> Bucket {
        let mut bucket = Bucket::new(now);
        bucket.set_rate(NonZeroU64::new(rate), now);
        bucket
    }

    /// Octets that went from one moment to another, when this many ask at once.
    fn gone(bucket: &mut Bucket, start: Instant, end: Instant, piece: u64) -> u64 {
        let (mut now, mut gone) = (start, 0);
        loop {
            let octets = bucket.piece(piece, 0);
            let ticket = bucket.charge(octets, now);
            while let Some(wait) = bucket.wait(ticket, now) {
                now += wait;
            }
            if now > end {
                return gone;
            }
            gone += octets;
        }
    }

    #[test]
    fn what_goes_is_the_burst_and_the_rate() {
        let start = Instant::now();
        for rate in [512, 10_007, 1_000_000, 50_000_000] {
            for piece in [1000, 65_536, 1_048_576] {
                let mut bucket = bucket(rate, start);
                let gone = gone(&mut bucket, start, start + 10 * SECOND, piece);
                let most = 10 * rate + burst(NonZeroU64::new(rate).unwrap());
                assert!(gone <= most, "{gone} of {most}");
                assert!(gone + piece.max(LEAST) >= most, "{gone} of {most}");
            }
        }
    }

    #[test]
    fn a_silence_saves_a_burst_and_no_more() {
        let start = Instant::now();
        let mut bucket = bucket(1000, start);
        let later = start + 3600 * SECOND;
        let ticket = bucket.charge(512, later);
        assert_eq!(bucket.wait(ticket, later), None);
        let ticket = bucket.charge(1000, later);
        assert_eq!(bucket.wait(ticket, later), Some(SECOND));
        assert_eq!(bucket.wait(ticket, later + SECOND / 2), Some(SECOND / 2));
        assert_eq!(bucket.wait(ticket, later + SECOND), None);
    }

    #[test]
    fn a_clock_that_stands_or_comes_late_releases_nothing() {
        let start = Instant::now();
        let mut bucket = bucket(1000, start + SECOND);
        let ticket = bucket.charge(1512, start);
        assert_eq!(bucket.wait(ticket, start), Some(SECOND));
        assert_eq!(bucket.wait(ticket, start), Some(SECOND));
    }

    #[test]
    fn another_rate_holds_for_who_waits_already() {
        let start = Instant::now();
        let mut bucket = bucket(1000, start);
        let ticket = bucket.charge(512 + 10_000, start);
        assert_eq!(bucket.wait(ticket, start), Some(10 * SECOND));
        bucket.set_rate(NonZeroU64::new(100_000), start);
        assert_eq!(bucket.wait(ticket, start), Some(SECOND / 10));
        // A debt that was nothing at the old rate must not be one for ever.
        bucket.set_rate(NonZeroU64::new(1), start);
        assert_eq!(bucket.wait(ticket, start), Some(512 * SECOND));
        bucket.set_rate(None, start);
        assert_eq!(bucket.wait(ticket, start), None);
        assert_eq!(bucket.piece(u64::MAX, 7), u64::MAX);
    }

    #[test]
    fn what_has_come_for_who_waits_is_not_lost_with_another_rate() {
        let start = Instant::now();
        let mut bucket = bucket(1024, start);
        bucket.charge(512, start);
        bucket.charge(1024, start);
        bucket.queued = 1024;
        let then = start + SECOND / 4;
        bucket.set_rate(NonZeroU64::new(512), then);
        let ticket = bucket.charge(512, then);
        assert_eq!(bucket.wait(ticket, then), Some(SECOND / 2), "256 have come already");
    }

    #[test]
    fn who_asked_first_goes_first() {
        let start = Instant::now();
        let mut bucket = bucket(8000, start);
        let full = bucket.charge(4000, start);
        let (first, second) = (bucket.charge(1000, start), bucket.charge(1000, start));
        assert_eq!(bucket.wait(full, start), None);
        assert_eq!(bucket.wait(second, start), Some(SECOND / 4));
        assert_eq!(bucket.wait(first, start), Some(SECOND / 8));
        let then = start + SECOND / 8;
        assert_eq!((bucket.wait(first, then), bucket.wait(second, then)), (None, Some(SECOND / 8)));
    }

    #[test]
    fn datagrams_go_or_are_dropped() {
        let start = Instant::now();
        let mut bucket = bucket(1000, start);
        assert!(bucket.permits(60_000, start), "longer than a burst");
        assert!(!bucket.permits(1, start) && !bucket.permits(1, start + 59 * SECOND));
        let then = start + 60 * SECOND;
        assert!(bucket.permits(1, then) && bucket.permits(511, then) && !bucket.permits(1, then));
        bucket.refund(511);
        assert!(bucket.permits(511, then) && !bucket.permits(1, then));
        bucket.refund(u64::MAX);
        assert!(bucket.permits(512, then) && !bucket.permits(1, then), "a burst and no more");
    }

    #[test]
    fn who_gives_up_leaves_no_debt() {
        let start = Instant::now();
        let mut bucket = bucket(1024, start);
        bucket.charge(512, start);
        bucket.charge(40 * 512, start);
        let then = start + SECOND / 2;
        let last = bucket.charge(512, then);
        assert_eq!(bucket.wait(last, then), Some(20 * SECOND));
        (0..40).for_each(|_| bucket.refund(512));
        assert_eq!(bucket.wait(last, then), None, "half a second has brought it");
        let next = bucket.charge(512, then);
        assert_eq!(bucket.wait(next, then), Some(SECOND / 2));
    }

    #[test]
    fn pieces_are_shared_among_those_who_wait() {
        let bucket = bucket(80_000, Instant::now());
        assert_eq!((bucket.piece(1 << 20, 0), bucket.piece(1 << 20, 4)), (10_000, 2000));
        assert_eq!((bucket.piece(1 << 20, 1000), bucket.piece(7, 0)), (512, 7));
    }
}
