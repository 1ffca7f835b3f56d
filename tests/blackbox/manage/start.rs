//! The command line: what it starts with, and what it refuses to start with.

use std::net::SocketAddr;
use std::process::Command;

use crate::harness::clock::until;
use crate::harness::peer::Peer;
use crate::harness::server::{Run, Server, run};
use crate::harness::socks::{LOOPBACK, LOOPBACK_V6, OFFER_LOGIN, can_log_in, through};
use crate::harness::target::echo;
#[cfg(target_os = "linux")]
use crate::harness::terminal::Terminal;

fn socksd(args: &[&str]) -> Run {
    let mut command = Command::new(env!("CARGO_BIN_EXE_socksd"));
    command.args(args);
    run(command)
}

/// It ends by itself, not with 0, and says why.
#[track_caller]
fn expect_refusal(args: &[&str]) -> String {
    let run = socksd(&[&["-P", "0", "-U", "admin:secret"], args].concat());
    assert!(!run.status.success(), "{args:?} started");
    assert!(run.status.code().is_some(), "{args:?} crashed: {}", run.stderr);
    assert!(run.stderr.trim().contains(' '), "a sentence for {args:?}: {:?}", run.stderr);
    assert!(!run.stderr.contains("panicked"), "{}", run.stderr);
    assert!(!run.stdout.contains("listening socks"), "{args:?} listened");
    run.stderr
}

#[test]
fn with_nothing_but_ports_it_works_and_says_how() {
    let server = Server::with_arguments(&["-p", "0", "-P", "0"]);
    assert_eq!((server.socks.ip(), server.shoes.ip()), (LOOPBACK, LOOPBACK));
    through(&server, echo()).expect_echo(b"hello");
    until("the curl and socksctl lines to try next", || {
        let text = [server.stdout(), server.log()].concat();
        text.contains("curl") && text.contains("socksctl")
    });
}

#[test]
fn it_listens_where_it_is_told() {
    let server = Server::start(&["-l", "::1", "-L", "::1"]);
    assert_eq!((server.socks.ip(), server.shoes.ip()), (LOOPBACK_V6, LOOPBACK_V6));
    through(&server, echo()).expect_echo(b"hello");
    crate::harness::shoes::Admin::of(&server);
}

#[test]
fn options_may_be_written_as_getopt_takes_them() {
    let args = ["-l::1", "-Np0", "--shoes-port=0", "-uana:1234", "-Uroot:secret", "--timeout=5"];
    let server = Server::with_arguments(&args);
    assert_eq!((server.socks.ip(), server.shoes.ip()), (LOOPBACK_V6, LOOPBACK));
    assert!(can_log_in(&server, "ana", "1234"));
    let mut token = Command::new(env!("CARGO_BIN_EXE_socksd"));
    token.args(["token", "--subject=ops", "--scopes=all", "--ttl=2h"]);
    token.env("SOCKSD_JWT_SECRET", "sixteen octets!!");
    let token = run(token);
    assert_eq!(token.status.code(), Some(0), "{}", token.stderr);
    // What is wrong with a value is still said of its option.
    assert!(expect_refusal(&["-p65536"]).contains("0 to 65535"));
}

#[test]
fn not_loopback_and_no_user_is_refused() {
    for address in ["0.0.0.0", "::"] {
        expect_refusal(&["-p", "0", "-l", address]);
    }
}

#[test]
fn what_can_not_be_bound_out_is_refused() {
    for (address, why) in [
        ("192.0.2.1", "name an address of this machine"),
        ("0.0.0.0", "0.0.0.0 is no address of one machine"),
        ("localhost", "localhost"),
    ] {
        let error = expect_refusal(&["-p", "0", "--bind-out", address]);
        let error = error.split_whitespace().collect::<Vec<_>>().join(" ");
        // Without the feature every address is refused.
        assert!(error.contains(why) || error.contains("feature native"), "{address}: {error}");
    }
    let twice = ["-p", "0", "--bind-out", "127.0.0.1", "--bind-out", "127.0.0.2"];
    assert!(expect_refusal(&twice).contains("127.0.0.2 is the second of its family"));
    let error = expect_refusal(&["-p", "0", "--proxy-from", "10.0.0.1/8"]);
    assert!(error.contains("10.0.0.0/8"), "{error}");
}

