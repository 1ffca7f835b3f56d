//! Changes bite at once.

use crate::harness::peer::Peer;
use crate::harness::server::Server;
use crate::harness::shoes::{Admin, add, edit, remove};
use crate::harness::socks::{CONNECT, OFFER_NONE, can_log_in, ip, logged_in, request, through};
use crate::harness::target::echo;

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
