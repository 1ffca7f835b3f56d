//! BIND.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use crate::proxy::{Client, PATIENCE, Proxy, Setup, at, named, succeeded, until};
use socksd::core::{Command as Manage, Credential, Outcome, State};
use socksd::socks::service::Options;
use socksd::wire::socks5::{Address, Command, ReplyCode};

const ANYBODY: Address = Address::UNSPECIFIED;

fn bind(proxy: &Proxy, to: Address) -> (Client, SocketAddr) {
    let (client, reply) = proxy.ask(Command::Bind, to, b"");
    (client, succeeded(&reply))
}

fn peer_of(bound: SocketAddr) -> Client {
    let stream = TcpStream::connect(bound).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    Client(stream)
}

/// A connection from 127.0.0.2, which std can't make.
#[cfg(all(target_os = "linux", feature = "native"))]
fn stranger(to: SocketAddr) -> Client {
    use rustix::net::{AddressFamily, SocketType, bind, connect, socket};
    let from: SocketAddr = "127.0.0.2:0".parse().unwrap();
    let fd = socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
    bind(&fd, &from).unwrap();
    connect(&fd, &to).unwrap();
    let stream = TcpStream::from(fd);
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    Client(stream)
}

fn nobody_listens(bound: SocketAddr) {
    until("the listener is closed", || TcpStream::connect(bound).is_err());
}

#[test]
fn the_peer_is_named_then_octets_flow_and_ends_are_passed_on() {
    for (listen, to) in [("127.0.0.1:0", "127.0.0.1:0"), ("[::1]:0", "[::1]:7")] {
        let proxy = Proxy::start(Setup { listen, ..Setup::default() });
        let (mut client, bound) = bind(&proxy, at(to));
        assert_eq!(bound.ip(), proxy.address.ip());
        let mut peer = peer_of(bound);
        assert_eq!(succeeded(&client.reply()), peer.0.local_addr().unwrap());
        // One peer and no more.
        nobody_listens(bound);
        peer.0.write_all(b"to the client").unwrap();
        assert_eq!(client.read(13), b"to the client");
        client.0.write_all(b"to the peer").unwrap();
        client.shut_down_writing();
        assert_eq!(peer.read_to_end(), b"to the peer");
        assert_eq!(proxy.open(), 1);
        peer.0.write_all(b"a late answer").unwrap();
        drop(peer);
        assert_eq!(client.read_to_end(), b"a late answer");
        assert_eq!(proxy.ended(), "closed");
        let metrics = proxy.service.core.metrics();
        assert_eq!((metrics.bytes_up, metrics.bytes_down), (11, 26));
    }
}

#[test]
fn the_client_may_say_nothing_until_its_peer_has() {
    let proxy = Proxy::start(Setup::default());
    let (mut client, bound) = bind(&proxy, ANYBODY);
    let mut peer = peer_of(bound);
    client.reply();
    peer.0.write_all(b"220").unwrap();
    peer.shut_down_writing();
    assert_eq!(client.read_to_end(), b"220");
    client.0.write_all(b"late").unwrap();
    drop(client);
    assert_eq!(peer.read_to_end(), b"late");
    assert_eq!(proxy.ended(), "closed");
}

#[test]
#[cfg(target_os = "linux")]
fn the_address_for_anybody_is_where_the_client_has_reached_us() {
    let proxy = Proxy::start(Setup { listen: "0.0.0.0:0", ..Setup::default() });
    let here = SocketAddr::new([127, 0, 0, 3].into(), proxy.address.port());
    let (_client, reply) = proxy.ask_at(here, Command::Bind, ANYBODY, b"");
    assert_eq!(succeeded(&reply).ip(), here.ip());
    // The route to a specific one begins elsewhere.
    let (_client, reply) = proxy.ask_at(here, Command::Bind, at("127.0.0.1:1"), b"");
    assert_eq!(succeeded(&reply).ip().to_string(), "127.0.0.1");
}

