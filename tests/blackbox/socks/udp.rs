//! UDP ASSOCIATE that relays (RFC 1928, sections 6 and 7).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, ToSocketAddrs, UdpSocket};

use crate::harness::clock::until;
use crate::harness::peer::Peer;
use crate::harness::server::Server;
use crate::harness::shoes::Admin;
use crate::harness::socks::{
    ANYWHERE, ASSOCIATE, LOOPBACK, LOOPBACK_V6, OFFER_LOGIN, greeted, ip, logged_in, login, name,
    request,
};
use crate::harness::udp::{Association, Socket, datagram};

/// What fits behind the 10 octets of an IPv4 header in a datagram of 65,507.
const LARGEST_DATA: usize = 65_507 - 10;

#[test]
fn the_reply_is_the_address_that_the_client_reached() {
    let server = Server::open();
    let association = Association::open(&server);
    assert_eq!(association.relay.ip(), LOOPBACK);
    assert_ne!(association.relay.port(), 0);
    let server = Server::start(&["-l", "::1"]);
    assert_eq!(Association::open(&server).relay.ip(), LOOPBACK_V6);
}

#[test]
fn a_server_on_every_address_names_the_one_that_was_used() {
    let server = Server::start(&["-l", "::", "-u", "ana:1234"]);
    for used in [LOOPBACK, LOOPBACK_V6] {
        let mut control = Peer::connect((used, server.socks.port()).into());
        control.send(&[OFFER_LOGIN.as_slice(), &login("ana", "1234")].concat());
        control.expect(&[0x05, 0x02, 0x01, 0x00]);
        let relay = control.ask(ASSOCIATE, &ip(ANYWHERE));
        assert_eq!(relay.ip(), used);
        let socket = Socket::on(used);
        Association { control, relay, socket }.expect_exchange(&Socket::on(LOOPBACK));
    }
}

#[test]
fn an_advertised_address_is_in_the_reply() {
    let server = Server::start(&["--udp-advertise", "192.0.2.7"]);
    let mut association = Association::open(&server);
    assert_eq!(association.relay.ip(), IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7)));
    association.relay.set_ip(LOOPBACK);
    association.expect_exchange(&Socket::on(LOOPBACK));
}

/// An association, if there is a port for it.
#[track_caller]
fn try_associate(server: &Server) -> Option<Association> {
    let mut control = greeted(server);
    control.send(&request(ASSOCIATE, &ip(ANYWHERE)));
    let reply = control.reply();
    let socket = Socket::on(LOOPBACK);
    (reply.code == 0x00).then_some(Association { control, relay: reply.bound, socket })
}

/// A free UDP port, and the next one if that is free as well.
fn two_free_ports() -> (u16, u16) {
    let found = (0..1000).find_map(|_| {
        let first = UdpSocket::bind((LOOPBACK, 0)).ok()?.local_addr().ok()?.port();
        let second = first.checked_add(1)?;
        let _free = UdpSocket::bind((LOOPBACK, second)).ok()?;
        Some((first, second))
    });
    found.expect("two free ports in a row")
}

#[test]
fn a_range_of_ports_is_kept_to() {
    // Another program may take a port that was free a moment ago: try again.
    let tried = (0..20).find_map(|_| {
        let (first, last) = two_free_ports();
        let server = Server::start(&["--udp-ports", &format!("{first}-{last}")]);
        let both = [try_associate(&server)?, try_associate(&server)?];
        Some((server, [first, last], both))
    });
    let (server, range, [one, two]) = tried.expect("two ports that stay free");
    let mut ports = [one.relay.port(), two.relay.port()];
    ports.sort_unstable();
    assert_eq!(ports, range);
    let mut third = greeted(&server);
    third.send(&request(ASSOCIATE, &ip(ANYWHERE)));
    assert_ne!(third.refusal(), 0x00, "no port is left");
    one.expect_exchange(&Socket::on(LOOPBACK));
    drop(one);
    until("its port can be used again", || try_associate(&server).is_some());
}

#[test]
fn questions_and_answers_pass_unchanged() {
    let server = Server::open();
    let association = Association::open(&server);
    let target = Socket::on(LOOPBACK);
    let address = ip(target.address());
    for data in [b"".as_slice(), b"x", &[0; 512], &[0xff; 1472], &[0x05; 9000]] {
        association.send(&address, data);
        let relayed = target.expect(data);
        target.send(data, relayed);
        association.expect(&address, data);
    }
}

#[test]
fn the_largest_datagrams_pass() {
    let server = Server::open();
    let association = Association::open(&server);
    let target = Socket::on(LOOPBACK);
    let data: Vec<u8> = (0..=255).cycle().take(LARGEST_DATA).collect();
    association.send(&ip(target.address()), &data);
    let relayed = target.expect(&data);
    target.send(&data, relayed);
    association.expect(&ip(target.address()), &data);
}

