//! A start that is refused: 2 where trying again can't help, as for a wrong command
//! line, and in the format of the log. `socksd check` refuses the same.

use std::fs;
use std::net::TcpListener;
use std::process::Command;

use serde_json::Value;

use crate::harness::file::Scratch;
use crate::harness::server::{Run, run};

fn file(text: &str) -> Scratch {
    let file = Scratch::new("toml");
    fs::write(file.path(), text).expect("writing a configuration");
    file
}

#[track_caller]
fn socksd(args: &[&str], variables: &[(&str, &str)]) -> Run {
    let mut command = Command::new(env!("CARGO_BIN_EXE_socksd"));
    for name in ["HTTP_TOKEN", "ONESHOT_TOKEN", "DATAGRAM_TOKEN", "JWT_SECRET"] {
        command.env_remove(format!("SOCKSD_{name}"));
    }
    command.args(args).envs(variables.iter().copied());
    run(command)
}

/// Both refuse it with that code; what they say.
#[track_caller]
fn refusal(code: i32, text: &str, variables: &[(&str, &str)]) -> String {
    let file = file(text);
    let checked = socksd(&["check", file.path()], variables);
    assert_eq!(checked.status.code(), Some(code), "{text}: {}{}", checked.stdout, checked.stderr);
    let started = socksd(&["--config", file.path()], variables);
    assert_eq!(started.status.code(), Some(code), "{text}: {}", started.stderr);
    assert!(!started.stdout.contains("listening"), "{text}: {}", started.stdout);
    let start = started.stderr.lines().find_map(|line| line.strip_prefix("socksd: "));
    let start = start.unwrap_or_else(|| panic!("{text}: {}", started.stderr));
    assert!(checked.stderr.trim_end().ends_with(start), "{}{}", checked.stderr, started.stderr);
    checked.stderr
}

/// Ports that any start can have.
const FREE: &str = "port = 0\nshoes-port = 0\n";

#[test]
fn a_configuration_that_can_never_start_is_a_wrong_one() {
    for (text, expected) in [
        ("json = \"127.0.0.1:0\"", "SOCKSD_JWT_SECRET"),
        ("datagram = \"127.0.0.1:0\"", "SOCKSD_DATAGRAM_TOKEN"),
        ("oneshot = \"127.0.0.1:0\"", "SOCKSD_ONESHOT_TOKEN"),
        ("pop3 = \"127.0.0.1:0\"", "--maildir"),
        ("pop3 = \"127.0.0.1:0\"\nmaildir = \"/\"", "-u NAME:PASS"),
        ("listen = \"0.0.0.0\"", "without a user"),
        ("http = \"0.0.0.0:0\"", "SOCKSD_HTTP_TOKEN"),
        ("colour = 3", "line 3: there is no option colour"),
        ("[secrets]\njwt = \"short\"", "table secrets: jwt can't be used"),
    ] {
        let why = refusal(2, &format!("{FREE}{text}\n"), &[]);
        assert!(why.contains(expected), "{text}: {why}");
    }
    let why = refusal(2, FREE, &[("SOCKSD_ONESHOT_TOKEN", "short")]);
    assert!(why.contains("the value of SOCKSD_ONESHOT_TOKEN can't be used"), "{why}");
    let state = file("version = 7\nlogin_required = true\n");
    refusal(2, &format!("{FREE}state = \"{}\"\n", state.path()), &[]);
    let user = |number| format!("[[users]]\nname = \"u{number}\"\npassword = \"x\"\n");
    let users: String = (0..256).map(user).collect();
    let why = refusal(2, &format!("{FREE}{users}"), &[]);
    assert!(why.contains("255"), "{why}");
}

#[test]
fn the_command_line_is_refused_with_the_same_code() {
    let free = ["-p", "0", "-P", "0"];
    for args in [
        &["--json", "127.0.0.1:0"][..],
        &["--pop3", "127.0.0.1:0", "-u", "ana:1234"],
        &["-l", "0.0.0.0"],
        &["--http", "0.0.0.0:0"],
        &["--timeout", "0"],
    ] {
        let run = socksd(&[&free, args].concat(), &[]);
        assert_eq!(run.status.code(), Some(2), "{args:?}: {}", run.stderr);
    }
    let run = socksd(&free, &[("SOCKSD_JWT_SECRET", "short")]);
    assert_eq!(run.status.code(), Some(2), "{}", run.stderr);
}

