//! What counts against the quotas of a user.

use super::user_limits::UserLimits;
use crate::core::clock::Date;

/// What a user has used of its quotas: octets in both directions together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Used {
    /// The day (UTC) of these counts.
    pub date: Date,
    /// Octets on that day.
    pub day: u64,
    /// Octets in its month.
    pub month: u64,
}

impl Default for Used {
    fn default() -> Self {
        Self { date: Date::FIRST, day: 0, month: 0 }
    }
}

impl Used {
    /// Begins a new count when the day is a later one. The clock may jump: an earlier
    /// day is none to begin, or a quota could be had twice.
    pub(in crate::core) fn turn(&mut self, today: Date) {
        if today <= self.date {
            return;
        }
        if !today.is_same_month(&self.date) {
            self.month = 0;
        }
        self.day = 0;
        self.date = today;
    }

    pub(in crate::core) fn add(&mut self, octets: u64) {
        self.day = self.day.saturating_add(octets);
        self.month = self.month.saturating_add(octets);
    }

    /// Octets that are left; `None`: as many as there are.
    pub(in crate::core) fn left(&self, limits: &UserLimits) -> Option<u64> {
        let day = limits.quota_day.map(|quota| quota.get().saturating_sub(self.day));
        let month = limits.quota_month.map(|quota| quota.get().saturating_sub(self.month));
        day.into_iter().chain(month).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_later_day_begins_a_new_count_and_an_earlier_one_does_not() {
        let mut used = Used::default();
        for (today, day, month) in [
            ("2026-11-29", 10, 10),
            ("2026-11-30", 10, 20),
            ("2026-11-30", 20, 30),
            // The clock goes back, and forth again.
            ("2026-10-01", 30, 40),
            ("2026-11-30", 40, 50),
            ("2026-12-01", 10, 10),
            ("2027-12-01", 10, 10),
        ] {
            used.turn(today.parse().unwrap());
            used.add(10);
            assert_eq!((used.day, used.month), (day, month), "{today}");
        }
        used.add(u64::MAX);
        assert_eq!((used.day, used.month), (u64::MAX, u64::MAX));
    }
}
