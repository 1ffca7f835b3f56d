//! Rules in the configuration file, and what `socksd check` says about them.

use std::fs;
use std::process::Command;

use super::ruled::file;
use crate::harness::server::{Run, run};

#[track_caller]
fn check(text: &str) -> Run {
    let config = file(text);
    let mut command = Command::new(env!("CARGO_BIN_EXE_socksd"));
    command.args(["check", config.path()]);
    run(command)
}

#[test]
fn what_is_wrong_is_named_with_its_line() {
    let user = "[[users]]\nname = \"ana\"\npassword = \"1234\"\n";
    for (text, expected) in [
        (
            "[rules]\nclients = [\"allow *\", \"forbid *\"]",
            "line 2: clients: rule 2, \"forbid *\": ",
        ),
        ("[rules]\nclients = [\n\"allow *\",\n\"deny *:25\"\n]", "line 4: clients: rule 2, "),
        ("[rules]\ntargets = [\"deny 10.0.0.1/8\"]", "the range is 10.0.0.0/8"),
        ("[rules]\ntargets = \"deny *\"", "line 2: "),
        ("[rules]\ntarget = []", "line 2: unknown field `target`"),
        (&format!("{user}rules = [\"deny 127.1\"]"), "line 4: user:ana: rule 1, \"deny 127.1\": "),
        ("rules = 5", "line 1: "),
    ] {
        let checked = check(text);
        assert_eq!(checked.status.code(), Some(2), "{text}: {}", checked.stdout);
        assert!(checked.stderr.contains(expected), "{text}: {}", checked.stderr);
    }
}

#[test]
fn without_rules_the_safe_default_is_all_there_is() {
    let said = check("").stdout;
    assert!(said.contains("\nrule: clients otherwise: allowed\n"), "{said}");
    assert!(
        said.contains("\nrule: targets otherwise: allowed, but for the safe default\n"),
        "{said}"
    );
    assert!(said.contains("\nsafe default: clients that are not on loopback "), "{said}");
}

#[test]
fn a_list_that_keeps_nobody_out_is_warned_about() {
    let said = check("[rules]\nclients = [\"allow 192.0.2.0/24\"]").stdout;
    assert!(said.contains("warning: table rules: clients only allows"), "{said}");
    let said = check("[rules]\nclients = [\"allow 192.0.2.0/24\", \"deny *\"]").stdout;
    assert!(!said.contains("warning"), "{said}");
}

#[test]
fn the_rules_of_the_readme_are_explained() {
    let readme = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md"));
    let readme = readme.expect("the README");
    let blocks = readme.split("```toml\n").skip(1);
    let mut blocks = blocks.map(|block| block.split("```").next().expect("its end"));
    let example = blocks.find(|block| block.contains("[rules]")).expect("an example");
    let checked = check(example);
    assert_eq!(checked.status.code(), Some(0), "{}", checked.stderr);
    for line in [
        "rule: clients 1: allow 192.0.2.0/24",
        "rule: user:bob 1: allow *.example.net:443",
        "rule: user:bob otherwise: as targets",
        "rule: targets 1: deny *:25",
    ] {
        assert!(checked.stdout.lines().any(|said| said == line), "{line}: {}", checked.stdout);
    }
}
