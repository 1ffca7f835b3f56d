//! The command line, and the plan that it makes.

use std::net::{SocketAddr, ToSocketAddrs};
use std::str::FromStr;
use std::time::Duration;

use argh::FromArgs;

use crate::bulk::Way;
use crate::dial::{Login, Path};
use crate::job::Job;
use crate::process;

/// Measures SOCKS5 proxies on this machine, next to each other and to no proxy.
#[derive(FromArgs)]
pub struct Options {
    /// the proxies: name=host:port or name=host:port,pid=N
    #[argh(positional)]
    proxies: Vec<String>,
    /// tests to run, with commas: bulk,cycles,burst,ping,split,idle (default: all)
    #[argh(option)]
    tests: Option<Tests>,
    /// rounds, 1 to 100 (default 5)
    #[argh(option)]
    rounds: Option<usize>,
    /// seconds for each measurement, 0.05 to 60 (default 1)
    #[argh(option)]
    seconds: Option<f64>,
    /// one round of 0.3 s, burst 200, idle 100, unless said otherwise
    #[argh(switch)]
    quick: bool,
    /// connections of bulk, with commas (default 1,8)
    #[argh(option, default = "Counts(vec![1, 8])")]
    connections: Counts,
    /// clients of cycles, with commas (default 16,128)
    #[argh(option, default = "Counts(vec![16, 128])")]
    at_once: Counts,
    /// connects of burst, with commas (default 2000)
    #[argh(option)]
    burst: Option<Counts>,
    /// resting connections of idle, with commas (default 1000)
    #[argh(option)]
    idle: Option<Counts>,
    /// name:password, for the proxies that pick it; no authentication is offered beside it
    #[argh(option)]
    login: Option<Login>,
    /// table, markdown or json (default table)
    #[argh(option, default = "Output::Table")]
    output: Output,
    /// be the targets of another run
    #[argh(switch, hidden_help)]
    pub serve_targets: bool,
}

/// How the report is written.
#[derive(Clone, Copy)]
pub enum Output {
    /// For people.
    Table,
    /// For people, through a README.
    Markdown,
    /// For programs.
    Json,
}

impl FromStr for Output {
    type Err = &'static str;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "table" => Ok(Output::Table),
            "markdown" => Ok(Output::Markdown),
            "json" => Ok(Output::Json),
            _ => Err("an output is table, markdown or json"),
        }
    }
}

/// Sizes, each 1 to 20,000.
struct Counts(Vec<usize>);

impl FromStr for Counts {
    type Err = &'static str;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let counts: Option<Vec<usize>> = text.split(',').map(|count| count.parse().ok()).collect();
        match counts {
            Some(counts) if counts.iter().all(|count| (1..=20_000).contains(count)) => {
                Ok(Counts(counts))
            }
            _ => Err("sizes are numbers from 1 to 20000 with commas between them"),
        }
    }
}

/// Names of tests.
struct Tests(Vec<String>);

const TESTS: [&str; 6] = ["idle", "bulk", "cycles", "burst", "ping", "split"];

impl FromStr for Tests {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let names: Vec<String> = text.split(',').map(str::to_owned).collect();
        match names.iter().find(|name| !TESTS.contains(&name.as_str())) {
            Some(name) => Err(format!("no test is called {name:?}, only {}", TESTS.join(", "))),
            None => Ok(Tests(names)),
        }
    }
}

/// What will be measured.
pub struct Plan {
    /// Direct first, then the proxies as they were given.
    pub paths: Vec<Path>,
    /// In the order in which they run.
    pub jobs: Vec<Job>,
    /// How often.
    pub rounds: usize,
    /// How long each.
    pub seconds: Duration,
    /// How it is told.
    pub output: Output,
}

impl Plan {
    /// Checks the options; an error says what is wrong with them.
    pub fn new(options: &Options) -> Result<Plan, String> {
        let (rounds, seconds) = if options.quick { (1, 0.3) } else { (5, 1.0) };
        let rounds = options.rounds.unwrap_or(rounds);
        let seconds = options.seconds.unwrap_or(seconds);
        if !(1..=100).contains(&rounds) || !(0.05..=60.0).contains(&seconds) {
            return Err("rounds are 1 to 100, seconds 0.05 to 60".into());
        }
        let mut paths = vec![Path { name: "direct".into(), proxy: None, pid: None, login: None }];
        for proxy in &options.proxies {
            paths.push(path(proxy, options.login.clone())?);
        }
        let seconds = Duration::from_secs_f64(seconds);
        Ok(Plan { paths, jobs: jobs(options), rounds, seconds, output: options.output })
    }

