//! The greeting and the choice of a method (RFC 1928, section 3).

use std::net::Shutdown;

use crate::harness::peer::Peer;
use crate::harness::server::Server;
use crate::harness::socks::{
    CONNECT, OFFER_LOGIN, OFFER_NONE, greeted, ip, login, name, request, through,
};
use crate::harness::target::{Target, echo};

const ANA: [&str; 2] = ["-u", "ana:1234"];

#[track_caller]
fn expect_no_method(server: &Server, greeting: &[u8]) {
    let mut client = Peer::connect(server.socks);
    client.send(greeting);
    client.expect(&[0x05, 0xff]);
    client.expect_eof();
}

#[track_caller]
fn expect_method(server: &Server, greeting: &[u8], method: u8) {
    let mut client = Peer::connect(server.socks);
    client.send(greeting);
    client.expect(&[0x05, method]);
}

#[test]
fn one_octet_at_a_time() {
    let server = Server::open();
    let mut client = Peer::connect(server.socks);
    client.send_one_by_one(&OFFER_NONE);
    client.expect(&[0x05, 0x00]);
    client.send_one_by_one(&request(CONNECT, &ip(echo())));
    assert_eq!(client.reply().code, 0x00);
    client.expect_echo(b"hello");
}

#[test]
fn one_octet_at_a_time_with_a_login_and_a_name() {
    let server = Server::start(&ANA);
    let mut client = Peer::connect(server.socks);
    client.send_one_by_one(&[0x05, 0x03, 0x00, 0x80, 0x02]);
    client.expect(&[0x05, 0x02]);
    client.send_one_by_one(&login("ana", "1234"));
    client.expect(&[0x01, 0x00]);
    client.send_one_by_one(&request(CONNECT, &name("127.0.0.1", echo().port())));
    assert_eq!(client.reply().code, 0x00);
    client.expect_echo(b"hello");
}

#[test]
fn everything_in_one_segment_with_the_payload_behind() {
    let server = Server::open();
    let target = Target::listen();
    let mut client = Peer::connect(server.socks);
    let destination = ip(target.address());
    client.send(&[&OFFER_NONE, request(CONNECT, &destination).as_slice(), b"payload"].concat());
    client.expect(&[0x05, 0x00]);
    assert_eq!(client.reply().code, 0x00);
    let mut accepted = target.accept();
    accepted.expect(b"payload");
    client.send(b" and more");
    accepted.expect(b" and more");
    client.finish();
    accepted.expect_eof();
}

#[test]
fn everything_in_one_segment_with_a_login() {
    let server = Server::start(&ANA);
    let mut client = Peer::connect(server.socks);
    let login = login("ana", "1234");
    let request = request(CONNECT, &ip(echo()));
    client.send(&[&OFFER_LOGIN, login.as_slice(), &request, b"payload"].concat());
    client.expect(&[0x05, 0x02, 0x01, 0x00]);
    assert_eq!(client.reply().code, 0x00);
    client.expect(b"payload");
}

#[test]
fn everything_at_once_split_in_two_anywhere() {
    let server = Server::open();
    let address = echo();
    let octets = [&OFFER_NONE, request(CONNECT, &ip(address)).as_slice(), b"payload"].concat();
    for split in 1..octets.len() {
        let mut client = Peer::connect(server.socks);
        let (first, second) = octets.split_at(split);
        client.send(first);
        if split >= OFFER_NONE.len() {
            client.expect(&[0x05, 0x00]);
            client.send(second);
        } else {
            client.send(second);
            client.expect(&[0x05, 0x00]);
        }
        assert_eq!(client.reply().code, 0x00, "split at {split}");
        client.expect(b"payload");
    }
}

#[test]
fn the_client_may_finish_before_it_has_an_answer() {
    let server = Server::open();
    let mut client = Peer::connect(server.socks);
    client.send(&[&OFFER_NONE, request(CONNECT, &ip(echo())).as_slice(), b"payload"].concat());
    client.finish();
    client.expect(&[0x05, 0x00]);
    assert_eq!(client.reply().code, 0x00);
    client.expect(b"payload");
    client.expect_eof();
}

