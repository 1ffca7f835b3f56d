//! The tests: what each is called, which columns it fills, and who measures it.

use std::time::Duration;

use crate::bulk::{self, Way};
use crate::dial::Path;
use crate::process::{self, Usage};
use crate::target::Target;
use crate::{cycles, idle, ping};

/// What a measurement found: column keys and values.
pub type Figures = Vec<(&'static str, f64)>;

/// Where a measurement takes place.
pub struct Lab<'a> {
    /// The other end.
    pub target: &'a Target,
    /// The way there.
    pub path: &'a Path,
    /// How long to measure.
    pub seconds: Duration,
}

impl Lab<'_> {
    /// What the proxy has used so far, where that can be known.
    pub fn usage(&self) -> Option<Usage> {
        process::usage(self.path.pid?)
    }

    /// CPU seconds that the proxy has used since `before`.
    pub fn cpu_since(&self, before: Option<Usage>) -> Option<f64> {
        Some((self.usage()?.cpu_seconds - before?.cpu_seconds).max(0.0))
    }
}

/// One test with its size.
pub enum Job {
    /// So many connections transfer at once.
    Bulk(usize, Way),
    /// So many clients repeat full connections.
    Cycles(usize),
    /// So many clients begin at one moment.
    Burst(usize),
    /// Small messages there and back.
    Ping,
    /// Small messages in two writes.
    Split,
    /// So many connections rest.
    Idle(usize),
}

/// One column of the report.
pub struct Column {
    /// Its key in `Figures` and in the JSON.
    pub key: &'static str,
    /// Its head in the table.
    pub head: &'static str,
    /// Digits behind the point.
    pub digits: usize,
    /// Whether the ratio to direct says something.
    pub ratio: bool,
}

const fn column(key: &'static str, head: &'static str, digits: usize, ratio: bool) -> Column {
    Column { key, head, digits, ratio }
}

const CYCLES: &[Column] = &[
    column("cycles_per_s", "cycles/s", 0, true),
    column("p50_ms", "p50 ms", 2, false),
    column("p99_ms", "p99 ms", 2, false),
    column("cpu_s_per_10k", "CPU s/10k", 2, false),
    column("failed", "failed", 0, false),
];
const BURST: &[Column] = &[
    column("cycles_per_s", "cycles/s", 0, true),
    column("p50_ms", "p50 ms", 0, false),
    column("p99_ms", "p99 ms", 0, false),
    column("failed", "failed", 0, false),
];
const PING: &[Column] =
    &[column("p50_us", "ping p50 us", 0, true), column("p99_us", "ping p99 us", 0, true)];
const SPLIT: &[Column] =
    &[column("p50_us", "split p50 us", 0, true), column("p99_us", "split p99 us", 0, true)];
const IDLE: &[Column] = &[
    column("rss_kib_each", "RSS KiB each", 1, false),
    column("threads_each", "threads each", 2, false),
    column("processes_more", "processes more", 0, false),
    column("new_before_us", "new cycle before, us", 0, true),
    column("new_during_us", "meanwhile, us", 0, true),
];

impl Job {
    /// The test's name, unique within a run.
    pub fn name(&self) -> String {
        match self {
            Job::Bulk(connections, way) => format!("bulk-{connections}-{}", way.name()),
            Job::Cycles(at_once) => format!("cycles-{at_once}"),
            Job::Burst(count) => format!("burst-{count}"),
            Job::Ping => "ping".into(),
            Job::Split => "split".into(),
            Job::Idle(count) => format!("idle-{count}"),
        }
    }

    /// The title of the table that it stands in; neighbours with the same title share one.
    pub fn title(&self) -> String {
        match self {
            Job::Bulk(1, _) => "bulk, 1 connection".into(),
            Job::Bulk(connections, _) => format!("bulk, {connections} connections"),
            Job::Cycles(at_once) => format!("full connection cycles, {at_once} at once"),
            Job::Burst(count) => format!("{count} connects at one moment, whole cycles"),
            Job::Ping | Job::Split => "64-byte messages, in one write and split in two".into(),
            Job::Idle(count) => format!("{count} idle connections"),
        }
    }

    /// Its columns.
    pub fn columns(&self) -> &'static [Column] {
        match self {
            Job::Bulk(_, way) => way.columns(),
            Job::Cycles(_) => CYCLES,
            Job::Burst(_) => BURST,
            Job::Ping => PING,
            Job::Split => SPLIT,
            Job::Idle(_) => IDLE,
        }
    }

    /// Measures once.
    pub fn measure(&self, lab: &Lab) -> Result<Figures, String> {
        match *self {
            Job::Bulk(connections, way) => bulk::measure(lab, connections, way),
            Job::Cycles(at_once) => cycles::repeat(lab, at_once),
            Job::Burst(count) => cycles::burst(lab, count),
            Job::Ping => ping::measure(lab, ping::Writes::One),
            Job::Split => ping::measure(lab, ping::Writes::Two),
            Job::Idle(count) => idle::measure(lab, count),
        }
    }

    /// Descriptors it needs at this end (and at the targets').
    pub fn descriptors(&self) -> usize {
        match *self {
            Job::Bulk(count, _) | Job::Cycles(count) | Job::Burst(count) | Job::Idle(count) => {
                count
            }
            Job::Ping | Job::Split => 1,
        }
    }
}
