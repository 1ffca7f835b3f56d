//! Large buffers, lent for the length of a burst.
//!
//! How many there are at once is bounded, since how many connections burst at
//! once is up to the peers; without one a direction stays with its small buffer.

use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;

/// Octets lent at once, over all connections.
const BUDGET: usize = 128 * 1024 * 1024;
/// Returned buffers that are kept for the next burst.
const KEPT: usize = 32;

static LENT: AtomicUsize = AtomicUsize::new(0);
static SPARE: Mutex<Vec<Box<[u8]>>> = Mutex::new(Vec::new());

/// A buffer that goes back when it is dropped.
pub(super) struct Loan(Box<[u8]>);

impl Loan {
    /// A buffer of this many octets, unless the budget is used up.
    pub(super) fn take(octets: usize) -> Option<Self> {
        if LENT.fetch_add(octets, Ordering::Relaxed) + octets > BUDGET {
            LENT.fetch_sub(octets, Ordering::Relaxed);
            return None;
        }
        let mut spare = SPARE.lock();
        let found = spare.iter().position(|buffer| buffer.len() == octets);
        let buffer = found.map(|at| spare.swap_remove(at));
        drop(spare);
        Some(Self(buffer.unwrap_or_else(|| vec![0; octets].into())))
    }

    pub(super) fn as_mut(&mut self) -> &mut [u8] {
        &mut self.0
    }
}

impl Drop for Loan {
    fn drop(&mut self) {
        LENT.fetch_sub(self.0.len(), Ordering::Relaxed);
        let buffer = std::mem::take(&mut self.0);
        let mut spare = SPARE.lock();
        if spare.len() < KEPT {
            spare.push(buffer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_budget_bounds_what_is_lent() {
        assert!(Loan::take(BUDGET + 1).is_none());
        let mut loan = Loan::take(1000).unwrap();
        assert_eq!(loan.as_mut().len(), 1000);
    }
}
