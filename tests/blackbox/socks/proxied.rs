//! The PROXY protocol on the SOCKS5 listener: from trusted addresses a header must come
//! first, from others none may.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::harness::clock::until;
use crate::harness::file::Scratch;
use crate::harness::peer::Peer;
use crate::harness::server::Server;
use crate::harness::shoes::{Admin, Metrics};
use crate::harness::socks::{CONNECT, OFFER_LOGIN, OFFER_NONE, ip, login, request, try_through};
use crate::harness::target::{Target, echo};

const LINE: &[u8] = b"PROXY TCP4 192.0.2.7 198.51.100.1 56324 1080\r\n";
const BINARY_V6: &[u8] = b"\r\n\r\n\0\r\nQUIT\n\x21\x21\x00\x24\
    \x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x07\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01\xdc\x04\x04\x38";
const LOCAL: &[u8] = b"\r\n\r\n\0\r\nQUIT\n\x20\x00\x00\x00";

/// Where the test connects from is a proxy. Its clients come from elsewhere, and their
/// targets are on loopback, which has to be allowed.
fn trusting(args: &[&str]) -> Server {
    let config = Scratch::new("toml");
    let rules = "[rules]\ntargets = [\"allow 127.0.0.0/8\"]\n";
    std::fs::write(config.path(), rules).expect("writing a configuration");
    let ours = ["--proxy-from", "127.0.0.1", "--config", config.path()];
    Server::start(&[&ours, args].concat())
}

/// A client that a proxy has announced, connected through.
#[track_caller]
fn announced(server: &Server, header: &[u8], to: SocketAddr) -> Peer {
    let mut client = Peer::connect(server.socks);
    client.send(&[header, &OFFER_NONE].concat());
    client.expect(&[0x05, 0x00]);
    client.ask(CONNECT, &ip(to));
    client
}

/// Whether a client that a proxy has announced is served.
#[track_caller]
fn is_let_in(server: &Server, header: &[u8]) -> Option<Peer> {
    let mut client = Peer::connect(server.socks);
    client.send(&[header, &OFFER_NONE].concat());
    let mut answer = [0; 2];
    std::io::Read::read_exact(&mut client.stream, &mut answer).ok()?;
    assert_eq!(answer, [0x05, 0x00]);
    Some(client)
}

fn from(host: u8) -> Vec<u8> {
    format!("PROXY TCP4 192.0.2.{host} 198.51.100.1 1 2\r\n").into_bytes()
}

#[test]
fn the_access_log_names_the_client_and_not_the_proxy() {
    let log = Scratch::new("log");
    let server = trusting(&["--access-log", log.path()]);
    let expected = [
        (LINE, "192.0.2.7", "56324"),
        (BINARY_V6, "2001:db8::7", "56324"),
        (b"PROXY TCP6 ::ffff:192.0.2.9 ::1 0 1\r\n", "192.0.2.9", "0"),
    ];
    for (lines, (header, address, port)) in (1..).zip(expected) {
        let mut client = announced(&server, header, echo());
        client.expect_echo(b"hello");
        drop(client);
        assert_eq!(log.records(lines)[lines - 1][3..5], [address, port]);
    }
    assert_eq!(Admin::of(&server).metrics().historic, 3);
}

#[test]
fn a_header_that_names_nobody_leaves_the_address_that_is_seen() {
    let log = Scratch::new("log");
    let server = trusting(&["--access-log", log.path()]);
    let unix = [&b"\r\n\r\n\0\r\nQUIT\n\x21\x31\x00\xd8"[..], &[b'/'; 216]].concat();
    let headers = [LOCAL, b"PROXY UNKNOWN\r\n", b"PROXY UNKNOWN a b c d\r\n", &unix];
    for (lines, header) in (1..).zip(headers) {
        let client = announced(&server, header, echo());
        let port = client.local().port().to_string();
        drop(client);
        assert_eq!(log.records(lines)[lines - 1][3..5], ["127.0.0.1", &port]);
    }
}

#[test]
fn everything_in_one_segment_and_octet_by_octet() {
    let server = trusting(&["-u", "ana:1234"]);
    let target = Target::listen();
    let handshake = [
        &OFFER_LOGIN[..],
        &login("ana", "1234"),
        &request(CONNECT, &ip(target.address())),
        b"early payload",
    ];
    for header in [LINE, BINARY_V6, LOCAL] {
        let all = [&[header], &handshake[..]].concat().concat();
        for in_pieces in [false, true] {
            let mut client = Peer::connect(server.socks);
            if in_pieces {
                client.send_one_by_one(&all);
            } else {
                client.send(&all);
            }
            let mut accepted = target.accept();
            accepted.expect(b"early payload");
            client.expect(&[0x05, 0x02, 0x01, 0x00]);
            assert_eq!(client.reply().code, 0x00);
            accepted.expect_silence(Duration::from_millis(20));
        }
    }
}

