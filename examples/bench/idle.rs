//! What a connection costs a proxy while nothing happens on it.

use std::io::ErrorKind;
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use crate::cycles::{self, PAUSE};
use crate::job::{Figures, Lab};
use crate::results::percentile;
use crate::target;

/// New connections made one after the other, before and while the others rest.
const SAMPLES: usize = 300;
/// Opening them all may take this long.
const OPENING_MAX: Duration = Duration::from_secs(60);

/// Opens `count` connections, lets them rest, and compares before and after.
pub fn measure(lab: &Lab, count: usize) -> Result<Figures, String> {
    let new_before = new_connection(lab)?;
    let before = lab.usage();
    let resting = open(lab, count);
    thread::sleep(PAUSE);
    let after = lab.usage();
    let new_during = new_connection(lab);
    let ended = resting.map(|streams| streams.iter().filter(|stream| ended(stream)).count());
    lab.target.release()?;
    thread::sleep(PAUSE);
    match ended? {
        0 => {}
        ended => {
            return Err(format!("{ended} of {count} idle connections did not stay open"));
        }
    }
    let mut figures = vec![("new_before_us", new_before), ("new_during_us", new_during?)];
    if let (Some(before), Some(after)) = (before, after) {
        let each = |after: f64, before: f64| (after - before) / count as f64;
        figures.extend([
            ("rss_kib_each", each(after.rss_kib, before.rss_kib)),
            ("threads_each", each(after.threads, before.threads)),
            ("processes_more", after.processes - before.processes),
        ]);
    }
    Ok(figures)
}

fn open(lab: &Lab, count: usize) -> Result<Vec<TcpStream>, String> {
    let begin = Instant::now();
    let mut resting = Vec::with_capacity(count);
    for opened in 0..count {
        if begin.elapsed() > OPENING_MAX {
            return Err(format!("only {opened} were open in {} s", OPENING_MAX.as_secs()));
        }
        let stream = target::rest(lab.path, lab.target);
        resting.push(stream.map_err(|fault| format!("idle connection {}: {fault}", opened + 1))?);
    }
    Ok(resting)
}

/// A connection that rests has nothing to read, not even its end.
fn ended(stream: &TcpStream) -> bool {
    let read = stream.set_nonblocking(true).and_then(|()| stream.peek(&mut [0]));
    !matches!(read, Err(fault) if fault.kind() == ErrorKind::WouldBlock)
}

/// The median time of one cycle, in microseconds.
fn new_connection(lab: &Lab) -> Result<f64, String> {
    let mut times = Vec::with_capacity(SAMPLES);
    for _ in 0..SAMPLES {
        times.push(cycles::once(lab.path, lab.target)?.as_secs_f64() * 1e6);
    }
    times.sort_by(f64::total_cmp);
    Ok(percentile(&times, 0.50))
}
