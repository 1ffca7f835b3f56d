//! Threads that are kept for the next piece of work.
//!
//! Starting a thread for each connection halves the connection rate, so a thread
//! that has finished waits for another job. The hand-off is a channel without
//! room: a job is taken by a thread that waits at this very moment, or a new
//! thread is started for it. So there is no queue that could grow, and each
//! hand-off wakes one thread.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, TrySendError};

/// A piece of work for one thread.
type Job = Box<dyn FnOnce() + Send>;

/// Enough for the deepest call, which is the system's name resolver; only what
/// is touched becomes resident.
const STACK: usize = 256 * 1024;

/// A thread without work for this long ends.
const KEEP: Duration = Duration::from_secs(30);

/// A pool of threads; clones are the same pool.
#[derive(Clone)]
pub struct Pool {
    name: &'static str,
    most: usize,
    hand: Sender<Job>,
    take: Receiver<Job>,
    threads: Arc<AtomicUsize>,
    started: Arc<AtomicUsize>,
}

impl Pool {
    /// A pool of at most `most` threads, named `name-1`, `name-2` ...
    pub fn new(name: &'static str, most: usize) -> Self {
        let (hand, take) = crossbeam_channel::bounded(0);
        Self { name, most, hand, take, threads: Arc::default(), started: Arc::default() }
    }

    /// Has a thread do this, at once.
    ///
    /// # Errors
    /// When no thread is free and another one can't be started.
    pub fn run(&self, job: impl FnOnce() + Send + 'static) -> io::Result<()> {
        match self.hand.try_send(Box::new(job)) {
            Ok(()) => Ok(()),
            Err(TrySendError::Full(job) | TrySendError::Disconnected(job)) => self.start(job),
        }
    }

    fn start(&self, job: Job) -> io::Result<()> {
        let place = Place::taken(&self.threads);
        if self.threads.load(Ordering::Relaxed) > self.most {
            return Err(io::Error::other("all threads are busy"));
        }
        let number = self.started.fetch_add(1, Ordering::Relaxed) + 1;
        let take = self.take.clone();
        let work = move || {
            let _place = place;
            job();
            while let Ok(job) = take.recv_timeout(KEEP) {
                job();
            }
        };
        let builder = thread::Builder::new().name(format!("{}-{number}", self.name));
        builder.stack_size(STACK).spawn(work).map(drop)
    }
}

/// Counts a thread for as long as it lives, also when its job panics.
struct Place(Arc<AtomicUsize>);

impl Place {
    fn taken(threads: &Arc<AtomicUsize>) -> Self {
        threads.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(threads))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_pool_says_so_and_recovers() {
        let pool = Pool::new("test", 1);
        let (go, wait) = crossbeam_channel::bounded::<()>(0);
        let (done, finished) = crossbeam_channel::bounded(1);
        pool.run(move || wait.recv().unwrap()).unwrap();
        assert!(pool.run(|| ()).is_err());
        go.send(()).unwrap();
        // The thread has to come back to the channel first.
        while pool
            .run({
                let done = done.clone();
                move || done.send(()).unwrap()
            })
            .is_err()
        {
            thread::yield_now();
        }
        finished.recv().unwrap();
        assert_eq!(pool.started.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn a_panic_costs_only_its_thread() {
        let pool = Pool::new("test", 1);
        pool.run(|| panic!("expected in this test")).unwrap();
        while pool.run(|| ()).is_err() {
            thread::yield_now();
        }
    }
}
