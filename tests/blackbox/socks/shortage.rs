//! A server out of descriptors: it keeps calm, says so, and goes on by itself.

use std::net::SocketAddr;
use std::time::Duration;

use crate::harness::clock::until;
use crate::harness::peer::Peer;
use crate::harness::server::Server;
use crate::harness::socks::{CONNECT, greeted, ip, name, request, try_through};
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

/// A server and its clients, who ask for something one after the other and stay.
struct Short {
    _server: Server,
    waiting: Vec<Peer>,
    answered: Vec<Peer>,
}

impl Short {
    /// With some descriptors left.
    fn start() -> Self {
        let server = Server::start_with_descriptors(DESCRIPTORS, &PATIENT);
        let waiting = (0..DESCRIPTORS - 10).map(|_| greeted(&server)).collect();
        Self { _server: server, waiting, answered: Vec::new() }
    }

    #[track_caller]
    fn connect(&mut self, destination: &[u8]) -> u8 {
        let mut client = self.waiting.pop().expect("more connections than descriptors");
        client.send(&request(CONNECT, destination));
        let code = client.reply().code;
        if code != 0x00 {
            client.expect_eof();
        }
        self.answered.push(client);
        code
    }

    /// Takes a descriptor with each connection until there is none; the last reply's code.
    #[track_caller]
    fn exhaust(&mut self, target: SocketAddr) -> u8 {
        loop {
            let code = self.connect(&ip(target));
            if code != 0x00 {
                return code;
            }
        }
    }
}

/// RFC 1928: X'01', general SOCKS server failure, is the only honest word for it.
#[test]
fn a_connect_without_a_descriptor_is_01() {
    assert_eq!(Short::start().exhaust(echo()), 0x01);
}

#[test]
fn a_name_without_a_descriptor_to_ask_with_is_01() {
    let (mut short, target) = (Short::start(), echo());
    let by_name = name("localhost", target.port());
    loop {
        assert_eq!(short.exhaust(target), 0x01);
        // Who is refused keeps a descriptor for two seconds, which a busy machine may let pass.
        if short.connect(&by_name) == 0x01 {
            return;
        }
    }
}
