//! Requests per time, by a sliding window.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Requests that a connection may make within [`WINDOW`].
pub const MOST: usize = 100;
/// The length of the window.
pub const WINDOW: Duration = Duration::from_secs(10);

/// When the last requests were made. Those that were refused don't count: a client
/// that asks again too early is not kept out for longer.
#[derive(Debug, Default)]
pub struct Rate {
    accepted: VecDeque<Instant>,
}

impl Rate {
    /// Counts a request in.
    ///
    /// # Errors
    /// When there are too many: how long until there is room for one.
    pub fn accept(&mut self, now: Instant) -> Result<(), Duration> {
        while let Some(oldest) = self.accepted.front() {
            let age = now.saturating_duration_since(*oldest);
            if age < WINDOW {
                if self.accepted.len() >= MOST {
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
        let (mut rate, start) = (Rate::default(), Instant::now());
        let at = |seconds| start + Duration::from_secs(seconds);
        for second in 0..10 {
            (0..10).for_each(|_| rate.accept(at(second)).unwrap());
        }
        assert_eq!(rate.accept(at(9)), Err(Duration::from_secs(1)));
        (0..10).for_each(|_| rate.accept(at(10)).unwrap());
        assert_eq!(rate.accept(at(10)), Err(Duration::from_secs(1)));
        assert_eq!(rate.accepted.len(), MOST);
        rate.accept(at(100)).unwrap();
        assert_eq!(rate.accepted.len(), 1);
    }
}
