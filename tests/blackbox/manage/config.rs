//! The configuration file, `socksd check` and `socksd hash-password`.

use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};

use crate::harness::file::Scratch;
use crate::harness::server::{Run, Server, run};
use crate::harness::shoes::{Admin, add, buffer_size, remove};
use crate::harness::socks::can_log_in;

fn file(text: &str) -> Scratch {
    let file = Scratch::new("toml");
    fs::write(file.path(), text).expect("writing a configuration");
    file
}

#[track_caller]
fn check(file: &Scratch) -> Run {
    let mut command = Command::new(env!("CARGO_BIN_EXE_socksd"));
    command.args(["check", file.path()]);
    run(command)
}

/// What `socksd check` has against it.
#[track_caller]
fn wrong(text: &str) -> String {
    let checked = check(&file(text));
    assert_eq!((checked.status.code(), checked.stdout.as_str()), (Some(2), ""), "{text}");
    checked.stderr
}

/// The example of the README.
fn example() -> String {
    let readme = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md"));
    let readme = readme.expect("the README");
    let block = readme.split("```toml\n").nth(1).expect("an example in TOML");
    block.split("```").next().expect("its end").to_owned()
}

#[test]
fn the_example_of_the_readme_is_explained() {
    let checked = check(&file(&example()));
    assert_eq!(checked.status.code(), Some(0), "{}", checked.stderr);
    for line in [
        "socks: 0.0.0.0:1080",
        "shoes: 127.0.0.1:8080",
        "monitor: 127.0.0.1:8081",
        "datagram: 127.0.0.1:9090",
        "users: ana, bob",
        "limits of bob: rate_down 1000000, quota_month 50000000000, expires 2099-12-31",
        "admins: root",
        "state: state.toml: new",
    ] {
        assert!(checked.stdout.lines().any(|said| said == line), "{line}: {}", checked.stdout);
    }
    assert!(checked.stdout.contains("warning: user bob"), "{}", checked.stdout);
    assert!(!checked.stdout.contains("5678") && !checked.stdout.contains("warning: user ana"));
}

#[test]
fn the_example_of_the_readme_works_and_the_command_line_wins() {
    let (config, state, log) = (file(&example()), Scratch::new("toml"), Scratch::new("log"));
    let mut server = Server::with_arguments(&[
        "--config",
        config.path(),
        "--state",
        state.path(),
        "--access-log",
        log.path(),
        "-l",
        "127.0.0.1",
        "-p",
        "0",
        "-P",
        "0",
        "-U",
        "admin:secret",
        "-u",
        "bob:abcd",
        "--monitor",
        "127.0.0.1:0",
        "--datagram",
        "127.0.0.1:0",
    ]);
    server.listener("monitor");
    server.listener("datagram");
    assert_eq!(Admin::of(&server).users(), [b"ana".to_vec(), b"bob".to_vec()]);
    assert!(can_log_in(&server, "ana", "1234") && !can_log_in(&server, "ana", "5678"));
    assert!(can_log_in(&server, "bob", "abcd") && !can_log_in(&server, "bob", "5678"));
    assert!(log.records(4).iter().any(|record| record[1] == "ana"));
    let log = server.whole_log();
    assert!(log.contains("admin root: "), "the plain password is warned about: {log}");
    assert!(!log.contains("5678"), "{log}");
}

#[test]
fn every_option_can_be_in_a_file() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_socksd"));
    command.arg("--help");
    let help = run(command).stdout;
    // Commands have options of their own behind it.
    let (help, _) = help.split_once("\nCommands").expect("the end of the options");
    let words = help.split(|c: char| c.is_whitespace() || "[]<>,;:)".contains(c));
    let mut options: Vec<&str> = words.filter_map(|word| word.strip_prefix("--")).collect();
    options.sort_unstable();
    options.dedup();
    assert!(options.len() > 20, "{help}");
    for option in options {
        // Such an array is a value of no option: it is refused as such, so it is known.
        let error = wrong(&format!("\n{option} = [1]\n"));
        let elsewhere = ["config", "user", "admin", "version", "help"].contains(&option);
        let expected = if elsewhere { "there is no option" } else { "takes a text" };
        assert!(error.contains("line 2: ") && error.contains(expected), "{option}: {error}");
    }
}