#[test]
fn not_loopback_with_a_user_starts() {
    let server = Server::start(&["-l", "0.0.0.0", "-u", "ana:1234"]);
    let mut client = Peer::connect(SocketAddr::new(LOOPBACK, server.socks.port()));
    client.send(&OFFER_LOGIN);
    client.expect(&[0x05, 0x02]);
}

#[test]
fn a_port_that_is_taken_is_named() {
    let holder = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = holder.local_addr().expect("an address").port().to_string();
    let said = expect_refusal(&["-p", &port]);
    let why = said.lines().last().expect("a line");
    assert!(why.starts_with("socksd: ") && why.contains(&port), "{said}");
}

#[test]
fn arguments_that_make_no_sense_are_refused() {
    expect_refusal(&["-p", "0", "-u", "no-colon"]);
    expect_refusal(&["-p", "0", "-u", ":empty-name"]);
    expect_refusal(&["-p", "0", "-u", "empty-password:"]);
    expect_refusal(&["-p", "0", "-u", "a/b:slash"]);
    expect_refusal(&["-p", "0", "-U", "no-colon"]);
    expect_refusal(&["-p", "65536"]);
    expect_refusal(&["-p", "0", "-l", "not an address"]);
    expect_refusal(&["-p", "0", "--timeout", "soon"]);
    expect_refusal(&["-p", "0", "--timeout", "-1"]);
    expect_refusal(&["-p", "0", "--buffer-size", "511"]);
    expect_refusal(&["-p", "0", "--udp-ports", "9-8"]);
    expect_refusal(&["-p", "0", "--no-such-option"]);
    expect_refusal(&["-p", "0", "--access-log", "/no/such/folder/access.log"]);
}

#[test]
fn no_refusal_shows_a_password() {
    let sentence = expect_refusal(&["-p", "0", "-l", "0.0.0.0"]);
    assert!(!sentence.contains("secret"), "{sentence}");
    let sentence = expect_refusal(&["-p", "0", "-u", "a/b:kl4bautermann"]);
    assert!(!sentence.contains("kl4bautermann"), "{sentence}");
}

#[test]
fn version_and_help_are_printed() {
    let version = socksd(&["-v"]);
    assert!(version.status.success(), "{}", version.stderr);
    assert!(version.stdout.contains(env!("CARGO_PKG_VERSION")), "{}", version.stdout);
    for flag in ["-h", "--help"] {
        let help = socksd(&[flag]);
        assert!(help.status.success(), "{}", help.stderr);
        assert!(help.stdout.contains("--max-connections"), "{}", help.stdout);
    }
}

#[test]
fn many_users_can_be_given() {
    let server = Server::start(&["-u", "ana:1", "-u", "bob:2", "-u", "eve:3"]);
    for (name, password) in [("ana", "1"), ("bob", "2"), ("eve", "3")] {
        assert!(can_log_in(&server, name, password));
    }
}

#[cfg(unix)]
#[test]
fn an_argument_that_is_no_text_is_named() {
    use std::os::unix::ffi::OsStrExt;
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_socksd"));
    command.arg(std::ffi::OsStr::from_bytes(b"\xff"));
    let run = crate::harness::server::run(command);
    assert_eq!(run.status.code(), Some(2));
    assert!(run.stderr.contains("Unicode"), "{}", run.stderr);
}

