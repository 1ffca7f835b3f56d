//! What a session has to know about the machine: a clock, chance, and how busy it
//! is. A session is handed one, so that it can be tested with another.

use std::io;
use std::time::{SystemTime, UNIX_EPOCH};

use sysinfo::System;

use crate::wire::json::data::Sample;

/// The machine, as a session sees it.
pub trait Host: Send {
    /// The clock, in milliseconds since 1970.
    fn time(&self) -> u64;

    /// A number that nobody can guess.
    ///
    /// # Errors
    /// When the system has no random bytes.
    fn random(&self) -> io::Result<u64>;

    /// How long it has been up, in seconds.
    fn uptime(&self) -> u64;

    /// The next sample counts from now.
    fn watch(&mut self);

    /// How busy it was since the last call of this or of [`Self::watch`].
    fn sample(&mut self) -> Sample;
}

/// The machine that this runs on.
#[derive(Debug, Default)]
pub struct ThisHost(System);

impl Host for ThisHost {
    fn time(&self) -> u64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    }

    fn random(&self) -> io::Result<u64> {
        getrandom::u64().map_err(io::Error::other)
    }

    fn uptime(&self) -> u64 {
        System::uptime()
    }

    fn watch(&mut self) {
        self.0.refresh_cpu_usage();
    }

    fn sample(&mut self) -> Sample {
        self.0.refresh_cpu_usage();
        self.0.refresh_memory();
        // In percent; four digits of the part are more than it is exact.
        let cpu = (f64::from(self.0.global_cpu_usage()) * 100.0).round() / 10_000.0;
        Sample {
            cpu: cpu.clamp(0.0, 1.0),
            mem: self.0.used_memory() / (1024 * 1024),
            time: self.time(),
        }
    }
}
