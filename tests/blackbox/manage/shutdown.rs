//! SIGTERM: no more new ones, what is open may finish, exit 0.

use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::harness::clock::until;
use crate::harness::server::Server;
use crate::harness::socks::{can_log_in, greeted, through, try_through};
use crate::harness::target::{Target, echo};

/// Asks the server to end and waits until it takes no more connections.
#[track_caller]
fn begin(server: &Server) {
    server.terminate();
    until("new connections are refused", || TcpStream::connect(server.socks).is_err());
}

#[test]
fn an_idle_server_ends_at_once_with_0() {
    let mut server = Server::start(&["--grace", "600"]);
    drop(through(&server, echo()));
    server.terminate();
    assert_eq!(server.wait_for_exit().code(), Some(0));
}

#[test]
fn an_open_transfer_may_finish() {
    let mut server = Server::start(&["--grace", "600"]);
    let target = Target::listen();
    let mut client = through(&server, target.address());
    let mut accepted = target.accept();
    begin(&server);
    assert!(try_through(&server, None, target.address()).is_none());
    for size in [10, 1000, 1_000_000] {
        let octets = vec![0x55; size];
        let mut sender = accepted.twin();
        let sending = std::thread::spawn(move || sender.send(&octets));
        assert!(client.receive(size).iter().all(|octet| *octet == 0x55));
        sending.join().expect("sending");
    }
    client.send(b"up");
    accepted.expect(b"up");
    assert!(server.is_running(), "it waits for the transfer");
    client.finish();
    accepted.expect_eof();
    accepted.send(b"bye");
    accepted.finish();
    assert_eq!(client.receive_to_eof(), b"bye");
    assert_eq!(server.wait_for_exit().code(), Some(0));
}

#[test]
fn the_grace_period_ends_what_does_not_finish() {
    let mut server = Server::start(&["--grace", "1"]);
    let target = Target::listen();
    let mut client = through(&server, target.address());
    let mut accepted = target.accept();
    let start = Instant::now();
    server.terminate();
    client.expect_end();
    accepted.expect_end();
    assert!(start.elapsed() >= Duration::from_millis(900), "cut before its time");
    assert_eq!(server.wait_for_exit().code(), Some(0));
}

#[test]
fn a_second_signal_cuts_at_once() {
    let mut server = Server::start(&["--grace", "600"]);
    let target = Target::listen();
    let mut client = through(&server, target.address());
    let mut accepted = target.accept();
    begin(&server);
    client.send(b"still open");
    accepted.expect(b"still open");
    server.terminate();
    client.expect_end();
    accepted.expect_end();
    assert_eq!(server.wait_for_exit().code(), Some(0));
}

/// Someone who has connected and says nothing holds up an end for no longer
/// than the grace period.
#[test]
fn a_silent_client_does_not_prevent_the_end() {
    let mut server = Server::start(&["--grace", "1", "--handshake-timeout", "600"]);
    let _silent = greeted(&server);
    server.terminate();
    assert_eq!(server.wait_for_exit().code(), Some(0));
}

#[test]
fn management_sessions_do_not_prevent_the_end() {
    let mut server = Server::start(&["--grace", "1"]);
    let _admin = crate::harness::shoes::Admin::of(&server);
    server.terminate();
    assert_eq!(server.wait_for_exit().code(), Some(0));
}

#[test]
fn its_port_can_be_used_again_at_once() {
    // Where every address of 127/8 is there, one that no other test listens on: nobody else
    // gets the port in between.
    let address = if cfg!(target_os = "linux") { "127.108.7.1" } else { "127.0.0.1" };
    let mut first = Server::start(&["-l", address]);
    let target = Target::listen();
    let mut client = through(&first, target.address());
    let port = first.socks.port().to_string();
    first.terminate();
    // The server closes first, so its end of the connection lingers.
    target.accept().finish();
    client.expect_eof();
    drop(client);
    assert_eq!(first.wait_for_exit().code(), Some(0));
    let args = ["-l", address, "-p", &port, "-P", "0", "-U", "admin:secret"];
    let again = Server::with_arguments(&args);
    assert_eq!(again.socks, first.socks);
    through(&again, echo()).expect_echo(b"again");
}

#[test]
fn a_log_that_nobody_reads_holds_nothing_up() {
    let mut server = Server::start_unheard(&["-u", "ana:1234"]);
    // A pipe holds 64 KiB: some hundred of these lines.
    let name = [0xff; 255];
    for _ in 0..120 {
        assert!(!can_log_in(&server, name, "wrong"));
    }
    server.terminate();
    assert!(server.wait_for_exit().success());
}
