//! `socksctl watch` without a terminal: lines for pipes, files and programs.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::harness::clock::{eventually, until};
use crate::harness::file::is_date;
use crate::harness::server::{Run, Server, run};
use crate::harness::shoes::Admin;
use crate::harness::socks::through;
use crate::harness::target::{Nobody, echo};

const KEYS: [&str; 16] = [
    "time",
    "state",
    "current",
    "max_current",
    "historic",
    "active_users",
    "refused",
    "failed_logins",
    "bytes",
    "bytes_up",
    "bytes_down",
    "rate",
    "rate_up",
    "rate_down",
    "uptime",
    "why",
];
const ONESHOT_TOKEN: &str = "0123456789abcdef";
const DATAGRAM_TOKEN: &str = "0x00c0ffee";
const JWT_SECRET: &str = "a secret of the tests, long enough to sign";

fn socksctl(at: SocketAddr, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_socksctl"));
    command.env("SOCKSCTL_LOGIN", "admin:secret").env("SOCKSCTL_SERVER", at.to_string());
    command.env_remove("SOCKSCTL_TOKEN").args(args);
    command
}

#[track_caller]
fn watched(at: SocketAddr, args: &[&str]) -> Run {
    let run = run(socksctl(at, args));
    assert_eq!(run.status.code(), Some(0), "{args:?}: {} {}", run.stdout, run.stderr);
    run
}

/// The keys and values of a line.
fn pairs(line: &str) -> Vec<(&str, &str)> {
    line.split(' ').filter_map(|pair| pair.split_once('=')).collect()
}

fn value<'a>(line: &'a str, key: &str) -> &'a str {
    let found = pairs(line).into_iter().find(|(name, _)| *name == key);
    found.unwrap_or_else(|| panic!("no {key} in {line}")).1
}

#[test]
fn a_line_is_keys_and_values() {
    let server = Server::open();
    let mut client = through(&server, echo());
    client.expect_echo(&[0x55; 1000]);
    let mut admin = Admin::of(&server);
    until("all is counted, so that nothing moves", || admin.metrics().octets == 2000);
    let run = watched(server.shoes, &["watch", "--interval", "0.5", "--count", "2"]);
    let lines: Vec<&str> = run.stdout.lines().collect();
    assert_eq!(lines.len(), 2, "{}", run.stdout);
    for line in &lines {
        let keys: Vec<&str> = pairs(line).into_iter().map(|(key, _)| key).collect();
        assert_eq!(keys, KEYS, "{line}");
        assert!(is_date(value(line, "time")), "{line}");
        assert_eq!((value(line, "state"), value(line, "historic")), ("ok", "1"));
        assert_eq!((value(line, "refused"), value(line, "why")), ("-", "-"), "shoes knows none");
    }
    assert_eq!([lines[0], lines[1]].map(|line| value(line, "rate")), ["-", "0"]);
}

#[test]
fn programs_get_an_object_a_line() {
    let server = Server::open();
    let args = ["--output", "json", "watch", "--interval", "0.5", "--count", "2"];
    let run = watched(server.shoes, &args);
    let objects: Vec<Value> =
        run.stdout.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let [first, second] = objects.as_slice() else { panic!("{}", run.stdout) };
    for key in KEYS {
        assert!(first.get(key).is_some(), "{key} in {first}");
    }
    assert_eq!((&first["state"], &first["rate"]), (&"ok".into(), &Value::Null));
    assert_eq!((&second["current"], &second["rate"]), (&0.into(), &0.into()));
}

