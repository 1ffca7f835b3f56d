//! The user/password sub-negotiation (RFC 1929).

use crate::harness::peer::Peer;
use crate::harness::server::Server;
use crate::harness::shoes::{Admin, add};
use crate::harness::socks::{CONNECT, OFFER_LOGIN, can_log_in, ip, logged_in, login, request};
use crate::harness::target::{Target, echo};

const ANA: [&str; 2] = ["-u", "ana:1234"];

/// Sends a login and returns the status; a failure must end the connection.
#[track_caller]
fn status(server: &Server, login: &[u8]) -> u8 {
    let mut client = Peer::connect(server.socks);
    client.send(&OFFER_LOGIN);
    client.expect(&[0x05, 0x02]);
    client.send(login);
    client.expect(&[0x01]);
    let status = client.receive(1)[0];
    if status != 0x00 {
        client.expect_eof();
    }
    status
}

#[test]
fn the_right_password_opens() {
    let server = Server::start(&["-u", "ana:1234", "-u", "bob:5:6"]);
    let mut client = logged_in(&server, "ana", "1234");
    client.ask(CONNECT, &ip(echo()));
    client.expect_echo(b"hello");
    assert!(can_log_in(&server, "bob", "5:6"), "a password may hold a colon");
}

#[test]
fn a_wrong_pair_is_refused() {
    let server = Server::start(&["-u", "ana:1234", "-u", "bob:5678"]);
    for (name, password) in [
        ("ana", "12345"),
        ("ana", "123"),
        ("ana", ""),
        ("ana", "5678"),
        ("Ana", "1234"),
        ("an", "1234"),
        ("", ""),
        ("ana\0", "1234"),
        ("nobody", "1234"),
    ] {
        assert_ne!(status(&server, &login(name, password)), 0x00, "{name:?} {password:?}");
    }
    assert!(can_log_in(&server, "ana", "1234"));
}

#[test]
fn another_version_is_refused() {
    let server = Server::start(&ANA);
    for version in [0x00, 0x02, 0x05, 0xff] {
        let mut octets = login("ana", "1234");
        octets[0] = version;
        assert_ne!(status(&server, &octets), 0x00, "version {version:02x}");
    }
}

#[test]
fn every_length_parses() {
    let server = Server::start(&ANA);
    for length in 0..=255u8 {
        let name = vec![length; length.into()];
        let password = vec![!length; (255 - length).into()];
        assert_ne!(status(&server, &login(name, password)), 0x00, "length {length}");
    }
}

#[test]
fn every_octet_parses_in_either_place() {
    let every: Vec<u8> = (0x01..=0xff).collect();
    let server = Server::start(&ANA);
    let mut admin = Admin::of(&server);
    admin.put(&add(b"eve", &every));
    assert!(can_log_in(&server, "eve", &every));
    let name: Vec<u8> = (0xa0..=0xff).collect();
    admin.put(&add(&name, b"x"));
    assert!(can_log_in(&server, &name, "x"));
    assert_ne!(status(&server, &login(&every, &every)), 0x00);
}

#[test]
fn names_and_passwords_of_every_length_log_in() {
    let server = Server::start(&ANA);
    let mut admin = Admin::of(&server);
    for length in 1..=255usize {
        let (name, password) = (vec![b'n'; length], vec![b'p'; 256 - length]);
        if length % 16 == 15 || length == 1 {
            admin.put(&add(&name, &password));
            assert!(can_log_in(&server, &name, &password), "length {length}");
        }
    }
}

#[test]
fn nothing_after_a_failed_login_is_acted_on() {
    let server = Server::start(&ANA);
    let target = Target::listen();
    let connect = request(CONNECT, &ip(target.address()));
    let mut client = Peer::connect(server.socks);
    client.send(&[&OFFER_LOGIN, login("ana", "wrong").as_slice(), &connect, b"never"].concat());
    client.expect(&[0x05, 0x02, 0x01]);
    assert_ne!(client.receive(1)[0], 0x00);
    client.expect_eof();

    let mut client = Peer::connect(server.socks);
    let twice = [login("ana", "wrong"), login("ana", "1234"), connect.clone()].concat();
    client.send(&[&OFFER_LOGIN, twice.as_slice()].concat());
    client.expect(&[0x05, 0x02, 0x01]);
    assert_ne!(client.receive(1)[0], 0x00);
    client.expect_eof();

    let mut later = logged_in(&server, "ana", "1234");
    later.ask(CONNECT, &ip(target.address()));
    later.send(b"first");
    target.accept().expect(b"first");
    assert!(target.accepted().is_none(), "only the good login may reach the target");
}

#[test]
fn a_request_in_place_of_the_login_is_not_acted_on() {
    let server = Server::start(&ANA);
    let target = Target::listen();
    let mut client = Peer::connect(server.socks);
    client.send(&OFFER_LOGIN);
    client.expect(&[0x05, 0x02]);
    client.send(&request(CONNECT, &ip(target.address())));
    client.expect(&[0x01]);
    assert_ne!(client.receive(1)[0], 0x00);
    client.expect_eof();
    assert!(target.accepted().is_none());
}
