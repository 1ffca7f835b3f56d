//! The soak: everything at once for a while, and afterwards nothing is left of it.
//!
//! A few seconds in an ordinary test run; for longer:
//!
//! ```sh
//! SOCKSD_SOAK_SECONDS=7200 cargo test --release --test soak -- --nocapture
//! ```
//!
//! From a minute on it also waits for the threads of the pools, which end after 30
//! seconds without work.
#![cfg(target_os = "linux")]

#[path = "../harness/mod.rs"]
#[allow(dead_code, reason = "the black-box tests use the rest")]
mod harness;
mod monitor;
mod moves;
mod steer;

use std::env;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use harness::clock::until;
use harness::server::Server;
use harness::shoes::{Admin, add, buffer_size, edit, remove};
use monitor::Monitor;
use moves::Mover;

const CLIENTS: u64 = 12;
/// A run that is too short for threads to end.
const SHORT: Duration = Duration::from_secs(60);
/// What a connection costs at once: two threads of a relay, one that dials or waits, and as
/// many of one that counts no more and is closed just now.
const THREADS_EACH: usize = 6;

fn time() -> Duration {
    let seconds = env::var("SOCKSD_SOAK_SECONDS").map(|seconds| seconds.parse().expect("seconds"));
    Duration::from_secs(seconds.unwrap_or(8))
}

#[test]
fn nothing_is_left_of_it_and_every_byte_is_counted() {
    let mut command = steer::server();
    command.args(["-p", "0", "-P", "0", "-U", "admin:secret"]).args(steer::ARGS);
    command.args(["-u", "ana:1234", "--monitor", "127.0.0.1:0", "--max-per-user", "300"]);
    let mut server = Server::launch(command);
    let steering = &steer::Admin::of(&mut server);
    let monitor = server.listener("monitor");
    // One move of each kind, so that what is made once is there.
    let mut moved = Mover::new(0).every_move(&server, ("ana", "1234"));
    let mut counts = Monitor::log_in(monitor);
    until("the first clients are gone", || counts.stat("concurrent") == 0);
    let before = (server.threads(), server.descriptors());

    let (end, total, memory) = (Instant::now() + time(), AtomicU64::new(0), &Memory::default());
    thread::scope(|scope| {
        for seed in 1..=CLIENTS {
            let (server, total) = (&server, &total);
            scope.spawn(move || {
                let mut mover = Mover::new(seed);
                while Instant::now() < end {
                    total.fetch_add(mover.any_move(server, ("ana", "1234")), Ordering::Relaxed);
                }
            });
        }
        let (server, total) = (&server, &total);
        scope.spawn(move || total.fetch_add(change_users(server, end), Ordering::Relaxed));
        scope.spawn(move || change_settings(monitor, end));
        scope.spawn(move || total.fetch_add(steering.steer(server, end), Ordering::Relaxed));
        scope.spawn(move || memory.watch(server, end));
    });
    moved += total.into_inner();

    until("every connection is over", || counts.stat("concurrent") == 0);
    assert_eq!(counts.stat("bytes"), moved, "octets counted and octets moved");
    // Before, a connection may have been over and its sockets not closed yet.
    until("the descriptors are closed", || server.descriptors() <= before.1);
    let (threads, open) = (server.threads(), counts.stat("max_concurrent") as usize);
    let most = before.0 + THREADS_EACH * open;
    assert!(threads <= most, "{threads} threads for {open} at once, {} before", before.0);
    if time() >= SHORT {
        for attempt in 0.. {
            if server.threads() <= before.0 {
                break;
            }
            assert!(attempt < 90, "{} threads, {} before", server.threads(), before.0);
            thread::sleep(Duration::from_secs(1));
        }
    }
    memory.check_flat();
    println!(
        "{} connections, {open} at once, {moved} octets, {threads} threads",
        counts.stat("connections")
    );
}

/// Adds a user, moves as this user, with an old and a new password, and removes it.
fn change_users(server: &Server, end: Instant) -> u64 {
    let (mut admin, mut mover, mut moved) = (Admin::of(server), Mover::new(99), 0);
    for round in 0_u16.. {
        if Instant::now() >= end {
            break;
        }
        let name = format!("user{round}");
        admin.put(&add(name.as_bytes(), b"first"));
        moved += mover.any_move(server, (&name, "first"));
        admin.put(&edit(name.as_bytes(), b"second"));
        moved += mover.any_move(server, (&name, "second"));
        admin.put(&remove(name.as_bytes()));
        admin.put(&buffer_size(512 + round % 65_000));
    }
    moved
}

/// Changes over the monitor dialect what can be changed, a new session each time.
fn change_settings(monitor: std::net::SocketAddr, end: Instant) {
    for round in 0.. {
        if Instant::now() >= end {
            break;
        }
        let mut session = Monitor::log_in(monitor);
        for (name, least) in [("timeout", 60), ("max_connections", 300), ("max_users", 200)] {
            let value = least + round % 50;
            let answer = session.ask(&format!("CONFIG {name} {value}"));
            assert_eq!(answer, format!("OK {name} set to {value}"));
        }
        assert!(session.ask("CONNECTIONS list").starts_with("OK current:"));
        assert!(session.ask("USERS").starts_with("OK "));
    }
}

/// The most that was resident in the second quarter of the time, and in the last.
#[derive(Default)]
struct Memory {
    early: AtomicU64,
    late: AtomicU64,
}

impl Memory {
    fn watch(&self, server: &Server, end: Instant) {
        while Instant::now() < end {
            let left = end.saturating_duration_since(Instant::now());
            let quarter = time() / 4;
            if left < quarter {
                self.late.fetch_max(server.memory(), Ordering::Relaxed);
            } else if left >= 2 * quarter && left < 3 * quarter {
                self.early.fetch_max(server.memory(), Ordering::Relaxed);
            }
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// The same load needs the same memory, but for what chance piles up at once.
    fn check_flat(&self) {
        let (early, late) = (self.early.load(Ordering::Relaxed), self.late.load(Ordering::Relaxed));
        println!("{early} octets resident in the second quarter, {late} in the last");
        assert!(early > 0 && late <= early + early / 4 + 4_000_000, "{early}, then {late}");
    }
}