#[test]
fn every_dialect_can_be_watched() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_socksd"));
    command.env("SOCKSD_ONESHOT_TOKEN", ONESHOT_TOKEN);
    command.env("SOCKSD_DATAGRAM_TOKEN", DATAGRAM_TOKEN);
    command.env("SOCKSD_JWT_SECRET", JWT_SECRET);
    command.args(["-p", "0", "-P", "0", "-U", "admin:secret"]);
    for dialect in ["--monitor", "--datagram", "--oneshot", "--json"] {
        command.args([dialect, "127.0.0.1:0"]);
    }
    let mut server = Server::launch(command);
    let mut mint = Command::new(env!("CARGO_BIN_EXE_socksd"));
    mint.env("SOCKSD_JWT_SECRET", JWT_SECRET);
    mint.args(["token", "--scopes", "GET_METRICS", "--ttl", "1h", "--subject", "test"]);
    let jwt = run(mint).stdout.trim().to_owned();
    for (dialect, token) in [
        ("shoes", None),
        ("monitor", None),
        ("datagram", Some(DATAGRAM_TOKEN)),
        ("oneshot", Some(ONESHOT_TOKEN)),
        ("json", Some(jwt.as_str())),
    ] {
        let args = ["--dialect", dialect, "watch", "--count", "1"];
        let mut command = socksctl(server.listener(dialect), &args);
        command.envs(token.map(|token| ("SOCKSCTL_TOKEN", token)));
        let run = run(command);
        assert_eq!(run.status.code(), Some(0), "{dialect}: {}", run.stderr);
        assert_eq!(value(&run.stdout, "current"), "0", "{dialect}");
    }
}

/// A `socksctl watch` that goes on; its lines come as they are written.
struct Watching(Child);

impl Watching {
    fn start(server: &Server) -> Self {
        let mut command = socksctl(server.shoes, &["watch", "--interval", "0.5"]);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::inherit());
        Self(command.spawn().expect("starting socksctl"))
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn it_ends_when_nobody_reads() {
    let server = Server::open();
    let mut watching = Watching::start(&server);
    let mut output = BufReader::new(watching.0.stdout.take().expect("a pipe"));
    let mut line = String::new();
    output.read_line(&mut line).expect("a line, though it goes on");
    assert_eq!(value(&line, "state"), "ok");
    drop(output);
    let status = eventually("its end", || watching.0.try_wait().expect("its state"));
    assert_eq!(status.code(), Some(0));
}

/// The command line is all right, so it is not 2.
#[cfg(target_os = "linux")]
#[test]
fn it_fails_as_other_commands_do_when_a_line_cannot_be_written() {
    let server = Server::open();
    for args in [&["watch", "--count", "1"][..], &["metrics"]] {
        let full = std::fs::File::options().write(true).open("/dev/full").expect("/dev/full");
        let output = socksctl(server.shoes, args).stdout(full).output().expect("running socksctl");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{args:?}: {said}");
        assert!(said.starts_with("socksctl: writing to standard output failed: "), "{said}");
    }
}

#[test]
fn a_server_that_is_gone_is_told_in_the_same_form() {
    let mut server = Server::open();
    let mut watching = Watching::start(&server);
    let output = BufReader::new(watching.0.stdout.take().expect("a pipe"));
    let mut lines = output.lines().map(|line| line.expect("a line"));
    assert_eq!(value(&lines.next().expect("a line"), "state"), "ok");
    server.kill();
    let lost = lines.find(|line| value(line, "state") == "lost").expect("a line");
    assert_eq!((value(&lost, "current"), value(&lost, "rate")), ("-", "-"));
    assert!(lost.contains(" why=\"can't reach "), "{lost}");
}

#[test]
fn the_first_failure_ends_it() {
    let nobody = Nobody::on([127, 0, 0, 1].into());
    let run_at = |at| run(socksctl(at, &["watch"]));
    let run_there = run_at(nobody.address());
    assert_eq!(run_there.status.code(), Some(3), "{}", run_there.stderr);
    let server = Server::open();
    let mut command = socksctl(server.shoes, &["watch"]);
    let refused = run({
        command.env("SOCKSCTL_LOGIN", "admin:wrong");
        command
    });
    assert_eq!((refused.status.code(), refused.stdout.as_str()), (Some(1), ""));
}
