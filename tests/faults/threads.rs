//! No threads left: who is there is served, who comes is refused, and it goes on by
//! itself.

use std::fs;
use std::path::PathBuf;
use std::process;

use crate::foreign::is_there;
use crate::harness::clock::until;
use crate::harness::server::Server;
use crate::harness::shoes::Admin;
use crate::harness::socks::{greeted, through, try_through};
use crate::harness::target::echo;

/// The limit is one of a user's processes, and none for root: so the server runs as
/// a user whom nobody else is, made of this number and that of the test's process.
const SOMEBODY: u32 = 100_000;
const THREADS: usize = 24;

/// The server where any user can execute it: the build folder may not be such a place.
pub struct Copied(PathBuf);

impl Copied {
    /// `test` makes it one's own.
    pub fn new(test: &str) -> Self {
        let path = std::env::temp_dir().join(format!("socksd-{test}-{}", process::id()));
        fs::copy(env!("CARGO_BIN_EXE_socksd"), &path).expect("copying the server");
        Self(path)
    }

    pub fn path(&self) -> &str {
        self.0.to_str().expect("a printable name")
    }
}

impl Drop for Copied {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

#[test]
fn who_is_there_is_served_and_it_goes_on_by_itself() {
    let id = SOMEBODY + process::id();
    let (uid, gid) = (format!("--reuid={id}"), format!("--regid={id}"));
    let (limit, server) = (format!("--nproc={THREADS}"), Copied::new("threads"));
    let path = server.path();
    let words = ["prlimit", &limit, "setpriv", &uid, &gid, "--clear-groups"];
    if !is_there(&[&words[..], &["true"]].concat()) {
        return;
    }
    let patient = ["--handshake-timeout", "600"];
    let mut server = Server::start_under(&[&words[..], &[path]].concat(), &patient);
    let target = echo();
    let (mut admin, mut open) = (Admin::of(&server), through(&server, target));
    for _ in 0..2 {
        let mut clients: Vec<_> = Vec::new();
        while let Some(client) = try_through(&server, None, target) {
            clients.push(client);
            assert!(clients.len() < THREADS, "more relays than threads");
        }
        assert!(!clients.is_empty());
        assert!(server.threads() <= THREADS);
        open.expect_echo(b"still served");
        clients.iter_mut().for_each(|client| client.expect_echo(b"served"));
        assert!(admin.metrics().current >= clients.len() as u32);
        drop(clients);
        until("it serves again", || {
            try_through(&server, None, target).is_some_and(|mut client| {
                client.expect_echo(b"again");
                true
            })
        });
    }
    drop(open);
    until("they are gone", || admin.metrics().current == 0);
    drop(greeted(&server));
    server.terminate();
    assert_eq!(server.wait_for_exit().code(), Some(0));
}
