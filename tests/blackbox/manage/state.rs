//! What admins change survives a restart, or is refused.

use std::fs;
use std::net::SocketAddr;
use std::process::Command;

use crate::harness::clock::{eventually, until};
use crate::harness::file::Scratch;
use crate::harness::server::{ADMIN, Run, Server, run};
use crate::harness::shoes::{Admin, add, buffer_size, edit, refusal, remove, spoofing};
use crate::harness::socks::can_log_in;

/// `-U` and the free ports come with it.
fn with_state<'a>(file: &'a Scratch, more: &[&'a str]) -> Server {
    Server::start(&[&["--state", file.path()], more].concat())
}

/// What a start that must fail for what the machine lacks says.
#[track_caller]
fn fails_to_start(args: &[&str]) -> String {
    fails_with(1, args)
}

#[track_caller]
fn fails_with(code: i32, args: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_socksd"));
    command.args(["-p", "0", "-P", "0"]).args(args);
    let run = run(command);
    assert_eq!(run.status.code(), Some(code), "{}", run.stderr);
    run.stderr
}

/// What `socksd check` says of a configuration with that state.
fn check(state: &str) -> Run {
    let config = Scratch::new("config");
    fs::write(config.path(), format!("state = \"{state}\"\n")).expect("a configuration");
    let mut command = Command::new(env!("CARGO_BIN_EXE_socksd"));
    command.args(["check", config.path()]);
    run(command)
}

#[test]
fn changes_survive_a_restart() {
    let file = Scratch::new("toml");
    let mut server = with_state(&file, &["-u", "ana:1234", "-u", "bob:5678"]);
    let mut admin = Admin::of(&server);
    admin.put(&add(b"c\xe9line", b"\xff\x01"));
    admin.put(&edit(b"ana", b"4321"));
    admin.put(&remove(b"bob"));
    admin.put(&spoofing(1));
    admin.put(&buffer_size(4096));
    server.kill();
    let text = file.text();
    for secret in ["1234", "4321", "5678", ADMIN.1] {
        assert!(!text.contains(&format!("\"{secret}\"")), "{text}");
    }
    assert!(text.contains("buffer_size = 4096") && text.contains("$argon2id$"), "{text}");

    // The command line is still the old one: what it says has been changed.
    let server = with_state(&file, &["-u", "ana:1234", "-u", "bob:5678"]);
    let mut admin = Admin::of(&server);
    assert_eq!(admin.users(), [b"ana".to_vec(), b"c\xe9line".to_vec()]);
    assert_eq!(admin.spoofing(), 1);
    assert!(can_log_in(&server, "ana", "4321") && !can_log_in(&server, "ana", "1234"));
    assert!(!can_log_in(&server, "bob", "5678"));
    until("it names what it ignores", || server.log().contains("user-ignored name=bob"));
}

#[test]
fn a_server_whose_last_user_was_removed_stays_closed() {
    let file = Scratch::new("toml");
    let mut server = with_state(&file, &["-u", "ana:1234"]);
    Admin::of(&server).put(&remove(b"ana"));
    server.kill();
    let server = with_state(&file, &["-l", "0.0.0.0"]);
    let mut stranger = crate::harness::peer::Peer::connect(server.socks);
    stranger.send(&crate::harness::socks::OFFER_NONE);
    stranger.expect(&[0x05, 0xff]);
}

#[test]
fn an_option_of_the_command_line_counts_until_an_admin_changes_it() {
    let file = Scratch::new("toml");
    let mut server = with_state(&file, &[]);
    let mut admin = Admin::of(&server);
    admin.put(&buffer_size(512));
    assert_eq!(admin.spoofing(), 0);
    server.kill();
    // A log for its credentials switches the credential monitor on.
    let log = Scratch::new("log");
    let options = ["--buffer-size", "1024", "--credentials-log", log.path()];
    let mut server = with_state(&file, &options);
    let mut admin = Admin::of(&server);
    assert_eq!(admin.spoofing(), 1);
    admin.put(&spoofing(0));
    server.kill();
    let server = with_state(&file, &options);
    assert_eq!(Admin::of(&server).spoofing(), 0);
    assert!(file.text().contains("buffer_size = 512"));
}

#[cfg(unix)]
#[test]
fn only_its_owner_can_read_the_state() {
    use std::os::unix::fs::PermissionsExt;
    let file = Scratch::new("toml");
    let mode = || fs::metadata(file.path()).expect("a state").permissions().mode() & 0o777;
    let server = with_state(&file, &["-u", "ana:1234"]);
    Admin::of(&server).put(&remove(b"ana"));
    assert_eq!(mode(), 0o600);
    drop(server);
    // As after editing it by hand; who only asks changes nothing.
    fs::set_permissions(file.path(), fs::Permissions::from_mode(0o644)).expect("its owner");
    assert_eq!(check(file.path()).status.code(), Some(0));
    assert_eq!(mode(), 0o644);
    drop(with_state(&file, &[]));
    assert_eq!(mode(), 0o600);
    assert!(fs::metadata(format!("{}.new", file.path())).is_err(), "nothing is left behind");
}

