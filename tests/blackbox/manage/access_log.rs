//! The access log: one line per connection, who went where, and no secret.

use std::io::Write;

use crate::harness::clock::until;
use crate::harness::file::{Scratch, is_date};
#[cfg(all(target_os = "linux", feature = "native"))]
use crate::harness::peer::Peer;
use crate::harness::server::Server;
use crate::harness::shoes::Admin;
use crate::harness::socks::{
    CONNECT, LOOPBACK, can_log_in, greeted, ip, logged_in, name, refused, request,
};
use crate::harness::target::{Nobody, Target, echo};
use crate::harness::udp::{Association, Socket};

const FIELDS: usize = 12;

#[track_caller]
fn expect_shape(record: &[String]) {
    assert_eq!(record.len(), FIELDS, "{record:?}");
    assert!(is_date(&record[0]), "{record:?}");
    assert_eq!(record[2], "A");
    for number in [&record[8], &record[9], &record[10]] {
        assert!(number.parse::<u64>().is_ok(), "{record:?}");
    }
    assert!(!record[11].is_empty(), "{record:?}");
}

#[test]
fn a_connection_is_a_line_with_all_its_facts() {
    let log = Scratch::new("log");
    let server = Server::start(&["--access-log", log.path(), "-u", "ana:1234"]);
    let address = echo();
    let mut client = logged_in(&server, "ana", "1234");
    let from = client.local();
    client.ask(CONNECT, &name("localhost", address.port()));
    client.send(b"seventy-seven");
    client.finish();
    assert_eq!(client.receive_to_eof(), b"seventy-seven");
    let records = log.records(1);
    expect_shape(&records[0]);
    let port = address.port().to_string();
    let from_port = from.port().to_string();
    let expected = ["ana", "A", "127.0.0.1", &from_port, "localhost", &port, "0", "13", "13"];
    assert_eq!(records[0][1..10], expected);
}

#[test]
fn open_access_is_anonymous() {
    let log = Scratch::new("log");
    let server = Server::start(&["--access-log", log.path()]);
    let address = echo();
    let mut client = greeted(&server);
    client.ask(CONNECT, &ip(address));
    drop(client);
    let records = log.records(1);
    expect_shape(&records[0]);
    assert_eq!(records[0][1], "anonymous");
    assert_eq!(records[0][5..8], ["127.0.0.1", &address.port().to_string(), "0"]);
}

#[test]
fn a_failure_is_a_line_with_its_reply_code() {
    let log = Scratch::new("log");
    let server = Server::start(&["--access-log", log.path()]);
    let nobody = Nobody::on(LOOPBACK);
    refused(&server, &ip(nobody.address()));
    let records = log.records(1);
    expect_shape(&records[0]);
    let port = nobody.address().port().to_string();
    assert_eq!(records[0][5..10], ["127.0.0.1", &port, "5", "0", "0"]);
}

#[test]
fn a_malformed_request_is_no_refused_one() {
    let log = Scratch::new("log");
    let server = Server::start(&["--access-log", log.path()]);
    let unknown_type = [0x05, CONNECT, 0x00, 0x02];
    for (wrong, code, ended) in
        [(&[0x04, CONNECT, 0x00, 0x01][..], "1", "protocol-error"), (&unknown_type, "8", "refused")]
    {
        let mut client = greeted(&server);
        let from = client.local().port().to_string();
        client.send(wrong);
        client.refusal();
        until("it is logged", || log.text().contains(&from));
        let records = log.records(1);
        let record = records.iter().find(|record| record[4] == from).expect("its line");
        assert_eq!((&*record[7], &*record[11]), (code, ended), "{wrong:02x?}");
    }
}

#[test]
fn a_line_is_written_when_the_connection_has_ended() {
    let log = Scratch::new("log");
    let server = Server::start(&["--access-log", log.path()]);
    let mut admin = Admin::of(&server);
    let address = echo();
    let first = crate::harness::socks::through(&server, address);
    let second = crate::harness::socks::through(&server, address);
    let second_port = second.local().port().to_string();
    drop(second);
    until("one is over", || admin.metrics().current == 1);
    let records = log.records(1);
    assert_eq!(records.len(), 1);
    assert_eq!(records[0][4], second_port);
    let first_port = first.local().port().to_string();
    drop(first);
    assert_eq!(log.records(2)[1][4], first_port);
}

#[test]
fn an_association_is_a_line_with_its_octets() {
    let log = Scratch::new("log");
    let server = Server::start(&["--access-log", log.path()]);
    let association = Association::open(&server);
    association.expect_exchange(&Socket::on(LOOPBACK));
    drop(association);
    let records = log.records(1);
    expect_shape(&records[0]);
    assert_eq!(records[0][7..10], ["0", "8", "6"], "'question' up, 'answer' down");
}

