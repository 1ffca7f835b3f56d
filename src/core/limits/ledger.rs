//! What one user has used, has been granted and has left: the sums of a
//! [`Usage`](super::usage::Usage), under its lock.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

use super::used::Used;
use super::user_limits::UserLimits;
use crate::core::entry::Entry;

/// A direction of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// From the client.
    Up,
    /// To the client.
    Down,
}

/// What a connection has to do with what its user uses.
#[derive(Default)]
pub(in crate::core) struct Metering {
    /// Octets of it that have been collected, in each direction. This and the next
    /// are changed under the lock of the usage only.
    collected: [AtomicU64; 2],
    /// Octets that may move and have not been collected yet.
    pub granted: [AtomicU64; 2],
    /// Directions that wait: that is no silence.
    waiting: AtomicU32,
    /// Set when nothing may wait any more.
    pub over: AtomicBool,
}

impl Metering {
    /// Whether a direction waits for its rate, or for what others have of the quota.
    pub fn is_waiting(&self) -> bool {
        self.waiting.load(Ordering::Relaxed) > 0
    }

    /// A direction waits until this is dropped.
    pub(super) fn wait(&self) -> Waiting<'_> {
        self.waiting.fetch_add(1, Ordering::Relaxed);
        Waiting(&self.waiting)
    }
}

/// A direction that waits.
pub(super) struct Waiting<'a>(&'a AtomicU32);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The sums of one user.
pub(super) struct Ledger {
    pub limits: UserLimits,
    pub used: Used,
    /// Of that, what the disk has.
    pub stored: Used,
    /// Octets that may move and have not been collected yet.
    pub granted: u64,
    /// Since the start, or since the user was added.
    pub totals: [u64; 2],
}

impl Ledger {
    pub fn new(used: Used) -> Self {
        Self { limits: UserLimits::default(), used, stored: used, granted: 0, totals: [0; 2] }
    }

    /// Octets of the quotas that are left and granted to nobody.
    pub fn left(&self) -> u64 {
        let left = self.used.left(&self.limits);
        left.map_or(u64::MAX, |left| left.saturating_sub(self.granted))
    }

    pub fn is_used_up(&self) -> bool {
        self.used.left(&self.limits) == Some(0)
    }

    /// Adds what has moved on a connection since the last time.
    pub fn collect(&mut self, entry: &Entry) {
        let (up, down) = entry.moved();
        for (way, moved) in [(Way::Up, up), (Way::Down, down)] {
            let before = entry.metering.collected[way as usize].swap(moved, Ordering::Relaxed);
            let more = moved.saturating_sub(before);
            self.used.add(more);
            let total = &mut self.totals[way as usize];
            *total = total.saturating_add(more);
            let granted = entry.metering.granted[way as usize].load(Ordering::Relaxed);
            self.take_back(entry, way, granted.min(more));
        }
    }

    /// Notes octets that are about to move.
    pub fn grant(&mut self, entry: &Entry, way: Way, octets: u64) {
        entry.metering.granted[way as usize].fetch_add(octets, Ordering::Relaxed);
        self.granted = self.granted.saturating_add(octets);
    }

    /// What was granted has moved, or never will.
    pub fn take_back(&mut self, entry: &Entry, way: Way, octets: u64) {
        entry.metering.granted[way as usize].fetch_sub(octets, Ordering::Relaxed);
        self.granted = self.granted.saturating_sub(octets);
    }

    /// Whether the disk has all of what was used.
    pub fn is_stored(&self) -> bool {
        // A day that begins is no news.
        let mut stored = self.stored;
        stored.turn(self.used.date);
        stored == self.used
    }
}
