//! What flows between client and target, and how it ends.

#[cfg(all(target_os = "linux", feature = "native"))]
use std::io::ErrorKind;
use std::io::{Read, Write};
#[cfg(target_os = "linux")]
use std::net::SocketAddr;
use std::thread;
#[cfg(all(target_os = "linux", feature = "native"))]
use std::time::Duration;

#[cfg(target_os = "linux")]
use crate::harness::clock::until;
use crate::harness::peer::Peer;
use crate::harness::server::Server;
use crate::harness::shoes::{Admin, buffer_size};
use crate::harness::socks::{CONNECT, greeted, ip, through};
use crate::harness::target::{Target, echo};

const MIB: usize = 1024 * 1024;
const BULK: usize = if cfg!(debug_assertions) { 64 * MIB } else { 256 * MIB };
const CHUNK: usize = 64 * 1024;
/// A prime, so that a lost or doubled piece of any usual size shows.
const PERIOD: usize = 65_521;

/// A client and the target's end of its connection.
#[track_caller]
fn pair(server: &Server) -> (Peer, Peer) {
    let target = Target::listen();
    let client = through(server, target.address());
    (client, target.accept())
}

/// Octets that repeat after [`PERIOD`], long enough to cut a chunk anywhere.
fn pattern() -> Vec<u8> {
    let mut state = 1u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    };
    let period: Vec<u8> = (0..PERIOD).map(|_| next()).collect();
    period.iter().copied().cycle().take(PERIOD + CHUNK).collect()
}

#[track_caller]
fn send_pattern(peer: &mut Peer, total: usize) {
    let pattern = pattern();
    let mut sent = 0;
    while sent < total {
        let from = sent % PERIOD;
        let count = CHUNK.min(total - sent);
        peer.stream.write_all(&pattern[from..from + count]).expect("sending the pattern");
        sent += count;
    }
}

#[track_caller]
fn expect_pattern(peer: &mut Peer, total: usize) {
    let pattern = pattern();
    let mut buffer = vec![0; CHUNK];
    let mut received = 0;
    while received < total {
        let count = peer.stream.read(&mut buffer).expect("receiving the pattern");
        assert_ne!(count, 0, "ended after {received} octets of {total}");
        let from = received % PERIOD;
        assert!(buffer[..count] == pattern[from..from + count], "altered after {received}");
        received += count;
    }
    assert_eq!(received, total);
}

#[track_caller]
fn expect_bulk_echo(server: &Server, total: usize) {
    let mut client = through(server, echo());
    let mut sender = client.twin();
    let sending = thread::spawn(move || {
        send_pattern(&mut sender, total);
        sender.finish();
    });
    expect_pattern(&mut client, total);
    client.expect_eof();
    sending.join().expect("sending");
}

#[test]
fn an_answer_after_the_clients_end_arrives() {
    let server = Server::open();
    let (mut client, mut target) = pair(&server);
    client.send(b"question");
    client.finish();
    assert_eq!(target.receive_to_eof(), b"question");
    target.send(b"answer");
    client.expect(b"answer");
    target.send(b", and the rest");
    target.finish();
    assert_eq!(client.receive_to_eof(), b", and the rest");
}

#[test]
fn a_late_upload_after_the_targets_end_arrives() {
    let server = Server::open();
    let (mut client, mut target) = pair(&server);
    target.send(b"greeting");
    target.finish();
    assert_eq!(client.receive_to_eof(), b"greeting");
    client.send(b"late upload");
    target.expect(b"late upload");
    send_pattern(&mut client, 3 * MIB);
    client.finish();
    expect_pattern(&mut target, 3 * MIB);
    target.expect_eof();
}

#[test]
fn either_end_alone_leaves_the_other_direction_open() {
    let server = Server::open();
    let (mut client, mut target) = pair(&server);
    client.finish();
    target.expect_eof();
    client.expect_silence(std::time::Duration::from_millis(100));
    target.send(b"still here");
    client.expect(b"still here");
}

#[test]
fn a_large_echo_flows_both_ways_at_once() {
    expect_bulk_echo(&Server::open(), BULK);
}

#[test]
fn several_large_echoes_flow_beside_each_other() {
    let server = Server::open();
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| expect_bulk_echo(&server, 4 * MIB));
        }
    });
}

/// One direction that is stuck must not hold up the other.
#[test]
fn a_target_that_does_not_read_does_not_block_its_answers() {
    let server = Server::open();
    let (client, mut target) = pair(&server);
    let (mut sender, mut receiver) = (client.twin(), client);
    let sending = thread::spawn(move || send_pattern(&mut sender, 32 * MIB));
    send_pattern(&mut target, MIB);
    expect_pattern(&mut receiver, MIB);
    target.send(b"!");
    receiver.expect(b"!");
    expect_pattern(&mut target, 32 * MIB);
    sending.join().expect("sending");
}

