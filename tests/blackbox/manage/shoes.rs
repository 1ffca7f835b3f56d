//! SHOES 1.0, sections 3 and 4: every request and every status.

use std::time::Duration;

use crate::harness::peer::Peer;
use crate::harness::server::Server;
use crate::harness::shoes::{
    Admin, LIST, METRICS, SPOOFING, add, buffer_size, edit, login, refusal, remove, spoofing,
};

const FRESH_METRICS: [u8; 13] = [0; 13];

#[test]
fn metrics_are_a_status_and_three_numbers() {
    let server = Server::open();
    let mut admin = Admin::of(&server);
    admin.0.send(&METRICS);
    admin.0.expect(&FRESH_METRICS);
    admin.0.expect_silence(Duration::from_millis(50));
}

#[test]
fn users_are_listed_by_the_octets_of_their_names() {
    let server = Server::start(&["-u", "bob:1", "-u", "ana:2"]);
    let mut admin = Admin::of(&server);
    admin.put(&add(b"Zoe", b"3"));
    admin.put(&add(&[0xe9], b"4"));
    admin.put(&add(b"an", b"5"));
    admin.0.send(&LIST);
    admin.0.expect(b"\x00\x05\x03Zoe\x02an\x03ana\x03bob\x01\xe9");
}

#[test]
fn no_users_are_a_count_of_zero() {
    let server = Server::open();
    let mut admin = Admin::of(&server);
    admin.0.send(&LIST);
    admin.0.expect(&[0x00, 0x00]);
    admin.0.expect_silence(Duration::from_millis(50));
}

#[test]
fn adding_editing_and_removing() {
    let server = Server::open();
    let mut admin = Admin::of(&server);
    admin.put(b"\x01\x00\x03ana\x041234");
    assert_eq!(admin.users(), [b"ana"]);
    admin.put(b"\x01\x02\x03ana\x045678");
    admin.put(&add(b"bob", b"x"));
    admin.put(b"\x01\x01\x03ana");
    assert_eq!(admin.users(), [b"bob"]);
    admin.put(&add(b"ana", b"again"));
    assert_eq!(admin.users(), [b"ana", b"bob"]);
}

#[test]
fn names_and_passwords_of_255_octets() {
    let server = Server::open();
    let mut admin = Admin::of(&server);
    admin.put(&add(&[b'n'; 255], &[0xff; 255]));
    admin.put(&edit(&[b'n'; 255], &[0x00; 255]));
    assert_eq!(admin.users(), [[b'n'; 255]]);
    admin.put(&remove(&[b'n'; 255]));
    assert!(admin.users().is_empty());
}

#[test]
fn command_failures_are_04() {
    let server = Server::start(&["-u", "ana:1234"]);
    assert_eq!(refusal(&server, &add(b"ana", b"x")), 0x04, "it exists");
    assert_eq!(refusal(&server, &remove(b"bob")), 0x04, "no such user");
    assert_eq!(refusal(&server, &edit(b"bob", b"x")), 0x04, "no such user");
    assert_eq!(refusal(&server, &remove(b"admin")), 0x04, "an admin is no user");
    for octets in [0, 1, 511] {
        assert_eq!(refusal(&server, &buffer_size(octets)), 0x04, "{octets} octets");
    }
    for set in [0x02, 0x7f, 0xff] {
        assert_eq!(refusal(&server, &spoofing(set)), 0x04, "SET {set:02x}");
    }
    assert_eq!(Admin::of(&server).users(), [b"ana"]);
}

#[test]
fn a_full_directory_is_05_and_an_existing_name_wins() {
    let server = Server::open();
    let mut admin = Admin::of(&server);
    for number in 0..255 {
        admin.put(&add(format!("user{number:03}").as_bytes(), b"x"));
    }
    assert_eq!(refusal(&server, &add(b"one more", b"x")), 0x05);
    assert_eq!(refusal(&server, &add(b"user000", b"x")), 0x04);
    let users = admin.users();
    assert_eq!(users.len(), 255);
    assert!(users.is_sorted());
    admin.put(&edit(b"user254", b"y"));
    admin.put(&remove(b"user000"));
    admin.put(&add(b"one more", b"x"));
}

#[test]
fn unacceptable_names_and_empty_fields_are_01() {
    let server = Server::open();
    let names: [&[u8]; 6] = [b"a:b", b"a/b", b"a\nb", b"\0", b"a\x7f", b"tab\t"];
    for name in names {
        assert_eq!(refusal(&server, &add(name, b"x")), 0x01, "{name:?}");
    }
    assert_eq!(refusal(&server, &add(b"", b"x")), 0x01);
    assert_eq!(refusal(&server, &add(b"ana", b"")), 0x01);
    assert_eq!(refusal(&server, &remove(b"")), 0x01);
    assert_eq!(refusal(&server, &edit(b"", b"x")), 0x01);
    assert_eq!(refusal(&server, &edit(b"ana", b"")), 0x01);
    assert!(Admin::of(&server).users().is_empty());
}

