//! Where clients may go: CONNECT and BIND.

use std::net::{Ipv4Addr, SocketAddr};

use super::ruled::Ruled;
use crate::harness::clock::until;
use crate::harness::file::Scratch;
use crate::harness::socks::{
    ANYWHERE, BIND, CONNECT, LOOPBACK, LOOPBACK_V6, greeted, ip, logged_in, name, refused, request,
    through,
};
use crate::harness::target::{Target, echo};

/// "X'02' connection not allowed by ruleset".
const NOT_ALLOWED: u8 = 0x02;
const OTHER: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

#[test]
fn an_address_that_is_denied_is_not_connected_to() {
    let log = Scratch::new("log");
    let config = "[rules]\ntargets = [\"allow 127.0.0.1\", \"deny 127.0.0.0/8\"]";
    let ruled = Ruled::start(config, &["--access-log", log.path()]);
    through(&ruled.server, echo()).expect_echo(b"allowed");
    let target = Target::listen_on(OTHER.into());
    assert_eq!(refused(&ruled.server, &ip(target.address())), NOT_ALLOWED);
    assert!(target.accepted().is_none());
    let lines = log.records(2);
    let denied = lines.iter().find(|line| line[5] == "127.0.0.2").expect("its line");
    assert_eq!((denied[7].as_str(), denied[11].as_str()), ("2", "refused"));
    until("the log says which rule", || {
        let log = ruled.server.log();
        log.contains("target-denied address=127.0.0.1 user=anonymous target=127.0.0.2:")
            && log.contains("reason=\"deny 127.0.0.0/8 (rule 2 of targets)\"")
    });
}

/// What a resolver makes an address of is judged by that address.
#[test]
fn an_address_is_known_however_it_is_written() {
    let config = "[rules]\ntargets = [\"deny 127.0.0.0/8\", \"deny [::1]\"]";
    let ruled = Ruled::start(config, &[]);
    let port = echo().port();
    for text in ["127.0.0.1", "::1", "[::1]", "::ffff:127.0.0.1", "localhost", "LOCALHOST"] {
        assert_eq!(refused(&ruled.server, &name(text, port)), NOT_ALLOWED, "{text}");
    }
    for ip_of in [LOOPBACK, LOOPBACK_V6, Ipv4Addr::LOCALHOST.to_ipv6_mapped().into()] {
        let destination = ip(SocketAddr::new(ip_of, port));
        assert_eq!(refused(&ruled.server, &destination), NOT_ALLOWED, "{ip_of}");
    }
}

/// Not every resolver reads these; the one that does must not be a way around.
#[test]
fn numbers_that_are_addresses_are_no_way_around() {
    let ruled = Ruled::start("[rules]\ntargets = [\"deny 127.0.0.0/8\"]", &[]);
    let target = Target::listen();
    for text in ["2130706433", "127.1", "0177.0.0.1", "0x7f.1", "0x7f000001", "127.0.0.1."] {
        let code = refused(&ruled.server, &name(text, target.address().port()));
        assert!([NOT_ALLOWED, 0x04].contains(&code), "{text}: {code}");
        if cfg!(all(target_os = "linux", target_env = "gnu")) && !text.ends_with('.') {
            assert_eq!(code, NOT_ALLOWED, "{text}");
        }
    }
    assert!(target.accepted().is_none());
}

/// No such name exists: whoever looks it up says "host unreachable".
#[test]
fn a_name_that_is_denied_is_not_looked_up() {
    let config = "[rules]\ntargets = [\"deny 10.0.0.0/8\", \"deny *.denied.invalid\"]";
    let ruled = Ruled::start(config, &[]);
    for text in ["a.denied.invalid", "A.B.Denied.Invalid."] {
        assert_eq!(refused(&ruled.server, &name(text, 80)), NOT_ALLOWED, "{text}");
    }
    for text in ["denied.invalid", "notdenied.invalid", "other.invalid"] {
        assert_eq!(refused(&ruled.server, &name(text, 80)), 0x04, "{text}");
    }
}

