//! Stores what the users have used, on a thread of its own: a disk that hangs must
//! stop neither the timeouts nor the end of the process.

use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// How often it is looked whether the last one has come to its end.
const LOOK: Duration = Duration::from_millis(10);

/// Saves again and again, never two at once. A thread is there only for as long as it
/// takes.
pub(super) struct Saver {
    save: Arc<dyn Fn() + Send + Sync>,
    thread: Option<JoinHandle<()>>,
    begun: Instant,
}

impl Saver {
    /// One that saves like this, for the first time when the interval is over.
    pub(super) fn new(save: impl Fn() + Send + Sync + 'static) -> Self {
        Self { save: Arc::new(save), thread: None, begun: Instant::now() }
    }

    /// Begins to save if the last time was so long ago. Where that one is still at
    /// work this one is left out.
    pub(super) fn save_every(&mut self, interval: Duration) {
        if self.begun.elapsed() >= interval && !self.is_at_work() {
            self.begin();
        }
    }

    /// Saves for the last time, and waits for the end of it for so long at most.
    /// Whether it was reached.
    pub(super) fn save_within(mut self, patience: Duration) -> bool {
        let end = Instant::now() + patience;
        // An earlier one may have begun before the last octets were counted.
        if !self.is_over_by(end) {
            return false;
        }
        self.begin();
        self.thread.is_some() && self.is_over_by(end)
    }

    fn begin(&mut self) {
        self.begun = Instant::now();
        let save = Arc::clone(&self.save);
        // Without a thread it is for the next time.
        self.thread = thread::Builder::new().name("state".into()).spawn(move || save()).ok();
    }

    fn is_over_by(&self, end: Instant) -> bool {
        while self.is_at_work() {
            if Instant::now() >= end {
                return false;
            }
            thread::sleep(LOOK);
        }
        true
    }

    fn is_at_work(&self) -> bool {
        self.thread.as_ref().is_some_and(|thread| !thread.is_finished())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    const LONG: Duration = Duration::from_secs(20);

    #[test]
    fn a_disk_that_hangs_holds_nobody_up() {
        let (begun, seen) = crossbeam_channel::unbounded();
        let (_never, hang) = crossbeam_channel::bounded::<()>(0);
        let mut saver = Saver::new(move || {
            begun.send(()).unwrap();
            let _ = hang.recv();
        });
        saver.save_every(LONG);
        assert!(seen.is_empty());
        saver.save_every(Duration::ZERO);
        seen.recv_timeout(LONG).unwrap();
        // These come back at once, and begin nothing.
        saver.save_every(Duration::ZERO);
        assert!(!saver.save_within(Duration::from_millis(30)));
        assert!(seen.is_empty());
    }

    #[test]
    fn the_last_one_begins_after_the_one_before() {
        let (go, wait) = crossbeam_channel::bounded::<()>(2);
        let count = Arc::new(AtomicUsize::new(0));
        let mut saver = Saver::new({
            let count = Arc::clone(&count);
            move || {
                wait.recv_timeout(LONG).unwrap();
                count.fetch_add(1, Ordering::Relaxed);
            }
        });
        saver.save_every(Duration::ZERO);
        go.send(()).unwrap();
        go.send(()).unwrap();
        assert!(saver.save_within(LONG));
        assert_eq!(count.load(Ordering::Relaxed), 2);
    }
}
