//! How connections are counted in: per address, at once and per second, and behind a proxy
//! that says whose they are.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use socksd::core::{Command, Core, Credential, Ended, NotAdmitted, Outcome, Settings, Start};

fn core(settings: Settings) -> Core {
    Core::new(Start { settings, ..Start::default() }).expect("random bytes").0
}

fn from(address: &str) -> SocketAddr {
    address.parse().expect("an address")
}

/// Where the open connections come from.
fn clients(core: &Core) -> Vec<String> {
    let proof = Credential::Checked(Ok(("test".into(), None)));
    let caller = core.log_in("test", proof, [127, 0, 0, 1].into()).expect("a proof");
    let Ok(Outcome::Connections(list)) = core.apply(&caller, Command::ListConnections) else {
        panic!("no connections");
    };
    list.iter().map(|open| open.client.to_string()).collect()
}

#[test]
fn a_network_of_64_bits_is_one_address() {
    let core = core(Settings { max_per_address: Some(2), ..Settings::default() });
    let first = core.admit("test", from("[2001:db8::1]:1")).expect("the first");
    let _second = core.admit("test", from("[2001:db8::2]:1")).expect("the second");
    assert!(core.admit("test", from("[2001:db8::3]:1")).is_err());
    assert!(core.admit("test", from("[2001:db8:0:1::3]:1")).is_ok());
    drop(first);
    assert!(core.admit("test", from("[2001:db8::3]:1")).is_ok());
    assert_eq!(core.metrics().refused, 1);
}

#[test]
fn who_comes_too_often_is_refused_and_counted() {
    let core = core(Settings { max_new_per_address: Some(3), ..Settings::default() });
    let begun = Instant::now();
    let come = |address: &str| core.admit("test", from(address)).is_ok();
    let let_in = (0..30).filter(|_| come("192.0.2.7:1")).count();
    // A slow machine may have seen tokens come back.
    let back = usize::try_from(begun.elapsed().as_millis() * 3 / 1000).expect("some") + 1;
    assert!((3..=3 + back).contains(&let_in), "{let_in}");
    assert_eq!(core.metrics().refused, 30 - let_in as u64);
    assert_eq!(core.metrics().historic, let_in as u64);
    assert!(come("192.0.2.8:1") && come("[::ffff:192.0.2.9]:1"));
}

#[test]
fn a_proxied_connection_is_its_clients_from_the_header_on() {
    let limits = Settings { max_per_address: Some(1), ..Settings::default() };
    let core = core(limits);
    let proxied = |port| core.admit_proxied("test", from(&format!("10.0.0.1:{port}")));
    let open: Vec<_> = (1..=4).map(|port| proxied(port).expect("room")).collect();
    assert!(open.iter().all(|connection| !connection.is_identified()));
    assert_eq!(clients(&core)[0], "10.0.0.1:1");
    let client = Some(from("[::ffff:192.0.2.7]:56324"));
    assert_eq!(core.identify(&open[0], client), Ok(()));
    assert!(open[0].is_identified());
    assert_eq!(open[0].client(), from("192.0.2.7:56324"));
    assert_eq!(clients(&core)[0], "192.0.2.7:56324");
    // The limit is the client's, wherever it comes in.
    assert_eq!(core.identify(&open[1], client), Err(NotAdmitted::OverLimit));
    assert!(!open[1].is_identified());
    assert!(core.admit("test", from("192.0.2.7:1")).is_err());
    assert_eq!(core.identify(&open[2], Some(from("192.0.2.8:0"))), Ok(()));
    // The proxy's own connections are counted as its own.
    assert_eq!(core.identify(&open[3], None), Ok(()));
    assert_eq!(open[3].client(), from("10.0.0.1:4"));
    assert!(core.admit("test", from("10.0.0.1:9")).is_err());
    let metrics = core.metrics();
    assert_eq!((metrics.historic, metrics.refused, metrics.denied), (4, 3, 0));
    drop(open);
    assert!(core.admit("test", from("192.0.2.7:1")).is_ok());
    assert!(core.admit("test", from("10.0.0.1:9")).is_ok());
    assert_eq!((core.metrics().historic, core.metrics().current), (6, 0));
}

#[test]
fn a_connection_is_identified_once() {
    let core = core(Settings { max_per_address: Some(1), ..Settings::default() });
    let connection = core.admit_proxied("test", from("10.0.0.1:1")).expect("room");
    for client in ["192.0.2.7:1", "192.0.2.8:1"] {
        assert_eq!(core.identify(&connection, Some(from(client))), Ok(()));
        assert_eq!(connection.client(), from("192.0.2.7:1"));
    }
    assert!(core.admit("test", from("192.0.2.8:1")).is_ok());
    drop(connection);
    assert!(core.admit("test", from("192.0.2.7:1")).is_ok());
}

#[test]
fn what_waits_for_its_header_is_bounded_too() {
    let core = core(Settings { max_connections: 2, ..Settings::default() });
    let _open = [1, 2].map(|port| core.admit_proxied("test", ([10, 0, 0, 1], port).into()));
    assert!(core.admit_proxied("test", from("10.0.0.1:3")).is_err());
    assert!(core.admit("test", from("192.0.2.7:1")).is_err());
    assert_eq!((core.metrics().current, core.metrics().refused), (2, 2));
}

#[test]
fn a_proxys_client_has_a_rate_of_its_own() {
    let core = core(Settings { max_new_per_address: Some(1), ..Settings::default() });
    let come = |client: &str| {
        let connection = core.admit_proxied("test", from("10.0.0.1:1")).expect("room");
        core.identify(&connection, Some(from(client))).is_ok()
    };
    let begun = Instant::now();
    assert!(come("192.0.2.7:1"));
    let again = come("192.0.2.7:2");
    assert!(!again || begun.elapsed() >= Duration::from_secs(1));
    assert!((8..200).all(|host| come(&format!("192.0.2.{host}:1"))));
}

#[test]
fn a_wrong_header_is_a_handshake_that_failed() {
    let core = core(Settings::default());
    let connection = core.admit_proxied("test", from("10.0.0.1:1")).expect("room");
    assert!(connection.ended(Ended::ProxyProtocolError));
    drop(connection);
    let failures = core.details().handshake_failures;
    assert!(failures.contains(&(Ended::ProxyProtocolError, 1)), "{failures:?}");
}
