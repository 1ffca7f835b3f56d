//! Programs that somebody else wrote, which tests use as clients.
//!
//! Nothing has to be installed to run the tests: without such a program its tests
//! say so and end. Where `CI` is set they fail instead, so none is left out there.

use std::process::{Command, Stdio};

/// Whether a program is there: `words` are one that does nothing, and its
/// arguments.
pub fn is_there(words: &[&str]) -> bool {
    let mut command = Command::new(words[0]);
    command.args(&words[1..]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let there = command.status().is_ok_and(|status| status.success());
    let said = words.join(" ");
    assert!(there || std::env::var_os("CI").is_none(), "{said} fails: install it (see .ci/run)");
    if !there {
        eprintln!("left out: {said} fails, so there is no such client here (see .ci/run)");
    }
    there
}