#[test]
#[cfg(all(target_os = "linux", feature = "native"))]
fn others_are_closed_and_the_waiting_goes_on() {
    let proxy = Proxy::start(Setup::default());
    for to in [at("127.0.0.1:9"), named("localhost", 0), named("127.0.0.1", 0)] {
        let (mut client, bound) = bind(&proxy, to);
        for _ in 0..3 {
            assert!(stranger(bound).is_over());
        }
        let peer = peer_of(bound);
        assert_eq!(succeeded(&client.reply()), peer.0.local_addr().unwrap());
    }
    let (mut client, bound) = bind(&proxy, ANYBODY);
    let peer = stranger(bound);
    assert_eq!(succeeded(&client.reply()), peer.0.local_addr().unwrap());
}

#[test]
fn the_deadline_ends_the_waiting_with_a_second_reply() {
    let options = Options { bind_timeout: Duration::from_millis(300), ..Options::default() };
    for early in [&b""[..], b"early"] {
        let options = options.clone();
        let proxy = Proxy::start(Setup { options, threads: 2, ..Setup::default() });
        let (mut client, reply) = proxy.ask(Command::Bind, ANYBODY, early);
        assert_eq!(client.reply().code, ReplyCode::TTL_EXPIRED);
        assert_eq!(client.read_to_end(), b"");
        drop(client);
        nobody_listens(succeeded(&reply));
        assert_eq!(proxy.ended(), "refused");
        proxy.all_threads_are_free(2);
    }
}

#[test]
fn the_deadline_is_for_the_waiting_only() {
    let options = Options { bind_timeout: Duration::from_secs(1), ..Options::default() };
    let proxy = Proxy::start(Setup { options, ..Setup::default() });
    // A busy machine may need longer than that to connect: try again.
    let tried = (0..20).find_map(|_| {
        let (mut client, bound) = bind(&proxy, ANYBODY);
        let peer = TcpStream::connect(bound).ok()?;
        (client.reply().code == ReplyCode::SUCCEEDED).then_some((client, Client(peer)))
    });
    let (mut client, mut peer) = tried.expect("a peer in time");
    // Nothing shows that a deadline has passed and did nothing, but time.
    peer.0.set_read_timeout(Some(Duration::from_millis(1300))).unwrap();
    assert!(peer.0.read(&mut [0; 1]).is_err());
    peer.0.set_read_timeout(Some(PATIENCE)).unwrap();
    client.0.write_all(b"up").unwrap();
    assert_eq!(peer.read(2), b"up");
    peer.0.write_all(b"down").unwrap();
    assert_eq!(client.read(4), b"down");
}

#[test]
fn a_client_that_leaves_ends_the_waiting() {
    let proxy = Proxy::start(Setup { threads: 2, ..Setup::default() });
    let (client, bound) = bind(&proxy, ANYBODY);
    assert_eq!(proxy.open(), 1);
    drop(client);
    // Only then, since whoever tries to connect is a peer.
    assert_eq!(proxy.ended(), "client-error");
    nobody_listens(bound);
    proxy.all_threads_are_free(2);
}

/// What it has sent ahead is not wanted any more, either.
#[test]
#[cfg(all(target_os = "linux", feature = "native"))]
fn a_client_that_breaks_off_ends_the_waiting() {
    let proxy = Proxy::start(Setup { threads: 2, ..Setup::default() });
    let (client, reply) = proxy.ask(Command::Bind, ANYBODY, b"early");
    assert_eq!(proxy.open(), 1);
    rustix::net::sockopt::set_socket_linger(&client.0, Some(Duration::ZERO)).unwrap();
    drop(client);
    assert_eq!(proxy.ended(), "client-error");
    nobody_listens(succeeded(&reply));
    proxy.all_threads_are_free(2);
}

