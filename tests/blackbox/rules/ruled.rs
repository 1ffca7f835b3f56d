//! A server with rules, and the `socksctl` that changes them.

use std::fs;
use std::net::SocketAddr;
use std::process::Command;

use crate::harness::file::Scratch;
use crate::harness::server::{Run, Server, run};

const JWT_SECRET: &str = "a secret for tests, of 32 octets";

pub fn file(text: &str) -> Scratch {
    let file = Scratch::new("toml");
    fs::write(file.path(), text).expect("writing a configuration");
    file
}

/// A server that speaks json.
pub struct Ruled {
    pub server: Server,
    pub json: SocketAddr,
    token: String,
    _config: Scratch,
}

impl Ruled {
    /// With what a configuration file says, and these arguments.
    #[track_caller]
    pub fn start(config: &str, args: &[&str]) -> Self {
        let config = file(config);
        let mut command = Command::new(env!("CARGO_BIN_EXE_socksd"));
        command.args(["-p", "0", "-P", "0", "-U", "admin:secret", "--json", "127.0.0.1:0"]);
        command.args(["--config", config.path()]).args(args);
        command.env("SOCKSD_JWT_SECRET", JWT_SECRET);
        let mut server = Server::launch(command);
        let json = server.listener("json");
        let token = jwt("GET_RULES,SET_RULES,GET_METRICS,REMOVE_USER,ADD_USER");
        Self { server, json, token, _config: config }
    }

    /// Runs `socksctl`.
    #[track_caller]
    pub fn ctl(&self, words: &[&str]) -> Run {
        run(self.command(words))
    }

    /// `socksctl`, not run yet.
    pub fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_socksctl"));
        command.env("SOCKSCTL_SERVER", self.json.to_string());
        command.env("SOCKSCTL_TOKEN", &self.token);
        command.args(["--dialect", "json"]).args(words);
        command
    }

    /// Gives a list these rules; it must be granted.
    #[track_caller]
    pub fn set(&self, list: &str, rules: &[&str]) {
        let clear: &[&str] = if rules.is_empty() { &["--clear"] } else { &[] };
        let set = self.ctl(&[&["set-rules", list], clear, rules].concat());
        assert_eq!(set.status.code(), Some(0), "{}", set.stderr);
    }

    /// What `socksctl` prints, which must succeed.
    #[track_caller]
    pub fn says(&self, words: &[&str]) -> String {
        let said = self.ctl(words);
        assert_eq!(said.status.code(), Some(0), "{}", said.stderr);
        said.stdout.trim_end().to_owned()
    }

    /// What `socksctl` has against it.
    #[track_caller]
    pub fn refuses(&self, words: &[&str]) -> (Option<i32>, String) {
        let refused = self.ctl(words);
        assert_ne!(refused.status.code(), Some(0), "{}", refused.stdout);
        (refused.status.code(), refused.stderr)
    }
}

/// A token with these scopes.
#[track_caller]
pub fn jwt(scopes: &str) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_socksd"));
    command.env("SOCKSD_JWT_SECRET", JWT_SECRET);
    command.args(["token", "--scopes", scopes, "--subject", "test"]);
    run(command).stdout.trim().to_owned()
}