#[test]
fn nothing_offered_is_nothing_acceptable() {
    expect_no_method(&Server::open(), &[0x05, 0x00]);
    expect_no_method(&Server::start(&ANA), &[0x05, 0x00]);
}

#[test]
fn unknown_methods_only_are_not_acceptable() {
    let server = Server::open();
    expect_no_method(&server, &[0x05, 0x01, 0x01]);
    expect_no_method(&server, &[0x05, 0x03, 0x01, 0x80, 0xfe]);
    // X'FF' means "no acceptable methods", so it can't be one.
    expect_no_method(&server, &[0x05, 0x01, 0xff]);
}

#[test]
fn no_authentication_is_found_anywhere_in_the_offer() {
    let server = Server::open();
    expect_method(&server, &[0x05, 0x04, 0x01, 0x80, 0xff, 0x00], 0x00);
    let every: Vec<u8> = (0x00..0xff).rev().collect();
    expect_method(&server, &[&[0x05, 0xff], every.as_slice()].concat(), 0x00);
    let rest: Vec<u8> = (0x03..=0xff).collect();
    let offer = [&[0x05, 0xfe], rest.as_slice(), &[0x01]].concat();
    expect_no_method(&server, &offer);
}

#[test]
fn with_users_a_login_is_chosen_over_none() {
    let server = Server::start(&ANA);
    expect_method(&server, &[0x05, 0x02, 0x00, 0x02], 0x02);
    expect_method(&server, &[0x05, 0x02, 0x02, 0x00], 0x02);
    expect_no_method(&server, &[0x05, 0x01, 0x00]);
}

#[test]
fn octets_after_a_refused_offer_do_not_eat_the_answer() {
    let server = Server::start(&ANA);
    let behind = request(CONNECT, &ip(echo()));
    expect_no_method(&server, &[&OFFER_NONE, behind.as_slice(), &[0; 20_000]].concat());
}

#[test]
fn another_version_is_closed_on_without_a_reply() {
    let server = Server::open();
    for first in [0x00, 0x04, 0x06, 0xff] {
        let mut client = Peer::connect(server.socks);
        client.send(&[first]);
        client.expect_eof();
    }
    let mut client = Peer::connect(server.socks);
    client.send(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    client.expect_end();
}

#[test]
fn another_version_in_the_request_gets_no_success() {
    let server = Server::open();
    let target = Target::listen();
    let mut client = greeted(&server);
    client.send(&[&[0x04, CONNECT, 0x00], ip(target.address()).as_slice()].concat());
    let answer = client.receive_to_eof();
    assert!(answer.is_empty() || answer[1] != 0x00, "{answer:02x?}");
    let mut later = through(&server, target.address());
    later.send(b"first");
    target.accept().expect(b"first");
}

#[test]
fn connecting_and_vanishing_is_no_error() {
    let mut server = Server::open();
    for _ in 0..5 {
        drop(Peer::connect(server.socks));
        let client = Peer::connect(server.socks);
        client.stream.shutdown(Shutdown::Both).expect("vanishing");
    }
    let mut polite = Peer::connect(server.socks);
    polite.finish();
    polite.expect_eof();
    through(&server, echo()).expect_echo(b"alive");
    let log = server.whole_log().to_lowercase();
    assert!(!log.contains("error") && !log.contains("warn"), "{log}");
}

#[test]
fn vanishing_in_the_middle_harms_nobody() {
    let server = Server::start(&ANA);
    let (login, request) = (login("ana", "1234"), request(CONNECT, &name("localhost", 80)));
    let octets = [&OFFER_LOGIN, login.as_slice(), &request[..6]].concat();
    for count in 1..octets.len() {
        let mut client = Peer::connect(server.socks);
        client.send(&octets[..count]);
    }
    let mut client = crate::harness::socks::logged_in(&server, "ana", "1234");
    client.ask(CONNECT, &ip(echo()));
    client.expect_echo(b"alive");
}