#[test]
fn what_may_be_given_again_is_a_list() {
    let lists = "bind-out = [\"127.0.0.1\", \"::1\"]\nproxy-from = [\"10.0.0.0/8\", \"::1\"]\n";
    let checked = check(&file(lists));
    if cfg!(all(unix, feature = "native")) {
        assert!(checked.stdout.contains("\nbind-out: 127.0.0.1, ::1\n"), "{}", checked.stderr);
        assert!(checked.stdout.contains("\nproxy-from: 10.0.0.0/8, ::1\n"), "{}", checked.stdout);
    }
    let one = check(&file("proxy_from = \"10.0.0.0/8\""));
    assert!(one.stdout.contains("\nproxy-from: 10.0.0.0/8\n"), "{}", one.stderr);
    assert!(!check(&file("proxy-from = []")).stdout.contains("proxy-from"));
}

#[test]
fn what_is_wrong_is_named_with_its_line() {
    for (text, expected) in [
        ("colour = 3", "line 1: there is no option colour"),
        ("\n\ntimeout = 0", "line 3: "),
        ("port = 65536", "line 1: "),
        ("listen = \"localhost\"", "line 1: "),
        ("port = 0x50", "takes a text"),
        ("port 80", "line 1: "),
        ("proxy-from = [\"10.0.0.1/8\"]", "line 1: "),
        ("bind-out = [\"::1\", \"::2\"]", "::2 is the second of its family"),
        ("[[users]]\nname = \"a\"\npasswort = \"x\"", "line 3: unknown field `passwort`"),
        ("[[users]]\nname = \"a/b\"\npassword = \"x\"", "user a/b: "),
        ("[[users]]\nname = \"a\"\npassword = \"$argon2id$x\"", "user a: it is no argon2id"),
        ("[secrets]\ndatagramm = \"1\"", "line 2: unknown field `datagramm`"),
        ("[secrets]\ndatagram = \"x\"", "table secrets: datagram can't be used: set it to "),
        ("listen = \"0.0.0.0\"", "without a user"),
        ("datagram = \"127.0.0.1:0\"", "SOCKSD_DATAGRAM_TOKEN"),
        ("pop3 = \"127.0.0.1:0\"", "--maildir"),
    ] {
        let error = wrong(text);
        assert!(error.contains(expected), "{text}: {error}");
    }
    let twice = "[[admins]]\nname = \"a\"\npassword = \"x\"\n".repeat(2);
    assert!(wrong(&twice).contains("a is given twice"));
    let missing = Scratch::new("toml");
    assert!(check(&missing).stderr.contains(missing.path()));
}

#[test]
fn a_path_is_not_empty() {
    for option in ["state", "access-log", "credentials-log", "maildir", "config"] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_socksd"));
        command.args(["-p", "0", "-P", "0", &format!("--{option}"), ""]);
        let run = run(command);
        assert_eq!(run.status.code(), Some(2), "{option}: {}", run.stderr);
        assert!(run.stderr.contains(&format!("option '--{option}'")), "{}", run.stderr);
        if option != "config" {
            assert!(wrong(&format!("{option} = \"\"")).contains("line 1: "), "{option}");
            assert!(wrong(&format!("{option} = \"a\\u0000\"")).contains("line 1: "), "{option}");
        }
    }
}

#[test]
fn what_is_not_the_default_is_told() {
    let said = check(&file("")).stdout;
    let names = said.lines().filter_map(|line| line.split_once(": ")).map(|(name, _)| name);
    let all = ["socks", "shoes", "users", "admins", "rule", "rule", "safe default", "state"];
    assert_eq!(names.collect::<Vec<_>>(), all, "{said}");
    assert!(said.lines().all(|line| line.len() <= 80), "{said}");
    let said = check(&file(
        "timeout = 1.5\nmax-per-user = 50\nlog_format = \"json\"\naccess-log = \"a.log\"\n\
         grace = 10\nbuffer-size = 4096\nlogin-failures = 2\nudp-ports = \"7-9\"\nlog-level = \"warn\"",
    ));
    for line in [
        "timeout: 1.5 seconds",
        "max-per-user: 50",
        "log-format: json",
        "log-level: warn",
        "access-log: a.log",
        "buffer-size: 4096",
        "udp-ports: 7-9",
        "login-failures: 2",
    ] {
        assert!(said.stdout.lines().any(|said| said == line), "{line}: {}", said.stdout);
    }
    assert!(!said.stdout.contains("grace"), "{}", said.stdout);
}

