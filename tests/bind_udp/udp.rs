//! UDP ASSOCIATE.

use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::time::Duration;

use crate::proxy::{
    PATIENCE, Proxy, Setup, answer, at, named, receive, succeeded, udp, until, wrapped,
};
use socksd::socks::service::Options;
use socksd::wire::socks5::{Address, Command, ReplyCode};

/// The longest payload of a UDP datagram over IPv4.
const LONGEST: usize = 65_507;
/// The length of a header with an IPv4 address.
const HEADER: usize = 10;

fn address(socket: &UdpSocket) -> SocketAddr {
    socket.local_addr().unwrap()
}

/// Sends a datagram to a target through the proxy, and has it answered.
#[track_caller]
fn exchange(client: &UdpSocket, relay: SocketAddr, target: &UdpSocket, to: impl Into<Address>) {
    client.send_to(&wrapped(to, b"question"), relay).unwrap();
    let (question, from) = receive(target);
    assert_eq!(question, b"question");
    target.send_to(b"answer!", from).unwrap();
    assert_eq!(answer(client), (b"answer!".to_vec(), address(target).into()));
}

#[test]
fn ipv4_ipv6_and_names_go_through_one_association() {
    let proxy = Proxy::start(Setup::default());
    let (_control, relay) = proxy.associate();
    assert_eq!(relay.ip(), proxy.address.ip());
    let client = udp("127.0.0.1:0");
    let (v4, v6) = (udp("127.0.0.1:0"), udp("[::1]:0"));
    for _ in 0..3 {
        exchange(&client, relay, &v4, address(&v4));
        exchange(&client, relay, &v6, address(&v6));
        exchange(&client, relay, &v4, named("localhost", address(&v4).port()));
        exchange(&client, relay, &v4, named("127.0.0.1", address(&v4).port()));
        exchange(&client, relay, &v6, named("[::1]", address(&v6).port()));
    }
    // An IPv4-mapped address is the IPv4 address that it is.
    let mapped = SocketAddr::new("::ffff:127.0.0.1".parse().unwrap(), address(&v4).port());
    let mut datagram = wrapped(SocketAddr::new([0; 16].into(), mapped.port()), b"question");
    let IpAddr::V6(ip) = mapped.ip() else { unreachable!() };
    datagram[4..20].copy_from_slice(&ip.octets());
    client.send_to(&datagram, relay).unwrap();
    assert_eq!(receive(&v4).0, b"question");
    until("all of them are counted", || {
        let metrics = proxy.service.core.metrics();
        (metrics.bytes_up, metrics.bytes_down) == (16 * 8, 15 * 7)
    });
}

#[test]
fn an_ipv6_client_is_served_on_its_address() {
    let proxy = Proxy::start(Setup { listen: "[::1]:0", ..Setup::default() });
    let (_control, relay) = proxy.associate();
    assert_eq!(relay.ip(), proxy.address.ip());
    let (client, v4, v6) = (udp("[::1]:0"), udp("127.0.0.1:0"), udp("[::1]:0"));
    exchange(&client, relay, &v4, address(&v4));
    exchange(&client, relay, &v6, address(&v6));
}

#[test]
#[cfg(target_os = "linux")]
fn the_address_is_where_the_client_has_reached_us() {
    let proxy = Proxy::start(Setup { listen: "0.0.0.0:0", ..Setup::default() });
    let here = SocketAddr::new([127, 0, 0, 3].into(), proxy.address.port());
    let (_control, reply) = proxy.ask_at(here, Command::UdpAssociate, Address::UNSPECIFIED, b"");
    let relay = succeeded(&reply);
    assert_eq!(relay.ip(), here.ip());
    let (client, target) = (udp("127.0.0.1:0"), udp("127.0.0.1:0"));
    exchange(&client, relay, &target, address(&target));
}

