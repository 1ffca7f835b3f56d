//! What clients do, well-behaved and otherwise. Each move says how many octets the
//! server has to count for it, in both directions together.

use std::net::SocketAddr;
use std::thread;
use std::time::Duration;

use crate::harness::peer::Peer;
use crate::harness::server::Server;
use crate::harness::socks::{
    ANYWHERE, ASSOCIATE, BIND, CONNECT, LOOPBACK, OFFER_LOGIN, ip, logged_in, request,
};
use crate::harness::target::{Nobody, Target, echo};
use crate::harness::udp::{Socket, datagram};

type Login<'a> = (&'a str, &'a str);
type Move = fn(&mut Mover, &Server, Login<'_>) -> u64;

const MOVES: [Move; 9] = [
    Mover::converse,
    Mover::half_close,
    Mover::reset,
    Mover::read_slowly,
    Mover::say_nothing,
    Mover::leave_in_the_handshake,
    Mover::ask_for_nobody,
    Mover::bind,
    Mover::associate,
];

/// What the source of [`Mover::read_slowly`] sends.
const LONG: usize = 300_000;

/// A client that does one thing after the other.
pub struct Mover {
    random: u64,
    echo: SocketAddr,
    source: SocketAddr,
    nobody: Nobody,
}

impl Mover {
    /// The same seed makes the same moves.
    pub fn new(seed: u64) -> Self {
        let source = Target::listen().serve(|mut peer| {
            peer.send(&[0x55; LONG]);
            peer.finish();
            peer.expect_eof();
        });
        let random = (seed + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        Self { random, echo: echo(), source, nobody: Nobody::on(LOOPBACK) }
    }

    pub fn any_move(&mut self, server: &Server, login: Login<'_>) -> u64 {
        let chosen = MOVES[self.below(MOVES.len())];
        chosen(self, server, login)
    }

    pub fn every_move(&mut self, server: &Server, login: Login<'_>) -> u64 {
        MOVES.iter().map(|chosen| chosen(self, server, login)).sum()
    }

    fn below(&mut self, end: usize) -> usize {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        (self.random % end as u64) as usize
    }

    fn payload(&mut self) -> Vec<u8> {
        let length = 1 + self.below(60_000);
        (0..length).map(|n| (n % 251) as u8).collect()
    }

    fn connect(&self, server: &Server, login: Login<'_>, to: SocketAddr) -> Peer {
        let mut client = logged_in(server, login.0, login.1);
        client.ask(CONNECT, &ip(to));
        client
    }

    fn converse(&mut self, server: &Server, login: Login<'_>) -> u64 {
        let mut client = self.connect(server, login, self.echo);
        let rounds = 1 + self.below(8);
        let sent = (0..rounds).map(|_| {
            let payload = self.payload();
            client.expect_echo(&payload);
            2 * payload.len() as u64
        });
        sent.sum()
    }

    fn half_close(&mut self, server: &Server, login: Login<'_>) -> u64 {
        let mut client = self.connect(server, login, self.echo);
        let payload = self.payload();
        client.send(&payload);
        client.finish();
        assert_eq!(client.receive_to_eof(), payload);
        2 * payload.len() as u64
    }

    fn reset(&mut self, server: &Server, login: Login<'_>) -> u64 {
        let mut client = self.connect(server, login, self.echo);
        client.send(b"x");
        // It leaves the octet that came back unread.
        client.reset();
        2
    }

    fn read_slowly(&mut self, server: &Server, login: Login<'_>) -> u64 {
        let mut client = self.connect(server, login, self.source);
        for _ in 0..LONG / 30_000 {
            // Not to wait for anything: this is how slow it is.
            thread::sleep(Duration::from_millis(5));
            client.receive(30_000);
        }
        client.expect_eof();
        LONG as u64
    }

    fn say_nothing(&mut self, server: &Server, _: Login<'_>) -> u64 {
        let mut client = Peer::connect(server.socks);
        client.expect_silence(Duration::from_millis(20));
        0
    }

    fn leave_in_the_handshake(&mut self, server: &Server, _: Login<'_>) -> u64 {
        let mut client = Peer::connect(server.socks);
        client.send(&OFFER_LOGIN);
        client.expect(&[0x05, 0x02]);
        client.send(&[0x01, 0x03, b'a']);
        0
    }

    fn ask_for_nobody(&mut self, server: &Server, login: Login<'_>) -> u64 {
        let mut client = logged_in(server, login.0, login.1);
        client.send(&request(CONNECT, &ip(self.nobody.address())));
        assert_eq!(client.refusal(), 0x05, "connection refused");
        0
    }

    fn bind(&mut self, server: &Server, login: Login<'_>) -> u64 {
        let mut client = logged_in(server, login.0, login.1);
        let bound = client.ask(BIND, &ip(ANYWHERE));
        let mut peer = Peer::connect(bound);
        assert_eq!(client.reply().code, 0x00);
        let payload = self.payload();
        client.send(&payload);
        peer.expect(&payload);
        peer.send(b"thanks");
        client.expect(b"thanks");
        payload.len() as u64 + 6
    }

    fn associate(&mut self, server: &Server, login: Login<'_>) -> u64 {
        let mut control = logged_in(server, login.0, login.1);
        let relay = control.ask(ASSOCIATE, &ip(ANYWHERE));
        let (client, target) = (Socket::on(LOOPBACK), Socket::on(LOOPBACK));
        let address = ip(target.address());
        let rounds = 1 + self.below(8);
        for _ in 0..rounds {
            client.send(&datagram(&address, b"question"), relay);
            let relayed = target.expect(b"question");
            target.send(b"answer", relayed);
            client.expect(&datagram(&address, b"answer"));
        }
        14 * rounds as u64
    }
}
