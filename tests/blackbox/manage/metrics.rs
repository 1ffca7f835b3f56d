//! Metrics: live, honest, and historic ones never fall.

use crate::harness::clock::until;
use crate::harness::peer::Peer;
use crate::harness::server::Server;
use crate::harness::shoes::{Admin, Metrics};
use crate::harness::socks::{ip, through};
use crate::harness::target::{Target, echo};
use crate::harness::udp::{Association, Socket};

#[test]
fn octets_rise_while_a_transfer_runs() {
    let server = Server::open();
    let mut admin = Admin::of(&server);
    let target = Target::listen();
    let mut client = through(&server, target.address());
    let mut accepted = target.accept();
    let mut total = 0;
    for size in [1, 1000, 100_000, 3_000_000] {
        let octets = vec![0x55; size];
        let mut sender = accepted.twin();
        let sending = std::thread::spawn(move || sender.send(&octets));
        client.receive(size);
        sending.join().expect("sending");
        total += size as u32;
        until("they are counted while the connection is open", || {
            admin.metrics() == Metrics { historic: 1, current: 1, octets: total }
        });
    }
    accepted.finish();
    client.expect_eof();
    until("still so, half-closed", || {
        admin.metrics() == Metrics { historic: 1, current: 1, octets: total }
    });
}

#[test]
fn both_directions_count_and_only_what_was_relayed() {
    let server = Server::open();
    let mut admin = Admin::of(&server);
    let mut client = through(&server, echo());
    client.expect_echo(&[0x55; 12_345]);
    client.finish();
    client.expect_eof();
    until("it is over", || {
        admin.metrics() == Metrics { historic: 1, current: 0, octets: 2 * 12_345 }
    });
}

#[test]
fn octets_behind_the_request_count() {
    let server = Server::open();
    let mut admin = Admin::of(&server);
    let request = crate::harness::socks::request(0x01, &ip(echo()));
    let mut client = Peer::connect(server.socks);
    client.send(&[&[0x05, 0x01, 0x00], request.as_slice(), b"payload"].concat());
    client.finish();
    assert!(client.receive_to_eof().ends_with(b"payload"));
    until("it is over", || admin.metrics() == Metrics { historic: 1, current: 0, octets: 14 });
}

#[test]
fn datagrams_count_without_their_headers() {
    let server = Server::open();
    let mut admin = Admin::of(&server);
    let association = Association::open(&server);
    association.expect_exchange(&Socket::on(crate::harness::socks::LOOPBACK));
    let octets = (b"question".len() + b"answer".len()) as u32;
    until("they are counted", || admin.metrics() == Metrics { historic: 1, current: 1, octets });
}

#[test]
fn current_falls_and_historic_never_does() {
    let server = Server::open();
    let mut admin = Admin::of(&server);
    let address = echo();
    let mut open: Vec<Peer> = (0..10).map(|_| through(&server, address)).collect();
    let mut before = admin.metrics();
    assert_eq!((before.historic, before.current), (10, 10));
    for left in (0..10).rev() {
        open.pop();
        until("one connection less", || {
            let now = admin.metrics();
            assert!(now.historic >= before.historic && now.octets >= before.octets);
            before = now;
            now.current == left
        });
    }
    assert_eq!(before.historic, 10);
}

#[test]
fn a_client_counts_from_its_first_moment() {
    let server = Server::open();
    let mut admin = Admin::of(&server);
    let silent = Peer::connect(server.socks);
    until("it is counted", || admin.metrics() == Metrics { historic: 1, current: 1, octets: 0 });
    drop(silent);
    until("it is forgotten", || admin.metrics() == Metrics { historic: 1, current: 0, octets: 0 });
}

#[test]
fn management_is_never_counted() {
    let server = Server::open();
    let mut admins: Vec<Admin> = (0..3).map(|_| Admin::of(&server)).collect();
    for admin in &mut admins {
        assert_eq!(admin.metrics(), Metrics { historic: 0, current: 0, octets: 0 });
    }
}
