//! Standard error: one line for each event, whatever a peer calls itself.

use std::io::{Read, Write};
use std::process::Command;

use serde_json::Value;

use crate::harness::clock::until;
use crate::harness::file::is_date;
use crate::harness::peer::Peer;
use crate::harness::server::{Run, Server, run};
use crate::harness::socks::can_log_in;
use crate::harness::target::Target;

/// Names of users that would like to be something else in a log.
const FORGERIES: [(&str, &str); 4] = [
    ("ana", "user=ana"),
    ("x address=10.0.0.1", "user=\"x address=10.0.0.1\""),
    ("\" address=\"10.0.0.1", "user=\"\\\" address=\\\"10.0.0.1\""),
    ("a\r\n2026-11-21T00:00:00Z error", "user=\"a\\x0d\\x0a2026-11-21T00:00:00Z error\""),
];

/// A server at which somebody has failed to log in under all these names.
fn attacked(args: &[&str]) -> Server {
    let server = Server::start(&[&["-u", "real:1234"], args].concat());
    for (name, _) in FORGERIES {
        assert!(!can_log_in(&server, name, "1234"), "{name}");
    }
    until("all are logged", || failures(&server).len() >= FORGERIES.len());
    assert_eq!(failures(&server).len(), FORGERIES.len());
    server
}

fn failures(server: &Server) -> Vec<String> {
    let log = server.log();
    log.lines().filter(|line| line.contains("auth-failed")).map(str::to_owned).collect()
}

#[test]
fn a_line_of_text_is_date_level_event_and_fields() {
    let server = attacked(&[]);
    for (line, (_, user)) in failures(&server).iter().zip(FORGERIES) {
        let (date, rest) = line.split_once(' ').expect("a date");
        assert!(is_date(date), "{line}");
        assert_eq!(rest, format!("warn auth-failed service=socks address=127.0.0.1 {user}"));
    }
}

#[cfg(unix)]
#[test]
fn a_line_of_json_is_an_object_with_the_values_as_they_are() {
    let log = attacked(&["--log-format", "json"]).whole_log();
    let lines = log.lines().map(|line| serde_json::from_str::<Value>(line).expect("an object"));
    let lines: Vec<_> = lines.collect();
    for line in &lines {
        assert!(is_date(line["time"].as_str().expect("a date")), "{line}");
        assert!(["info", "warn"].contains(&line["level"].as_str().expect("a level")), "{line}");
        assert!(line["event"].is_string(), "{line}");
    }
    let users = lines.iter().filter(|line| line["event"] == "auth-failed");
    let users: Vec<_> = users.map(|line| line["user"].as_str().expect("a name")).collect();
    assert_eq!(users, FORGERIES.map(|(name, _)| name));
    let stopping = lines.iter().find(|line| line["event"] == "stopping").expect("that it stops");
    // Who was told a refusal may still count.
    assert!(stopping["open"].is_u64(), "a number stays one: {stopping}");
}

#[test]
fn the_journal_gets_a_priority_and_no_date() {
    let server = attacked(&["--log-format", "journal"]);
    let expected = "<4>auth-failed service=socks address=127.0.0.1 user=ana";
    assert_eq!(failures(&server)[0], expected);
    assert!(server.log().starts_with("<6>no-state "), "{}", server.log());
}

#[test]
fn a_level_keeps_the_lesser_ones_out() {
    let log = attacked(&["--log-level", "warn"]).whole_log();
    assert!(!log.contains(" info "), "{log}");
    assert_eq!(refused(&["--log-level", "loud"]).status.code(), Some(2));
    assert_eq!(refused(&["--log-format", "xml"]).status.code(), Some(2));
}

fn refused(args: &[&str]) -> Run {
    let mut command = Command::new(env!("CARGO_BIN_EXE_socksd"));
    command.args(["-p", "0", "-P", "0", "-l", "0.0.0.0"]).args(args);
    run(command)
}

#[test]
fn why_it_does_not_start_is_an_event_too() {
    let sentence = refused(&[]);
    assert!(sentence.stderr.starts_with("socksd: listening on "), "{}", sentence.stderr);
    let event = refused(&["--log-format", "json"]);
    assert_eq!(event.status.code(), Some(2));
    let event: Value = serde_json::from_str(&event.stderr).expect("one object");
    assert_eq!((&event["level"], &event["event"]), (&"error".into(), &"not-started".into()));
    assert!(event["error"].as_str().expect("why").contains("without a user"), "{event}");
}

/// Who writes `name:password` where monitor wants `name/password` has named nobody.
#[test]
fn credentials_in_another_form_are_not_logged() {
    let mut server = Server::start(&["--monitor", "127.0.0.1:0"]);
    let monitor = server.listener("monitor");
    for line in ["root:kl4bautermann", "root kl4bautermann", "kl4bautermann"] {
        let mut client = Peer::connect(monitor);
        client.send(format!("x 1.0\n{line}\n").as_bytes());
        let mut answer = Vec::new();
        client.stream.read_to_end(&mut answer).expect("an end");
        assert!(answer.ends_with(b"The credentials are invalid.\n"));
    }
    until("all are logged", || failures(&server).len() == 3);
    for line in failures(&server) {
        assert!(line.ends_with("service=monitor address=127.0.0.1 user=-"), "{line}");
    }
}

/// For a container, or whoever else restarts what does not serve.
#[test]
fn a_health_check_succeeds_while_the_server_serves() {
    let mut server = Server::start(&["--http", "127.0.0.1:0"]);
    let address = server.listener("http").to_string();
    let check = |address: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_socksd"));
        command.args(["healthcheck", address]);
        run(command)
    };
    let healthy = check(&address);
    assert_eq!((healthy.status.code(), healthy.stderr.as_str()), (Some(0), ""));
    let other = check(&server.socks.to_string());
    assert_eq!(other.status.code(), Some(1), "that is no HTTP");
    let endless = Target::listen().serve(|mut peer| {
        let _ = peer.stream.write_all(b"HTTP/1.1 200 OK\r\n");
        // Until whoever asked is gone.
        let _ = peer.stream.read_to_end(&mut Vec::new());
    });
    assert_eq!(check(&endless.to_string()).status.code(), Some(0), "the first line is enough");
    server.kill();
    let dead = check(&address);
    assert_eq!(dead.status.code(), Some(1));
    assert!(dead.stderr.contains(&address), "{}", dead.stderr);
}
