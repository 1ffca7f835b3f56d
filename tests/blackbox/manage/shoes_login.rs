//! SHOES 1.0, section 2: who may manage.

use crate::harness::peer::Peer;
use crate::harness::server::Server;
use crate::harness::shoes::{Admin, METRICS, add, login};

#[track_caller]
fn expect_refusal(server: &Server, octets: &[u8], status: u8) {
    let mut peer = Peer::connect(server.shoes);
    peer.send(octets);
    peer.expect(&[0x01, status]);
    peer.expect_eof();
}

#[test]
fn an_admin_gets_in() {
    let server = Server::start(&["-U", "second:other"]);
    Admin::of(&server);
    let mut peer = Peer::connect(server.shoes);
    peer.send(&[1, 6, b's', b'e', b'c', b'o', b'n', b'd', 5, b'o', b't', b'h', b'e', b'r']);
    peer.expect(&[0x01, 0x00]);
}

#[test]
fn one_octet_at_a_time() {
    let server = Server::open();
    let mut peer = Peer::connect(server.shoes);
    peer.send_one_by_one(&[login(b"admin", b"secret").as_slice(), &METRICS].concat());
    peer.expect(&[0x01, 0x00, 0x00, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
}

#[test]
fn another_version_is_02() {
    let server = Server::open();
    for version in [0x00, 0x02, 0x05, 0xff] {
        let mut octets = login(b"admin", b"secret");
        octets[0] = version;
        expect_refusal(&server, &octets, 0x02);
        expect_refusal(&server, &[version], 0x02);
    }
}

#[test]
fn wrong_credentials_are_03() {
    let server = Server::start(&["-u", "ana:1234"]);
    let pairs: [(&[u8], &[u8]); 8] = [
        (b"admin", b"Secret"),
        (b"admin", b"secret1"),
        (b"admin", b"secre"),
        (b"nobody", b"secret"),
        (b"admin\0", b"secret"),
        // A user of the proxy is no admin.
        (b"ana", b"1234"),
        (&[0xff; 255], &[0x00; 255]),
        (b"a", b"b"),
    ];
    for (name, password) in pairs {
        expect_refusal(&server, &login(name, password), 0x03);
    }
    Admin::of(&server);
}

#[test]
fn empty_fields_are_03() {
    let server = Server::open();
    expect_refusal(&server, &login(b"", b"secret"), 0x03);
    expect_refusal(&server, &login(b"admin", b""), 0x03);
    expect_refusal(&server, &login(b"", b""), 0x03);
}

#[test]
fn nothing_after_a_failed_login_is_acted_on() {
    let server = Server::open();
    let requests = [add(b"eve", b"x").as_slice(), &METRICS, &[0x55; 10_000]].concat();
    expect_refusal(&server, &[login(b"admin", b"wrong"), requests.clone()].concat(), 0x03);
    expect_refusal(&server, &[vec![0x02], requests].concat(), 0x02);
    assert!(Admin::of(&server).users().is_empty());
}
