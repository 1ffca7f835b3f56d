//! Failure replies: honest, complete, delivered, and followed by the end
//! (RFC 1928, section 6).

use crate::harness::server::Server;
use crate::harness::socks::{
    CONNECT, LOOPBACK, LOOPBACK_V6, greeted, ip, name, refused, request, through,
};
use crate::harness::target::{Nobody, echo};

#[test]
fn a_refused_connection_is_05() {
    let server = Server::open();
    for listening in [LOOPBACK, LOOPBACK_V6] {
        let nobody = Nobody::on(listening);
        assert_eq!(refused(&server, &ip(nobody.address())), 0x05, "{listening}");
        let literal = name(listening.to_string(), nobody.address().port());
        assert_eq!(refused(&server, &literal), 0x05, "{listening} as a name");
    }
    let nobody = Nobody::on(LOOPBACK);
    assert_eq!(refused(&server, &name("localhost", nobody.address().port())), 0x05);
}

/// The kernel has no TCP route to a broadcast address, not even of loopback.
#[cfg(target_os = "linux")]
#[test]
fn an_unreachable_network_is_03() {
    let server = Server::open();
    assert_eq!(refused(&server, &ip(([127, 255, 255, 255], 9).into())), 0x03);
}

#[test]
fn a_name_that_does_not_exist_is_04() {
    let server = Server::open();
    // RFC 6761, section 6.4: nobody may have a name under "invalid".
    assert_eq!(refused(&server, &name("no-such-host.invalid", 80)), 0x04);
}

/// A listener whose queue is full leaves SYNs unanswered.
#[cfg(target_os = "linux")]
#[test]
fn a_connect_that_times_out_is_06() {
    use crate::harness::target::Target;

    let server = Server::start(&["--connect-timeout", "0.5", "--max-connections", "5000"]);
    let target = Target::listen();
    let mut queued = Vec::new();
    let code = loop {
        let mut client = greeted(&server);
        client.send(&request(CONNECT, &ip(target.address())));
        let code = client.reply().code;
        if code != 0x00 {
            client.expect_eof();
            break code;
        }
        queued.push(client);
        assert!(queued.len() < 5000, "the queue of a listener never fills here");
    };
    assert_eq!(code, 0x06);
}

#[test]
fn port_0_is_refused() {
    let server = Server::open();
    assert_ne!(refused(&server, &ip(([127, 0, 0, 1], 0).into())), 0x00);
    assert_ne!(refused(&server, &name("localhost", 0)), 0x00);
    assert_ne!(refused(&server, &name("127.0.0.1", 0)), 0x00);
}

#[test]
fn a_name_that_can_be_none_is_refused() {
    let server = Server::open();
    let port = echo().port();
    let names: [&[u8]; 9] = [
        b"",
        b"127.0.0.1\0.example.org",
        b"localhost\0",
        b"\0",
        b"local\nhost",
        b"localhost\x7f",
        b"\x1b[2J",
        b"\xff\xfe",
        b"localhost\xc3",
    ];
    for unfit in names {
        assert_ne!(refused(&server, &name(unfit, port)), 0x00, "{unfit:?}");
    }
    assert_ne!(refused(&server, &name([b'a'; 255], port)), 0x00, "too long for DNS");
}

#[test]
fn an_unknown_command_is_07_after_the_whole_address() {
    let server = Server::open();
    let addresses = [
        ip(([127, 0, 0, 1], 80).into()),
        ip((LOOPBACK_V6, 80).into()),
        name("localhost", 80),
        name("", 80),
    ];
    for command in [0x00, 0x04, 0x7f, 0xff] {
        for address in &addresses {
            let mut client = greeted(&server);
            client.send(&request(command, address));
            assert_eq!(client.refusal(), 0x07, "command {command:02x}, {address:02x?}");
        }
    }
}

#[test]
fn an_unknown_command_is_not_answered_before_its_address() {
    let server = Server::open();
    for address in [ip(([127, 0, 0, 1], 80).into()), name("localhost", 80)] {
        let octets = request(0x09, &address);
        let (last, rest) = octets.split_last().expect("some octets");
        let mut client = greeted(&server);
        client.send(rest);
        client.expect_silence(std::time::Duration::from_millis(200));
        client.send(&[*last]);
        assert_eq!(client.refusal(), 0x07);
    }
}

#[test]
fn an_unknown_address_type_is_08() {
    let server = Server::open();
    for kind in [0x00, 0x02, 0x05, 0xff] {
        for command in [CONNECT, 0x02, 0x03] {
            let mut client = greeted(&server);
            client.send(&[0x05, command, 0x00, kind]);
            assert_eq!(client.refusal(), 0x08, "command {command:02x} ATYP {kind:02x}");
        }
        let mut client = greeted(&server);
        client.send(&[0x05, CONNECT, 0x00, kind, 127, 0, 0, 1, 0, 80]);
        assert_eq!(client.refusal(), 0x08, "ATYP {kind:02x} and an address");
    }
}

#[test]
fn octets_behind_a_failing_request_do_not_eat_the_reply() {
    let server = Server::open();
    let nobody = Nobody::on(LOOPBACK);
    let behind = vec![0x55; 64 * 1024];
    for request in [
        request(CONNECT, &ip(nobody.address())),
        request(CONNECT, &name("bad\0name", 80)),
        request(0x09, &name("localhost", 80)),
        vec![0x05, CONNECT, 0x00, 0x07],
    ] {
        let mut client = greeted(&server);
        client.send(&[request.as_slice(), &behind].concat());
        client.refusal();
    }
}

#[test]
fn a_failure_is_followed_by_the_end_though_the_client_stays() {
    let server = Server::open();
    let nobody = Nobody::on(LOOPBACK);
    let mut stays: Vec<_> = (0..8).map(|_| greeted(&server)).collect();
    for client in &mut stays {
        client.send(&request(CONNECT, &ip(nobody.address())));
        assert_eq!(client.refusal(), 0x05);
    }
    through(&server, echo()).expect_echo(b"alive");
}

#[test]
fn success_is_said_after_the_connect_only() {
    let server = Server::open();
    let nobody = Nobody::on(LOOPBACK);
    for _ in 0..50 {
        assert_eq!(refused(&server, &ip(nobody.address())), 0x05);
    }
}