#[test]
fn what_is_no_state_is_named() {
    let file = Scratch::new("toml");
    drop(with_state(&file, &[]));
    let text = file.text();
    fs::write(file.path(), format!("colour = 3\n{text}")).expect("writing it");
    let error = fails_with(2, &["--state", file.path()]);
    assert!(error.contains("line 1: unknown field `colour`"), "{error}");
    fs::write(file.path(), &text[..text.len() / 2]).expect("writing it");
    assert!(fails_with(2, &["--state", file.path()]).contains(file.path()));
    fs::write(file.path(), [b"# \n# caf\xe9\n", text.as_bytes()].concat()).expect("writing it");
    let error = fails_with(2, &["--state", file.path()]);
    assert!(error.contains("line 2: ") && error.contains("UTF-8"), "{error}");
    assert!(fails_to_start(&["--state", "/dev/null/state"]).contains("/dev/null/state"));
}

#[test]
fn a_second_server_with_the_same_state_refuses_to_start() {
    let file = Scratch::new("toml");
    let mut first = with_state(&file, &[]);
    let error = fails_to_start(&["--state", file.path()]);
    assert!(error.contains("is in use by another server") && error.contains(file.path()));
    assert!(!error.contains("password") && error.lines().count() == 1, "{error}");
    Admin::of(&first).put(&add(b"ana", b"1234"));
    // Who only asks what would happen may.
    assert_eq!(check(file.path()).status.code(), Some(0));
    // However it ends.
    first.kill();
    assert_eq!(Admin::of(&with_state(&file, &[])).users(), [b"ana".to_vec()]);
}

#[test]
fn a_start_that_fails_leaves_no_state_behind() {
    let file = Scratch::new("toml");
    fails_with(2, &["--state", file.path(), "-l", "0.0.0.0"]);
    assert!(fs::metadata(file.path()).is_err());
    fails_to_start(&["--state", "/no/such/folder/state"]);
}

#[test]
fn without_a_state_the_start_says_so() {
    let server = Server::open();
    until("it says so", || server.log().contains("in memory only"));
    let file = Scratch::new("toml");
    let log = with_state(&file, &[]).whole_log();
    assert!(!log.contains("in memory only"), "{log}");
}

#[test]
fn an_admin_made_up_for_a_new_state_stays() {
    let file = Scratch::new("toml");
    let arguments = ["-p", "0", "-P", "0", "--state", file.path()];
    let mut server = Server::with_arguments(&arguments);
    let login = eventually("a login", || {
        let text = server.stdout();
        let (_, login) = text.split_once("is now in the state: ")?;
        login.lines().next().map(str::to_owned)
    });
    server.kill();
    let mut server = Server::with_arguments(&arguments);
    let mut command = Command::new(env!("CARGO_BIN_EXE_socksctl"));
    command.env("SOCKSCTL_SERVER", server.shoes.to_string()).env("SOCKSCTL_LOGIN", &login);
    let run = run({
        command.arg("metrics");
        command
    });
    assert_eq!(run.status.code(), Some(0), "{}", run.stderr);
    server.whole_log();
    assert!(!server.stdout().contains("No admin was given"));
}

/// A folder that can be taken away, whatever rights one has.
struct Folder(Scratch);

impl Folder {
    fn new() -> Self {
        let folder = Self(Scratch::new("folder"));
        let _ = fs::remove_dir_all(folder.0.path());
        fs::create_dir(folder.0.path()).expect("a folder");
        folder
    }

    fn file(&self, name: &str) -> String {
        format!("{}/{name}", self.0.path())
    }

    fn remove(&self) {
        fs::remove_dir_all(self.0.path()).expect("removing the folder");
    }
}

/// Reading a pipe waits for somebody to write, and a device need not end.
#[cfg(unix)]
#[test]
fn what_is_no_regular_file_is_neither_read_nor_written() {
    let folder = Folder::new();
    let [pipe, zero, state] = ["pipe", "zero", "state"].map(|name| folder.file(name));
    let made = Command::new("mkfifo").arg(&pipe).status();
    assert!(made.expect("running mkfifo").success());
    std::os::unix::fs::symlink("/dev/zero", &zero).expect("a link");
    for path in [&pipe, &zero, folder.0.path()] {
        let checked = check(path);
        assert_eq!(checked.status.code(), Some(1), "{path}: {}", checked.stderr);
        for said in [checked.stderr, fails_to_start(&["--state", path])] {
            assert!(said.contains("it is no regular file"), "{path}: {said}");
        }
    }
    let lock = folder.file("state.lock");
    fs::rename(pipe, &lock).expect("a pipe there");
    assert!(fails_to_start(&["--state", &state]).contains(&lock));
    fs::remove_file(&lock).expect("its end");
    fs::create_dir(&lock).expect("a folder there");
    assert!(fails_to_start(&["--state", &state]).contains(&lock));
    folder.remove();
}

