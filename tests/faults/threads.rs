//! No threads left: who is there is served, who comes is refused, and it goes on by
//! itself.

use crate::harness::clock::{eventually, until};
use crate::harness::shoes::Admin;
use crate::harness::socks::{through, try_through};
use crate::harness::target::echo;
use crate::somebody::Somebody;

/// The limit is one of a user's processes, and none for root.
const THREADS: usize = 24;

#[test]
fn who_is_there_is_served_and_it_goes_on_by_itself() {
    let limit = format!("--nproc={THREADS}");
    let somebody = Somebody::new(100_000, &["prlimit", &limit]);
    let patient = ["--handshake-timeout", "600"];
    let Some(mut server) = somebody.start(&patient) else { return };
    let target = echo();
    let (mut admin, mut open) = (Admin::of(&server), through(&server, target));
    for _ in 0..2 {
        // Threads come back a little later than their clients see the end.
        let mut clients = vec![eventually("it serves", || try_through(&server, None, target))];
        while let Some(client) = try_through(&server, None, target) {
            clients.push(client);
            assert!(clients.len() < THREADS, "more relays than threads");
        }
        assert!(server.threads() <= THREADS);
        open.expect_echo(b"still served");
        clients.iter_mut().for_each(|client| client.expect_echo(b"served"));
        assert!(admin.metrics().current >= clients.len() as u32);
    }
    drop(open);
    until("they are gone", || admin.metrics().current == 0);
    eventually("it serves again", || try_through(&server, None, target)).expect_echo(b"again");
    server.terminate();
    assert_eq!(server.wait_for_exit().code(), Some(0));
}
