//! A load generator for SOCKS5 proxies: how fast is a proxy, next to others and to no proxy at all?
//!
//! ```text
//! cargo run --release --example bench -- socksd=127.0.0.1:1080 microsocks=127.0.0.1:1081 dante=127.0.0.1:1082
//! cargo run --release --example bench -- --quick --tests cycles,bulk socksd=127.0.0.1:1080
//! cargo run --release --example bench -- --help
//! ```
//!
//! It looks at a proxy from outside only and shares no code with this crate, so any proxy on this
//! machine can be measured: start it, then name it as `name=host:port`. Memory, threads and CPU are
//! read from Linux's `/proc`, of the process that listens on that port (and its children), or of the
//! one named as `name=host:port,pid=1234`; elsewhere those columns stay empty.
//!
//! # What is measured
//! | test | what happens |
//! |---|---|
//! | `bulk` | 1 and 8 connections as fast as they go: download, upload, both at once. Counted where the bytes arrive; MB = 10^6 bytes, of both directions together |
//! | `cycles` | 16 and 128 clients, each over and over: connect, greet, CONNECT, 8 bytes there and back, see the end, close |
//! | `burst` | 2,000 clients start one such cycle at the same moment |
//! | `ping` | 64 bytes there and back on one open connection |
//! | `split` | the same, but each message leaves in two writes: without TCP_NODELAY the second half waits for a delayed ACK, 40 ms |
//! | `idle` | 1,000 connections that have carried 8 bytes and now rest: memory and threads of the proxy for each, and how long a new cycle takes meanwhile |
//!
//! Each round measures every path once, test by test, in an order that moves on with each round;
//! `direct` is the same load without a proxy. A figure is the median over the rounds, the ratio behind
//! it the median of each round's ratio to `direct`. Figures move from machine to machine and hour to
//! hour; ratios and CPU seconds hold. `idle` runs once for each path, before anything else: a proxy
//! that keeps threads and memory for later would show nothing new the second time. A forking proxy's
//! memory is the sum of its processes', pages that they share counted in each.
//!
//! # How it keeps out of the way
//! - The targets are a child process, this program started once more: its CPU is nobody else's, and the
//!   two ends of a connection don't share one table of descriptors (neither the limit nor its lock).
//! - They listen on 16 ports with 24 threads each, all in `accept`: no hand-off, and no queue that
//!   fills up (std's listen backlog is 128 a port; 2,000 connections spread over 16 ports fit).
//! - A cycle is ended by the target, and the end travels through the proxy to the client. So TIME_WAIT
//!   stays with the listening ends, and no local port of the client or of the proxy is used up; the 16
//!   ports also give the direct path and the proxy's outgoing side 16 times the address pairs.
//! - Every socket has deadlines, every test an end. What fails becomes a dash, with the reason on
//!   stderr, and the exit status is 1. With all tests a path takes a little over a minute.
//!
//! Limits are left as they are. `idle` and `burst` need descriptors here and twice as many in the
//! proxy; too low a limit is said before the start (`ulimit -n 20000` in both shells helps). A proxy's
//! own limit on connections must be above all of them: `socksd --max-connections 6000`.
//!
//! # Proxies to compare with
//! Debian and Ubuntu have two (`apt-get install microsocks dante-server`; installing Dante may start
//! a service, which `systemctl disable --now danted` ends):
//! ```text
//! microsocks -i 127.0.0.1 -p 1081 2>/dev/null &
//! danted -f danted.conf -p danted.pid &
//! ```
//! with this `danted.conf`:
//! ```text
//! logoutput: /dev/null
//! internal: 127.0.0.1 port = 1082
//! external: 127.0.0.1
//! clientmethod: none
//! socksmethod: none
//! user.unprivileged: nobody
//! client pass { from: 127.0.0.0/8 to: 0.0.0.0/0 }
//! socks pass { from: 127.0.0.0/8 to: 127.0.0.0/8 }
//! ```
//! Afterwards: `kill %1 %2`. Dante forks; run the benchmark as the user that started it, or as root,
//! for its figures to be readable.
//!
//! # Reading order
//! `dial` (the client's side of SOCKS5), `target`, then a test (`cycles` is the plainest), `results`.
#![forbid(unsafe_code)]

#[path = "bench/bulk.rs"]
mod bulk;
#[path = "bench/cycles.rs"]
mod cycles;
#[path = "bench/dial.rs"]
mod dial;
#[path = "bench/idle.rs"]
mod idle;
#[path = "bench/job.rs"]
mod job;
#[path = "bench/options.rs"]
mod options;
#[path = "bench/ping.rs"]
mod ping;
#[path = "bench/process.rs"]
mod process;
#[path = "bench/report.rs"]
mod report;
#[path = "bench/results.rs"]
mod results;
#[path = "bench/target.rs"]
mod target;

use std::process::ExitCode;

use dial::Path;
use job::{Job, Lab};
use options::{Options, Output, Plan};
use results::Results;
use target::Target;

fn main() -> ExitCode {
    let options: Options = argh::from_env();
    if options.serve_targets {
        return finish(target::serve_until_stdin_ends());
    }
    match Plan::new(&options) {
        Ok(plan) => finish(run(&plan)),
        Err(fault) => {
            eprintln!("bench: {fault}");
            ExitCode::from(2)
        }
    }
}

fn finish(end: Result<bool, String>) -> ExitCode {
    match end {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(fault) => {
            eprintln!("bench: {fault}");
            ExitCode::FAILURE
        }
    }
}

/// Measures everything and prints the report; `false` when a proxy failed a measurement.
fn run(plan: &Plan) -> Result<bool, String> {
    for warning in plan.warnings() {
        eprintln!("bench: {warning}");
    }
    let target = Target::start()?;
    let mut results = Results::default();
    for (index, path) in plan.paths.iter().enumerate() {
        if let Err(fault) = cycles::once(path, &target) {
            eprintln!("bench: {}: not measured: {fault}", path.name);
            (0..plan.jobs.len()).for_each(|job| results.fail(index, job, 0, fault.clone()));
        }
    }
    for round in 0..plan.rounds {
        eprintln!("bench: round {} of {}", round + 1, plan.rounds);
        for (index, job) in plan.jobs.iter().enumerate() {
            if round == 0 || !matches!(job, Job::Idle(_)) {
                measure_paths(plan, &target, round, (index, job), &mut results);
            }
        }
    }
    match plan.output {
        Output::Table => print!("{}", report::table(plan, &results, false)),
        Output::Markdown => print!("{}", report::table(plan, &results, true)),
        Output::Json => println!("{}", report::json(plan, &results)),
    }
    Ok(results.failures.is_empty())
}

/// One test of one round on every path, beginning with another path each round.
fn measure_paths(
    plan: &Plan,
    target: &Target,
    round: usize,
    (index, job): (usize, &Job),
    results: &mut Results,
) {
    let count = plan.paths.len();
    let order = (0..count).map(|place| (place + round) % count);
    for (place, path) in order.filter_map(|at| Some((at, plan.paths.get(at)?))) {
        if results.failed(place, index) {
            continue;
        }
        let seconds = plan.seconds;
        let lab = Lab { target, path, seconds };
        match job.measure(&lab) {
            Ok(figures) => results.add(place, index, round, &figures),
            Err(fault) => {
                let Path { name, .. } = path;
                eprintln!("bench: {name}: {} failed in round {}: {fault}", job.name(), round + 1);
                results.fail(place, index, round, fault);
            }
        }
    }
}
