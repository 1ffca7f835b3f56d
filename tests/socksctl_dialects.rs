//! The `socksctl` binary speaks SOCKS-MONITOR, oneshot and json with a whole server.

#[allow(dead_code, reason = "what the tests of the dialects themselves need")]
mod served;

use std::io::{Read, Write};
use std::process::Command;

use serde_json::{Value, json};
use served::{Served, echo, until};
use socksd::core::{Name, NewUser, Password};

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
    let token = ["oneshot", "json"].contains(&dialect);
    let variable = if token { "SOCKSCTL_TOKEN" } else { "SOCKSCTL_LOGIN" };
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

fn json(server: &Served, line: &str) -> Ran {
    let all = "GET_METRICS,LIST_USERS,ADD_USER,REMOVE_USER,EDIT_USER,LIST_CONNECTIONS,\
               CUT_CONNECTION,GET_CONFIG,SET_CONFIG,GET_OS_INFO";
    run(server, "json", &jwt(all), line)
}

/// A token with these scopes.
fn jwt(scopes: &str) -> String {
    let scopes = scopes.split(',').map(String::from).collect();
    served::jwt_key().mint("ana", &scopes, 0, 9_999_999_999).unwrap()
}

fn start() -> Served {
    let words =
        "--monitor 127.0.0.1:0 --oneshot 127.0.0.1:0 --json 127.0.0.1:0 -U ñandú:contra/seña";
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
        .prints("buffer size set to 4.1 kB (4096), for new connections");
    let settings = server.core().settings();
    assert_eq!(settings.timeout.as_secs(), 30);
    assert_eq!((settings.max_connections, settings.max_users), (7, 8));
    assert_eq!(settings.buffer_size.map(|size| size.octets()), Some(4096));
    for line in ["buffer-size 0", "config buffer_size 0"] {
        monitor(&server, "config buffer_size 512")
            .prints("buffer size set to 512 B, for new connections");
        monitor(&server, line).prints("buffer size grows with the traffic, for new connections");
        assert_eq!(server.core().settings().buffer_size, None);
    }
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
fn json_says_what_is_going_on() {
    let server = start();
    json(&server, "ping").prints("ping: done");
    json(&server, "connections").prints("no connections");
    let target = echo();
    let mut client = server.through(None, target);
    client.write_all(b"hello").unwrap();
    client.read_exact(&mut [0; 5]).unwrap();
    until("all octets are counted", || server.core().metrics().bytes() == 10);

    let mut metrics = json(&server, "metrics --output json").json();
    assert!(metrics["uptime"].take().is_u64());
    let expected = json!({
        "current": 1, "max_current": 1, "historic": 1, "refused": 0, "active_users": 1,
        "failed_logins": 0, "bytes": 10, "bytes_up": 5, "bytes_down": 5, "uptime": null,
    });
    assert_eq!(metrics, expected);

    let mut open = json(&server, "connections --output json").json();
    assert!(open["connections"][0]["age"].take().is_u64());
    let expected = json!({ "connections": [{
        "id": 1, "user": "anonymous", "client": client.local_addr().unwrap().to_string(),
        "target": target.to_string(), "state": "open", "bytes": 10, "age": null,
    }] });
    assert_eq!(open, expected);
    json(&server, "cut 1").prints("cut: done");
    until("it is cut", || server.core().metrics().current == 0);
    json(&server, "cut 1").fails(1, "there is no open connection 1");

    let mut info = Value::Null;
    // A second that a busy machine sleeps through has no sample: then once more.
    until("two samples", || {
        let ran = json(&server, "os-info 2 --timeout 1 --output json");
        info = serde_json::from_str(&ran.stdout).unwrap_or_default();
        info["samples"].as_array().is_some_and(|samples| samples.len() == 2)
    });
    assert_eq!(info["system"], std::env::consts::OS);
    assert!(json(&server, "os-info").stdout.contains("\n busy  memory\n"));
}

#[test]
fn json_manages() {
    let server = start();
    json(&server, "add-user ana 1234").prints("user ana added");
    json(&server, "add-user ñandú é").prints("user ñandú added");
    json(&server, "add-user ana x").fails(1, "the user ana exists already");
    json(&server, "limit-user ana rate_up 2kB").prints("rate_up of user ana changed");
    json(&server, "users").prints(
        "user   open  up  down  today  month  up/s\n\
         ana    0     0   0     0      0      2.0k\n\
         ñandú  0     0   0     0      0      -",
    );
    json(&server, "cut --user ana").prints("user ana cut: 0 connections ended");
    json(&server, "edit-user ana x").prints("password of user ana changed");
    assert!(server.try_through(Some(("ana", "x")), echo()).is_ok());
    json(&server, "remove-user ana").prints("user ana removed");
    json(&server, "spoofing").prints("credential monitor  off");
    json(&server, "spoofing on").prints("credential monitor on");
    json(&server, "spoofing").prints("credential monitor  on");
    json(&server, "page-size 7").prints("page-size: done");
    json(&server, "page-size").prints("users in a page  7");
    json(&server, "maildir tests/golden").prints("maildir: done");
    json(&server, "maildir no/such/folder").fails(1, "there is no such folder");
    json(&server, "buffer-size 512").prints("buffer size set to 512 B, for new connections");
    for (name, value) in [("timeout", 30), ("max_connections", 7), ("max_users", 8)] {
        json(&server, &format!("config {name} {value}")).prints("config: done");
    }
    json(&server, "config max_per_user 3").prints("config: done");
    json(&server, "config max_per_address 0").prints("config: done");
    let settings = server.core().settings();
    assert_eq!((settings.max_connections, settings.max_users), (7, 8));
    assert_eq!((settings.timeout.as_secs(), settings.max_per_user), (30, Some(3)));
    assert_eq!(settings.buffer_size.map(|size| size.octets()), Some(512));
    json(&server, "stop").fails(2, "only datagram can");
}

#[test]
fn json_needs_a_token_that_allows_it() {
    let server = start();
    let few = jwt("LIST_USERS");
    run(&server, "json", &few, "users").prints("no users; add one with: socksctl add-user NAME");
    let limit = "limit-user ana rate_up 1";
    run(&server, "json", &few, limit).fails(1, "Required scope: EDIT_USER; mint a token");
    run(&server, "json", &few, "metrics").fails(1, "Required scope: GET_METRICS; mint a token");
    run(&server, "json", "x", "users").fails(1, "Invalid, expired, or revoked token; check");
    let expired = served::jwt_key().mint("ana", &Default::default(), 0, 1).unwrap();
    run(&server, "json", &expired, "users").fails(1, "the token has expired");
}

#[test]
fn more_users_than_one_answer_holds() {
    let server = start();
    json(&server, "config max_users 2000").prints("config: done");
    for number in 0..1000 {
        let name = Name::new(format!("{number:0>255}").as_bytes()).unwrap();
        server.core().install_user(NewUser::new(name, Password::new(b"x").unwrap())).unwrap();
    }
    let users = json(&server, "users --output json").json();
    assert_eq!(users["users"].as_array().unwrap().len(), 1000);
    assert_eq!(users["complete"], true);
}

#[test]
fn another_dialects_server_is_told_apart() {
    let server = start();
    let mistaken = |dialect: &str, port: &str| {
        let address = server.address(port).to_string();
        let mut command = Command::new(env!("CARGO_BIN_EXE_socksctl"));
        command.args(["--dialect", dialect, "--server", &address, "--timeout", "5", "metrics"]);
        command.env("SOCKSCTL_LOGIN", "root:secret").env("SOCKSCTL_TOKEN", TOKEN);
        if ["oneshot", "json"].contains(&dialect) {
            command.env_remove("SOCKSCTL_LOGIN");
        }
        command.output().unwrap().status.code()
    };
    assert_eq!(mistaken("oneshot", "monitor"), Some(3));
    assert_eq!(mistaken("oneshot", "socks"), Some(3));
    assert_eq!(mistaken("shoes", "monitor"), Some(3));
    assert_eq!(mistaken("json", "monitor"), Some(3));
    assert_eq!(mistaken("monitor", "json"), Some(3));
}
