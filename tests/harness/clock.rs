//! Waiting for what must happen, never for a time to pass.

use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// How long anything that must happen may take. Far above what it needs, so that
/// a busy machine fails no test.
pub const DEADLINE: Duration = Duration::from_secs(20);

const BETWEEN_PROBES: Duration = Duration::from_millis(10);

/// Asks again and again until there is an answer; panics at the deadline.
#[track_caller]
pub fn eventually<T>(what: &str, mut probe: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(answer) = probe() {
            return answer;
        }
        assert!(start.elapsed() < DEADLINE, "not within {DEADLINE:?}: {what}");
        thread::sleep(BETWEEN_PROBES);
    }
}

/// Asks again and again until it is so; panics at the deadline.
#[track_caller]
pub fn until(what: &str, mut probe: impl FnMut() -> bool) {
    eventually(what, || probe().then_some(()));
}

/// Waits for the next day (UTC) if this one ends within a minute: what is counted by the
/// day begins anew then.
pub fn stay_within_a_day() {
    let left = || {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a date");
        86_400 - now.as_secs() % 86_400
    };
    while left() < 60 {
        thread::sleep(Duration::from_secs(left()));
    }
}