/// It is checked again after every change, and then there is a state.
#[test]
fn what_holds_is_told_where_a_state_wins() {
    let state = Scratch::new("toml");
    let text = format!(
        "listen = \"0.0.0.0\"\nport = 0\nshoes-port = 0\nbuffer-size = 4096\ntimeout = 600\n\
         state = \"{}\"\n\
         [rules]\ntargets = [\"deny *:25\"]\n\
         [[users]]\nname = \"ana\"\npassword = \"1234\"\nlimits = {{ rate_up = 7 }}\n\
         [[admins]]\nname = \"admin\"\npassword = \"secret\"\n",
        state.path()
    );
    let config = file(&text);
    let before = check(&config).stdout;
    let server = Server::with_arguments(&["--config", config.path()]);
    drop(server);
    let same = check(&config).stdout;
    for line in ["users: ana", "limits of ana: rate_up 7", "admins: admin", "timeout: 600 seconds"]
    {
        assert!(before.lines().any(|said| said == line), "{line}: {before}");
        assert!(same.lines().any(|said| said == line), "{line}: {same}");
    }
    assert!(same.contains("exists and wins\n"), "{same}");
    assert!(!before.contains("ignored") && !same.contains("ignored"), "{same}");

    let server = Server::with_arguments(&["--config", config.path()]);
    let mut admin = Admin::of(&server);
    admin.put(&add(b"eve", b"5678"));
    admin.put(&remove(b"ana"));
    admin.put(&buffer_size(512));
    drop(server);
    let other = check(&config).stdout;
    for line in [
        "users: eve",
        "admins: admin",
        "buffer-size: 512",
        "timeout: 600 seconds",
        "rule: targets 1: deny *:25",
        "ignored: user ana: the state file wins, and has no such user",
        "ignored: setting buffer_size: the state file wins, and has another value",
    ] {
        assert!(other.lines().any(|said| said == line), "{line}: {other}");
    }
    assert!(!other.contains("limits of"), "{other}");

    let server = Server::with_arguments(&["--config", config.path()]);
    Admin::of(&server).put(&remove(b"eve"));
    drop(server);
    let nobody = check(&config).stdout;
    assert!(nobody.contains("\nusers: none: nobody may use the proxy until"), "{nobody}");
}

#[test]
fn no_error_shows_a_secret() {
    for text in [
        "[[users]]\nname = \"a\"\npassword = \"kl4bautermann\" x",
        "[[users]]\nname = \"a:\"\npassword = \"kl4bautermann\"",
        "[[users]]\nname = 5\npassword = \"kl4bautermann\"",
        "[secrets]\njwt = \"kl4bautermann\"",
        "[secrets]\noneshot = \"kl4bautermann\"",
    ] {
        let error = wrong(text);
        assert!(!error.contains("kl4bautermann"), "{error}");
    }
}

#[test]
fn a_hash_is_made_for_the_file() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_socksd"));
    command.arg("hash-password").stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.stderr(Stdio::piped()).spawn().expect("starting socksd");
    child.stdin.take().expect("a pipe").write_all(b"5678\n").expect("a password");
    let output = child.wait_with_output().expect("its output");
    let hash = String::from_utf8(output.stdout).expect("text");
    assert!(output.status.success() && hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
    let user = format!("[[users]]\nname = \"ana\"\npassword = '{}'\n", hash.trim());
    let config = file(&user);
    let server = Server::start(&["--config", config.path()]);
    for _ in 0..2 {
        assert!(can_log_in(&server, "ana", "5678"));
        assert!(!can_log_in(&server, "ana", "1234"));
    }
    let mut command = Command::new(env!("CARGO_BIN_EXE_socksd"));
    command.arg("hash-password");
    assert_eq!(run(command).status.code(), Some(1), "no password, no hash");
}