const ONESHOT_TOKEN: &str = "123456789abcdef1";
const DATAGRAM_TOKEN: &str = "0x0badcafe";
const JWT_SECRET: &str = "a secret for tests, of 32 octets";

fn socksctl(dialect: &str, at: SocketAddr, line: &[&str]) -> Run {
    let mut command = Command::new(env!("CARGO_BIN_EXE_socksctl"));
    command.env("SOCKSCTL_SERVER", at.to_string()).env("SOCKSCTL_LOGIN", "admin:secret");
    command.env_remove("SOCKSCTL_TOKEN");
    match dialect {
        "oneshot" => drop(command.env("SOCKSCTL_TOKEN", ONESHOT_TOKEN)),
        "datagram" => drop(command.env("SOCKSCTL_TOKEN", DATAGRAM_TOKEN)),
        "json" => drop(command.env("SOCKSCTL_TOKEN", jwt())),
        _ => {}
    }
    command.args(["--dialect", dialect]).args(line);
    run(command)
}

fn jwt() -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_socksd"));
    command.env("SOCKSD_JWT_SECRET", JWT_SECRET);
    command.args(["token", "--scopes", "ADD_USER,LIST_USERS", "--subject", "test"]);
    run(command).stdout.trim().to_owned()
}

#[test]
fn what_cannot_be_stored_is_refused_in_every_dialect() {
    let folder = Folder::new();
    let state = folder.file("state");
    let mut command = Command::new(env!("CARGO_BIN_EXE_socksd"));
    command.args(["-p", "0", "-P", "0", "-U", "admin:secret", "--state", &state]);
    for dialect in ["monitor", "oneshot", "datagram", "json"] {
        command.args([&format!("--{dialect}"), "127.0.0.1:0"]);
    }
    command.env("SOCKSD_ONESHOT_TOKEN", ONESHOT_TOKEN).env("SOCKSD_JWT_SECRET", JWT_SECRET);
    command.env("SOCKSD_DATAGRAM_TOKEN", DATAGRAM_TOKEN);
    let mut server = Server::launch(command);
    Admin::of(&server).put(&add(b"ana", b"1234"));
    folder.remove();
    // SHOES: "01 general failure".
    assert_eq!(refusal(&server, &add(b"bob", b"5678")), 0x01);
    assert_eq!(refusal(&server, &remove(b"ana")), 0x01);
    for (dialect, line, said) in [
        ("monitor", ["config", "timeout", "30"], "can't be stored"),
        ("oneshot", ["add-user", "bob", "5678"], "server error"),
        ("datagram", ["add-user", "bob", "5678"], "general server failure"),
        ("json", ["add-user", "bob", "5678"], "can't be stored"),
    ] {
        let run = socksctl(dialect, server.listener(dialect), &line);
        assert_eq!(run.status.code(), Some(1), "{dialect}: {}", run.stderr);
        assert!(run.stderr.contains(said), "{dialect}: {}", run.stderr);
    }
    until("the log says why", || server.log().contains("change-not-stored"));
    // Nothing of it has happened, and the service goes on.
    assert_eq!(Admin::of(&server).users(), [b"ana".to_vec()]);
    assert!(can_log_in(&server, "ana", "1234") && !can_log_in(&server, "bob", "5678"));
    fs::create_dir(folder.0.path()).expect("the folder again");
    Admin::of(&server).put(&add(b"bob", b"5678"));
    assert!(fs::read_to_string(&state).expect("a state").contains("bob"));
    folder.remove();
}

/// A file that may not grow stands for a full disk: writing stops in its middle.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_leaves_the_state_whole_and_the_server_up() {
    let file = Scratch::new("toml");
    let mut command = Command::new("bash");
    // In blocks of 1024 octets; without the trap the signal would end the process.
    command.arg("-c").arg("trap '' XFSZ; ulimit -f 2; exec \"$0\" \"$@\"");
    command.arg(env!("CARGO_BIN_EXE_socksd"));
    command.args(["-p", "0", "-P", "0", "-U", "admin:secret", "--state", file.path()]);
    let mut server = Server::launch(command);
    let mut stored = Vec::new();
    let status = loop {
        let name = format!("user-{:02}", stored.len()).into_bytes();
        let mut admin = Admin::of(&server);
        admin.0.send(&add(&name, b"1234"));
        match admin.0.receive(1)[0] {
            0x00 => stored.push(name),
            status => break status,
        }
        assert!(stored.len() < 50, "the file has grown beyond its bound");
    };
    assert_eq!(status, 0x01);
    assert!(!stored.is_empty());
    let mut admin = Admin::of(&server);
    assert_eq!(admin.users(), stored);
    // What makes it smaller can still be stored.
    admin.put(&remove(&stored.remove(0)));
    server.kill();
    let server = with_state(&file, &[]);
    assert_eq!(Admin::of(&server).users(), stored);
}
