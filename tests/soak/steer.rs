//! An admin who steers over json while everything runs: rates and rules of the user who
//! moves change, and another user, whose connections are at rest, is cut.

use std::io::Read;
use std::process::Command;
use std::time::Instant;

use crate::harness::server::{Server, run};
use crate::harness::socks::{CONNECT, ip, logged_in};
use crate::harness::target::echo;

const SECRET: &str = "0123456789abcdef0123456789abcdef";

/// The options and the user that it needs.
pub const ARGS: [&str; 4] = ["--json", "127.0.0.1:0", "-u", "victim:1234"];

/// The server's command, with the secret of its json listener.
pub fn server() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_socksd"));
    command.env("SOCKSD_JWT_SECRET", SECRET);
    command
}

/// `socksctl` with a token for everything.
pub struct Admin {
    json: String,
    token: String,
}

impl Admin {
    pub fn of(server: &mut Server) -> Self {
        let mut command = self::server();
        command.args(["token", "--scopes", "all", "--subject", "soak", "--ttl", "10d"]);
        let token = run(command).stdout.trim().to_owned();
        Self { json: server.listener("json").to_string(), token }
    }

    fn say(&self, words: &[&str]) -> String {
        let mut command = Command::new(env!("CARGO_BIN_EXE_socksctl"));
        command.env("SOCKSCTL_SERVER", &self.json).env("SOCKSCTL_TOKEN", &self.token);
        let run = run({
            command.args(["--dialect", "json"]).args(words);
            command
        });
        assert_eq!(run.status.code(), Some(0), "{words:?}: {}", run.stderr);
        run.stdout
    }

    /// Goes on until `end`; says how many octets the server has to count for it.
    pub fn steer(&self, server: &Server, end: Instant) -> u64 {
        let (target, mut moved) = (echo(), 0);
        for round in 0.. {
            if Instant::now() >= end {
                break;
            }
            // Fast enough for what moves, and on another path than no rate at all.
            let rate = if round % 2 == 0 { "1GB" } else { "0" };
            self.say(&["limit-user", "ana", "rate_down", rate]);
            self.say(&["set-rules", "user:ana", "deny *:1", "allow 127.0.0.0/8"]);
            let mut open: Vec<_> = (0..3).map(|_| logged_in(server, "victim", "1234")).collect();
            for peer in &mut open {
                peer.ask(CONNECT, &ip(target));
                peer.expect_echo(&[0x55; 1000]);
                moved += 2000;
            }
            let told = self.say(&["cut", "--user", "victim"]);
            assert!(told.contains("3 connections ended"), "{told}");
            for peer in &mut open {
                let end = peer.stream.read(&mut [0; 1]);
                assert!(!matches!(end, Ok(1..)), "nothing comes behind a cut");
            }
            self.say(&["set-rules", "user:ana", "--clear"]);
            assert!(self.say(&["users"]).contains("victim"));
        }
        moved
    }
}
