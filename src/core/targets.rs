//! The targets that most octets went to and came from, in bounded memory.
//!
//! Clients choose the names, so there may be any number of them. This is the
//! Space-Saving of Metwally, Agrawal and El Abbadi (2005), weighed by octets: a new
//! name takes the place of the one that weighs least and inherits its weight. Whoever
//! has more than one part in [`MOST_TARGETS`] of all octets has a place for certain,
//! and connections that move nothing push nobody out.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

/// Targets with counters of their own.
pub const MOST_TARGETS: usize = 512;

/// What has been exchanged with a target since the start, open connections
/// included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetTotals {
    /// The name or the address that clients asked for, in lower case.
    pub host: Arc<str>,
    /// Connections that reached it.
    pub connections: u64,
    /// Octets to it.
    pub bytes_up: u64,
    /// Octets from it.
    pub bytes_down: u64,
    /// There may have been more, before it had counters of its own.
    pub at_least: bool,
}

impl TargetTotals {
    fn none(host: Arc<str>) -> Self {
        Self { host, connections: 0, bytes_up: 0, bytes_down: 0, at_least: false }
    }

    /// Adds one connection.
    fn add(&mut self, up: u64, down: u64) {
        self.connections = self.connections.saturating_add(1);
        self.bytes_up = self.bytes_up.saturating_add(up);
        self.bytes_down = self.bytes_down.saturating_add(down);
    }

    /// Octets in both directions.
    pub fn bytes(&self) -> u64 {
        self.bytes_up.saturating_add(self.bytes_down)
    }
}

/// The totals of connections that are over.
#[derive(Default)]
pub(super) struct Targets {
    slots: Vec<TargetTotals>,
    weights: Vec<u64>,
    places: HashMap<Arc<str>, usize>,
    /// Weights and places, the lightest first.
    order: BTreeSet<(u64, usize)>,
}

impl Targets {
    /// Adds a connection that is over.
    pub fn finished(&mut self, host: &Arc<str>, up: u64, down: u64) {
        let weight = up.saturating_add(down);
        let Some(place) = self.place(host, weight) else { return };
        let (Some(slot), Some(kept)) = (self.slots.get_mut(place), self.weights.get_mut(place))
        else {
            return;
        };
        slot.add(up, down);
        self.order.remove(&(*kept, place));
        *kept = kept.saturating_add(weight);
        self.order.insert((*kept, place));
    }

    /// The place of a target, which may have to be made.
    fn place(&mut self, host: &Arc<str>, weight: u64) -> Option<usize> {
        if let Some(place) = self.places.get(host) {
            return Some(*place);
        }
        let mut slot = TargetTotals::none(Arc::clone(host));
        let place = self.slots.len();
        if place < MOST_TARGETS {
            self.slots.push(slot);
            self.weights.push(0);
            self.places.insert(Arc::clone(host), place);
            return Some(place);
        }
        if weight == 0 {
            return None;
        }
        let (_, place) = *self.order.first()?;
        slot.at_least = true;
        let lightest = std::mem::replace(self.slots.get_mut(place)?, slot);
        self.places.remove(&lightest.host);
        self.places.insert(Arc::clone(host), place);
        Some(place)
    }

    /// The totals with what is still open, in no order. What is open is bounded by
    /// the limit of connections.
    pub fn with_open<'a>(
        &self,
        open: impl Iterator<Item = (&'a Arc<str>, u64, u64)>,
    ) -> Vec<TargetTotals> {
        let mut all = self.slots.clone();
        let mut more: HashMap<&Arc<str>, usize> = HashMap::new();
        for (host, up, down) in open {
            let known = self.places.get(host).or_else(|| more.get(host)).copied();
            let place = known.unwrap_or(all.len());
            if known.is_none() {
                let mut totals = TargetTotals::none(Arc::clone(host));
                totals.at_least = self.slots.len() == MOST_TARGETS;
                all.push(totals);
                more.insert(host, place);
            }
            if let Some(totals) = all.get_mut(place) {
                totals.add(up, down);
            }
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(name: impl ToString) -> Arc<str> {
        name.to_string().into()
    }

    #[test]
    fn while_there_is_room_all_is_exact() {
        let mut targets = Targets::default();
        targets.finished(&host("a"), 1, 2);
        targets.finished(&host("a"), 3, 4);
        targets.finished(&host("b"), 0, 0);
        let (a, c) = (host("a"), host("c"));
        let all = targets.with_open([(&a, 10, 20), (&c, 1, 0), (&c, 1, 0)].into_iter());
        let told: Vec<_> =
            all.iter().map(|t| (&*t.host, t.connections, t.bytes_up, t.bytes_down)).collect();
        assert_eq!(told, [("a", 3, 14, 26), ("b", 1, 0, 0), ("c", 2, 2, 0)]);
        assert!(all.iter().all(|totals| !totals.at_least));
    }

    #[test]
    fn the_heavy_ones_stay_whatever_clients_make_up() {
        let mut targets = Targets::default();
        for heavy in 0..10 {
            targets.finished(&host(format!("heavy-{heavy}")), 0, 1_000_000);
        }
        for name in 0..20 * MOST_TARGETS {
            targets.finished(&host(name), 3, 4);
            targets.finished(&host(format!("empty-{name}")), 0, 0);
        }
        let all = targets.with_open(std::iter::empty());
        assert_eq!(all.len(), MOST_TARGETS);
        assert_eq!((targets.places.len(), targets.order.len()), (MOST_TARGETS, MOST_TARGETS));
        let heavy = all.iter().filter(|totals| totals.bytes() == 1_000_000);
        assert_eq!(heavy.filter(|totals| !totals.at_least).count(), 10);
        // A late one gets in when it is heavy.
        targets.finished(&host("late"), 500_000, 0);
        (0..MOST_TARGETS).for_each(|name| targets.finished(&host(format!("x{name}")), 1, 0));
        let late = targets.with_open(std::iter::empty());
        let late = late.iter().find(|totals| &*totals.host == "late").unwrap();
        assert!(late.bytes_up == 500_000 && late.at_least);
    }

    #[test]
    fn weightless_names_push_nobody_out() {
        let mut targets = Targets::default();
        (0..MOST_TARGETS).for_each(|name| targets.finished(&host(name), 0, 0));
        targets.finished(&host("empty"), 0, 0);
        assert!(!targets.places.contains_key("empty"));
        targets.finished(&host("full"), 1, 0);
        assert!(targets.places.contains_key("full"));
    }
}