/// It would be 65,517 octets long, which no datagram can be.
#[test]
fn an_answer_too_large_for_its_header_harms_nothing() {
    let server = Server::open();
    let association = Association::open(&server);
    let target = Socket::on(LOOPBACK);
    association.send(&ip(target.address()), b"question");
    let relayed = target.expect(b"question");
    target.send(&vec![0x55; 65_507], relayed);
    association.expect_exchange(&target);
}

#[test]
fn names_ipv4_and_ipv6_mix_in_one_association() {
    let server = Server::open();
    let association = Association::open(&server);
    let (v4, v6) = (Socket::on(LOOPBACK), Socket::on(LOOPBACK_V6));
    for _ in 0..3 {
        for target in [&v4, &v6] {
            association.expect_exchange(target);
            let literal = name(target.address().ip().to_string(), target.address().port());
            association.send(&literal, b"by name");
            let relayed = target.expect(b"by name");
            target.send(b"answer", relayed);
            // The answer says who sent it, and that is an address.
            association.expect(&ip(target.address()), b"answer");
        }
    }
}

/// `localhost` may be two addresses: whichever the server takes is listened on.
#[test]
fn a_name_is_resolved() {
    let server = Server::open();
    let association = Association::open(&server);
    let addresses = ("localhost", 0).to_socket_addrs().expect("every machine knows localhost");
    let addresses: Vec<IpAddr> = addresses.map(|address| address.ip()).collect();
    let any_v6 = addresses.iter().any(IpAddr::is_ipv6);
    let every: IpAddr =
        if any_v6 { Ipv6Addr::UNSPECIFIED.into() } else { Ipv4Addr::UNSPECIFIED.into() };
    let target = Socket::on(every);
    let port = target.address().port();
    association.send(&name("localhost", port), b"question");
    let relayed = target.expect(b"question");
    target.send(b"answer", relayed);
    let (answer, _) = association.socket.receive();
    let mut possible =
        addresses.iter().map(|sender| datagram(&ip((*sender, port).into()), b"answer"));
    assert!(possible.any(|datagram| datagram == answer), "{answer:02x?}");
}

#[test]
fn each_answer_names_its_sender() {
    let server = Server::open();
    let association = Association::open(&server);
    let targets: Vec<Socket> = (0..8).map(|_| Socket::on(LOOPBACK)).collect();
    let relayed: Vec<_> = targets
        .iter()
        .enumerate()
        .map(|(number, target)| {
            association.send(&ip(target.address()), &[number as u8]);
            target.expect(&[number as u8])
        })
        .collect();
    for (number, target) in targets.iter().enumerate().rev() {
        target.send(&[number as u8], relayed[number]);
        association.expect(&ip(target.address()), &[number as u8]);
    }
}

#[test]
fn associations_stay_apart() {
    let server = Server::open();
    let (one, two) = (Association::open(&server), Association::open(&server));
    assert_ne!(one.relay, two.relay);
    let target = Socket::on(LOOPBACK);
    let address = ip(target.address());
    one.send(&address, b"one");
    let of_one = target.expect(b"one");
    two.send(&address, b"two");
    let of_two = target.expect(b"two");
    assert_ne!(of_one, of_two);
    target.send(b"to two", of_two);
    target.send(b"to one", of_one);
    one.expect(&address, b"to one");
    two.expect(&address, b"to two");
}

#[test]
fn it_ends_with_its_tcp_connection() {
    let server = Server::open();
    let mut admin = Admin::of(&server);
    let Association { control, relay, socket } = Association::open(&server);
    assert_eq!(admin.metrics().current, 1);
    drop(control);
    until("the port is free again", || UdpSocket::bind(relay).is_ok());
    until("the connection is forgotten", || admin.metrics().current == 0);
    drop(socket);
}

#[test]
fn octets_on_its_tcp_connection_mean_nothing() {
    let server = Server::open();
    let mut association = Association::open(&server);
    let target = Socket::on(LOOPBACK);
    association.control.send(&[0x05, 0x01, 0x00, 0x55, 0xaa]);
    association.expect_exchange(&target);
}

#[test]
fn it_ends_when_idle() {
    let server = Server::start(&["--timeout", "3"]);
    let mut association = Association::open(&server);
    association.expect_exchange(&Socket::on(LOOPBACK));
    association.control.expect_eof();
    until("the port is free again", || UdpSocket::bind(association.relay).is_ok());
}

/// A client that knows its port may say so; its address alone is kept to.
#[test]
fn a_declared_client_is_relayed() {
    let server = Server::open();
    let socket = Socket::on(LOOPBACK);
    let mut control = greeted(&server);
    let relay = control.ask(ASSOCIATE, &ip(socket.address()));
    Association { control, relay, socket }.expect_exchange(&Socket::on(LOOPBACK));
}

#[test]
fn it_needs_a_login_like_any_request() {
    let server = Server::start(&["-u", "ana:1234"]);
    let mut control = logged_in(&server, "ana", "1234");
    let relay = control.ask(ASSOCIATE, &ip(ANYWHERE));
    let socket = Socket::on(LOOPBACK);
    Association { control, relay, socket }.expect_exchange(&Socket::on(LOOPBACK));
}
