//! Fuzzing without a fuzzer: every decoder, every conversation and the credential
//! monitor, fed with mutated golden bytes in random pieces.
//!
//! The same seed makes the same inputs. More than a test run does:
//!
//! ```sh
//! SOCKSD_FUZZ_INPUTS=400000 SOCKSD_FUZZ_SEED=7 \
//!     cargo test --release --test fuzz -- --nocapture
//! ```
//!
//! The inputs are counted for each target, of which there are some forty. What holds
//! for any bytes at all: no panic, nothing taken that was not given, the same answer
//! however the bytes were split, and a bound on what is kept and what is said.

#[path = "../fragments/mod.rs"]
#[allow(dead_code, reason = "one of its checks is of use here; the codecs' tests use the rest")]
mod fragments;
#[path = "../golden_file/mod.rs"]
#[allow(dead_code, reason = "the titles are for who replays them as they stand")]
mod golden_file;
#[path = "../pop3_session/memory.rs"]
#[allow(dead_code, reason = "these mailboxes never break")]
mod memory;

mod corpus;
mod decoders;
mod dialogues;
mod random;
mod sessions;

use std::env;

use random::Random;

/// Inputs of a target in an ordinary test run, which takes seconds.
const INPUTS: u64 = 2_000;
const SEED: u64 = 0x1928_1929_1939;

/// Feeds inputs to a target: `probe` makes one from chance and checks what must hold,
/// noting it in the second argument for whoever has to repeat it.
fn fuzz(target: &str, mut probe: impl FnMut(&mut Random, &mut Vec<u8>)) {
    let (inputs, seed) = (setting("SOCKSD_FUZZ_INPUTS", INPUTS), setting("SOCKSD_FUZZ_SEED", SEED));
    // Each target has inputs of its own, and the same when it runs alone.
    let start = target.bytes().fold(seed, |seed, octet| seed.rotate_left(7) ^ u64::from(octet));
    let mut random = Random::new(start);
    let mut shown = ShownOnPanic { target, seed, round: 0, input: Vec::new() };
    for round in 0..inputs {
        shown.round = round;
        shown.input.clear();
        probe(&mut random, &mut shown.input);
    }
    println!("{target}: {inputs} inputs, seed {seed:#x}");
}

fn setting(name: &str, default: u64) -> u64 {
    match env::var(name) {
        Ok(value) => value.parse().unwrap_or_else(|_| panic!("{name}={value} is no number")),
        Err(_) => default,
    }
}

struct ShownOnPanic<'a> {
    target: &'a str,
    seed: u64,
    round: u64,
    input: Vec<u8>,
}

impl Drop for ShownOnPanic<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let Self { target, seed, round, input } = self;
            println!("{target}, seed {seed:#x}, input {round}: {}", input.escape_ascii());
        }
    }
}

#[test]
fn decoders_take_no_more_than_they_are_given() {
    decoders::fuzz_all();
}

#[test]
fn management_says_the_same_however_it_is_asked() {
    sessions::fuzz_dialects();
}

#[test]
fn handshakes_end_the_same_however_they_are_split() {
    sessions::fuzz_handshakes();
}

#[test]
fn the_page_is_the_same_however_it_is_asked_for() {
    sessions::fuzz_http();
}

#[test]
fn handshakes_behind_a_proxy_end_the_same_however_they_are_split() {
    sessions::fuzz_proxied_handshakes();
}

#[test]
fn mailboxes_say_the_same_however_they_are_asked() {
    sessions::fuzz_pop3();
}

#[test]
fn the_credential_monitor_sees_the_same_in_any_pieces() {
    dialogues::fuzz_all();
}
