//! Requests per time, by a sliding window.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::core::Thresholds;

/// The length of the window.
const WINDOW: Duration = Thresholds::REQUEST_WINDOW;

/// When the last requests were made. Those that were refused don't count: a client
/// that asks again too early is not kept out for longer.
#[derive(Debug)]
pub struct Rate {
    most: usize,
    accepted: VecDeque<Instant>,
}

impl Rate {
    /// One that has seen no request.
    pub fn new(thresholds: Thresholds) -> Self {
        // As many as there is memory for, where a `usize` is smaller.
        let most = usize::try_from(thresholds.requests.get()).unwrap_or(usize::MAX);
        Self { most, accepted: VecDeque::new() }
    }

    /// Counts a request in.
    ///
    /// # Errors
    /// When there are too many: how long until there is room for one.
    pub fn accept(&mut self, now: Instant) -> Result<(), Duration> {
        while let Some(oldest) = self.accepted.front() {
            let age = now.saturating_duration_since(*oldest);
            if age < WINDOW {
                if self.accepted.len() >= self.most {
                    return Err(WINDOW - age);
                }
                break;
            }
            self.accepted.pop_front();
        }
        self.accepted.push_back(now);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_slides() {
        let (mut rate, start) = (Rate::new(Thresholds::default()), Instant::now());
        let at = |seconds| start + Duration::from_secs(seconds);
        for second in 0..10 {
            (0..10).for_each(|_| rate.accept(at(second)).unwrap());
        }
        assert_eq!(rate.accept(at(9)), Err(Duration::from_secs(1)));
        (0..10).for_each(|_| rate.accept(at(10)).unwrap());
        assert_eq!(rate.accept(at(10)), Err(Duration::from_secs(1)));
        assert_eq!(rate.accepted.len(), 100);
        rate.accept(at(100)).unwrap();
        assert_eq!(rate.accepted.len(), 1);
    }
}