#[test]
fn small_writes_arrive_as_they_are_made() {
    let server = Server::open();
    let (mut client, mut target) = pair(&server);
    for number in 0..500u32 {
        client.send(&number.to_be_bytes());
        target.expect(&number.to_be_bytes());
        target.send(&number.to_le_bytes());
        client.expect(&number.to_le_bytes());
    }
}

#[test]
fn every_size_around_a_power_of_two_arrives() {
    let server = Server::open();
    let mut client = through(&server, echo());
    for power in 9..=17 {
        for size in [(1 << power) - 1, 1 << power, (1 << power) + 1] {
            client.expect_echo(&pattern().into_iter().cycle().take(size).collect::<Vec<u8>>());
        }
    }
}

#[test]
fn a_buffer_size_set_by_an_admin_carries_everything() {
    let server = Server::open();
    let mut admin = Admin::of(&server);
    for size in [512, 513, 4096, 65_535] {
        admin.put(&buffer_size(size));
        expect_bulk_echo(&server, 2 * MIB + 1);
    }
}

#[test]
fn a_buffer_size_given_at_the_start_carries_everything() {
    expect_bulk_echo(&Server::start(&["--buffer-size", "1000"]), 2 * MIB + 1);
}

#[test]
fn a_reset_by_the_client_ends_the_target() {
    let server = Server::open();
    let (mut client, mut target) = pair(&server);
    target.send(b"unread");
    client.send(b"x");
    target.expect(b"x");
    client.reset();
    target.expect_end();
}

#[test]
fn a_reset_by_the_target_ends_the_client() {
    let server = Server::open();
    let (mut client, target) = pair(&server);
    client.send(b"unread");
    target.reset();
    client.expect_end();
}

#[test]
fn a_reset_ends_a_half_closed_connection() {
    let server = Server::open();
    let (mut client, mut target) = pair(&server);
    client.send(b"unread");
    client.finish();
    target.send(b"x");
    client.expect(b"x");
    target.reset();
    client.expect_end();
}

/// Sends until the way to the other end is full, with its threads in the middle of
/// writing.
#[cfg(all(target_os = "linux", feature = "native"))]
fn fill(peer: &Peer) {
    peer.stream.set_write_timeout(Some(Duration::from_millis(200))).expect("a write timeout");
    while (&peer.stream).write_all(&[0; CHUNK]).is_ok() {}
}

#[cfg(all(target_os = "linux", feature = "native"))]
#[track_caller]
fn expect_reset(peer: &Peer) {
    let error = (&peer.stream).read(&mut [0]).expect_err("a reset, not an end");
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
}

#[cfg(all(target_os = "linux", feature = "native"))]
#[test]
fn a_reset_in_the_middle_of_a_transfer_never_looks_like_its_end() {
    let server = Server::open();
    for _ in 0..10 {
        let (client, target) = pair(&server);
        fill(&client);
        target.abort();
        expect_reset(&client);
        let (client, target) = pair(&server);
        fill(&target);
        client.abort();
        expect_reset(&target);
    }
}

/// Ends `count` relays by a reset of one side and waits until the server has
/// forgotten them, and closed them.
#[cfg(target_os = "linux")]
fn reset_relays(server: &Server, admin: &mut Admin, address: SocketAddr, count: usize) {
    let descriptors = server.descriptors();
    let clients: Vec<Peer> = (0..count)
        .map(|_| {
            let mut client = through(server, address);
            client.send(b"unread");
            client
        })
        .collect();
    clients.into_iter().for_each(Peer::reset);
    until("no connection is left", || admin.metrics().current == 0);
    until("no more descriptors than before", || server.descriptors() <= descriptors);
}

#[cfg(target_os = "linux")]
#[test]
fn ended_connections_leave_neither_threads_nor_descriptors() {
    let server = Server::open();
    let mut admin = Admin::of(&server);
    let address = echo();
    // Threads are kept, and come back a little later than descriptors: so there are enough
    // for some of the later rounds, and not for all of them.
    reset_relays(&server, &mut admin, address, 50);
    let threads = server.threads();
    for _ in 0..15 {
        reset_relays(&server, &mut admin, address, 10);
    }
    until("no more threads than after the first fifty", || server.threads() <= threads);
}

#[test]
fn a_target_that_only_closes_ends_the_client() {
    let (server, target) = (Server::open(), Target::listen());
    let mut client = greeted(&server);
    client.ask(CONNECT, &ip(target.address()));
    drop(target.accept());
    client.expect_eof();
}
