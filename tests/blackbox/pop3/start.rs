//! What POP3 needs to start, and how it shows in the logs.

use std::process::Command;

use crate::harness::file::Scratch;
use crate::harness::pop3::{Mail, Maildir};
use crate::harness::server::{Server, run};

#[track_caller]
fn expect_refusal(args: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_socksd"));
    command.args(["-p", "0", "-P", "0", "-U", "admin:secret", "--pop3", "127.0.0.1:0"]).args(args);
    let run = run(command);
    assert!(!run.status.success() && run.status.code().is_some(), "{args:?} started");
    assert!(!run.stdout.contains("listening"), "{}", run.stdout);
    run.stderr
}

#[test]
fn it_needs_a_maildir_and_a_user() {
    let maildir = Maildir::new();
    assert!(expect_refusal(&["-u", "ana:1234"]).contains("--maildir"));
    assert!(expect_refusal(&["--maildir", maildir.path()]).contains("-u NAME:PASS"));
    let missing = format!("{}/missing", maildir.path());
    let why = expect_refusal(&["-u", "ana:1234", "--maildir", &missing]);
    assert!(why.contains(&missing), "{why}");
}

#[test]
fn it_is_off_unless_it_is_asked_for() {
    let maildir = Maildir::new();
    let mut server = Server::start(&["--maildir", maildir.path(), "-u", "ana:1234"]);
    server.whole_log();
    assert!(!server.stdout().contains("listening pop3"), "{}", server.stdout());
}

#[test]
fn a_taken_port_is_named() {
    let maildir = Maildir::new();
    let (_server, address) = maildir.serve(&[]);
    let mut command = Command::new(env!("CARGO_BIN_EXE_socksd"));
    let address = address.to_string();
    command.args(["-p", "0", "-P", "0", "-U", "admin:secret", "-u", "ana:1234"]);
    command.args(["--pop3", &address, "--maildir", maildir.path()]);
    let run = run(command);
    assert!(!run.status.success() && run.stderr.contains(&address), "{}", run.stderr);
}

#[test]
fn every_session_is_a_line_of_the_access_log() {
    let (maildir, log) = (Maildir::holding(&[("new/1.a", b"x\n")]), Scratch::new("access"));
    let (_server, address) = maildir.serve(&["--access-log", log.path()]);
    let mut mail = Mail::open(address);
    mail.ask_long("RETR 1");
    mail.quit();
    let quit = &log.records(1)[0];
    assert_eq!((quit[1].as_str(), quit[11].as_str()), ("ana", "closed"));
    let sent = "USER ana\r\nPASS 1234\r\nRETR 1\r\nQUIT\r\n".len().to_string();
    assert_eq!(quit[8], sent, "octets up");
    assert!(quit[9].parse::<u64>().expect("octets down") > 50);

    drop(Mail::open(address));
    let mut wrong = Mail::greeted(address);
    assert_eq!(log.records(2)[1][11], "client-error");
    wrong.ask("USER bea");
    wrong.refusal("PASS x");
    drop(wrong);
    let failed = &log.records(3)[2];
    assert_eq!((failed[1].as_str(), failed[11].as_str()), ("bea", "login-failed"));
}
