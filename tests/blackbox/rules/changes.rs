//! Rules are read and changed at run time, and survive a restart.

use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};

use super::ruled::{Ruled, jwt};
use crate::harness::file::Scratch;
use crate::harness::server::run;
use crate::harness::socks::{ip, refused, through};
use crate::harness::target::echo;

#[test]
fn lists_are_shown_to_people_and_programs() {
    let config = "[rules]\nclients = [\"deny 192.0.2.0/24\"]\ntargets = [\"deny *:25\", \"deny \
                  [2001:DB8::]/32\"]\n[[users]]\nname = \"ana\"\npassword = \"1234\"";
    let ruled = Ruled::start(config, &[]);
    let text = "clients:\n  1  deny 192.0.2.0/24\n     otherwise allowed\n\
                targets:\n  1  deny *:25\n  2  deny [2001:db8::]/32\n     \
                otherwise allowed, but for the safe default";
    assert_eq!(ruled.says(&["rules"]), text);
    ruled.set("user:ana", &["allow *.example.net:443", "deny *"]);
    let json = r#"{"user:ana":["allow *.example.net:443","deny *"]}"#;
    assert_eq!(ruled.says(&["rules", "user:ana", "--output", "json"]), json);
    let set = ruled.says(&["set-rules", "clients", "--clear"]);
    assert_eq!(set, "rules of clients: 0, from now on");
    assert_eq!(ruled.says(&["rules", "clients"]), "clients:\n     otherwise allowed");
}

#[test]
fn what_is_wrong_is_said_and_changes_nothing() {
    let ruled = Ruled::start("[rules]\ntargets = [\"deny *:25\"]", &[]);
    for (words, code, expected) in [
        (&["set-rules", "targets", "deny *", "forbid *"][..], 2, "rule 2, \"forbid *\": write"),
        (&["set-rules", "clients", "deny *:25"], 2, "clients are known by their addresses"),
        (&["set-rules", "targets", "deny ::1"], 2, "brackets"),
        (&["set-rules", "targets"], 2, "--clear"),
        (&["set-rules", "targets", "--clear", "deny *"], 2, "--clear"),
        (&["set-rules", "ana", "deny *"], 2, "user:NAME"),
        (&["set-rules", "user:bob", "deny *"], 1, "there is no user bob"),
        (&["rules", "user:bob"], 1, "there is no user bob"),
        (&["set-rules", "targets", "--stdin"], 2, "has no rule"),
        (&["set-rules", "targets", "--stdin", "deny *"], 2, "either rules, or --stdin"),
    ] {
        let (status, why) = ruled.refuses(words);
        assert_eq!(status, Some(code), "{words:?}: {why}");
        assert!(why.contains(expected), "{words:?}: {why}");
    }
    let mut command = Command::new(env!("CARGO_BIN_EXE_socksctl"));
    command.args(["--login", "admin:secret", "--server", &ruled.server.shoes.to_string(), "rules"]);
    let unsayable = run(command);
    assert_eq!(unsayable.status.code(), Some(2), "{}", unsayable.stderr);
    assert!(unsayable.stderr.contains("json"), "{}", unsayable.stderr);
    assert_eq!(
        ruled.says(&["rules", "targets", "--output", "json"]),
        r#"{"targets":["deny *:25"]}"#
    );
}

#[test]
fn rules_need_their_scopes() {
    let ruled = Ruled::start("", &[]);
    let read_only = jwt("GET_RULES");
    let with = |words: &[&str]| {
        let mut command = ruled.command(words);
        command.env("SOCKSCTL_TOKEN", &read_only);
        run(command)
    };
    assert_eq!(with(&["rules"]).status.code(), Some(0));
    let refused = with(&["set-rules", "targets", "deny *"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(refused.stderr.contains("SET_RULES"), "{}", refused.stderr);
}

#[test]
fn rules_come_from_a_file_with_comments() {
    let ruled = Ruled::start("", &[]);
    let mut command = ruled.command(&["set-rules", "targets", "--stdin"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("starting socksctl");
    let text = b"# mail\n  deny *:25  # no spam\n\ndeny 10.0.0.0/8\n";
    child.stdin.take().expect("a pipe").write_all(text).expect("rules");
    let output = child.wait_with_output().expect("its output");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let json = r#"{"targets":["deny *:25","deny 10.0.0.0/8"]}"#;
    assert_eq!(ruled.says(&["rules", "targets", "--output", "json"]), json);
}

/// A list of the greatest size fits a frame, both ways.
#[test]
fn a_long_list_is_kept_whole() {
    let ruled = Ruled::start("", &[]);
    let rules: Vec<String> = (0..1024)
        .map(|number| format!("deny a-long-name-of-a-host-{number}.example.net:1,2,3,4"))
        .collect();
    let words: Vec<&str> = rules.iter().map(String::as_str).collect();
    ruled.set("targets", &words);
    let told = ruled.says(&["rules", "targets", "--output", "json"]);
    assert_eq!(told, format!("{{\"targets\":[\"{}\"]}}", rules.join("\",\"")));
    let more = [words.as_slice(), &["deny *"]].concat();
    let (code, why) = ruled.refuses(&[&["set-rules", "targets"], more.as_slice()].concat());
    assert_eq!(code, Some(2));
    assert!(why.contains("at most 1024 rules"), "{why}");
}

#[test]
fn what_was_changed_survives_and_wins_over_the_file() {
    let state = Scratch::new("toml");
    let closed = echo();
    let config = format!(
        "state = \"{}\"\n[rules]\nclients = [\"allow *\"]\ntargets = [\"deny *:{}\"]\n\
         [[users]]\nname = \"ana\"\npassword = \"1234\"\nrules = [\"deny *:25\"]\n",
        state.path(),
        closed.port()
    );
    let mut ruled = Ruled::start(&config, &[]);
    assert!(state.text().contains("rules = [\"deny *:25\"]"), "{}", state.text());
    assert!(!state.text().contains("[rules]"), "nobody has changed them: {}", state.text());
    ruled.set("targets", &[]);
    ruled.set("user:ana", &["allow 127.0.0.1", "deny *"]);
    assert!(state.text().contains("[rules]\ntargets = []"), "{}", state.text());
    ruled.server.kill();

    let ruled = Ruled::start(&config, &[]);
    let all = ruled.says(&["rules", "--output", "json"]);
    assert_eq!(all, r#"{"clients":["allow *"],"targets":[]}"#);
    let of_ana = r#"{"user:ana":["allow 127.0.0.1","deny *"]}"#;
    assert_eq!(ruled.says(&["rules", "user:ana", "--output", "json"]), of_ana);
}

#[test]
fn what_cannot_be_stored_is_refused_and_does_not_hold() {
    let folder = Scratch::new("folder");
    fs::create_dir(folder.path()).expect("a folder");
    let state = format!("{}/state", folder.path());
    let ruled = Ruled::start("", &["--state", &state]);
    fs::remove_dir_all(folder.path()).expect("removing the folder");
    let (code, why) = ruled.refuses(&["set-rules", "targets", "deny *"]);
    assert_eq!(code, Some(1));
    assert!(why.contains("can't be stored"), "{why}");
    through(&ruled.server, echo()).expect_echo(b"nothing has changed");
    fs::create_dir(folder.path()).expect("the folder again");
    ruled.set("targets", &["deny *"]);
    assert_eq!(refused(&ruled.server, &ip(echo())), 0x02);
    fs::remove_dir_all(folder.path()).expect("removing the folder");
}
