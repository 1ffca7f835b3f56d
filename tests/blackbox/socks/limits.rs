//! Connections in all, per user and per address: what is over a limit is refused
//! at once, and welcome again when there is room.

use std::io::Read;
use std::time::Instant;

use crate::harness::clock::until;
use crate::harness::peer::Peer;
use crate::harness::server::Server;
use crate::harness::shoes::Admin;
use crate::harness::socks::{
    ANYWHERE, CONNECT, OFFER_NONE, greeted, ip, request, through, try_through,
};
use crate::harness::target::echo;

/// A handshake that times out would hide what is refused too late.
const PATIENT: [&str; 2] = ["--handshake-timeout", "600"];

#[test]
fn connections_over_the_limit_are_refused_until_one_ends() {
    let server = Server::start(&[&["--max-connections", "3"], PATIENT.as_slice()].concat());
    let address = echo();
    let mut open: Vec<Peer> = (0..3).map(|_| through(&server, address)).collect();
    for _ in 0..5 {
        assert!(try_through(&server, None, address).is_none());
    }
    open.iter_mut().for_each(|client| client.expect_echo(b"alive"));
    open.pop();
    until("there is room again", || try_through(&server, None, address).is_some());
}

/// Also when it has said something already, which nobody will read.
#[test]
fn who_is_refused_sees_an_end_and_no_reset() {
    let server = Server::start(&[&["--max-connections", "1"], PATIENT.as_slice()].concat());
    let _open = through(&server, echo());
    let mut refused: Vec<Peer> = (0..40).map(|_| Peer::connect(server.socks)).collect();
    refused.iter_mut().for_each(|client| client.send(&OFFER_NONE));
    refused.iter_mut().for_each(Peer::expect_eof);
}

/// It is heard out for two seconds, so fifteen of them in a row would take thirty.
#[test]
fn who_was_told_the_last_word_takes_no_place() {
    let server = Server::start(&[&["--max-connections", "1"], PATIENT.as_slice()].concat());
    // Port 0 is nobody's.
    let asked = [&OFFER_NONE[..], &request(CONNECT, &ip(ANYWHERE))].concat();
    let mut lingering = Vec::new();
    until("fifteen have been told, and none of them leaves", || {
        let mut client = Peer::connect(server.socks);
        client.send(&asked);
        let mut told = Vec::new();
        client.stream.read_to_end(&mut told).expect("an end");
        if told.starts_with(&[0x05, 0x00, 0x05]) {
            lingering.push(client);
        }
        lingering.len() == 15
    });
}

#[test]
fn a_silent_client_takes_a_place_too() {
    let server = Server::start(&[&["--max-connections", "1"], PATIENT.as_slice()].concat());
    let silent = greeted(&server);
    assert!(try_through(&server, None, echo()).is_none());
    drop(silent);
    until("there is room again", || try_through(&server, None, echo()).is_some());
}

#[test]
fn management_answers_while_the_proxy_is_full() {
    let server = Server::start(&[&["--max-connections", "2"], PATIENT.as_slice()].concat());
    let address = echo();
    let _open = [through(&server, address), through(&server, address)];
    assert!(try_through(&server, None, address).is_none());
    let mut admins: Vec<Admin> = (0..4).map(|_| Admin::of(&server)).collect();
    admins.iter_mut().for_each(|admin| assert_eq!(admin.metrics().current, 2));
}

#[test]
fn one_user_cannot_take_every_place() {
    let (ana, bob) = (("ana", "1234"), ("bob", "5678"));
    let mut args = vec!["-u", "ana:1234", "-u", "bob:5678", "--max-per-user", "2"];
    args.extend(PATIENT);
    let server = Server::start(&args);
    let address = echo();
    let connect = |user| try_through(&server, Some(user), address);
    let first = connect(ana).expect("one is within the limit");
    let mut second = connect(ana).expect("two are within the limit");
    assert!(connect(ana).is_none());
    let mut other = connect(bob).expect("the limit is each user's own");
    assert!(connect(ana).is_none());
    second.expect_echo(b"alive");
    other.expect_echo(b"alive");
    drop(first);
    until("there is room again", || connect(ana).is_some());
}

#[test]
fn one_address_cannot_take_every_place() {
    let server = Server::start(&[&["--max-per-address", "2"], PATIENT.as_slice()].concat());
    let address = echo();
    let first = through(&server, address);
    let mut second = through(&server, address);
    assert!(try_through(&server, None, address).is_none());
    #[cfg(all(target_os = "linux", feature = "native"))]
    {
        use crate::harness::socks::try_on;
        let elsewhere = Peer::connect_from([127, 0, 0, 2].into(), server.socks);
        let other = try_on(elsewhere, None, address);
        other.expect("the limit is each address's own").expect_echo(b"alive");
    }
    second.expect_echo(b"alive");
    drop(first);
    until("there is room again", || try_through(&server, None, address).is_some());
}

#[test]
fn one_address_cannot_come_too_often() {
    let server = Server::start(&["--max-new-per-address", "2"]);
    let address = echo();
    let begun = Instant::now();
    let let_in = [(); 50].map(|()| try_through(&server, None, address).is_some());
    // Two at once, and on a busy machine those for whom there is a place again.
    let most = 2 + begun.elapsed().as_millis() / 500;
    assert!(let_in[0] && let_in[1], "two at once are within the limit");
    let count = let_in.iter().filter(|let_in| **let_in).count();
    assert!(count as u128 <= most, "{count} were let in where {most} may");
    // Management is not concerned.
    let mut admins: Vec<Admin> = (0..4).map(|_| Admin::of(&server)).collect();
    admins.iter_mut().for_each(|admin| assert_eq!(admin.metrics().historic as usize, count));
    #[cfg(all(target_os = "linux", feature = "native"))]
    {
        use crate::harness::socks::try_on;
        let elsewhere = Peer::connect_from([127, 0, 0, 2].into(), server.socks);
        assert!(try_on(elsewhere, None, address).is_some(), "the limit is each address's own");
    }
    until("it may come again", || try_through(&server, None, address).is_some());
}

#[test]
fn hundreds_of_connections_work_at_once() {
    let server = Server::start(&["--max-connections", "1000"]);
    let address = echo();
    let mut open: Vec<Peer> = (0..300).map(|_| through(&server, address)).collect();
    open.iter_mut().for_each(|client| client.send(b"all at once"));
    open.iter_mut().for_each(|client| client.expect(b"all at once"));
    assert_eq!(Admin::of(&server).metrics().current, 300);
}