#[test]
fn an_advertised_address_is_in_the_reply() {
    let advertised: IpAddr = "192.0.2.7".parse().unwrap();
    let options = Options { udp_advertise: Some(advertised), ..Options::default() };
    let proxy = Proxy::start(Setup { options, ..Setup::default() });
    let (_control, told) = proxy.associate();
    assert_eq!(told.ip(), advertised);
    let relay = SocketAddr::new(proxy.address.ip(), told.port());
    let (client, target) = (udp("127.0.0.1:0"), udp("127.0.0.1:0"));
    exchange(&client, relay, &target, address(&target));
}

#[test]
fn ports_stay_in_their_range_and_come_back() {
    // Another program may take a port that was free a moment ago: try again.
    let tried = (0..20).find_map(|_| {
        let port = address(&udp("127.0.0.1:0")).port();
        let options = Options { udp_ports: Some((port, port)), ..Options::default() };
        let proxy = Proxy::start(Setup { options, ..Setup::default() });
        let nothing = Address::UNSPECIFIED;
        let (control, reply) = proxy.ask(Command::UdpAssociate, nothing, b"");
        (reply.code == ReplyCode::SUCCEEDED).then_some((port, proxy, control, reply))
    });
    let (port, proxy, control, reply) = tried.expect("a free port");
    assert_eq!(succeeded(&reply).port(), port);
    let (mut second, reply) = proxy.ask(Command::UdpAssociate, Address::UNSPECIFIED, b"");
    assert_eq!(reply.code, ReplyCode::GENERAL_FAILURE);
    assert_eq!(second.read_to_end(), b"");
    drop((control, second));
    until("the port is free", || UdpSocket::bind(("127.0.0.1", port)).is_ok());
}

#[test]
#[cfg(target_os = "linux")]
fn only_the_clients_address_and_first_valid_port_are_relayed() {
    let proxy = Proxy::start(Setup::default());
    let (_control, relay) = proxy.associate();
    let target = udp("127.0.0.1:0");
    let to = address(&target);
    let (stranger, client, other) = (udp("127.0.0.2:0"), udp("127.0.0.1:0"), udp("127.0.0.1:0"));
    // What comes out first tells who was heard.
    stranger.send_to(&wrapped(to, b"stranger"), relay).unwrap();
    client.send_to(&wrapped(to, b"client"), relay).unwrap();
    assert_eq!(receive(&target).0, b"client");
    other.send_to(&wrapped(to, b"other"), relay).unwrap();
    stranger.send_to(&wrapped(to, b"stranger"), relay).unwrap();
    client.send_to(&wrapped(to, b"client again"), relay).unwrap();
    let (last, from) = receive(&target);
    assert_eq!(last, b"client again");
    target.send_to(b"answer", from).unwrap();
    assert_eq!(answer(&client).0, b"answer");
}

#[test]
fn what_is_invalid_is_dropped_and_locks_nothing() {
    let proxy = Proxy::start(Setup::default());
    let (_control, relay) = proxy.associate();
    let (first, client, target) = (udp("127.0.0.1:0"), udp("127.0.0.1:0"), udp("127.0.0.1:0"));
    let to = address(&target);
    let valid = wrapped(to, b"invalid");
    let mut fragment = valid.clone();
    fragment[2] = 1;
    let mut last_fragment = valid.clone();
    last_fragment[2] = 0x81;
    let mut unknown_type = valid.clone();
    unknown_type[3] = 2;
    let nowhere = SocketAddr::new(to.ip(), 0);
    let zero = SocketAddr::new([0; 4].into(), to.port());
    let mut invalid = vec![fragment, last_fragment, unknown_type];
    invalid.push(wrapped(nowhere, b"port 0"));
    invalid.push(wrapped(zero, b"all zero"));
    invalid.extend(["", "local\0host", "local host"].map(|name| wrapped(named(name, 9), b"x")));
    invalid.extend((0..HEADER).map(|length| valid[..length].to_vec()));
    for datagram in &invalid {
        first.send_to(datagram, relay).unwrap();
    }
    exchange(&client, relay, &target, to);
    // Nor does it end what is locked.
    for datagram in &invalid {
        client.send_to(datagram, relay).unwrap();
    }
    exchange(&client, relay, &target, to);
    first.send_to(&valid, relay).unwrap();
    exchange(&client, relay, &target, to);
}

