//! What was denied, and telling it without filling the log.

use std::fmt;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::list::RuleList;
use super::rule::Rule;
use super::safe_default::Protected;

/// At most one line is logged in this time.
const LOG_EVERY: Duration = Duration::from_secs(1);

/// Why something is not allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Denial {
    /// A rule says so.
    Rule {
        /// Of this list.
        list: RuleList,
        /// Counted from 1.
        number: usize,
        /// What it is.
        rule: Rule,
    },
    /// The safe default says so.
    Default(Protected),
    /// The user has been removed or given another password, or has expired; or a login has
    /// become required.
    NotWelcome,
}

impl Denial {
    pub(super) fn by(list: RuleList, (place, rule): (usize, &Rule)) -> Self {
        Self::Rule { list, number: place + 1, rule: rule.clone() }
    }
}

impl fmt::Display for Denial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rule { list, number, rule } => write!(f, "{rule} (rule {number} of {list})"),
            Self::Default(what) => write!(f, "the safe default: {what}"),
            Self::NotWelcome => f.write_str("the login no longer holds"),
        }
    }
}

/// How much has been denied since the last line of the log.
#[derive(Default)]
pub(in crate::core) struct Denials(Mutex<Untold>);

#[derive(Default)]
struct Untold {
    last: Option<Instant>,
    times: u64,
}

impl Denials {
    /// Counts one more; how many the line is about that is due now, if one is.
    pub(super) fn another(&self) -> Option<u64> {
        self.due(Instant::now())
    }

    fn due(&self, now: Instant) -> Option<u64> {
        let mut untold = self.0.lock();
        untold.times = untold.times.saturating_add(1);
        if untold.last.is_some_and(|last| now.saturating_duration_since(last) < LOG_EVERY) {
            return None;
        }
        untold.last = Some(now);
        Some(std::mem::take(&mut untold.times))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_a_second_tells_how_many() {
        let (denials, now) = (Denials::default(), Instant::now());
        assert_eq!(denials.due(now), Some(1));
        assert_eq!(denials.due(now), None);
        assert_eq!(denials.due(now + LOG_EVERY / 2), None);
        assert_eq!(denials.due(now + LOG_EVERY), Some(3));
        assert_eq!(denials.due(now + LOG_EVERY * 2), Some(1));
    }

    #[test]
    fn a_denial_names_its_rule() {
        let rule: Rule = "deny *:25".parse().unwrap();
        let denial = Denial::by(RuleList::Targets, (1, &rule));
        assert_eq!(denial.to_string(), "deny *:25 (rule 2 of targets)");
        let default = Denial::Default(Protected::Loopback).to_string();
        assert_eq!(default, "the safe default: loopback");
    }
}
