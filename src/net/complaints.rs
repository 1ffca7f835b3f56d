//! Keeps a lasting fault from filling the log.

use std::fmt::Display;
use std::time::{Duration, Instant};

/// The same complaint is logged at most this often.
const LOG_EVERY: Duration = Duration::from_secs(1);

/// How often one thing has gone wrong since it was last told.
pub struct Complaints {
    event: &'static str,
    service: String,
    last: Option<Instant>,
    untold: u64,
}

impl Complaints {
    /// None yet about this `event` of that service.
    pub fn about(event: &'static str, service: &str) -> Self {
        Self { event, service: service.into(), last: None, untold: 0 }
    }

    /// It has gone wrong again. Logs how often since the last line, and why this time.
    pub fn note(&mut self, why: impl Display) {
        self.untold += 1;
        if self.last.is_none_or(|last| last.elapsed() >= LOG_EVERY) {
            self.tell(why);
            self.last = Some(Instant::now());
        }
    }

    /// It is over: logs what no line has told yet.
    pub fn end(&mut self) {
        if self.untold > 0 {
            self.tell("since the last line");
        }
    }

    fn tell(&mut self, why: impl Display) {
        let Self { event, service, untold, .. } = self;
        log::warn!(service:%, times = *untold, error:% = why; "{event}");
        self.untold = 0;
    }
}
