//! The end of a server with 500 transfers under way.

use std::net::TcpStream;

use crate::harness::clock::until;
use crate::harness::peer::Peer;
use crate::harness::server::Server;
use crate::harness::socks::through;
use crate::harness::target::Target;

const TRANSFERS: usize = 500;

/// A client, and the target that it is connected to.
type Transfer = (Peer, Peer);

fn begin(server: &Server) -> Vec<Transfer> {
    socksd::net::raise_descriptor_limit();
    let target = Target::listen();
    let transfer = |_| {
        let mut client = through(server, target.address());
        let mut accepted = target.accept();
        accepted.send(b"the beginning");
        client.expect(b"the beginning");
        (client, accepted)
    };
    (0..TRANSFERS).map(transfer).collect()
}

fn terminate(server: &Server) {
    server.terminate();
    until("new connections are refused", || TcpStream::connect(server.socks).is_err());
}

#[test]
fn what_finishes_in_time_is_whole_and_the_rest_is_cut() {
    let mut server = Server::start(&["--grace", "8"]);
    let transfers = begin(&server);
    terminate(&server);
    let (finishing, lasting): (Vec<_>, Vec<_>) =
        transfers.into_iter().enumerate().partition(|(n, _)| n % 2 == 0);
    let payload: Vec<u8> = (0..20_000_u32).map(|n| (n % 251) as u8).collect();
    for (_, (mut client, mut accepted)) in finishing {
        accepted.send(&payload);
        accepted.finish();
        assert!(client.receive_to_eof() == payload, "half an answer");
    }
    assert!(server.is_running(), "it waits for the others");
    for (_, (mut client, mut accepted)) in lasting {
        client.expect_end();
        accepted.expect_end();
    }
    assert_eq!(server.wait_for_exit().code(), Some(0));
}

#[test]
fn a_second_signal_cuts_all_at_once() {
    let mut server = Server::start(&["--grace", "600"]);
    let transfers = begin(&server);
    terminate(&server);
    server.terminate();
    assert_eq!(server.wait_for_exit().code(), Some(0));
    for (mut client, mut accepted) in transfers {
        client.expect_end();
        accepted.expect_end();
    }
}