#[test]
fn what_the_client_sends_early_reaches_the_peer_first() {
    let proxy = Proxy::start(Setup::default());
    let (mut client, reply) = proxy.ask(Command::Bind, ANYBODY, b"one ");
    client.0.write_all(b"two ").unwrap();
    let mut peer = peer_of(succeeded(&reply));
    succeeded(&client.reply());
    assert_eq!(peer.read(8), b"one two ");
    client.0.write_all(b"three").unwrap();
    client.shut_down_writing();
    assert_eq!(peer.read_to_end(), b"three");
}

#[test]
fn more_than_is_held_waits_outside() {
    let proxy = Proxy::start(Setup::default());
    let (mut client, bound) = bind(&proxy, ANYBODY);
    let sent: Vec<u8> = (0..1_000_000_u32).map(|number| (number % 251) as u8).collect();
    let mut writer = client.0.try_clone().unwrap();
    let upload = sent.clone();
    let writing = std::thread::spawn(move || writer.write_all(&upload));
    let mut peer = peer_of(bound);
    succeeded(&client.reply());
    assert!(peer.read(sent.len()) == sent, "what arrives is not what was sent");
    writing.join().unwrap().unwrap();
}

#[test]
fn an_end_from_outside_ends_the_waiting() {
    for early in [0, 1, 70_000] {
        let proxy = Proxy::start(Setup { threads: 2, ..Setup::default() });
        let (mut client, bound) = bind(&proxy, ANYBODY);
        client.0.write_all(&vec![0; early]).unwrap();
        assert_eq!(proxy.service.core.cut_all(), 1);
        assert!(client.is_over());
        assert_eq!(proxy.ended(), "shutdown");
        nobody_listens(bound);
        proxy.all_threads_are_free(2);
    }
}

#[test]
fn both_sides_end_with_an_error_of_one() {
    let proxy = Proxy::start(Setup { threads: 2, ..Setup::default() });
    let (mut client, bound) = bind(&proxy, ANYBODY);
    let peer = peer_of(bound);
    succeeded(&client.reply());
    // Closing with unread octets resets the connection.
    client.0.write_all(b"never read").unwrap();
    until("octets have arrived", || peer.0.peek(&mut [0; 1]).is_ok());
    drop(peer);
    assert!(client.is_over());
    proxy.all_threads_are_free(2);
}

#[test]
fn failures_are_the_first_reply() {
    let proxy = Proxy::start(Setup::default());
    let (mut client, reply) = proxy.ask(Command::Bind, named("no.such.name.invalid", 1), b"");
    assert_eq!(reply.code, ReplyCode::HOST_UNREACHABLE);
    assert_eq!(client.read_to_end(), b"");
    // One thread is the worker's; there is none to watch the client.
    let proxy = Proxy::start(Setup { threads: 1, ..Setup::default() });
    let (mut client, reply) = proxy.ask(Command::Bind, ANYBODY, b"");
    assert_eq!(reply.code, ReplyCode::GENERAL_FAILURE);
    assert_eq!(client.read_to_end(), b"");
    drop(client);
    assert_eq!(proxy.ended(), "refused");
}

#[test]
fn the_waiting_is_not_idleness() {
    let mut setup = Setup::default();
    setup.settings.timeout = Duration::ZERO;
    let proxy = Proxy::start(setup);
    let (mut client, bound) = bind(&proxy, ANYBODY);
    proxy.service.core.sweep(Duration::ZERO);
    let core = &proxy.service.core;
    let login = Credential::Checked(Ok(("test".to_owned(), None)));
    let caller = core.log_in("test", login, bound.ip()).unwrap();
    let Ok(Outcome::Connections(list)) = core.apply(&caller, Manage::ListConnections) else {
        panic!("no list");
    };
    let states: Vec<_> = list.iter().map(|view| view.state).collect();
    assert_eq!(states, [State::Handshake]);
    let _peer = peer_of(bound);
    succeeded(&client.reply());
    // Then it is.
    until("the relay has ended", || {
        proxy.service.core.sweep(Duration::ZERO);
        proxy.open() == 0
    });
    assert_eq!(proxy.ended(), "idle");
}