#[test]
fn a_port_announced_for_the_clients_address_is_the_only_one() {
    let proxy = Proxy::start(Setup::default());
    let (client, other, target) = (udp("127.0.0.1:0"), udp("127.0.0.1:0"), udp("127.0.0.1:0"));
    let announced = address(&client).into();
    let (_control, reply) = proxy.ask(Command::UdpAssociate, announced, b"");
    let relay = succeeded(&reply);
    other.send_to(&wrapped(address(&target), b"other"), relay).unwrap();
    exchange(&client, relay, &target, address(&target));
}

#[test]
fn the_longest_datagrams_pass_both_ways() {
    let proxy = Proxy::start(Setup::default());
    let (_control, relay) = proxy.associate();
    let (client, target) = (udp("127.0.0.1:0"), udp("127.0.0.1:0"));
    let payload: Vec<u8> = (0..LONGEST).map(|number| (number % 251) as u8).collect();
    let fits = &payload[..LONGEST - HEADER];
    client.send_to(&wrapped(address(&target), fits), relay).unwrap();
    let (received, from) = receive(&target);
    assert!(received == fits, "what arrived is not what was sent");
    target.send_to(fits, from).unwrap();
    assert!(answer(&client) == (fits.to_vec(), address(&target).into()), "another answer");
    // With its header this one is too long for a datagram.
    target.send_to(&payload, from).unwrap();
    target.send_to(b"", from).unwrap();
    assert_eq!(answer(&client).0, b"");
    client.send_to(&wrapped(address(&target), b""), relay).unwrap();
    assert_eq!(receive(&target).0, b"");
}

#[test]
#[cfg(target_os = "linux")]
fn only_hosts_that_the_client_has_sent_to_may_answer() {
    let proxy = Proxy::start(Setup::default());
    let (_control, relay) = proxy.associate();
    let (client, target) = (udp("127.0.0.1:0"), udp("127.0.0.1:0"));
    let (stranger, neighbour) = (udp("127.0.0.2:0"), udp("127.0.0.1:0"));
    client.send_to(&wrapped(address(&target), b"question"), relay).unwrap();
    let (_, from) = receive(&target);
    stranger.send_to(b"stranger", from).unwrap();
    // Another port of the same host may, and is named.
    neighbour.send_to(b"neighbour", from).unwrap();
    assert_eq!(answer(&client), (b"neighbour".to_vec(), address(&neighbour).into()));
    exchange(&client, relay, &stranger, address(&stranger));
}

#[test]
fn what_can_not_be_delivered_does_not_end_the_association() {
    let proxy = Proxy::start(Setup::default());
    let (_control, relay) = proxy.associate();
    let client = udp("127.0.0.1:0");
    let (v4, v6) = (udp("127.0.0.1:0"), udp("[::1]:0"));
    // Nobody else gets their ports, and connected to themselves they take nothing from others.
    let deaf = [udp("127.0.0.1:0"), udp("[::1]:0")];
    let closed = deaf.each_ref().map(address);
    deaf.iter().zip(closed).for_each(|(deaf, here)| deaf.connect(here).unwrap());
    // Nothing there, no route or not allowed.
    let broadcast = SocketAddr::new([255; 4].into(), 9);
    let no_scope = "[fe80::1]:9".parse().unwrap();
    for _ in 0..5 {
        for to in closed.into_iter().chain([broadcast, no_scope]) {
            client.send_to(&wrapped(to, b"lost"), relay).unwrap();
        }
        client.send_to(&wrapped(named("no.such.name.invalid", 9), b"lost"), relay).unwrap();
        exchange(&client, relay, &v4, address(&v4));
        exchange(&client, relay, &v6, address(&v6));
    }
    // The client itself may have closed its socket for a moment.
    let home = address(&client);
    client.send_to(&wrapped(address(&v4), b"question"), relay).unwrap();
    let (_, from) = receive(&v4);
    drop(client);
    // Answers are counted when they have been sent.
    let counted = |answers: u64| proxy.service.core.metrics().bytes_down == answers * 7;
    until("the ten answers so far are counted", || counted(10));
    v4.send_to(b"refused", from).unwrap();
    until("it has been passed on", || counted(11));
    // Another program may have its port for a moment.
    let mut again = None;
    until("the port is free", || {
        again = UdpSocket::bind(home).ok();
        again.is_some()
    });
    let client = again.unwrap();
    client.set_read_timeout(Some(PATIENCE)).unwrap();
    exchange(&client, relay, &v6, address(&v6));
}

