//! What a user has used of its quotas, as the state has it.

use serde::{Deserialize, Serialize};

use crate::core;

/// Octets on a day, and in its month.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Used {
    date: String,
    day: u64,
    month: u64,
}

impl Used {
    /// How it is written; `None` when it is nothing.
    pub(super) fn of(used: &core::Used) -> Option<Self> {
        // The integers of TOML have a sign.
        let octets = |octets: u64| octets.min(i64::MAX as u64);
        let (day, month) = (octets(used.day), octets(used.month));
        let written = Self { date: used.date.to_string(), day, month };
        (used.day > 0 || used.month > 0).then_some(written)
    }

    /// What is written.
    ///
    /// # Errors
    /// A sentence when the date is none.
    pub(super) fn read(&self) -> Result<core::Used, String> {
        let wrong = |()| format!("used: {} is no date", self.date.escape_debug());
        let date = self.date.parse().map_err(wrong)?;
        Ok(core::Used { date, day: self.day, month: self.month })
    }
}
