//! A clock that is set while the server runs, by libfaketime between it and its libc.

use std::fs;
use std::net::SocketAddr;
use std::process::Command;

use crate::foreign;
use crate::harness::clock::until;
use crate::harness::file::Scratch;
use crate::harness::peer::Peer;
use crate::harness::server::{Server, run};
use crate::harness::shoes::Admin;
use crate::harness::socks::{CONNECT, can_log_in, ip, logged_in, request, try_through};
use crate::harness::target::echo;

/// ana may move a kilobyte in a day, bob may come before the 24th.
const USERS: &str = r#"
[[users]]
name = "ana"
password = "1234"
limits = { quota_day = 1000 }

[[users]]
name = "bob"
password = "5678"
limits = { expires = "2026-11-24" }
"#;
const ANA: (&str, &str) = ("ana", "1234");
const BOB: (&str, &str) = ("bob", "5678");

/// A server whose clock shows what the file says. What can't be set goes on as it is.
struct Clock {
    server: Server,
    now: Scratch,
    _config: Scratch,
}

impl Clock {
    /// Nothing where there is no libfaketime (see `foreign`).
    #[track_caller]
    fn start(now: &str) -> Option<Self> {
        if !foreign::is_there(&["faketime", "--version"]) {
            return None;
        }
        let mut command = Command::new("faketime");
        command.args(["-m", "2026-01-01", "printenv", "LD_PRELOAD"]);
        let library = run(command).stdout;
        let (file, config) = (Scratch::new("now"), Scratch::new("toml"));
        fs::write(config.path(), USERS).expect("writing a file");
        fs::write(file.path(), date(now)).expect("writing a file");
        let mut command = Command::new(env!("CARGO_BIN_EXE_socksd"));
        command.args(["-p", "0", "-P", "0", "-U", "admin:secret", "--config", config.path()]);
        command.args(["--handshake-timeout", "60", "--timeout", "60"]);
        command.env("LD_PRELOAD", library.trim()).env("FAKETIME_TIMESTAMP_FILE", file.path());
        command.env("FAKETIME_NO_CACHE", "1").env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
        command.env("TZ", "UTC");
        Some(Self { server: Server::launch(command), now: file, _config: config })
    }

    fn set(&self, now: &str) {
        // In one step, so that nobody sees half of it.
        let next = format!("{}.next", self.now.path());
        fs::write(&next, date(now)).expect("writing a file");
        fs::rename(&next, self.now.path()).expect("renaming a file");
    }

    #[track_caller]
    fn through(&self, user: (&str, &str), to: SocketAddr) -> Peer {
        try_through(&self.server, Some(user), to).expect("the server lets it through")
    }

    /// Waits until a user may come. libfaketime may show the time before once more, when
    /// two threads ask for it at once.
    #[track_caller]
    fn lets_in(&self, user: (&str, &str), to: SocketAddr) {
        until("it is let in", || try_through(&self.server, Some(user), to).is_some());
    }

    /// The code of a refused CONNECT whose login was accepted.
    #[track_caller]
    fn refused(&self, user: (&str, &str), to: SocketAddr) -> u8 {
        let mut client = logged_in(&self.server, user.0, user.1);
        client.send(&request(CONNECT, &ip(to)));
        client.refusal()
    }
}

/// As libfaketime reads it: a moment at which its clock starts.
fn date(moment: &str) -> String {
    format!("@{moment}\n")
}

#[test]
fn a_clock_that_is_set_turns_days_and_ends_no_connection() {
    let Some(clock) = Clock::start("2026-11-21 23:50:00") else { return };
    let target = echo();
    let mut open = clock.through(BOB, target);
    let mut waiting = Peer::connect(clock.server.socks);
    let mut admin = Admin::of(&clock.server);
    until("both are counted", || admin.metrics().current == 2);
    // So that all of it counts before the clock is set: none but these two is open.
    let mut move_octets = |count| {
        clock.through(ANA, target).expect_echo(&vec![0x55; count]);
        until("it is counted", || admin.metrics().current == 2);
    };
    move_octets(500);
    until("a day's quota is used up", || try_through(&clock.server, Some(ANA), target).is_none());
    assert_eq!(clock.refused(ANA, target), 0x02);
    // The next day; nothing whose deadline is a minute away is over.
    clock.set("2026-11-22 00:10:00");
    clock.lets_in(ANA, target);
    move_octets(300);
    open.expect_echo(b"still here");
    waiting.send(&[0x05, 0x01]);
    // Backwards, too; what was used on a day that has not come is nobody's gift.
    clock.set("2016-02-29 12:00:00");
    open.expect_echo(b"ten years younger");
    waiting.send(&[0x02]);
    waiting.expect(&[0x05, 0x02]);
    move_octets(200);
    until("no new quota", || try_through(&clock.server, Some(ANA), target).is_none());
}

#[test]
fn a_clock_that_is_set_expires_a_user() {
    let Some(clock) = Clock::start("2026-11-21 23:50:00") else { return };
    let target = echo();
    let mut open = clock.through(BOB, target);
    clock.set("2026-11-23 23:59:00");
    assert!(can_log_in(&clock.server, BOB.0, BOB.1));
    open.expect_echo(b"the last day");
    clock.set("2026-11-24 00:01:00");
    open.expect_end();
    assert!(!can_log_in(&clock.server, BOB.0, BOB.1));
    until("the date in the log", || clock.server.log().contains("\n2026-11-24T00:0"));
    clock.set("2026-11-23 12:00:00");
    clock.lets_in(BOB, target);
}
