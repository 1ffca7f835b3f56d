//! BIND (RFC 1928, sections 4 and 6): two replies, then a relay.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use crate::harness::clock::until;
use crate::harness::peer::Peer;
use crate::harness::server::Server;
use crate::harness::shoes::Admin;
use crate::harness::socks::{
    ANYWHERE, BIND, LOOPBACK, LOOPBACK_V6, greeted, ip, logged_in, request,
};

const STRANGER: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

/// A client that waits for a peer, and where that peer has to connect.
#[track_caller]
fn waiting_for(server: &Server, expected: SocketAddr) -> (Peer, SocketAddr) {
    let mut client = greeted(server);
    let bound = client.ask(BIND, &ip(expected));
    (client, bound)
}

#[test]
fn the_first_reply_is_an_address_to_connect_to() {
    let server = Server::open();
    let (_client, bound) = waiting_for(&server, ANYWHERE);
    assert_eq!(bound.ip(), LOOPBACK, "the client's way to the server");
    assert_ne!(bound.port(), 0);
    let server = Server::start(&["-l", "::1"]);
    let (_client, bound) = waiting_for(&server, ANYWHERE);
    assert!(!bound.ip().is_unspecified(), "{bound}");
}

#[test]
fn the_second_reply_is_the_peer_and_then_octets_flow() {
    let server = Server::open();
    let (mut client, bound) = waiting_for(&server, ANYWHERE);
    client.expect_silence(Duration::from_millis(100));
    let mut peer = Peer::connect(bound);
    let reply = client.reply();
    assert_eq!((reply.code, reply.bound), (0x00, peer.local()));
    peer.send(b"150 here it comes");
    client.expect(b"150 here it comes");
    client.send(b"thanks");
    peer.expect(b"thanks");
    peer.finish();
    client.expect_eof();
    client.send(b"one more thing");
    client.finish();
    assert_eq!(peer.receive_to_eof(), b"one more thing");
}

#[test]
fn octets_sent_ahead_reach_the_peer() {
    let server = Server::open();
    let (mut client, bound) = waiting_for(&server, ANYWHERE);
    client.send(b"early");
    let mut peer = Peer::connect(bound);
    assert_eq!(client.reply().code, 0x00);
    peer.expect(b"early");
}

#[test]
fn the_expected_peer_is_let_in() {
    let server = Server::open();
    let (mut client, bound) = waiting_for(&server, SocketAddr::new(LOOPBACK, 0));
    let mut peer = Peer::connect(bound);
    assert_eq!(client.reply().bound, peer.local());
    peer.send(b"hello");
    client.expect(b"hello");
}

/// RFC 1928 has DST.PORT name the primary connection's port; a peer such as FTP
/// connects back from another, so only its address counts.
#[test]
fn the_port_of_the_expected_peer_is_free() {
    let server = Server::open();
    let (mut client, bound) = waiting_for(&server, SocketAddr::new(LOOPBACK, 21));
    let peer = Peer::connect(bound);
    assert_eq!(client.reply().bound, peer.local());
}

#[test]
fn a_stranger_is_not_let_in() {
    let server = Server::start(&["--bind-timeout", "1.5"]);
    let (mut client, bound) = waiting_for(&server, SocketAddr::new(STRANGER.into(), 0));
    let mut stranger = Peer::connect(bound);
    stranger.expect_end();
    assert_ne!(client.refusal(), 0x00, "the deadline came, not a success");
}

#[cfg(all(target_os = "linux", feature = "native"))]
#[test]
fn after_a_stranger_the_expected_peer_is_still_let_in() {
    let server = Server::open();
    let (mut client, bound) = waiting_for(&server, SocketAddr::new(STRANGER.into(), 0));
    for _ in 0..3 {
        Peer::connect(bound).expect_end();
    }
    let mut expected = Peer::connect_from(STRANGER, bound);
    let reply = client.reply();
    assert_eq!((reply.code, reply.bound), (0x00, expected.local()));
    expected.send(b"hello");
    client.expect(b"hello");
}

#[test]
fn only_one_peer_is_let_in() {
    let server = Server::open();
    let (mut client, bound) = waiting_for(&server, ANYWHERE);
    let mut peer = Peer::connect(bound);
    assert_eq!(client.reply().bound, peer.local());
    until("the port is closed", || std::net::TcpStream::connect(bound).is_err());
    peer.send(b"hello");
    client.expect(b"hello");
}

#[test]
fn it_gives_up_at_the_deadline() {
    let server = Server::start(&["--bind-timeout", "0.5"]);
    let (mut client, bound) = waiting_for(&server, ANYWHERE);
    assert_ne!(client.refusal(), 0x00);
    until("the port is closed", || std::net::TcpStream::connect(bound).is_err());
}

/// Waiting for a peer is no part of the handshake and its deadline.
#[test]
fn it_waits_longer_than_a_handshake_may_take() {
    let server = Server::start(&["--handshake-timeout", "0.5", "--bind-timeout", "600"]);
    let (mut client, bound) = waiting_for(&server, ANYWHERE);
    client.expect_silence(Duration::from_secs(1));
    let peer = Peer::connect(bound);
    assert_eq!(client.reply().bound, peer.local());
}

#[test]
fn it_gives_up_when_the_client_leaves() {
    let server = Server::start(&["--bind-timeout", "600"]);
    let mut admin = Admin::of(&server);
    let (client, bound) = waiting_for(&server, SocketAddr::new(STRANGER.into(), 0));
    assert_eq!(admin.metrics().current, 1);
    drop(client);
    until("the connection is forgotten", || admin.metrics().current == 0);
    until("the port is closed", || std::net::TcpStream::connect(bound).is_err());
}

#[test]
fn what_a_client_has_sent_waits_for_the_peer_though_it_has_finished() {
    let server = Server::start(&["--bind-timeout", "600"]);
    let mut admin = Admin::of(&server);
    let (mut client, bound) = waiting_for(&server, ANYWHERE);
    client.send(b"ahead");
    client.finish();
    client.expect_silence(Duration::from_millis(300));
    let mut peer = Peer::connect(bound);
    peer.expect(b"ahead");
    peer.expect_eof();
    assert_eq!(client.reply().bound, peer.local());
    peer.send(b"answer");
    drop(peer);
    client.expect(b"answer");
    client.expect_eof();
    let mut client = greeted(&server);
    client.send(&[&request(BIND, &ip(ANYWHERE)), b"ahead".as_slice()].concat());
    client.finish();
    client.reset();
    until("who has reset is forgotten", || admin.metrics().current == 0);
}

#[test]
fn it_needs_a_login_like_any_request() {
    let server = Server::start(&["-u", "ana:1234"]);
    let mut client = logged_in(&server, "ana", "1234");
    let bound = client.ask(BIND, &ip(ANYWHERE));
    let peer = Peer::connect(bound);
    assert_eq!(client.reply().bound, peer.local());
}

#[test]
fn over_ipv6() {
    let server = Server::start(&["-l", "::1"]);
    let (mut client, bound) = waiting_for(&server, SocketAddr::new(LOOPBACK_V6, 0));
    assert_eq!(bound.ip(), LOOPBACK_V6);
    let mut peer = Peer::connect(bound);
    assert_eq!(client.reply().bound, peer.local());
    client.send(b"hello");
    peer.expect(b"hello");
}
