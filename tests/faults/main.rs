//! What a machine does to a server that runs for years: no threads, full disks,
//! lost rights, closed pipes, a resolver that hangs, a stop, a clock that is set, and an end with
//! hundreds of transfers under way. (No descriptors: `blackbox/socks/shortage.rs`.)
#![cfg(target_os = "linux")]

#[path = "../foreign/mod.rs"]
mod foreign;
#[path = "../harness/mod.rs"]
#[allow(dead_code, reason = "the black-box tests use the rest")]
mod harness;

mod folder;
mod logs;
mod resolver;
mod set_clock;
mod shutdown;
mod somebody;
mod threads;
mod time;
