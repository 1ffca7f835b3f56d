//! `--bind-out`: what goes to targets leaves from a chosen address. On Linux all of
//! 127.0.0.0/8 is this machine's.

use std::net::IpAddr;

use crate::harness::peer::Peer;
use crate::harness::server::Server;
use crate::harness::socks::{
    ANYWHERE, BIND, CONNECT, LOOPBACK, LOOPBACK_V6, greeted, ip, name, refused, through,
};
use crate::harness::target::{Nobody, Target};
use crate::harness::udp::{Association, Socket};

const SOURCE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(127, 0, 0, 3));

fn bound_out() -> Server {
    Server::start(&["--bind-out", "127.0.0.3"])
}

#[test]
fn connections_leave_from_there_and_the_reply_says_so() {
    let (server, target) = (bound_out(), Target::listen());
    for destination in [ip(target.address()), name("localhost", target.address().port())] {
        let mut client = greeted(&server);
        let bound = client.ask(CONNECT, &destination);
        let mut accepted = target.accept();
        assert_eq!(accepted.remote().ip(), SOURCE);
        assert_eq!(accepted.remote(), bound);
        // Bulk in either direction, half-closed: the socket is like any other.
        let octets = vec![0x55; 300_000];
        let mut sender = client.twin();
        let sent = octets.clone();
        let sending = std::thread::spawn(move || {
            sender.send(&sent);
            sender.finish();
        });
        assert_eq!(accepted.receive_to_eof(), octets);
        sending.join().expect("sending");
        accepted.send(b"answer");
        accepted.finish();
        assert_eq!(client.receive_to_eof(), b"answer");
    }
}

#[test]
fn the_other_family_is_left_to_the_system() {
    let (server, target) = (bound_out(), Target::listen_on(LOOPBACK_V6));
    let _client = through(&server, target.address());
    assert_eq!(target.accept().remote().ip(), LOOPBACK_V6);
    let server = Server::start(&["--bind-out", "::1", "--bind-out", "127.0.0.3"]);
    let _client = through(&server, target.address());
    assert_eq!(target.accept().remote().ip(), LOOPBACK_V6);
}

#[test]
fn refusals_have_their_code() {
    let server = bound_out();
    assert_eq!(refused(&server, &ip(Nobody::on(LOOPBACK).address())), 0x05);
    assert_eq!(refused(&server, &name("localhost", Nobody::on(LOOPBACK).address().port())), 0x05);
}

#[test]
fn a_target_that_does_not_answer_is_given_up() {
    let server = Server::start(&["--bind-out", "127.0.0.3", "--connect-timeout", "0.2"]);
    let listener = std::net::TcpListener::bind((LOOPBACK, 0)).expect("a listener");
    rustix::net::listen(&listener, 0).expect("a short queue");
    let full = listener.local_addr().expect("its address");
    // The first ones fit into the queue.
    let mut waiting = Vec::new();
    let code = (0..10).find_map(|_| {
        let mut client = greeted(&server);
        client.send(&crate::harness::socks::request(CONNECT, &ip(full)));
        let code = client.reply().code;
        waiting.push(client);
        (code != 0x00).then_some(code)
    });
    assert_eq!(code, Some(0x06));
}

#[test]
fn bind_listens_there() {
    let server = bound_out();
    for expected in [ANYWHERE, (LOOPBACK, 0).into()] {
        let mut client = greeted(&server);
        let bound = client.ask(BIND, &ip(expected));
        assert_eq!(bound.ip(), SOURCE);
        let mut peer = Peer::connect_from([127, 0, 0, 1].into(), bound);
        assert_eq!(client.reply().bound, peer.local());
        peer.send(b"hello");
        client.expect(b"hello");
    }
}

#[test]
fn datagrams_leave_from_there() {
    let server = bound_out();
    let (association, target) = (Association::open(&server), Socket::on(LOOPBACK));
    let address = ip(target.address());
    association.send(&address, b"question");
    let from = target.expect(b"question");
    assert_eq!(from.ip(), SOURCE);
    target.send(b"answer", from);
    association.expect(&address, b"answer");
}
