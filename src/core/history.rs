//! The last hour in steps, for whoever draws it: a ring that never grows.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::totals::Totals;

/// How long a step is.
pub const STEP: Duration = Duration::from_secs(10);

/// Steps that are kept: an hour of them.
pub const STEPS: usize = 360;

/// What happened in one step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sample {
    /// Payload octets from clients to targets.
    pub bytes_up: u64,
    /// Payload octets from targets to clients.
    pub bytes_down: u64,
    /// The most connections that were open at once.
    pub most_open: u64,
    /// Connections accepted.
    pub opened: u64,
}

/// The last hour at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct History {
    /// One for each [`STEP`], oldest first; less since a start that is less than an
    /// hour ago.
    pub samples: Vec<Sample>,
    /// The step that runs, so far.
    pub running: Sample,
    /// For how long it has been running.
    pub since: Duration,
}

/// Takes the samples, by monotonic time.
#[derive(Default)]
pub(super) struct Recorder {
    samples: VecDeque<Sample>,
    /// When the step that runs now began; it is the first sweep that starts it.
    began: Option<Instant>,
    /// The totals at that moment.
    marks: Totals,
    most_open: u64,
}

impl Recorder {
    /// Notes how many are open, now that there is one more.
    pub fn saw(&mut self, open: u64) {
        self.most_open = self.most_open.max(open);
    }

    /// How many steps have ended at this moment and are to be recorded.
    pub fn due(&mut self, now: Instant) -> u32 {
        let began = *self.began.get_or_insert(now);
        let steps = now.saturating_duration_since(began).as_nanos() / STEP.as_nanos();
        u32::try_from(steps).unwrap_or(u32::MAX)
    }

    /// Ends `steps` steps. Who looked away for several of them (a stopped process)
    /// can only say what they had in all, so each gets its part.
    pub fn record(&mut self, steps: u32, now: Totals) {
        let marks = std::mem::replace(&mut self.marks, now);
        let parts = |now: u64, before: u64, step: u32| {
            let all = now.saturating_sub(before);
            let (each, rest) = (all / u64::from(steps), all % u64::from(steps));
            each + u64::from(u64::from(step) < rest)
        };
        let kept = steps.min(STEPS as u32);
        for step in 0..kept {
            if self.samples.len() == STEPS {
                self.samples.pop_front();
            }
            self.samples.push_back(Sample {
                bytes_up: parts(now.bytes_up, marks.bytes_up, step),
                bytes_down: parts(now.bytes_down, marks.bytes_down, step),
                most_open: self.most_open,
                opened: parts(now.historic, marks.historic, step),
            });
        }
        self.most_open = now.current;
        // From the end of the step, not from when it was noticed: no drift.
        self.began = self.began.and_then(|began| began.checked_add(STEP.saturating_mul(steps)));
    }

    /// All that is kept, and the step that runs, with the totals of this moment.
    pub fn history(&self, now: Instant, totals: &Totals) -> History {
        let began = self.began.unwrap_or(now);
        let running = Sample {
            bytes_up: totals.bytes_up.saturating_sub(self.marks.bytes_up),
            bytes_down: totals.bytes_down.saturating_sub(self.marks.bytes_down),
            most_open: self.most_open,
            opened: totals.historic.saturating_sub(self.marks.historic),
        };
        let since = now.saturating_duration_since(began);
        History { samples: self.samples.iter().copied().collect(), running, since }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marks(bytes: u64, historic: u64) -> Totals {
        let (bytes_down, current) = (bytes.saturating_mul(2), 1);
        Totals { bytes_up: bytes, bytes_down, historic, current, ..Totals::default() }
    }

    #[test]
    fn a_step_is_what_has_come_since_the_last() {
        let (mut recorder, start) = (Recorder::default(), Instant::now());
        assert_eq!(recorder.due(start), 0);
        recorder.saw(3);
        recorder.saw(2);
        assert_eq!(recorder.due(start + STEP - Duration::from_millis(1)), 0);
        let late = start + STEP + Duration::from_millis(200);
        assert_eq!(recorder.due(late), 1);
        recorder.record(1, marks(100, 5));
        let first = Sample { bytes_up: 100, bytes_down: 200, most_open: 3, opened: 5 };
        let history = recorder.history(late, &marks(101, 7));
        assert_eq!(history.samples, [first]);
        let running = Sample { bytes_up: 1, bytes_down: 2, most_open: 1, opened: 2 };
        assert_eq!(history.running, running);
        assert_eq!(history.since, Duration::from_millis(200));
        assert_eq!(recorder.due(start + 2 * STEP), 1);
        recorder.record(1, marks(100, 5));
        let quiet = Sample { bytes_up: 0, bytes_down: 0, most_open: 1, opened: 0 };
        assert_eq!(recorder.history(late, &marks(100, 5)).samples, [first, quiet]);
    }

    #[test]
    fn steps_that_nobody_saw_share_what_they_had() {
        let (mut recorder, start) = (Recorder::default(), Instant::now());
        recorder.due(start);
        assert_eq!(recorder.due(start + 3 * STEP), 3);
        recorder.record(3, marks(10, 3));
        let samples = recorder.history(start, &marks(0, 0)).samples;
        let up: Vec<u64> = samples.iter().map(|sample| sample.bytes_up).collect();
        assert_eq!(up, [4, 3, 3]);
        assert_eq!(samples.iter().map(|sample| sample.opened).sum::<u64>(), 3);
    }

    #[test]
    fn it_never_grows_beyond_the_hour() {
        let (mut recorder, start) = (Recorder::default(), Instant::now());
        recorder.due(start);
        for step in 1..=STEPS as u64 + 5 {
            recorder.record(1, marks(step * step, 0));
        }
        let samples = recorder.history(start, &marks(0, 0)).samples;
        assert_eq!(samples.len(), STEPS);
        assert_eq!(samples[0].bytes_up, 36 - 25);
        recorder.record(u32::MAX, marks(u64::MAX, 0));
        assert_eq!(recorder.history(start, &marks(0, 0)).samples.len(), STEPS);
    }
}