#[test]
fn an_unknown_family_is_02() {
    let server = Server::open();
    for family in [0x02, 0x05, 0x7f, 0xff] {
        assert_eq!(refusal(&server, &[family, 0x00]), 0x02, "FMLY {family:02x}");
    }
}

#[test]
fn an_unknown_command_is_03() {
    let server = Server::open();
    for request in [[0x00, 0x03], [0x00, 0xff], [0x01, 0x05], [0x01, 0xff]] {
        assert_eq!(refusal(&server, &request), 0x03, "{request:02x?}");
    }
}

#[test]
fn buffer_sizes_from_512_to_65535_are_taken() {
    let server = Server::open();
    let mut admin = Admin::of(&server);
    admin.put(&[0x01, 0x03, 0x02, 0x00]);
    admin.put(&[0x01, 0x03, 0xff, 0xff]);
    admin.put(&buffer_size(4096));
}

#[test]
fn the_spoofing_status_is_one_octet_and_can_be_set() {
    let server = Server::open();
    let mut admin = Admin::of(&server);
    admin.0.send(&SPOOFING);
    admin.0.expect(&[0x00, 0x00]);
    admin.put(&[0x01, 0x04, 0x01]);
    admin.0.send(&SPOOFING);
    admin.0.expect(&[0x00, 0x01]);
    assert_eq!(Admin::of(&server).spoofing(), 0x01, "one status for all sessions");
    admin.put(&[0x01, 0x04, 0x00]);
    assert_eq!(admin.spoofing(), 0x00);
    assert_eq!(refusal(&server, &spoofing(0x02)), 0x04);
    assert_eq!(admin.spoofing(), 0x00, "not modified");
}

/// A session with each kind of request, and its answers.
fn transcript() -> (Vec<u8>, Vec<u8>) {
    let steps: [(&[u8], &[u8]); 9] = [
        (&login(b"admin", b"secret"), &[0x01, 0x00]),
        (&METRICS, &FRESH_METRICS),
        (&add(b"ana", b"1234"), &[0x00]),
        (&LIST, b"\x00\x01\x03ana"),
        (&edit(b"ana", b"5678"), &[0x00]),
        (&buffer_size(512), &[0x00]),
        (&spoofing(0x01), &[0x00]),
        (&SPOOFING, &[0x00, 0x01]),
        (&remove(b"ana"), &[0x00]),
    ];
    let requests = steps.iter().flat_map(|(request, _)| request.iter().copied());
    let answers = steps.iter().flat_map(|(_, answer)| answer.iter().copied());
    (requests.collect(), answers.collect())
}

#[test]
fn requests_may_be_pipelined() {
    let server = Server::open();
    let (requests, answers) = transcript();
    let mut peer = Peer::connect(server.shoes);
    peer.send(&requests);
    peer.finish();
    assert_eq!(peer.receive_to_eof(), answers);
}

#[test]
fn requests_may_come_one_octet_at_a_time() {
    let server = Server::open();
    let (requests, answers) = transcript();
    let mut peer = Peer::connect(server.shoes);
    peer.send_one_by_one(&requests);
    peer.expect(&answers);
    peer.finish();
    peer.expect_eof();
}

#[test]
fn requests_may_be_split_anywhere() {
    let server = Server::open();
    let (requests, answers) = transcript();
    for split in 1..requests.len() {
        let mut peer = Peer::connect(server.shoes);
        let (first, second) = requests.split_at(split);
        peer.send(first);
        // By the time it has answered another session it has most likely read the
        // first part of this one.
        Admin::of(&server);
        peer.send(second);
        peer.expect(&answers);
    }
}

#[test]
fn a_failure_after_good_requests_ends_the_session_and_the_rest_is_ignored() {
    let server = Server::open();
    let requests = [
        login(b"admin", b"secret"),
        add(b"ana", b"1234"),
        remove(b"nobody"),
        remove(b"ana"),
        vec![0x00; 20_000],
    ];
    let mut peer = Peer::connect(server.shoes);
    peer.send(&requests.concat());
    peer.expect(&[0x01, 0x00, 0x00, 0x04]);
    peer.expect_eof();
    assert_eq!(Admin::of(&server).users(), [b"ana"]);
}

#[test]
fn leaving_in_the_middle_of_a_request_does_nothing() {
    let server = Server::open();
    let mut admin = Admin::of(&server);
    admin.0.send(b"\x01\x00\x03ana\x04123");
    admin.0.finish();
    admin.0.expect_end();
    assert!(Admin::of(&server).users().is_empty());
}

#[test]
fn sessions_do_not_disturb_each_other() {
    let server = Server::open();
    let mut one = Admin::of(&server);
    let mut two = Admin::of(&server);
    one.0.send(&add(b"ana", b"1234")[..4]);
    two.put(&add(b"bob", b"5678"));
    one.0.send(&add(b"ana", b"1234")[4..]);
    one.0.expect(&[0x00]);
    assert_eq!(two.users(), [b"ana", b"bob"]);
}