    /// What will probably go wrong, and what to do about it.
    pub fn warnings(&self) -> Vec<String> {
        // Beside the load: the listeners, stdio, what the proxy keeps open.
        const OTHERS: usize = 64;
        let here = OTHERS + self.jobs.iter().map(Job::descriptors).max().unwrap_or_default();
        let mut warnings = Vec::new();
        let cores = std::thread::available_parallelism().map_or(1.0, |cores| cores.get() as f64);
        if let Some(load) = process::load_average().filter(|load| *load > cores / 2.0) {
            warnings.push(format!(
                "this machine is busy already: load average {load} on {cores} cores"
            ));
        }
        let mut check = |who: &str, pid: Option<u32>, needed: usize| {
            if let Some(limit) = process::descriptors_max(pid).filter(|limit| *limit < needed) {
                warnings.push(format!(
                    "{who} may open {limit} descriptors and these tests need about {needed}: \
                     start it after ulimit -n {needed}, or choose smaller tests"
                ));
            }
        };
        check("the benchmark", None, here);
        for path in self.paths.iter().filter(|path| path.pid.is_some()) {
            check(&path.name, path.pid, 2 * here);
        }
        for path in self.paths.iter().filter(|path| path.proxy.is_some() && path.pid.is_none()) {
            warnings.push(format!(
                "{}: its process is not to be found, so no memory, threads and CPU: name it with ,pid=N",
                path.name
            ));
        }
        warnings
    }
}

fn jobs(options: &Options) -> Vec<Job> {
    let sizes = |given: &Option<Counts>, quick: usize, usual: usize| match given {
        Some(Counts(counts)) => counts.clone(),
        None => vec![if options.quick { quick } else { usual }],
    };
    let wanted = |test: &&str| match &options.tests {
        Some(Tests(names)) => names.iter().any(|name| name == test),
        None => true,
    };
    let job = |test: &str| -> Vec<Job> {
        match test {
            "idle" => sizes(&options.idle, 100, 1000).into_iter().map(Job::Idle).collect(),
            "bulk" => {
                let each = |count: &usize| Way::ALL.map(|way| Job::Bulk(*count, way));
                options.connections.0.iter().flat_map(each).collect()
            }
            "cycles" => options.at_once.0.iter().copied().map(Job::Cycles).collect(),
            "burst" => sizes(&options.burst, 200, 2000).into_iter().map(Job::Burst).collect(),
            "ping" => vec![Job::Ping],
            _ => vec![Job::Split],
        }
    };
    TESTS.into_iter().filter(wanted).flat_map(job).collect()
}

/// `name=host:port[,pid=N]`.
fn path(text: &str, login: Option<Login>) -> Result<Path, String> {
    let usage = || format!("{text:?} is no name=host:port or name=host:port,pid=N");
    let (name, place) =
        text.split_once('=').filter(|(name, _)| !name.is_empty()).ok_or_else(usage)?;
    let (place, pid) = match place.split_once(",pid=") {
        Some((place, pid)) => (place, Some(pid.parse().map_err(|_| usage())?)),
        None => (place, None),
    };
    let mut found = place.to_socket_addrs().map_err(|fault| format!("{text:?}: {fault}"))?;
    let first = found.next().ok_or_else(usage)?;
    // "localhost" may be ::1 first, where most proxies don't listen.
    let proxy = found.find(SocketAddr::is_ipv4).filter(|_| !first.is_ipv4()).unwrap_or(first);
    if !proxy.ip().to_canonical().is_loopback() {
        return Err(format!("{text:?}: only proxies on 127.0.0.0/8 and ::1 are measured"));
    }
    let pid = pid.or_else(|| process::listening_on(proxy));
    Ok(Path { name: name.into(), proxy: Some(proxy), pid, login })
}
