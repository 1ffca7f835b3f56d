//! The administrator's tool, against a live server.

use std::net::SocketAddr;
use std::process::Command;

use crate::foreign::is_there;
use crate::harness::file::Scratch;
use crate::harness::server::{Run, Server, run};
use crate::harness::shoes::Admin;
use crate::harness::socks::{LOOPBACK, through};
use crate::harness::target::{Nobody, echo};
use crate::harness::web::{PAGE, curl, web};

#[track_caller]
fn socksctl(at: SocketAddr, login: &str, args: &[&str]) -> Run {
    let mut command = Command::new(env!("CARGO_BIN_EXE_socksctl"));
    command.env("SOCKSCTL_LOGIN", login).env("SOCKSCTL_SERVER", at.to_string());
    command.env_remove("SOCKSCTL_TOKEN").args(args);
    run(command)
}

#[track_caller]
fn granted(server: &Server, args: &[&str]) -> String {
    let run = socksctl(server.shoes, "admin:secret", args);
    assert_eq!(run.status.code(), Some(0), "{args:?}: {} {}", run.stdout, run.stderr);
    run.stdout
}

/// The exit code of what must fail with a sentence.
#[track_caller]
fn failure(at: SocketAddr, login: &str, args: &[&str]) -> Option<i32> {
    let run = socksctl(at, login, args);
    assert!(run.stderr.trim().contains(' '), "a sentence for {args:?}: {:?}", run.stderr);
    assert!(!run.stderr.contains("panicked"), "{}", run.stderr);
    run.status.code()
}

/// What the whole of it is for.
#[test]
fn a_user_added_a_moment_ago_fetches_a_page() {
    if !is_there(&["curl", "--version"]) {
        return;
    }
    let log = Scratch::new("log");
    let server = Server::start(&["--access-log", log.path(), "-u", "first:1234"]);
    granted(&server, &["add-user", "ana", "5678"]);
    let web = web();
    let url = format!("http://localhost:{}/", web.port());
    let proxy = server.socks.to_string();
    let page = curl(&["--socks5-hostname", &proxy, "--proxy-user", "ana:5678", &url]);
    assert_eq!(page.stdout, PAGE, "{}", page.stderr);
    let record = log.records(1).remove(0);
    assert_eq!(record[1], "ana");
    assert_eq!(record[5..8], ["localhost", &web.port().to_string(), "0"]);
    let moved = [&record[8], &record[9]].map(|octets| octets.parse::<u64>().expect("a number"));
    let metrics = granted(&server, &["--output", "json", "metrics"]);
    let metrics: serde_json::Value = serde_json::from_str(&metrics).expect("JSON");
    let total = (moved[0] + moved[1]).to_string();
    assert!(metrics.to_string().contains(&total), "{total} bytes in {metrics}");
}

#[test]
fn every_shoes_command_works() {
    let server = Server::start(&["-u", "ana:1234"]);
    granted(&server, &["add-user", "bob", "5678"]);
    granted(&server, &["edit-user", "bob", "abcd"]);
    let users = granted(&server, &["users"]);
    assert!(users.contains("ana") && users.contains("bob"), "{users}");
    granted(&server, &["remove-user", "ana"]);
    granted(&server, &["buffer-size", "4096"]);
    granted(&server, &["spoofing", "on"]);
    let mut admin = Admin::of(&server);
    assert_eq!((admin.users(), admin.spoofing()), (vec![b"bob".to_vec()], 0x01));
    assert!(granted(&server, &["spoofing"]).contains("on"));
    granted(&server, &["spoofing", "off"]);
    assert!(granted(&server, &["spoofing"]).contains("off"));
    let metrics = granted(&server, &["metrics"]);
    assert!(metrics.lines().count() >= 3, "{metrics}");
}

#[test]
fn the_flags_come_before_the_environment() {
    let server = Server::open();
    let nobody = Nobody::on(LOOPBACK);
    let shoes = server.shoes.to_string();
    let flags = ["--server", &shoes, "--login", "admin:secret", "--dialect", "shoes", "users"];
    let run = socksctl(nobody.address(), "admin:wrong", &flags);
    assert_eq!(run.status.code(), Some(0), "{}", run.stderr);
}

#[test]
fn json_can_be_asked_for() {
    let server = Server::start(&["-u", "ana:1234"]);
    for command in ["metrics", "users", "spoofing"] {
        let text = granted(&server, &["--output", "json", command]);
        let value: Result<serde_json::Value, _> = serde_json::from_str(&text);
        assert!(value.is_ok(), "{command}: {text}");
    }
    let users = granted(&server, &["--output", "json", "users"]);
    assert!(users.contains("\"ana\""), "{users}");
}

#[test]
fn what_the_server_refuses_is_1() {
    let server = Server::start(&["-u", "ana:1234"]);
    let fail = |login, args: &[&str]| failure(server.shoes, login, args);
    assert_eq!(fail("admin:wrong", &["users"]), Some(1));
    assert_eq!(fail("admin:secret", &["add-user", "ana", "x"]), Some(1));
    assert_eq!(fail("admin:secret", &["remove-user", "nobody"]), Some(1));
    assert_eq!(fail("admin:secret", &["edit-user", "nobody", "x"]), Some(1));
}

#[test]
fn wrong_usage_is_2() {
    let server = Server::open();
    let fail = |args: &[&str]| failure(server.shoes, "admin:secret", args);
    assert_eq!(fail(&["no-such-command"]), Some(2));
    assert_eq!(fail(&["add-user", "ana"]), Some(2));
    assert_eq!(fail(&["--dialect", "no-such-dialect", "users"]), Some(2));
    assert_eq!(fail(&["--no-such-option", "users"]), Some(2));
    assert_eq!(fail(&["buffer-size", "many"]), Some(2));
    assert_eq!(fail(&["spoofing", "perhaps"]), Some(2));
}

#[test]
fn a_server_that_is_not_there_is_3() {
    let nobody = Nobody::on(LOOPBACK);
    assert_eq!(failure(nobody.address(), "admin:secret", &["users"]), Some(3));
}

#[test]
fn no_output_shows_a_password() {
    let server = Server::open();
    for login in ["admin:kl4bautermann", "admin:secret"] {
        let run = socksctl(server.shoes, login, &["add-user", "ana", "w4ssermann"]);
        let text = [run.stdout, run.stderr].concat();
        let shown = ["kl4bautermann", "w4ssermann", "secret"].iter().find(|it| text.contains(**it));
        assert_eq!(shown, None, "{text}");
    }
}

#[test]
fn live_octets_are_shown() {
    let server = Server::open();
    let mut client = through(&server, echo());
    client.expect_echo(&[0x55; 12_345]);
    crate::harness::clock::until("they are counted", || {
        granted(&server, &["--output", "json", "metrics"]).contains("24690")
    });
}