#[test]
fn without_a_right_header_it_is_closed_and_said_why() {
    let log = Scratch::new("log");
    let server = trusting(&["--access-log", log.path(), "--handshake-timeout", "600"]);
    let wrong: [&[u8]; 5] = [
        &OFFER_NONE,
        b"GET / HTTP/1.1\r\n\r\n",
        b"PROXY TCP4 2001:db8::7 ::1 1 2\r\n\x05\x01\x00",
        b"\r\n\r\n\0\r\nQUIT\n\x31\x11\x00\x00",
        b"\r\n\r\n\0\r\nQUIT\n\x21\x11\x00\x01\x7f\x05\x01\x00",
    ];
    for (lines, octets) in (1..).zip(wrong) {
        let mut proxy = Peer::connect(server.socks);
        proxy.send(octets);
        proxy.expect_end();
        let record = log.records(lines)[lines - 1].clone();
        assert_eq!(
            (record[3].as_str(), record[11].as_str()),
            ("127.0.0.1", "proxy-protocol-error")
        );
    }
    until("the log says so", || {
        server.log().matches("proxy-protocol-error service=socks address=127.0.0.1").count() == 5
    });
}

#[test]
fn a_header_must_come_in_time() {
    let log = Scratch::new("log");
    let mut server = trusting(&["--access-log", log.path(), "--handshake-timeout", "0.2"]);
    let halves: [&[u8]; 3] = [b"", &LINE[..9], &BINARY_V6[..20]];
    let mut open = halves.map(|half| {
        let mut proxy = Peer::connect(server.socks);
        proxy.send(half);
        proxy
    });
    open.iter_mut().for_each(Peer::expect_end);
    assert!(log.records(3).iter().all(|record| record[11] == "handshake-timeout"));
    let told = "proxy-protocol-error service=socks address=127.0.0.1 error=\"no whole header has come in time";
    assert_eq!(server.whole_log().matches(told).count(), 3);
}

/// With all that a header can announce, as for a client's certificate.
#[test]
fn the_longest_header_is_read() {
    let server = trusting(&[]);
    let mut header = BINARY_V6.to_vec();
    let more = u16::MAX - 36 - 3;
    header[14..16].copy_from_slice(&u16::MAX.to_be_bytes());
    header.extend([&[0xee], &more.to_be_bytes()[..], &vec![0x55; more.into()]].concat());
    announced(&server, &header, echo()).expect_echo(b"hello");
}

#[test]
fn a_health_check_is_no_line() {
    let log = Scratch::new("log");
    let mut server = trusting(&["--access-log", log.path()]);
    let mut admin = Admin::of(&server);
    let checks: [&[u8]; 4] = [b"", LOCAL, b"PROXY UNKNOWN\r\n", LINE];
    for (historic, header) in (1..).zip(checks) {
        let mut check = Peer::connect(server.socks);
        check.send(header);
        check.finish();
        check.expect_end();
        until("it is gone", || admin.metrics() == Metrics { historic, current: 0, octets: 0 });
    }
    // Who breaks off in the middle of a header or behind it is one.
    for (lines, octets) in (1..).zip([&LINE[..9], &[LINE, b"\x05"].concat()]) {
        let mut proxy = Peer::connect(server.socks);
        proxy.send(octets);
        proxy.finish();
        assert_eq!(log.records(lines)[lines - 1][11], "client-error");
    }
    server.whole_log();
    assert_eq!(log.text().lines().count(), 2, "{}", log.text());
}

#[cfg(all(target_os = "linux", feature = "native"))]
#[test]
fn a_health_check_that_ends_with_a_reset_is_no_line_either() {
    let log = Scratch::new("log");
    let mut server = trusting(&["--access-log", log.path()]);
    let mut admin = Admin::of(&server);
    for (historic, header) in (1..).zip([LOCAL, LINE]) {
        let mut check = Peer::connect(server.socks);
        check.send(header);
        until("it is counted", || admin.metrics().historic == historic);
        check.abort();
        until("it is gone", || admin.metrics().current == 0);
    }
    drop(announced(&server, LOCAL, echo()));
    server.whole_log();
    assert_eq!(log.text().lines().count(), 1, "{}", log.text());
}

