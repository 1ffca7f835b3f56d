//! The safe default, with clients that come from elsewhere: a proxy says so, or they
//! come from an address of this machine that is not on loopback. Nothing leaves the
//! machine. Where it has no such address only the first of these tests sees something,
//! and `tests/bind_udp/near.rs`.

use std::net::{IpAddr, SocketAddr, UdpSocket};

use super::ruled::Ruled;
use crate::harness::clock::until;
use crate::harness::peer::Peer;
use crate::harness::server::Server;
use crate::harness::socks::{
    ANYWHERE, ASSOCIATE, BIND, CONNECT, LOOPBACK, LOOPBACK_V6, OFFER_LOGIN, OFFER_NONE, ip, login,
    name, request,
};
use crate::harness::target::{Target, echo};
use crate::harness::udp::{Association, Socket};

const NOT_ALLOWED: u8 = 0x02;

/// An address from which this machine would reach others (RFC 5737: these are for
/// documentation). Connecting a UDP socket sends nothing.
fn own_address() -> Option<IpAddr> {
    let probe = UdpSocket::bind("0.0.0.0:0").ok()?;
    probe.connect("203.0.113.1:9").ok()?;
    let ip = probe.local_addr().ok()?.ip();
    (!ip.is_loopback() && !ip.is_unspecified()).then_some(ip)
}

fn start() -> Option<(Ruled, IpAddr)> {
    let own = own_address()?;
    let args = ["-l", "0.0.0.0", "-L", "0.0.0.0", "-u", "ana:1234", "--bind-timeout", "600"];
    Some((Ruled::start("", &args), own))
}

/// A client that comes from `to`, which is how this machine talks to its addresses.
fn client(server: &Server, to: IpAddr) -> Peer {
    let mut client = Peer::connect(SocketAddr::new(to, server.socks.port()));
    client.send(&[OFFER_LOGIN.as_slice(), &login("ana", "1234")].concat());
    client.expect(&[0x05, 0x02, 0x01, 0x00]);
    client
}

#[test]
fn a_client_behind_a_proxy_is_where_it_says() {
    let ruled = Ruled::start("proxy-from = [\"127.0.0.1\"]", &[]);
    let address = echo();
    let code = |from: &str, command: u8, destination: &[u8]| {
        let mut client = Peer::connect(ruled.server.socks);
        client.send(format!("PROXY TCP4 {from} 192.0.2.1 4711 1080\r\n").as_bytes());
        client.send(&OFFER_NONE);
        client.expect(&[0x05, 0x00]);
        client.send(&request(command, destination));
        client.receive(2)[1]
    };
    for command in [CONNECT, BIND] {
        for destination in [&ip(address), &name("localhost", address.port())] {
            assert_eq!(code("198.51.100.7", command, destination), NOT_ALLOWED);
            assert_eq!(code("127.0.0.5", command, destination), 0x00);
        }
    }
    ruled.set("targets", &[&format!("allow {address}")]);
    assert_eq!(code("198.51.100.7", CONNECT, &ip(address)), 0x00);
}

#[test]
fn what_is_near_is_out_of_reach_from_elsewhere() {
    let Some((ruled, own)) = start() else { return };
    let server = &ruled.server;
    let code = |from: IpAddr, destination: &[u8]| {
        let mut client = client(server, from);
        client.send(&request(CONNECT, destination));
        client.receive(2)[1]
    };
    let target = Target::listen_on([0, 0, 0, 0].into());
    let port = target.address().port();
    let near = [
        ip((LOOPBACK, port).into()),
        ip((LOOPBACK_V6, port).into()),
        ip(([0, 0, 0, 0], port).into()),
        name("localhost", port),
        name("127.0.0.1", port),
        name("::ffff:127.0.0.1", port),
        ip(([169, 254, 169, 254], 80).into()),
        // The management ports, which listen everywhere, and SOCKS itself.
        ip((own, server.shoes.port()).into()),
        ip((own, server.socks.port()).into()),
    ];
    for destination in &near {
        assert_eq!(code(own, destination), NOT_ALLOWED, "{destination:02x?}");
    }
    assert!(target.accepted().is_none());
    assert_eq!(code(own, &ip((own, port).into())), 0x00, "another port of this machine");
    // Who is on loopback has been there already.
    for destination in [&near[0], &near[7]] {
        assert_eq!(code(LOOPBACK, destination), 0x00, "{destination:02x?}");
    }
    until("the log says why", || server.log().contains("reason=\"the safe default: "));
    ruled.set("targets", &["allow *"]);
    assert_eq!(code(own, &near[0]), NOT_ALLOWED, "that is no address");
    ruled.set("targets", &[&format!("allow 127.0.0.1:{port}")]);
    assert_eq!(code(own, &near[0]), 0x00);
    assert_eq!(code(own, &near[7]), NOT_ALLOWED);
}

#[test]
fn bind_and_datagrams_keep_to_it() {
    let Some((ruled, own)) = start() else { return };
    let server = &ruled.server;
    let mut waiting = client(server, own);
    waiting.send(&request(BIND, &ip((LOOPBACK, 0).into())));
    assert_eq!(waiting.refusal(), NOT_ALLOWED);

    let mut control = client(server, own);
    let relay = control.ask(ASSOCIATE, &ip(ANYWHERE));
    let association = Association { control, relay, socket: Socket::on(own) };
    let (near, far) = (Socket::on(LOOPBACK), Socket::on(own));
    association.send(&ip(near.address()), b"denied");
    association.send(&name("127.0.0.1", near.address().port()), b"denied");
    association.expect_exchange(&far);
    ruled.set("targets", &["allow 127.0.0.1"]);
    association.expect_exchange(&near);
}
