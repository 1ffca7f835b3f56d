//! The `socksctl` binary speaks SOCKS-MONITOR and oneshot with a whole server.

#[allow(dead_code, reason = "what the tests of the dialects themselves need")]
mod served;

use std::io::{Read, Write};
use std::process::Command;

use serde_json::{Value, json};
use served::{Served, echo, until};

const TOKEN: &str = "123456789abcdef1";

struct Ran {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

impl Ran {
    #[track_caller]
    fn prints(&self, expected: &str) {
        assert_eq!((self.code, self.stdout.trim_end()), (Some(0), expected), "{}", self.stderr);
    }

    #[track_caller]
    fn json(&self) -> Value {
        assert_eq!(self.code, Some(0), "{}", self.stderr);
        serde_json::from_str(&self.stdout).unwrap()
    }

    #[track_caller]
    fn fails(&self, code: i32, part: &str) {
        assert_eq!((self.code, self.stdout.as_str()), (Some(code), ""), "{}", self.stderr);
        assert!(self.stderr.contains(part), "{} lacks {part}", self.stderr);
    }
}

/// Runs `socksctl` in a dialect, with its credentials (none when empty).
fn run(server: &Served, dialect: &str, credentials: &str, line: &str) -> Ran {
    let mut command = Command::new(env!("CARGO_BIN_EXE_socksctl"));
    command.env("SOCKSCTL_SERVER", server.address(dialect).to_string());
    command.env_remove("SOCKSCTL_LOGIN").env_remove("SOCKSCTL_TOKEN");
    let variable = if dialect == "oneshot" { "SOCKSCTL_TOKEN" } else { "SOCKSCTL_LOGIN" };
    command.env(variable, credentials);
    command.args(["--dialect", dialect]).args(line.split_whitespace());
    let output = command.output().unwrap();
    let text = |octets| String::from_utf8(octets).unwrap();
    Ran { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

fn monitor(server: &Served, line: &str) -> Ran {
    run(server, "monitor", "root:secret", line)
}

fn oneshot(server: &Served, line: &str) -> Ran {
    run(server, "oneshot", TOKEN, line)
}

fn start() -> Served {
    let words = "--monitor 127.0.0.1:0 --oneshot 127.0.0.1:0 -U ñandú:contra/seña";
    Served::start(words, Some(TOKEN))
}

#[test]
fn monitor_says_what_is_going_on() {
    let server = start();
    monitor(&server, "connections").prints("no connections");
    let target = echo();
    let mut client = server.through(None, target);
    client.write_all(b"hello").unwrap();
    client.read_exact(&mut [0; 5]).unwrap();
    until("all octets are counted", || server.core().metrics().bytes() == 10);

    let mut metrics = monitor(&server, "metrics --output json").json();
    assert!(metrics["uptime"].take().is_u64());
    let expected = json!({
        "current": 1, "max_current": 1, "historic": 1, "active_users": 1, "bytes": 10,
        "uptime": null,
    });
    assert_eq!(metrics, expected);

    let mut open = monitor(&server, "connections --output json").json();
    assert!(open["connections"][0]["age"].take().is_u64());
    let expected = json!({ "connections": [{
        "id": 1, "user": "anonymous", "client": client.local_addr().unwrap().to_string(),
        "target": target.to_string(), "state": "open", "bytes": 10, "age": null,
    }] });
    assert_eq!(open, expected);
    let table = monitor(&server, "connections").stdout;
    assert!(table.starts_with("#  user       client "), "{table}");
    assert!(table.contains("1  anonymous  127.0.0.1:"), "{table}");
}

#[test]
fn monitor_configures() {
    let server = start();
    monitor(&server, "config timeout 30").prints("config: done");
    monitor(&server, "config max_connections 7").prints("config: done");
    monitor(&server, "config max_users 8").prints("config: done");
    monitor(&server, "buffer-size 4096")
        .prints("buffer size set to 4.0 KiB (4096), for new connections");
    let settings = server.core().settings();
    assert_eq!(settings.timeout.as_secs(), 30);
    assert_eq!((settings.max_connections, settings.max_users), (7, 8));
    assert_eq!(settings.buffer_size.map(|size| size.octets()), Some(4096));
    monitor(&server, "config buffer_size 0").prints("buffer-size: done");
    assert_eq!(server.core().settings().buffer_size, None);
}

#[test]
fn monitor_logs_in_with_any_letters() {
    let server = start();
    run(&server, "monitor", "ñandú:contra/seña", "connections").prints("no connections");
    run(&server, "monitor", "root:Secret", "connections").fails(1, "The credentials are invalid.");
    monitor(&server, "users").fails(2, "only shoes, datagram and json can");
    monitor(&server, &format!("--token {TOKEN} metrics")).fails(2, "does not take --token");
}

#[test]
fn oneshot_says_all_that_it_can() {
    let server = start();
    let metrics = oneshot(&server, "metrics --output json").json();
    assert_eq!(metrics, json!({ "current": 0, "historic": 0, "bytes": 0 }));
    oneshot(&server, "add-user ana 1234").prints("user ana added");
    assert!(server.try_through(Some(("ana", "1234")), echo()).is_ok());
    oneshot(&server, "add-user ana x").fails(1, "the user may exist");
    oneshot(&server, "remove-user ana").prints("user ana removed");
    oneshot(&server, "remove-user ana").fails(1, "there may be no such user");
    oneshot(&server, "add-admin bea 0123456789abcdef").prints("add-admin: done");
    run(&server, "oneshot", "0123456789abcdef", "remove-admin root").prints("remove-admin: done");
    oneshot(&server, "metrics").fails(1, "SOCKSCTL_TOKEN");
    let bea = |line| run(&server, "oneshot", "0123456789abcdef", line);
    bea("buffer-size 512").prints("buffer size set to 512 B, for new connections");
    bea("maildir tests/golden").prints("maildir: done");
    bea("maildir no/such/folder").fails(1, "the folder must exist");
    let settings = server.core().settings();
    assert_eq!(settings.buffer_size.map(|size| size.octets()), Some(512));
    assert_eq!(settings.maildir.as_deref(), Some(std::path::Path::new("tests/golden")));
    bea("connections").fails(2, "only monitor and json can");
    run(&server, "oneshot", "too short", "metrics").fails(2, "16 printable ASCII characters");
}

#[test]
fn another_dialects_server_is_told_apart() {
    let server = start();
    let mistaken = |dialect: &str, port: &str| {
        let address = server.address(port).to_string();
        let mut command = Command::new(env!("CARGO_BIN_EXE_socksctl"));
        command.args(["--dialect", dialect, "--server", &address, "--timeout", "5", "metrics"]);
        command.env("SOCKSCTL_LOGIN", "root:secret").env("SOCKSCTL_TOKEN", TOKEN);
        if dialect == "oneshot" {
            command.env_remove("SOCKSCTL_LOGIN");
        }
        command.output().unwrap().status.code()
    };
    assert_eq!(mistaken("oneshot", "monitor"), Some(3));
    assert_eq!(mistaken("oneshot", "socks"), Some(3));
    assert_eq!(mistaken("shoes", "monitor"), Some(3));
}
