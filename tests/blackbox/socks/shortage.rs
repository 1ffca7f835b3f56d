//! A server out of descriptors: it keeps calm, says so, and goes on by itself.

use std::time::Duration;

use crate::harness::clock::{DEADLINE, eventually, until};
use crate::harness::peer::Peer;
use crate::harness::server::Server;
use crate::harness::socks::{CONNECT, OFFER_NONE, ip, name, request, try_through};
use crate::harness::target::echo;

const DESCRIPTORS: u32 = 40;
const PATIENT: [&str; 2] = ["--handshake-timeout", "600"];

/// Silent clients until the server can accept no more.
fn exhaust(server: &Server) -> Vec<Peer> {
    let silent: Vec<Peer> = (0..60).map(|_| Peer::connect(server.socks)).collect();
    until("no descriptor is left", || server.descriptors() + 2 >= DESCRIPTORS as usize);
    silent
}

#[test]
fn accepting_goes_on_by_itself() {
    let server = Server::start_with_descriptors(DESCRIPTORS, &PATIENT);
    let address = echo();
    for _ in 0..2 {
        drop(exhaust(&server));
        until("it serves again", || {
            try_through(&server, None, address).is_some_and(|mut client| {
                client.expect_echo(b"alive");
                true
            })
        });
    }
}

#[test]
fn it_neither_spins_nor_floods_the_log() {
    let server = Server::start_with_descriptors(DESCRIPTORS, &PATIENT);
    let mut silent = exhaust(&server);
    until("the log says that descriptors are short", || !server.log().is_empty());
    let (ticks, lines) = (server.cpu_ticks(), server.log().lines().count());
    let last = silent.last_mut().expect("sixty of them");
    last.expect_silence(Duration::from_secs(3));
    let used = server.cpu_ticks() - ticks;
    assert!(used < 100, "{used} hundredths of a second of CPU in three seconds of waiting");
    let added = server.log().lines().count() - lines;
    assert!(added <= 10, "{added} lines in three seconds:\n{}", server.log());
}

/// Waits for an answer: `false` when there is none, and no descriptor is left.
#[track_caller]
fn answer_while_there_are_descriptors(server: &Server, client: &Peer) -> bool {
    client.stream.set_read_timeout(Some(Duration::from_millis(100))).expect("a read timeout");
    let answered = eventually("an answer, or no descriptor", || {
        match client.stream.peek(&mut [0]) {
            Ok(count) => Some(count > 0),
            // SHOES waits in accept(2), which Linux gives a number before there is a descriptor.
            Err(_) => (server.descriptors() + 1 >= DESCRIPTORS as usize).then_some(false),
        }
    });
    client.stream.set_read_timeout(Some(DEADLINE)).expect("a read timeout");
    answered
}

/// RFC 1928: X'01', general SOCKS server failure, is the only honest word for it.
#[track_caller]
fn expect_01_without_a_descriptor(destination: &[u8]) {
    let server = Server::start_with_descriptors(DESCRIPTORS, &PATIENT);
    let mut greeted: Vec<Peer> = Vec::new();
    // It may have the last descriptor, or wait for one.
    let _unanswered = loop {
        assert!(greeted.len() < 60, "more connections than descriptors");
        let mut client = Peer::connect(server.socks);
        client.send(&OFFER_NONE);
        match answer_while_there_are_descriptors(&server, &client) {
            true => client.expect(&[0x05, 0x00]),
            false => break client,
        }
        greeted.push(client);
    };
    let mut client = greeted.pop().expect("one at least was accepted");
    client.send(&request(CONNECT, destination));
    assert_eq!(client.refusal(), 0x01);
}

#[test]
fn a_connect_without_a_descriptor_is_01() {
    expect_01_without_a_descriptor(&ip(echo()));
}

#[test]
fn a_name_without_a_descriptor_to_ask_with_is_01() {
    expect_01_without_a_descriptor(&name("localhost", echo().port()));
}
