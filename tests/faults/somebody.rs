//! A server that runs as a user whom nobody else is, for what the system lets root do.

use std::fs;
use std::path::PathBuf;
use std::process::{self, Command};

use crate::foreign::is_there;
use crate::harness::server::{Server, run};

pub struct Somebody {
    /// Of the user and of its group.
    pub id: u32,
    /// The command that becomes this user.
    words: Vec<String>,
    /// The server where any user can execute it: the build folder may not be such a place.
    copy: PathBuf,
}

impl Somebody {
    /// The number of the test's process beyond `first`, which makes it the test's own;
    /// `words` are a command to run it by.
    pub fn new(first: u32, words: &[&str]) -> Self {
        let id = first + process::id();
        let copy = std::env::temp_dir().join(format!("socksd-as-{id}"));
        // By another process: what a test starts at that moment would hold our end of the
        // copy open until it executes, and what is open for writing can't be executed.
        let mut cp = Command::new("cp");
        cp.arg(env!("CARGO_BIN_EXE_socksd")).arg(&copy);
        assert!(run(cp).status.success(), "copying the server");
        let (uid, gid) = (format!("--reuid={id}"), format!("--regid={id}"));
        let words = [words, &["setpriv", &uid, &gid, "--clear-groups"]].concat();
        Self { id, words: words.into_iter().map(str::to_owned).collect(), copy }
    }

    /// Whether we may become it (see `foreign`).
    pub fn is_possible(&self) -> bool {
        is_there(&self.by("true"))
    }

    /// A server of its own; nothing where that is not possible.
    #[track_caller]
    pub fn start(&self, args: &[&str]) -> Option<Server> {
        let path = self.copy.to_str().expect("a printable name");
        self.is_possible().then(|| Server::start_under(&self.by(path), args))
    }

    fn by<'a>(&'a self, program: &'a str) -> Vec<&'a str> {
        self.words.iter().map(String::as_str).chain([program]).collect()
    }
}

impl Drop for Somebody {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.copy);
    }
}