#[test]
fn a_peer_cannot_forge_a_line() {
    let log = Scratch::new("log");
    let server = Server::start(&["--access-log", log.path()]);
    let port = echo().port();
    let names: [&[u8]; 4] = [
        b"a\tb\tc",
        b"x\n2026-01-01T00:00:00Z\troot\tA\t1.2.3.4\t5\tbank\t80\t0\t1\t1\t1\tclosed",
        b"\x1b[2Jgone\r",
        b"\xc2\x85\xe2\x80\xa8",
    ];
    for name_octets in names {
        refused(&server, &name(name_octets, port));
    }
    let mut client = greeted(&server);
    client.ask(CONNECT, &ip(([127, 0, 0, 1], port).into()));
    drop(client);
    let records = log.records(names.len() + 1);
    assert_eq!(records.len(), names.len() + 1, "a line for each connection");
    records.iter().for_each(|record| expect_shape(record));
    let text = log.text();
    let forged = |sign: char| sign.is_control() && sign != '\t' && sign != '\n';
    assert!(!text.contains(forged), "{text:?}");
}

#[test]
fn a_login_cannot_forge_a_line_either() {
    let log = Scratch::new("log");
    let server = Server::start(&["--access-log", log.path(), "-u", "ana:1234"]);
    assert!(!can_log_in(&server, "x\ny\tz\r\x1b", "wrong"));
    let mut client = logged_in(&server, "ana", "1234");
    client.ask(CONNECT, &ip(echo()));
    drop(client);
    until("the good connection is logged", || log.text().contains("\tana\t"));
    for record in log.records(1) {
        expect_shape(&record);
    }
    assert!(!log.text().contains(['\r', '\x1b']));
}

#[test]
fn no_log_holds_a_secret() {
    let log = Scratch::new("log");
    let secret = "kl4bautermann";
    let user = format!("ana:{secret}");
    let mut server = Server::start(&["--access-log", log.path(), "-u", &user]);
    let mut client = logged_in(&server, "ana", secret);
    client.ask(CONNECT, &ip(echo()));
    drop(client);
    assert!(!can_log_in(&server, "ana", format!("{secret}x")));
    let mut client = logged_in(&server, "ana", secret);
    client.send(&request(0x09, &name("localhost", 1)));
    client.refusal();
    until("the connections are logged", || log.text().matches("\tana\t").count() >= 2);
    for text in [server.whole_log(), server.stdout(), log.text()] {
        assert!(!text.contains(secret), "{text}");
        assert!(!text.contains("secret"), "the admin's: {text}");
    }
}

#[test]
fn a_client_that_leaves_in_the_middle_is_a_line() {
    let log = Scratch::new("log");
    let server = Server::start(&["--access-log", log.path()]);
    let target = Target::listen();
    let mut client = greeted(&server);
    client.ask(CONNECT, &ip(target.address()));
    let mut flood = target.accept();
    flood.send(b"x");
    client.expect(b"x");
    drop(client);
    until("the target is told", || flood.stream.write_all(&[0; 4096]).is_err());
    let records = log.records(1);
    expect_shape(&records[0]);
    assert_eq!(records[0][11], "client-error");
}

#[test]
fn a_target_that_leaves_before_it_has_all_is_a_line() {
    let log = Scratch::new("log");
    let server = Server::start(&["--access-log", log.path()]);
    let target = Target::listen();
    let mut client = greeted(&server);
    client.ask(CONNECT, &ip(target.address()));
    target.accept().send(b"no");
    assert_eq!(client.receive_to_eof(), b"no");
    until("the client is told", || client.stream.write_all(&[0; 4096]).is_err());
    let records = log.records(1);
    expect_shape(&records[0]);
    assert_eq!(records[0][11], "target-error");
}

#[cfg(all(target_os = "linux", feature = "native"))]
#[test]
fn who_knocks_and_leaves_with_a_reset_is_no_line() {
    let log = Scratch::new("log");
    let server = Server::start(&["--access-log", log.path()]);
    let mut admin = Admin::of(&server);
    for knocks in 1..=3 {
        let client = Peer::connect(server.socks);
        until("it is counted", || admin.metrics().historic == knocks);
        client.abort();
    }
    until("they are gone", || admin.metrics().current == 0);
    refused(&server, &ip(Nobody::on(LOOPBACK).address()));
    assert_eq!(log.records(1)[0][7], "5");
}