#[test]
fn an_address_less_leaves_the_others_of_a_name() {
    let ruled = Ruled::start("[rules]\ntargets = [\"deny [::]/0\"]", &[]);
    let mut client = greeted(&ruled.server);
    client.ask(CONNECT, &name("localhost", echo().port()));
    client.expect_echo(b"by the address that is left");
    let port = Target::listen_on(LOOPBACK_V6).address().port();
    let destination = ip(SocketAddr::new(LOOPBACK_V6, port));
    assert_eq!(refused(&ruled.server, &destination), NOT_ALLOWED);
}

#[test]
fn ports_and_users_have_rules_of_their_own() {
    let (open, closed) = (echo(), echo());
    let config = format!(
        "[rules]\ntargets = [\"deny *:{}\"]\n\
         [[users]]\nname = \"ana\"\npassword = \"1234\"\nrules = [\"allow 127.0.0.1\"]\n\
         [[users]]\nname = \"bob\"\npassword = \"5678\"\nrules = [\"deny *:{}\"]\n",
        closed.port(),
        open.port()
    );
    let ruled = Ruled::start(&config, &[]);
    let code = |user, password, to| {
        let mut client = logged_in(&ruled.server, user, password);
        client.send(&request(CONNECT, &ip(to)));
        client.receive(2)[1]
    };
    assert_eq!([code("ana", "1234", open), code("ana", "1234", closed)], [0x00, 0x00]);
    assert_eq!(code("bob", "5678", open), NOT_ALLOWED);
    assert_eq!(code("bob", "5678", closed), NOT_ALLOWED);
    ruled.set("user:bob", &[]);
    assert_eq!(code("bob", "5678", open), 0x00);
    assert_eq!(code("bob", "5678", closed), NOT_ALLOWED);
}

#[test]
fn whom_bind_may_wait_for_is_a_target() {
    let ruled = Ruled::start("[rules]\ntargets = [\"deny 127.0.0.2\"]", &[]);
    let bind = |destination: &[u8]| {
        let mut client = greeted(&ruled.server);
        client.send(&request(BIND, destination));
        client.receive(2)[1]
    };
    assert_eq!(bind(&ip(SocketAddr::new(OTHER.into(), 0))), NOT_ALLOWED);
    assert_eq!(bind(&name("127.0.0.2", 21)), NOT_ALLOWED);
    assert_eq!(bind(&ip(SocketAddr::new(LOOPBACK, 0))), 0x00);
    assert_eq!(bind(&ip(ANYWHERE)), 0x00);
    // With nobody who could come there is nothing to wait for.
    ruled.set("targets", &["deny 10.0.0.0/8", "deny *"]);
    assert_eq!(bind(&ip(ANYWHERE)), NOT_ALLOWED);
}

#[cfg(all(target_os = "linux", feature = "native"))]
#[test]
fn who_comes_to_bind_is_a_target() {
    use crate::harness::peer::Peer;
    let ruled = Ruled::start("[rules]\ntargets = [\"deny 127.0.0.2\"]", &[]);
    let mut client = greeted(&ruled.server);
    let bound = client.ask(BIND, &ip(ANYWHERE));
    Peer::connect_from(OTHER, bound).expect_end();
    // What was allowed when the client asked is asked again when the peer comes.
    ruled.set("targets", &["deny 127.0.0.1", "deny 127.0.0.2"]);
    Peer::connect(bound).expect_end();
    ruled.set("targets", &["deny 127.0.0.1"]);
    let mut peer = Peer::connect_from(OTHER, bound);
    assert_eq!(client.reply().bound, peer.local());
    peer.send(b"hello");
    client.expect(b"hello");
}

#[test]
fn what_is_open_stays_open_and_nothing_new_is_opened() {
    let ruled = Ruled::start("", &[]);
    let address = echo();
    let mut open = through(&ruled.server, address);
    ruled.set("targets", &["deny *"]);
    assert_eq!(refused(&ruled.server, &ip(address)), NOT_ALLOWED);
    open.expect_echo(b"still here");
    ruled.set("targets", &[]);
    through(&ruled.server, address).expect_echo(b"again");
}