#[cfg(all(target_os = "linux", feature = "native"))]
#[test]
fn others_are_served_without_a_header_and_not_believed() {
    let log = Scratch::new("log");
    let server = Server::start(&["--access-log", log.path(), "--proxy-from", "127.0.0.9"]);
    crate::harness::socks::through(&server, echo()).expect_echo(b"hello");
    assert_eq!(log.records(1)[0][3], "127.0.0.1");
    let mut liar = Peer::connect(server.socks);
    liar.send(&[LINE, &OFFER_NONE].concat());
    liar.expect_end();
    let record = &log.records(2)[1];
    assert_eq!([&record[3], &record[11]], ["127.0.0.1", "protocol-error"]);
    let mut proxy = Peer::connect_from([127, 0, 0, 9].into(), server.socks);
    proxy.send(&[LINE, &OFFER_NONE].concat());
    proxy.expect(&[0x05, 0x00]);
}

#[test]
fn limits_are_the_clients_own() {
    let server = trusting(&["--max-per-address", "2", "--handshake-timeout", "600"]);
    let mut admin = Admin::of(&server);
    // Before their headers no limit per address holds.
    let waiting: Vec<Peer> = (0..5).map(|_| Peer::connect(server.socks)).collect();
    until("they are counted", || admin.metrics().current == 5);
    let first = is_let_in(&server, &from(1)).expect("one is within the limit");
    let _second = is_let_in(&server, &from(1)).expect("two are within the limit");
    assert!(is_let_in(&server, &from(1)).is_none());
    let _other = is_let_in(&server, &from(2)).expect("the limit is each client's own");
    drop((first, waiting));
    until("there is room again", || is_let_in(&server, &from(1)).is_some());
    until("nothing is counted twice", || admin.metrics().current == 2);
}

#[test]
fn what_waits_for_its_header_takes_a_place() {
    let server = trusting(&["--max-connections", "2", "--handshake-timeout", "600"]);
    let mut admin = Admin::of(&server);
    let waiting = [Peer::connect(server.socks), Peer::connect(server.socks)];
    until("they are counted", || admin.metrics().current == 2);
    assert!(is_let_in(&server, LINE).is_none());
    drop(waiting);
    until("there is room again", || is_let_in(&server, LINE).is_some());
}

#[test]
fn guessing_slows_down_the_client_and_not_the_proxy() {
    let server = trusting(&["-u", "ana:1234"]);
    let log_in = |host, password| {
        let mut client = Peer::connect(server.socks);
        client.send(&[&from(host), &OFFER_LOGIN[..], &login("ana", password)].concat());
        client.expect(&[0x05, 0x02, 0x01]);
        client.receive(1) == [0]
    };
    until("the guesser has to wait", || {
        (0..10).for_each(|_| assert!(!log_in(1, "wrong")));
        // The eleventh time costs a second, which a busy machine may take for what follows.
        let last = Instant::now();
        assert!(!log_in(1, "wrong"));
        let refused = !log_in(1, "1234");
        assert!(refused || last.elapsed() >= Duration::from_secs(1), "let in at once");
        refused
    });
    assert!(log_in(2, "1234"), "others need not");
    until("the log names the client", || {
        server.log().contains("auth-failed service=socks address=192.0.2.1 user=ana")
    });
}

#[cfg(all(target_os = "linux", feature = "native"))]
#[test]
fn datagrams_are_expected_from_the_client() {
    use std::net::IpAddr;

    use crate::harness::socks::{ANYWHERE, ASSOCIATE, LOOPBACK};
    use crate::harness::udp::{Association, Socket, datagram};
    let server = trusting(&[]);
    let client = IpAddr::from([127, 0, 0, 5]);
    let mut control = Peer::connect(server.socks);
    control.send(&[b"PROXY TCP4 127.0.0.5 127.0.0.1 1 2\r\n", &OFFER_NONE[..]].concat());
    control.expect(&[0x05, 0x00]);
    let relay = control.ask(ASSOCIATE, &ip(ANYWHERE));
    let target = Socket::on(LOOPBACK);
    let stranger = datagram(&ip(target.address()), b"not from the client");
    Socket::on(LOOPBACK).send(&stranger, relay);
    let association = Association { control, relay, socket: Socket::on(client) };
    association.expect_exchange(&target);
}

#[test]
fn without_the_option_there_is_no_header() {
    let server = Server::open();
    let mut client = Peer::connect(server.socks);
    client.send(LINE);
    client.expect_end();
    assert!(try_through(&server, None, echo()).is_some());
}