#[test]
fn the_end_of_the_control_connection_ends_it_all() {
    for _ in 0..3 {
        let proxy = Proxy::start(Setup { threads: 4, ..Setup::default() });
        let (mut control, relay) = proxy.associate();
        let (client, v4, v6) = (udp("127.0.0.1:0"), udp("127.0.0.1:0"), udp("[::1]:0"));
        exchange(&client, relay, &v4, address(&v4));
        exchange(&client, relay, &v6, address(&v6));
        // Octets on it mean nothing.
        control.0.write_all(&[0; 10_000]).unwrap();
        exchange(&client, relay, &v4, address(&v4));
        assert_eq!(proxy.open(), 1);
        drop(control);
        until("the port is free", || UdpSocket::bind(relay).is_ok());
        assert_eq!(proxy.ended(), "closed");
        assert_eq!(proxy.service.core.metrics().bytes_up, 3 * 8);
        // The worker, one towards the targets, one back for each family.
        proxy.all_threads_are_free(4);
    }
}

#[test]
fn silence_ends_it() {
    let mut setup = Setup { threads: 3, ..Setup::default() };
    setup.settings.timeout = Duration::from_millis(200);
    let proxy = Proxy::start(setup);
    let (mut control, relay) = proxy.associate();
    let (client, target) = (udp("127.0.0.1:0"), udp("127.0.0.1:0"));
    exchange(&client, relay, &target, address(&target));
    until("it is idle", || {
        proxy.service.core.sweep(Duration::ZERO);
        proxy.open() == 0
    });
    assert_eq!(control.0.read(&mut [0; 1]).unwrap(), 0);
    assert_eq!(proxy.ended(), "idle");
    proxy.all_threads_are_free(3);
}

#[test]
fn it_can_be_cut() {
    let proxy = Proxy::start(Setup { threads: 2, ..Setup::default() });
    let (mut control, _relay) = proxy.associate();
    assert_eq!(proxy.service.core.cut_all(), 1);
    assert!(control.is_over());
    assert_eq!(proxy.ended(), "shutdown");
    proxy.all_threads_are_free(2);
}

#[test]
fn without_a_thread_there_is_no_success() {
    let proxy = Proxy::start(Setup { threads: 1, ..Setup::default() });
    let (mut control, reply) = proxy.ask(Command::UdpAssociate, at("127.0.0.1:1"), b"");
    assert_eq!(reply.code, ReplyCode::GENERAL_FAILURE);
    assert_eq!(control.read_to_end(), b"");
    drop(control);
    assert_eq!(proxy.ended(), "refused");
}

#[test]
fn a_thread_that_is_missing_later_costs_datagrams_only() {
    let proxy = Proxy::start(Setup { threads: 3, ..Setup::default() });
    let (_control, relay) = proxy.associate();
    let (client, v4, v6) = (udp("127.0.0.1:0"), udp("127.0.0.1:0"), udp("[::1]:0"));
    exchange(&client, relay, &v4, address(&v4));
    client.send_to(&wrapped(address(&v6), b"no thread"), relay).unwrap();
    client.send_to(&wrapped(named("localhost", address(&v4).port()), b"no thread"), relay).unwrap();
    exchange(&client, relay, &v4, address(&v4));
}
