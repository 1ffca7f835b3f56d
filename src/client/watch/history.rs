//! The rates of the last minutes, for graphs.

use std::collections::VecDeque;

/// So many looks are remembered: a quarter of an hour at one a second.
const LOOKS: usize = 900;

/// Octets a second since the look before; `None` when that is not known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rates {
    /// From clients.
    pub up: Option<u64>,
    /// To clients.
    pub down: Option<u64>,
    /// In both directions: some dialects don't tell them apart.
    pub both: Option<u64>,
}

/// Rates, oldest first.
#[derive(Debug, Clone, Default)]
pub struct History {
    looks: VecDeque<Rates>,
    /// How many there have been in all.
    count: usize,
}

impl History {
    /// Remembers one more.
    pub fn push(&mut self, rates: Rates) {
        if self.looks.len() >= LOOKS {
            self.looks.pop_front();
        }
        self.looks.push_back(rates);
        self.count += 1;
    }

    /// Remembers that so many were missed.
    pub fn miss(&mut self, looks: usize) {
        (0..looks.min(LOOKS)).for_each(|_| self.push(Rates::default()));
    }

    /// The highest of the last `looks`.
    pub fn peak(&self, looks: usize, which: fn(&Rates) -> Option<u64>) -> Option<u64> {
        self.looks.iter().rev().take(looks).filter_map(which).max()
    }

    /// The means of groups of `group` looks, at most `columns` of them, the newest
    /// last. Groups don't move while they are filled, so a graph of them only shifts.
    pub fn columns(
        &self,
        columns: usize,
        group: usize,
        which: fn(&Rates) -> Option<u64>,
    ) -> Vec<Option<u64>> {
        let group = group.max(1);
        let oldest = self.count - self.looks.len();
        let mut means: VecDeque<Option<u64>> = VecDeque::new();
        let mut current: Option<(usize, u64, u64)> = None;
        for (index, rates) in self.looks.iter().enumerate() {
            let number = (oldest + index) / group;
            let (total, known) = match current {
                Some((same, total, known)) if same == number => (total, known),
                Some((_, total, known)) => {
                    means.push_back(total.checked_div(known));
                    (0, 0)
                }
                None => (0, 0),
            };
            let rate = which(rates);
            let total = total.saturating_add(rate.unwrap_or(0));
            current = Some((number, total, known + u64::from(rate.is_some())));
        }
        means.extend(current.map(|(_, total, known)| total.checked_div(known)));
        let surplus = means.len().saturating_sub(columns);
        means.into_iter().skip(surplus).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(rates: impl IntoIterator<Item = u64>) -> History {
        let mut history = History::default();
        for rate in rates {
            history.push(Rates { both: Some(rate), ..Rates::default() });
        }
        history
    }

    #[test]
    fn the_newest_are_kept() {
        let history = of(0..1000);
        assert_eq!(history.columns(2, 1, |rates| rates.both), [Some(998), Some(999)]);
        assert_eq!(history.columns(5000, 1, |rates| rates.both).len(), LOOKS);
        assert_eq!(history.columns(1, 1, |rates| rates.up), [None]);
        assert_eq!(of([9, 1, 2]).peak(2, |rates| rates.both), Some(2));
        assert_eq!(of([9, 1, 2]).peak(9, |rates| rates.up), None);
        assert_eq!(history.columns(0, 0, |rates| rates.up), []);
    }

    #[test]
    fn groups_do_not_move() {
        let columns = |count| of(0..count).columns(9, 3, |rates| rates.both);
        assert_eq!(columns(6), [Some(1), Some(4)]);
        assert_eq!(columns(7), [Some(1), Some(4), Some(6)]);
        assert_eq!(columns(9), [Some(1), Some(4), Some(7)]);
        let long = of(0..901).columns(2, 3, |rates| rates.both);
        assert_eq!(long, [Some(898), Some(900)]);
    }

    #[test]
    fn what_was_missed_is_a_gap() {
        let mut history = of([5]);
        history.miss(2);
        history.push(Rates { both: Some(7), ..Rates::default() });
        assert_eq!(history.columns(9, 1, |rates| rates.both), [Some(5), None, None, Some(7)]);
        assert_eq!(history.columns(9, 2, |rates| rates.both), [Some(5), Some(7)]);
        history.miss(usize::MAX);
        assert_eq!(history.columns(1, 1, |rates| rates.both), [None]);
    }
}
