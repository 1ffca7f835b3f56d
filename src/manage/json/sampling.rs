//! The requests that take time: GET_OS_INFO, one sample a second over the window
//! asked for. Requests in flight at the same time share the sampling.

use std::time::{Duration, Instant};

use crate::wire::json::data::{OsInfo, Sample};

use super::host::Host;

/// Windows that can be asked for, in seconds.
pub const SECONDS: std::ops::RangeInclusive<u32> = 1..=3600;
/// The window when none is asked for.
pub const SECONDS_DEFAULT: u32 = 60;
/// Between two samples.
const SECOND: Duration = Duration::from_secs(1);

/// Everybody who waits for samples.
#[derive(Debug, Default)]
pub struct Sampling {
    waiting: Vec<Waiting>,
    /// When the next sample is taken, while somebody waits.
    next: Option<Instant>,
}

#[derive(Debug)]
struct Waiting {
    id: String,
    due: Instant,
    samples: Vec<Sample>,
}

impl Sampling {
    /// How many wait.
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Begins a window from now on.
    pub fn begin(&mut self, id: String, seconds: u32, now: Instant, host: &mut dyn Host) {
        if self.next.is_none() {
            host.watch();
            self.next = Some(now + SECOND);
        }
        let due = now + SECOND * seconds;
        self.waiting.push(Waiting { id, due, samples: Vec::new() });
    }

    /// Nobody waits for longer than until that moment any more.
    pub fn hasten(&mut self, latest: Instant) {
        for waiting in &mut self.waiting {
            waiting.due = waiting.due.min(latest);
        }
    }

    /// Takes the sample that is due, and gives the answers that are complete.
    pub fn advance(&mut self, now: Instant, host: &mut dyn Host) -> Vec<(String, OsInfo)> {
        self.take_sample(now, host);
        let done = self.waiting.extract_if(.., |waiting| waiting.due <= now);
        let answers = done.map(|done| (done.id, info(host, done.samples))).collect();
        if self.waiting.is_empty() {
            self.next = None;
        }
        answers
    }

    /// When to call [`Self::advance`] again.
    pub fn until(&self) -> Option<Instant> {
        self.waiting.iter().map(|waiting| waiting.due).chain(self.next).min()
    }

    fn take_sample(&mut self, now: Instant, host: &mut dyn Host) {
        let Some(mut next) = self.next.filter(|next| *next <= now) else { return };
        let sample = host.sample();
        for waiting in &mut self.waiting {
            waiting.samples.push(sample);
        }
        // Seconds that were slept through have no sample: none is made up.
        while next <= now {
            next += SECOND;
        }
        self.next = Some(next);
    }
}

fn info(host: &dyn Host, samples: Vec<Sample>) -> OsInfo {
    OsInfo { uptime_seconds: host.uptime(), os: std::env::consts::OS.into(), samples }
}
