//! Nothing waits for ever: handshake, silence, half-closed connections.

use std::io::{Read, Write};
use std::time::{Duration, Instant};

use crate::harness::clock::{DEADLINE, eventually};
use crate::harness::peer::{Peer, is_timeout};
use crate::harness::server::Server;
use crate::harness::socks::{OFFER_LOGIN, OFFER_NONE, offered_in_time, through, try_through};
use crate::harness::target::{Target, echo};

/// A client whose offer was taken, and who has said this since.
#[track_caller]
fn greeted_and_saying(server: &Server, offer: [u8; 3], octets: &[u8]) -> Peer {
    eventually("a greeting in time", || {
        let mut client = offered_in_time(server, offer)?;
        client.stream.write_all(octets).ok().map(|()| client)
    })
}

#[test]
fn a_silent_client_is_closed_on_at_every_step_of_the_handshake() {
    let server = Server::start(&["--handshake-timeout", "0.5"]);
    let mut silent = Peer::connect(server.socks);
    let mut after_greeting = greeted_and_saying(&server, OFFER_NONE, b"");
    let octets = [0x05, 0x01, 0x00, 0x03, 0x09, b'l'];
    let mut in_request = greeted_and_saying(&server, OFFER_NONE, &octets);
    silent.expect_end();
    after_greeting.expect_end();
    in_request.expect_end();
}

#[test]
fn a_silent_client_is_closed_on_before_its_login() {
    let server = Server::start(&["--handshake-timeout", "0.5", "-u", "ana:1234"]);
    greeted_and_saying(&server, OFFER_LOGIN, &[0x01, 0x03, b'a']).expect_end();
}

/// The deadline is one of the whole handshake: octets that trickle in do not
/// extend it. 257 of them would take 25 seconds.
#[test]
fn the_handshake_deadline_is_a_total() {
    let allowed = Duration::from_millis(1500);
    let server = Server::start(&["--handshake-timeout", "1.5"]);
    let start = Instant::now();
    let mut client = Peer::connect(server.socks);
    client.stream.set_read_timeout(Some(Duration::from_millis(100))).expect("a read timeout");
    client.send(&[0x05, 0xff]);
    let ended = (0..255).any(|_| {
        let sent = client.stream.write_all(&[0x01]);
        let read = client.stream.read(&mut [0]);
        match (sent, read) {
            (Ok(()), Err(error)) if is_timeout(&error) => false,
            (_, Ok(count)) => count == 0,
            _ => true,
        }
    });
    assert!(ended, "the server waited for the whole offer");
    assert!(start.elapsed() >= allowed, "ended before its time");
}

#[test]
fn the_handshake_deadline_does_not_touch_what_is_open() {
    let server = Server::start(&["--handshake-timeout", "0.5"]);
    let target = echo();
    let mut open = eventually("a handshake in time", || try_through(&server, None, target));
    let mut silent = Peer::connect(server.socks);
    silent.send(&OFFER_NONE[..2]);
    silent.expect_end();
    open.expect_echo(b"alive");
}

#[test]
fn silence_in_both_directions_ends_a_connection() {
    let server = Server::start(&["--timeout", "1"]);
    let target = Target::listen();
    let start = Instant::now();
    let mut client = through(&server, target.address());
    let mut accepted = target.accept();
    client.expect_end();
    accepted.expect_end();
    assert!(start.elapsed() >= Duration::from_secs(1), "ended before its time");
}

/// Octets in one direction keep the silent one open too.
#[test]
fn traffic_in_either_direction_keeps_both_open() {
    let server = Server::start(&["--timeout", "3"]);
    let target = Target::listen();
    let mut up = through(&server, target.address());
    let mut up_target = target.accept();
    let mut down = through(&server, target.address());
    let mut down_target = target.accept();
    for _ in 0..25 {
        up.send(b"x");
        up_target.expect(b"x");
        down_target.send(b"y");
        down.expect(b"y");
        up.expect_silence(Duration::from_millis(200));
    }
    up_target.send(b"z");
    up.expect(b"z");
    down.send(b"z");
    down_target.expect(b"z");
}

#[test]
fn a_half_closed_connection_has_a_deadline_of_its_own() {
    let server = Server::start(&["--timeout", "600", "--half-closed-timeout", "0.5"]);
    let target = Target::listen();
    let mut by_client = through(&server, target.address());
    let mut by_client_target = target.accept();
    let mut by_target = through(&server, target.address());
    let mut by_target_target = target.accept();
    let mut open = through(&server, target.address());
    let mut open_target = target.accept();
    by_client.finish();
    by_client_target.expect_eof();
    by_target_target.finish();
    by_target.expect_eof();
    by_client.expect_end();
    // The other one's near side reads the end already, so its far side tells.
    by_target_target.expect_end();
    open.send(b"alive");
    open_target.expect(b"alive");
}

/// Far below the deadline of the tests, though the target takes nothing.
#[test]
fn a_peer_that_reads_nothing_does_not_hold_a_connection_for_ever() {
    let server = Server::start(&["--timeout", "1"]);
    let target = Target::listen();
    let mut client = through(&server, target.address());
    let _stuck = target.accept();
    client.stream.set_write_timeout(Some(DEADLINE)).expect("a write timeout");
    let chunk = vec![0; 64 * 1024];
    let error = loop {
        if let Err(error) = client.stream.write_all(&chunk) {
            break error;
        }
    };
    assert!(!is_timeout(&error), "the connection outlived its timeout: {error}");
}
