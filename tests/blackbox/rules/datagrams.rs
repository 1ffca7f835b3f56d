//! Where datagrams may go: each of them is asked about.

use std::net::SocketAddr;

use super::ruled::Ruled;
use crate::harness::clock::until;
use crate::harness::socks::{ANYWHERE, ASSOCIATE, LOOPBACK, LOOPBACK_V6, ip, logged_in, name};
use crate::harness::udp::{Association, Socket};

fn port(target: &Socket) -> u16 {
    target.address().port()
}

#[test]
fn a_change_holds_for_the_next_datagram() {
    let ruled = Ruled::start("", &[]);
    let association = Association::open(&ruled.server);
    let (one, two) = (Socket::on(LOOPBACK), Socket::on(LOOPBACK));
    association.expect_exchange(&one);
    ruled.set("targets", &[&format!("deny *:{}", port(&one))]);
    association.send(&ip(one.address()), b"denied");
    association.send(&name("127.0.0.1", port(&one)), b"denied");
    association.send(&name("localhost", port(&one)), b"denied");
    // They are relayed in order, so what was denied would have arrived by then.
    association.expect_exchange(&two);
    ruled.set("targets", &[]);
    association.expect_exchange(&one);
    until("the log says which rule", || {
        ruled.server.log().contains(&format!("reason=\"deny *:{} (rule 1", port(&one)))
    });
}

/// What nothing may be sent to any more is not answered for, either.
#[test]
fn a_change_holds_for_the_next_answer() {
    for by_name in [false, true] {
        let ruled = Ruled::start("", &[]);
        let association = Association::open(&ruled.server);
        let target = Socket::on(LOOPBACK);
        let asked = if by_name { name("localhost", port(&target)) } else { ip(target.address()) };
        association.send(&asked, b"question");
        let relayed = target.expect(b"question");
        let rule = if by_name { "deny localhost" } else { "deny 127.0.0.0/8" };
        ruled.set("targets", &[rule]);
        target.send(b"denied", relayed);
        let told = format!("reason=\"{rule} (rule 1 of targets)");
        until("the log says which rule", || ruled.server.log().contains(&told));
        ruled.set("targets", &[]);
        target.send(b"answer", relayed);
        association.expect(&ip(target.address()), b"answer");
    }
}

#[test]
fn names_are_judged_by_their_addresses() {
    let config = "[rules]\ntargets = [\"deny 127.0.0.0/8\", \"deny *.invalid\"]";
    let ruled = Ruled::start(config, &[]);
    let association = Association::open(&ruled.server);
    let (v4, v6) = (Socket::on(LOOPBACK), Socket::on(LOOPBACK_V6));
    for text in ["127.0.0.1", "::ffff:127.0.0.1", "a.invalid"] {
        association.send(&name(text, port(&v4)), b"denied");
    }
    let mapped = SocketAddr::new("::ffff:127.0.0.1".parse().expect("an address"), port(&v4));
    association.send(&ip(mapped), b"denied");
    association.expect_exchange(&v6);
    ruled.set("targets", &["deny [::1]"]);
    association.send(&ip(v6.address()), b"denied");
    association.send(&name("localhost", port(&v4)), b"the address that is left");
    v4.expect(b"the address that is left");
    ruled.set("targets", &[]);
    association.expect_exchange(&v6);
}

#[test]
fn a_user_who_is_removed_sends_nothing_more() {
    let config = "[[users]]\nname = \"ana\"\npassword = \"1234\"\nrules = [\"allow *\"]";
    let ruled = Ruled::start(config, &[]);
    let associate = || {
        let mut control = logged_in(&ruled.server, "ana", "1234");
        let relay = control.ask(ASSOCIATE, &ip(ANYWHERE));
        Association { control, relay, socket: Socket::on(LOOPBACK) }
    };
    let association = associate();
    let target = Socket::on(LOOPBACK);
    association.expect_exchange(&target);
    ruled.says(&["remove-user", "ana"]);
    association.send(&ip(target.address()), b"too late");
    until("the log says why", || ruled.server.log().contains("the login no longer holds"));
    ruled.says(&["add-user", "ana", "1234"]);
    associate().expect_exchange(&target);
}
