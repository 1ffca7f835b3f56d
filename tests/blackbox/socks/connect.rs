//! CONNECT that succeeds (RFC 1928, sections 4 to 6).

use std::net::{IpAddr, ToSocketAddrs};

use crate::harness::peer::Peer;
use crate::harness::server::Server;
use crate::harness::socks::{
    CONNECT, LOOPBACK, LOOPBACK_V6, OFFER_LOGIN, greeted, ip, login, name,
};
use crate::harness::target::Target;

/// Connects to a target and checks that the reply names the very socket that the
/// target sees.
#[track_caller]
fn expect_honest_reply(server: &Server, target: &Target, destination: &[u8]) {
    let mut client = greeted(server);
    let bound = client.ask(CONNECT, destination);
    let mut accepted = target.accept();
    assert_eq!(bound, accepted.remote(), "BND and what the target sees");
    client.send(b"up");
    accepted.expect(b"up");
    accepted.send(b"down");
    client.expect(b"down");
}

#[test]
fn to_an_ipv4_address() {
    let (server, target) = (Server::open(), Target::listen());
    expect_honest_reply(&server, &target, &ip(target.address()));
}

#[test]
fn to_an_ipv6_address() {
    let (server, target) = (Server::open(), Target::listen_on(LOOPBACK_V6));
    expect_honest_reply(&server, &target, &ip(target.address()));
}

#[test]
fn to_an_address_written_as_a_name() {
    let server = Server::open();
    for (literal, listening) in [("127.0.0.1", LOOPBACK), ("::1", LOOPBACK_V6)] {
        let target = Target::listen_on(listening);
        expect_honest_reply(&server, &target, &name(literal, target.address().port()));
    }
}

/// `localhost` may be two addresses, of which one refuses: the other is found.
#[test]
fn to_a_name_whichever_of_its_addresses_listens() {
    let server = Server::open();
    let addresses = ("localhost", 0).to_socket_addrs().expect("every machine knows localhost");
    let mut seen: Vec<IpAddr> = addresses.map(|address| address.ip()).collect();
    seen.sort();
    seen.dedup();
    for listening in seen {
        let target = Target::listen_on(listening);
        expect_honest_reply(&server, &target, &name("localhost", target.address().port()));
    }
}

#[test]
fn the_reserved_octet_is_ignored() {
    let server = Server::open();
    for reserved in [0x01, 0x05, 0xff] {
        let target = Target::listen();
        let mut client = greeted(&server);
        client.send(&[&[0x05, CONNECT, reserved], ip(target.address()).as_slice()].concat());
        assert_eq!(client.reply().code, 0x00, "RSV {reserved:02x}");
        target.accept();
    }
}

#[test]
fn a_server_on_every_address_shows_no_mapped_ones() {
    let server = Server::start(&["-l", "::", "-u", "ana:1234"]);
    let port = server.socks.port();
    for (listening, target) in
        [(LOOPBACK, Target::listen()), (LOOPBACK_V6, Target::listen_on(LOOPBACK_V6))]
    {
        let mut client = Peer::connect((listening, port).into());
        client.send(&[OFFER_LOGIN.as_slice(), &login("ana", "1234")].concat());
        client.expect(&[0x05, 0x02, 0x01, 0x00]);
        let bound = client.ask(CONNECT, &ip(target.address()));
        assert_eq!(bound, target.accept().remote());
        assert_eq!(bound.ip(), listening);
    }
}

#[test]
fn an_ipv4_mapped_address_is_an_ipv4_address() {
    let (server, target) = (Server::open(), Target::listen());
    let mapped = std::net::Ipv4Addr::LOCALHOST.to_ipv6_mapped();
    let destination = ip((mapped, target.address().port()).into());
    let mut client = greeted(&server);
    let bound = client.ask(CONNECT, &destination);
    assert_eq!(bound, target.accept().remote(), "unmapped");
}

#[test]
fn many_connections_at_once_stay_apart() {
    let (server, target) = (Server::open(), Target::listen());
    let mut pairs: Vec<(Peer, Peer)> = (0..64)
        .map(|_| {
            let mut client = greeted(&server);
            client.ask(CONNECT, &ip(target.address()));
            (client, target.accept())
        })
        .collect();
    for (number, (client, _)) in pairs.iter_mut().enumerate() {
        client.send(format!("{number:4}").as_bytes());
    }
    for (number, (client, accepted)) in pairs.iter_mut().enumerate().rev() {
        accepted.expect(format!("{number:4}").as_bytes());
        accepted.finish();
        client.expect_eof();
    }
}