#[test]
fn a_value_that_makes_no_sense_is_named_with_what_would() {
    for (args, why) in [
        (&["-p", "70000"][..], "option '-p' with value '70000': use a port from 0 to 65535"),
        (&["--json", "8084"], "option '--json' with value '8084': use an address and a port"),
        (&["-l", "here"], "option '-l' with value 'here': use an address like 127.0.0.1"),
        (&["--max-connections", "-1"], "use a number from 0 to 4294967295"),
        (&["--grace", "soon"], "use a number of seconds from 0.001"),
        (&["healthcheck", "9180"], "use an address and a port like 127.0.0.1:9180"),
        (&["--cofnig"], "unrecognized argument: --cofnig"),
    ] {
        let run = socksd(args);
        assert_eq!(run.status.code(), Some(2), "{args:?}");
        assert!(run.stderr.contains(why), "{args:?}: {}", run.stderr);
        assert!(run.stderr.ends_with("; see socksd --help\n"), "{}", run.stderr);
    }
}

/// The outputs of a script may be on a full disk.
#[cfg(target_os = "linux")]
#[test]
fn what_can_not_be_printed_is_a_failure_and_no_crash() {
    let full = || std::fs::File::options().write(true).open("/dev/full").expect("/dev/full");
    for (program, args, code) in [
        (env!("CARGO_BIN_EXE_socksd"), &["man"][..], 1),
        (env!("CARGO_BIN_EXE_socksd"), &["--version"], 1),
        (env!("CARGO_BIN_EXE_socksd"), &["token", "--scopes", "all", "--subject", "x"], 1),
        (env!("CARGO_BIN_EXE_socksd"), &["--cofnig"], 2),
        (env!("CARGO_BIN_EXE_socksctl"), &["--help"], 1),
        (env!("CARGO_BIN_EXE_socksctl"), &["frobnicate"], 2),
    ] {
        let mut command = Command::new(program);
        command.args(args).env("SOCKSD_JWT_SECRET", "0123456789abcdef");
        let ended = command.stdout(full()).stderr(full()).status().expect("its end");
        assert_eq!(ended.code(), Some(code), "{program} {args:?}");
    }
}

/// Nor is a question that can't be seen.
#[cfg(target_os = "linux")]
#[test]
fn what_can_not_be_asked_is_a_failure_and_no_crash() {
    for (program, args, code) in [
        (env!("CARGO_BIN_EXE_socksd"), &["hash-password"][..], 1),
        (env!("CARGO_BIN_EXE_socksctl"), &["--dialect", "json", "metrics"], 2),
    ] {
        let full = std::fs::File::options().write(true).open("/dev/full").expect("/dev/full");
        let command = pty_process::blocking::Command::new(program).args(args).stderr(full);
        let mut terminal = Terminal::run(80, 24, command.env_remove("SOCKSCTL_TOKEN"));
        assert_eq!(terminal.wait_for_exit().code(), Some(code), "{program} {args:?}");
    }
}

/// At a password too, where nothing is echoed: the terminal is left as it was.
#[cfg(all(target_os = "linux", feature = "native"))]
#[test]
fn ctrl_c_ends_a_prompt() {
    use std::os::unix::process::ExitStatusExt;

    for (program, args, typed) in [
        (env!("CARGO_BIN_EXE_socksd"), &["hash-password"][..], "password: "),
        (env!("CARGO_BIN_EXE_socksctl"), &["add-user", "ana"], "password of ana: "),
        (env!("CARGO_BIN_EXE_socksctl"), &["--dialect", "json", "metrics"], "token: "),
    ] {
        // Who runs the tests in the background may have them ignore it.
        let command = pty_process::blocking::Command::new("env").arg("--default-signal=INT");
        let command = command.arg(program).args(args).env_remove("SOCKSCTL_TOKEN");
        let mut terminal = Terminal::run(80, 24, command);
        terminal.wait_for(typed);
        assert!(!terminal.echoes(), "{program} {args:?}");
        terminal.type_keys("half\x03");
        assert_eq!(terminal.wait_for_exit().signal(), Some(2), "{program} {args:?}");
        assert!(terminal.echoes(), "{program} {args:?}");
        assert!(!terminal.text().contains("half"), "{}", terminal.text());
    }
}