#[test]
fn what_another_day_may_bring_is_tried_again() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("an address").port().to_string();
    for args in [
        &["-p", &port][..],
        &["-p", "0", "--access-log", "/no/such/folder/log"],
        &["-p", "0", "--state", "/no/such/folder/state"],
    ] {
        let run = socksd(&[&["-P", "0"], args].concat(), &[]);
        assert_eq!(run.status.code(), Some(1), "{args:?}: {}", run.stderr);
    }
    let nowhere = file("state = \"/dev/null/x\"\n");
    let checked = socksd(&["check", nowhere.path()], &[]);
    assert_eq!(checked.status.code(), Some(1), "{}", checked.stderr);
    assert!(checked.stderr.contains("/dev/null/x"), "{}", checked.stderr);
}

#[test]
fn two_listeners_do_not_share_a_port() {
    // Nothing listens anywhere before that is seen.
    for (text, one, other) in [
        ("port = 8080", "socks on 127.0.0.1:8080", "shoes on 127.0.0.1:8080"),
        ("port = 0\nmonitor = \"127.0.0.1:8080\"", "shoes on ", "monitor on 127.0.0.1:8080"),
        ("port = 0\nhttp = \"127.0.0.1:8080\"", "http on 127.0.0.1:8080", "shoes on "),
        ("shoes-listen = \"0.0.0.0\"\nshoes-port = 1080", "socks on ", "shoes on 0.0.0.0:1080"),
        ("listen = \"::1\"\nmonitor = \"[::]:1080\"", "socks on [::1]:1080", "monitor on [::]"),
        ("monitor = \"[::ffff:127.0.0.1]:1080\"", "socks on 127.0.0.1:1080", "monitor on "),
    ] {
        let why = refusal(2, text, &[]);
        assert!(why.contains(one) && why.contains(other), "{text}: {why}");
    }
    let token = [("SOCKSD_DATAGRAM_TOKEN", "7")];
    for text in [
        "datagram = \"127.0.0.1:8080\"",
        "shoes-listen = \"127.0.0.2\"\nshoes-port = 1080",
        "listen = \"::1\"\nshoes-port = 1080",
        "port = 0\nshoes-port = 0\nmonitor = \"127.0.0.1:0\"",
    ] {
        let checked = socksd(&["check", file(text).path()], &token);
        assert_eq!(checked.status.code(), Some(0), "{text}: {}", checked.stderr);
    }
}

#[test]
fn the_reason_is_an_event_where_a_format_is_asked_for() {
    let unknown = file("log-format = \"json\"\ncolour = 3\n");
    let wrong = file("colour = 3\n");
    for (args, why) in [
        (&["--log-format", "json", "--timeout", "0"][..], "--timeout"),
        (&["--timeout", "0", "--log-format", "json"], "--timeout"),
        (&["--log-format", "json", "--config", wrong.path()], "line 1: there is no option colour"),
        (&["--config", unknown.path()], "line 2: there is no option colour"),
        (&["--log-format", "json", "-u", "no-colon"], "a colon"),
    ] {
        let run = socksd(args, &[]);
        assert_eq!(run.status.code(), Some(2), "{args:?}: {}", run.stderr);
        let event: Value = serde_json::from_str(&run.stderr).expect("one object");
        assert_eq!((&event["level"], &event["event"]), (&"error".into(), &"not-started".into()));
        assert!(event["error"].as_str().expect("why").contains(why), "{event}");
    }
    let journal = socksd(&["--log-format", "journal", "--config", wrong.path()], &[]);
    assert!(journal.stderr.starts_with("<3>not-started error="), "{}", journal.stderr);
    // The command line wins, and a format that is none is text.
    for format in ["text", "xml"] {
        let text = socksd(&["--log-format", format, "--config", unknown.path()], &[]);
        assert!(text.stderr.starts_with("socksd: "), "{}", text.stderr);
    }
}
