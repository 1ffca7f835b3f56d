//! Full connection cycles: again and again by some clients, or once by very many at one moment.

use std::io::Read;
use std::sync::RwLock;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::thread::{self, Scope};
use std::time::{Duration, Instant};

use crate::dial::{self, DEADLINE, Path};
use crate::job::{Figures, Lab};
use crate::results::percentile;
use crate::target::{CYCLE, REQUEST, Target};

/// A client that fails so often in one measurement gives up, and with it the measurement.
const FAILURES_MAX: usize = 3;
/// The proxy clears away what a burst has left before anything else is measured.
pub const PAUSE: Duration = Duration::from_millis(300);

/// One whole cycle; the answer must be the request, and then the end must arrive.
pub fn once(path: &Path, target: &Target) -> Result<Duration, String> {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let mut request = NUMBER.fetch_add(1, SeqCst).to_be_bytes();
    request[0] = CYCLE;
    let begin = Instant::now();
    let mut stream = path.open(target.address())?;
    dial::send(&stream, &request, "a request")?;
    // The end mostly comes right behind the answer; the ninth byte has room so that it would be seen.
    let mut answer = [0; REQUEST + 1];
    let mut got = 0;
    loop {
        match stream.read(answer.get_mut(got..).unwrap_or_default()) {
            Ok(0) if got == REQUEST && answer.starts_with(&request) => return Ok(begin.elapsed()),
            Ok(count) if count > 0 && got + count <= REQUEST => got += count,
            Ok(_) => return Err(format!("the target's answer arrived wrong: {answer:02x?}")),
            Err(fault) => {
                return Err(format!(
                    "waiting for the answer and the end: {}",
                    dial::explain(&fault)
                ));
            }
        }
    }
}

/// What one client saw.
#[derive(Default)]
struct Seen {
    times: Vec<f64>,
    failed: usize,
    gave_up: bool,
    fault: Option<String>,
}

impl Seen {
    fn add(&mut self, cycle: Result<Duration, String>) {
        match cycle {
            Ok(time) => self.times.push(time.as_secs_f64()),
            Err(fault) => {
                self.failed += 1;
                self.gave_up = self.failed >= FAILURES_MAX;
                self.fault.get_or_insert(fault);
            }
        }
    }

    fn merge(&mut self, other: Seen) {
        self.times.extend(other.times);
        self.failed += other.failed;
        self.gave_up |= other.gave_up;
        self.fault = self.fault.take().or(other.fault);
    }
}

/// `at_once` clients repeat cycles for the lab's time.
pub fn repeat(lab: &Lab, at_once: usize) -> Result<Figures, String> {
    let cpu_before = lab.usage();
    let (seen, seconds) = together(at_once, || {
        let mut seen = Seen::default();
        let begin = Instant::now();
        while begin.elapsed() < lab.seconds && !seen.gave_up {
            seen.add(once(lab.path, lab.target));
        }
        seen
    })?;
    let cpu = lab.cpu_since(cpu_before);
    let done = seen.times.len() as f64;
    if seen.times.is_empty() || seen.gave_up {
        return Err(format!("{} cycles failed: {}", seen.failed, seen.fault.unwrap_or_default()));
    }
    let mut figures = summary(lab, seen, seconds);
    figures.extend(cpu.map(|cpu| ("cpu_s_per_10k", cpu / done * 1e4)));
    Ok(figures)
}

/// `count` clients begin one cycle each at the same moment.
pub fn burst(lab: &Lab, count: usize) -> Result<Figures, String> {
    let (seen, seconds) = together(count, || {
        let mut seen = Seen::default();
        seen.add(once(lab.path, lab.target));
        seen
    })?;
    thread::sleep(PAUSE);
    if seen.times.is_empty() {
        return Err(format!("every cycle failed: {}", seen.fault.unwrap_or_default()));
    }
    Ok(summary(lab, seen, seconds))
}

fn summary(lab: &Lab, mut seen: Seen, seconds: f64) -> Figures {
    if let Some(fault) = seen.fault {
        eprintln!("bench: {}: {} cycles failed, for example: {fault}", lab.path.name, seen.failed);
    }
    seen.times.sort_by(f64::total_cmp);
    vec![
        ("cycles_per_s", seen.times.len() as f64 / seconds),
        ("p50_ms", percentile(&seen.times, 0.50) * 1e3),
        ("p99_ms", percentile(&seen.times, 0.99) * 1e3),
        ("failed", seen.failed as f64),
    ]
}

/// Runs `client` in `count` threads that wait for one another, and says how many seconds they took from
/// the start of the first to the end of the last.
fn together(count: usize, client: impl Fn() -> Seen + Sync) -> Result<(Seen, f64), String> {
    let (gate, ready) = (RwLock::new(true), AtomicUsize::new(0));
    let wait = || {
        ready.fetch_add(1, SeqCst);
        // Readers wait while the starter holds the lock for writing, and all wake at once.
        gate.read().is_ok_and(|go| *go).then(&client)
    };
    thread::scope(|scope| {
        let mut closed = gate.write().map_err(|_| "the gate is broken")?;
        let started: Result<Vec<_>, _> = (0..count).map(|_| start(scope, wait)).collect();
        let deadline = Instant::now() + DEADLINE;
        while started.is_ok() && ready.load(SeqCst) < count && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(1));
        }
        *closed = started.is_ok();
        // Before the gate opens: this thread may be the last to run again.
        let begin = Instant::now();
        drop(closed);
        let mut seen = Seen::default();
        for thread in started? {
            seen.merge(thread.join().ok().flatten().ok_or("a client's thread failed")?);
        }
        Ok((seen, begin.elapsed().as_secs_f64()))
    })
}

fn start<'scope, T: Send + 'scope>(
    scope: &'scope Scope<'scope, '_>,
    work: impl Fn() -> T + Send + 'scope,
) -> Result<thread::ScopedJoinHandle<'scope, T>, String> {
    thread::Builder::new()
        .stack_size(128 * 1024)
        .spawn_scoped(scope, work)
        .map_err(|fault| format!("starting a client's thread: {fault}, raise ulimit -u"))
}
