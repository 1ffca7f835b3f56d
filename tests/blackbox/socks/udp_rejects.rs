//! UDP ASSOCIATE: what is not relayed, and harms nothing.

#[cfg(target_os = "linux")]
use std::net::IpAddr;
use std::net::{Ipv4Addr, UdpSocket};

use crate::harness::server::Server;
use crate::harness::socks::{LOOPBACK, ip, name};
use crate::harness::udp::{Association, Socket, datagram};

#[cfg(target_os = "linux")]
const ELSEWHERE: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));

/// The target gets nothing of what was sent before this: datagrams of one socket
/// keep their order on loopback.
#[track_caller]
fn expect_next(association: &Association, target: &Socket) {
    association.expect_exchange(target);
}

#[test]
fn fragments_are_dropped() {
    let server = Server::open();
    let association = Association::open(&server);
    let target = Socket::on(LOOPBACK);
    for fragment in [0x01, 0x02, 0x7f, 0x80, 0x81, 0xff] {
        let mut octets = datagram(&ip(target.address()), b"fragment");
        octets[2] = fragment;
        association.socket.send(&octets, association.relay);
    }
    expect_next(&association, &target);
}

#[test]
fn truncated_datagrams_are_dropped() {
    let server = Server::open();
    let association = Association::open(&server);
    let target = Socket::on(LOOPBACK);
    let addresses = [
        ip(target.address()),
        ip((Ipv4Addr::LOCALHOST.to_ipv6_mapped(), target.address().port()).into()),
        name("127.0.0.1", target.address().port()),
    ];
    for address in addresses {
        let whole = datagram(&address, b"");
        for count in 0..whole.len() {
            association.socket.send(&whole[..count], association.relay);
        }
        expect_next(&association, &target);
    }
}

#[test]
fn nonsense_is_dropped() {
    let server = Server::open();
    let association = Association::open(&server);
    let target = Socket::on(LOOPBACK);
    let port = target.address().port();
    for address in [
        vec![0x00, 127, 0, 0, 1, 0, 80],
        vec![0x02, 127, 0, 0, 1, 0, 80],
        vec![0xff; 300],
        ip(([127, 0, 0, 1], 0).into()),
        name("", port),
        name("127.0.0.1\0", port),
        name("local\nhost", port),
        name(b"\xff\xfe", port),
    ] {
        association.send(&address, b"nonsense");
    }
    association.socket.send(&[0x55; 1000], association.relay);
    expect_next(&association, &target);
}

/// Whoever refuses a datagram with ICMP must not end the association.
#[test]
fn a_target_that_is_not_there_harms_nothing() {
    let server = Server::open();
    let association = Association::open(&server);
    // Nobody else gets its port, and connected to itself it takes nothing from others.
    let deaf = UdpSocket::bind((LOOPBACK, 0)).expect("a UDP port");
    let gone = deaf.local_addr().expect("a bound socket");
    deaf.connect(gone).expect("a connection");
    let target = Socket::on(LOOPBACK);
    for _ in 0..3 {
        association.send(&ip(gone), b"nobody");
        association.send(&ip(([127, 255, 255, 255], 9).into()), b"broadcast");
        expect_next(&association, &target);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn datagrams_from_another_address_are_dropped() {
    let server = Server::open();
    let association = Association::open(&server);
    let target = Socket::on(LOOPBACK);
    let stranger = Socket::on(ELSEWHERE);
    let forged = datagram(&ip(target.address()), b"forged");
    stranger.send(&forged, association.relay);
    expect_next(&association, &target);
    stranger.send(&forged, association.relay);
    expect_next(&association, &target);
}

#[test]
fn the_first_valid_datagram_locks_the_port() {
    let server = Server::open();
    let association = Association::open(&server);
    let target = Socket::on(LOOPBACK);
    let other = Socket::on(LOOPBACK);
    // Nonsense is not valid, so it locks nothing.
    other.send(&[0x00, 0x00, 0x00, 0x09], association.relay);
    expect_next(&association, &target);
    other.send(&datagram(&ip(target.address()), b"second port"), association.relay);
    expect_next(&association, &target);
}

#[cfg(target_os = "linux")]
#[test]
fn an_unsolicited_sender_is_dropped() {
    let server = Server::open();
    let association = Association::open(&server);
    let target = Socket::on(LOOPBACK);
    let stranger = Socket::on(ELSEWHERE);
    let address = ip(target.address());
    association.send(&address, b"question");
    let relayed = target.expect(b"question");
    stranger.send(b"unsolicited", relayed);
    target.send(b"answer", relayed);
    association.expect(&address, b"answer");
    // Once asked, it may answer.
    association.expect_exchange(&stranger);
}

#[test]
fn a_flood_of_nonsense_harms_nothing() {
    let server = Server::open();
    let association = Association::open(&server);
    let target = Socket::on(LOOPBACK);
    let mut state = 7u32;
    for length in 0..500usize {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let noise: Vec<u8> = state.to_be_bytes().into_iter().cycle().take(length % 40).collect();
        // Never a valid header: RSV and FRAG are not zero.
        association
            .socket
            .send(&[&[0x55, 0xaa, 0x01], noise.as_slice()].concat(), association.relay);
        if length % 50 == 49 {
            expect_next(&association, &target);
        }
    }
}
