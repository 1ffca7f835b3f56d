//! What is given at a start and differs from what the state holds is named.

use std::fs;
use std::process::Command;

use crate::harness::clock::until;
use crate::harness::file::Scratch;
use crate::harness::server::{Run, Server, run};
use crate::harness::shoes::{Admin, buffer_size};
use crate::harness::socks::can_log_in;

const TOKEN: &str = "0123456789abcdeA";

/// On free ports, with exactly these arguments and tokens for oneshot.
#[track_caller]
fn start(args: &[&str], token: Option<&str>) -> Server {
    let mut command = Command::new(env!("CARGO_BIN_EXE_socksd"));
    command.args(["-p", "0", "-P", "0"]).args(args).env_remove("SOCKSD_ONESHOT_TOKEN");
    command.envs(token.map(|token| ("SOCKSD_ONESHOT_TOKEN", token)));
    Server::launch(command)
}

/// The names of what a server has said at its start that it ignores.
fn ignored(server: &Server) -> Vec<String> {
    assert!(!can_log_in(server, "nobody", "wrong"));
    until("what comes after the start", || server.log().contains("auth-failed"));
    let log = server.log();
    let lines = log.lines().filter(|line| line.contains("-ignored "));
    lines.map(|line| line.split_whitespace().skip(2).collect::<Vec<_>>().join(" ")).collect()
}

fn socksctl(at: &str, token: &str) -> Run {
    let mut command = Command::new(env!("CARGO_BIN_EXE_socksctl"));
    command.args(["--dialect", "oneshot", "--server", at, "--token", token, "metrics"]);
    run(command)
}

#[test]
fn oneshot_starts_with_the_token_of_the_state() {
    let file = Scratch::new("toml");
    let args = ["--oneshot", "127.0.0.1:0", "--state", file.path(), "-u", "ana:1234"];
    let first = [args.as_slice(), &["-U", "root:secret"]].concat();
    start(&first, Some(TOKEN)).kill();

    let mut server = start(&args, None);
    let at = server.listener("oneshot").to_string();
    assert_eq!(socksctl(&at, TOKEN).status.code(), Some(0));
    assert_eq!(ignored(&server), Vec::<String>::new());
    server.kill();
    let config = Scratch::new("config");
    let text = format!("oneshot = \"127.0.0.1:0\"\nstate = \"{}\"\n", file.path());
    fs::write(config.path(), text).expect("a configuration");
    let mut check = Command::new(env!("CARGO_BIN_EXE_socksd"));
    check.args(["check", config.path()]).env_remove("SOCKSD_ONESHOT_TOKEN");
    let checked = run(check);
    assert_eq!(checked.status.code(), Some(0), "{}", checked.stderr);

    let mut server = start(&args, Some("another token 16"));
    let reason = "reason=\"the state file wins, and has another token\"";
    assert_eq!(ignored(&server), [format!("token-ignored name=oneshot {reason}")]);
    let at = server.listener("oneshot").to_string();
    assert_eq!(socksctl(&at, TOKEN).status.code(), Some(0));
    assert_eq!(socksctl(&at, "another token 16").status.code(), Some(1));
    assert!(!server.whole_log().contains("another token 16"));
}

#[test]
fn oneshot_does_not_start_when_the_state_has_no_token_either() {
    let file = Scratch::new("toml");
    start(&["--state", file.path(), "-U", "root:secret"], None).kill();
    let mut command = Command::new(env!("CARGO_BIN_EXE_socksd"));
    command.args(["-p", "0", "-P", "0", "--oneshot", "127.0.0.1:0", "--state", file.path()]);
    command.env_remove("SOCKSD_ONESHOT_TOKEN");
    assert!(run(command).stderr.contains("SOCKSD_ONESHOT_TOKEN"));
}

#[test]
fn accounts_on_the_command_line_that_differ_are_named() {
    let file = Scratch::new("toml");
    let state = ["--state", file.path()];
    let given = |more: &[&'static str]| [state.as_slice(), more].concat();
    start(&given(&["-u", "ana:1234", "-U", "root:secret"]), None).kill();
    let mut same = start(&given(&["-u", "ana:1234", "-U", "root:secret"]), None);
    assert_eq!(ignored(&same), Vec::<String>::new());
    same.kill();
    let other = given(&["-u", "ana:different", "-u", "bob:1", "-U", "root:other", "-U", "eve:1"]);
    let mut server = start(&other, None);
    let line = |kind: &str, name: &str, has: &str| {
        format!("{kind}-ignored name={name} reason=\"the state file wins, and has {has}\"")
    };
    let expected = [
        line("user", "ana", "another password"),
        line("user", "bob", "no such user"),
        line("admin", "root", "another password"),
        line("admin", "eve", "no such admin"),
    ];
    assert_eq!(ignored(&server), expected);
    assert!(can_log_in(&server, "ana", "1234") && !can_log_in(&server, "ana", "different"));
    assert!(!server.whole_log().contains("different"));
}

/// A configuration with everything in it that a state holds as well.
fn configuration(state: &Scratch, parts: [&str; 5]) -> Scratch {
    let [password, rate, port, targets, size] = parts;
    let file = Scratch::new("config");
    let text = format!(
        "buffer-size = {size}\nstate = \"{}\"\n[rules]\ntargets = [\"deny *:{targets}\"]\n\
         [[users]]\nname = \"ana\"\npassword = \"{password}\"\nrules = [\"deny *:{port}\"]\n\
         limits = {{ rate_up = {rate} }}\n[[admins]]\nname = \"admin\"\npassword = \"secret\"\n",
        state.path()
    );
    fs::write(file.path(), text).expect("a configuration");
    file
}

#[test]
fn what_a_changed_configuration_changes_in_vain_is_named() {
    let state = Scratch::new("toml");
    let before = configuration(&state, ["1234", "1000", "25", "25", "512"]);
    let mut server = start(&["--config", before.path()], None);
    Admin::of(&server).put(&buffer_size(512));
    server.kill();
    // As if an admin had replaced the list with json.
    let text = state.text();
    assert!(!text.contains("[rules]"), "{text}");
    let text = text.replacen("[[users]]", "[rules]\ntargets = [\"deny *:25\"]\n\n[[users]]", 1);
    fs::write(state.path(), text).expect("the state");

    let mut server = start(&["--config", before.path()], None);
    assert_eq!(ignored(&server), Vec::<String>::new());
    server.kill();
    let after = configuration(&state, ["4321", "2000", "26", "26", "1024"]);
    let server = start(&["--config", after.path()], None);
    let has = "reason=\"the state file wins, and has";
    let expected = [
        format!("user-ignored name=ana {has} another password, other limits, other rules\""),
        format!("setting-ignored name=buffer_size {has} another value\""),
        format!("setting-ignored name=rules.targets {has} another value\""),
    ];
    assert_eq!(ignored(&server), expected);
    assert!(can_log_in(&server, "ana", "1234"));
    // The same, before it is started.
    let mut check = Command::new(env!("CARGO_BIN_EXE_socksd"));
    check.args(["check", after.path()]);
    let said = run(check).stdout;
    assert_eq!(said.lines().filter(|line| line.starts_with("ignored: ")).count(), 3, "{said}");
    assert!(said.contains("ignored: user ana: the state file wins, and has another password"));
}
