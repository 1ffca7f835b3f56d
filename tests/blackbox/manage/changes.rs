//! Changes bite at once.

use std::time::Duration;

use crate::harness::clock::until;
use crate::harness::peer::Peer;
use crate::harness::server::Server;
use crate::harness::shoes::{Admin, add, edit, remove};
use crate::harness::socks::{
    ANYWHERE, ASSOCIATE, BIND, CONNECT, LOOPBACK, OFFER_NONE, can_log_in, greeted, ip, logged_in,
    request, through,
};
use crate::harness::target::echo;
use crate::harness::udp::{Socket, datagram};

#[track_caller]
fn expect_closed_to_strangers(server: &Server) {
    let mut stranger = Peer::connect(server.socks);
    stranger.send(&OFFER_NONE);
    stranger.expect(&[0x05, 0xff]);
    stranger.expect_eof();
}

#[test]
fn an_added_user_can_log_in() {
    let server = Server::start(&["-u", "ana:1234"]);
    assert!(!can_log_in(&server, "bob", "5678"));
    Admin::of(&server).put(&add(b"bob", b"5678"));
    let mut client = logged_in(&server, "bob", "5678");
    client.ask(CONNECT, &ip(echo()));
    client.expect_echo(b"hello");
}

#[test]
fn an_edited_user_needs_the_new_password() {
    let server = Server::start(&["-u", "ana:1234"]);
    Admin::of(&server).put(&edit(b"ana", b"5678"));
    assert!(!can_log_in(&server, "ana", "1234"));
    assert!(can_log_in(&server, "ana", "5678"));
}

#[test]
fn a_login_with_the_old_password_opens_nothing_new() {
    let server = Server::start(&["-u", "ana:1234"]);
    let mut edited = logged_in(&server, "ana", "1234");
    let mut replaced = logged_in(&server, "ana", "1234");
    let mut admin = Admin::of(&server);
    admin.put(&edit(b"ana", b"5678"));
    edited.send(&request(CONNECT, &ip(echo())));
    assert_eq!(edited.refusal(), 0x02);
    admin.put(&remove(b"ana"));
    admin.put(&add(b"ana", b"1234"));
    replaced.send(&request(CONNECT, &ip(echo())));
    assert_eq!(replaced.refusal(), 0x02);
}

/// What BIND and UDP ASSOCIATE were asked for before opens nothing afterwards either.
fn expect_nothing_new(server: &Server, mut prepare: impl FnMut() -> Peer, change: fn(&mut Admin)) {
    let (mut bind, mut associate) = (prepare(), prepare());
    let awaited = bind.ask(BIND, &ip(ANYWHERE));
    let relay = associate.ask(ASSOCIATE, &ip(ANYWHERE));
    change(&mut Admin::of(server));
    // Whoever comes is turned away, and the client hears of nobody.
    Peer::connect(awaited).expect_end();
    bind.expect_silence(Duration::from_millis(100));
    let (client, target) = (Socket::on(LOOPBACK), Socket::on(LOOPBACK));
    client.send(&datagram(&ip(target.address()), b"first"), relay);
    until("the log says why", || server.log().contains("the login no longer holds"));
    let until_denied = format!("target={}", target.address());
    until("the datagram is denied", || {
        client.send(&datagram(&ip(target.address()), b"another"), relay);
        server.log().contains(&until_denied)
    });
}

#[test]
fn bind_and_udp_of_an_old_password_open_nothing_new() {
    let server = Server::start(&["-u", "ana:1234"]);
    let ana = || logged_in(&server, "ana", "1234");
    expect_nothing_new(&server, ana, |admin| admin.put(&edit(b"ana", b"5678")));
}

#[test]
fn bind_and_udp_of_a_user_that_was_added_again_open_nothing_new() {
    let server = Server::start(&["-u", "ana:1234"]);
    let ana = || logged_in(&server, "ana", "1234");
    expect_nothing_new(&server, ana, |admin| {
        admin.put(&remove(b"ana"));
        admin.put(&add(b"ana", b"1234"));
    });
}

#[test]
fn bind_and_udp_without_a_login_open_nothing_new_when_one_is_required() {
    let server = Server::open();
    let anybody = || greeted(&server);
    expect_nothing_new(&server, anybody, |admin| admin.put(&add(b"ana", b"1234")));
}

#[test]
fn a_removed_user_can_open_nothing_new() {
    let server = Server::start(&["-u", "ana:1234", "-u", "bob:5678"]);
    let mut open = logged_in(&server, "bob", "5678");
    open.ask(CONNECT, &ip(echo()));
    Admin::of(&server).put(&remove(b"bob"));
    assert!(!can_log_in(&server, "bob", "5678"));
    assert!(can_log_in(&server, "ana", "1234"));
    open.expect_echo(b"what is open stays open");
}

#[test]
fn the_first_user_closes_an_open_server() {
    let server = Server::open();
    let mut open = through(&server, echo());
    Admin::of(&server).put(&add(b"ana", b"1234"));
    expect_closed_to_strangers(&server);
    assert!(can_log_in(&server, "ana", "1234"));
    open.expect_echo(b"what is open stays open");
}

#[test]
fn removing_the_last_user_does_not_open_the_server() {
    let server = Server::start(&["-u", "ana:1234"]);
    Admin::of(&server).put(&remove(b"ana"));
    expect_closed_to_strangers(&server);
    assert!(!can_log_in(&server, "ana", "1234"));
}
