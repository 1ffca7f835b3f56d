//! Logs that can't be written.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use crate::harness::clock::until;
use crate::harness::server::Server;
use crate::harness::shoes::Admin;
use crate::harness::socks::{name, refused, through};
use crate::harness::target::echo;

/// Every write to it fails for want of space.
const FULL: &str = "/dev/full";

/// Clients come and go, one with something for the log, and are counted.
#[track_caller]
fn expect_service(server: &Server) {
    let target = echo();
    for _ in 0..5 {
        through(server, target).expect_echo(b"served");
    }
    assert_ne!(refused(server, &name("no such name", 80)), 0x00);
    let mut admin = Admin::of(server);
    until("they are gone", || admin.metrics().current == 0);
    assert_eq!(admin.metrics().historic, 6);
}

#[test]
fn an_access_log_on_a_full_disk_is_said_once_and_service_goes_on() {
    let mut server = Server::start(&["--access-log", FULL]);
    expect_service(&server);
    let log = server.whole_log();
    let said = log.lines().filter(|line| line.contains(FULL)).count();
    assert!((1..=2).contains(&said), "{said} lines:\n{log}");
    assert_eq!(server.wait_for_exit().code(), Some(0));
}

#[test]
fn with_all_logs_on_a_full_disk_service_goes_on() {
    let log = File::options().write(true).open(FULL).expect("/dev/full");
    let args = ["--access-log", FULL, "--credentials-log", FULL];
    let mut server = Server::start_logging_to(log, &args);
    expect_service(&server);
    server.terminate();
    assert_eq!(server.wait_for_exit().code(), Some(0));
}

#[test]
fn with_nobody_at_the_end_of_the_logs_pipe_service_goes_on() {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    // The access log fails too, which would have to be said there.
    let mut server = Server::start_logging_to(writer, &["--access-log", FULL]);
    expect_service(&server);
    server.terminate();
    assert_eq!(server.wait_for_exit().code(), Some(0));
}

struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Nobody reads any more what a server says at its start.
#[test]
fn a_closed_standard_output_is_no_reason_to_end() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_socksd"));
    command.args(["-p", "0", "-P", "0", "-U", "admin:secret"]);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut server = Killed(command.spawn().expect("starting socksd"));
    let stdout = server.0.stdout.take().expect("a pipe");
    let mut line = String::new();
    BufReader::new(stdout).read_line(&mut line).expect("the first line");
    let address = line.trim().strip_prefix("listening socks ").expect("a listener");
    let address = address.parse().expect("an address");
    let mut client = crate::harness::peer::Peer::connect(address);
    client.send(&crate::harness::socks::OFFER_NONE);
    client.expect(&[0x05, 0x00]);
    client.ask(crate::harness::socks::CONNECT, &crate::harness::socks::ip(echo()));
    client.expect_echo(b"served");
}
