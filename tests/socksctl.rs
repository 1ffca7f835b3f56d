//! The `socksctl` binary against a SHOES conversation over a real core, on a real
//! socket.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use socksd::core::{Core, Name, Password, Start};
use socksd::manage::ShoesSession;
use socksd::net::session::{Input, Next, Session};

const PATIENCE: Duration = Duration::from_secs(20);

/// A management port that serves one connection after the other.
struct Server {
    core: Core,
    address: SocketAddr,
    stopping: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// With the admin `root`, whose password is `secret`.
    fn start() -> Self {
        let (core, _) = Core::new(Start::default()).unwrap();
        core.install_admin(Name::new(b"root").unwrap(), Password::new(b"secret").unwrap()).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let stopping = Arc::new(AtomicBool::new(false));
        let (serving, stop) = (core.clone(), stopping.clone());
        let thread = thread::spawn(move || {
            while let Ok((stream, peer)) = listener.accept() {
                if stop.load(Ordering::SeqCst) {
                    return;
                }
                // A client that goes away in the middle is no failure of the server.
                let _ = serve(stream, ShoesSession::new(serving.clone(), peer.ip()));
            }
        });
        Self { core, address, stopping, thread: Some(thread) }
    }

    /// Runs `socksctl` logged in, with this line of arguments.
    fn run(&self, line: &str) -> Ran {
        run(&self.address.to_string(), Some("root:secret"), line, "")
    }

    fn user_is_let_in(&self, name: &[u8], password: &[u8]) -> bool {
        self.core.log_in_user("test", name, password, [192, 0, 2, 9].into()).is_ok()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stopping.store(true, Ordering::SeqCst);
        // Wakes it; when it is gone already, joining says why.
        let _ = TcpStream::connect(self.address);
        let ended = self.thread.take().map(JoinHandle::join);
        if !thread::panicking() {
            ended.unwrap().unwrap();
        }
    }
}

fn serve(mut stream: TcpStream, mut session: ShoesSession) -> io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    let (mut input, mut buffer) = (Input::default(), [0; 512]);
    loop {
        let mut output = Vec::new();
        let next = session.advance(&mut input, &mut output, Instant::now());
        stream.write_all(&output)?;
        match next {
            Next::Write => continue,
            Next::Close | Next::Done(()) => return stream.shutdown(Shutdown::Both),
            Next::Read { .. } if input.ended() => return Ok(()),
            Next::Read { .. } => {}
        }
        let count = stream.read(&mut buffer)?;
        input.receive(&buffer[..count]);
    }
}

/// What `socksctl` has said and how it ended.
#[derive(Debug)]
struct Ran {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

impl Ran {
    #[track_caller]
    fn prints(&self, expected: &str) {
        assert_eq!((self.code, self.stdout.trim_end()), (Some(0), expected), "{}", self.stderr);
    }

    #[track_caller]
    fn answers(&self, expected: Value) {
        assert_eq!(self.code, Some(0), "{}", self.stderr);
        assert_eq!(serde_json::from_str::<Value>(&self.stdout).unwrap(), expected);
    }

    #[track_caller]
    fn fails(&self, code: i32, part: &str) {
        assert_eq!((self.code, self.stdout.as_str()), (Some(code), ""), "{}", self.stderr);
        assert!(self.stderr.contains(part), "{} lacks {part}", self.stderr);
        assert!(!self.stderr.contains("secret"), "{}", self.stderr);
    }
}

fn run(server: &str, login: Option<&str>, line: &str, stdin: &str) -> Ran {
    let mut command = Command::new(env!("CARGO_BIN_EXE_socksctl"));
    command.args(line.split_whitespace()).env("SOCKSCTL_SERVER", server);
    match login {
        Some(login) => command.env("SOCKSCTL_LOGIN", login),
        None => command.env_remove("SOCKSCTL_LOGIN"),
    };
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // What it doesn't need it may leave unread.
    let _ = child.stdin.take().unwrap().write_all(stdin.as_bytes());
    let Output { status, stdout, stderr } = child.wait_with_output().unwrap();
    let text = |octets| String::from_utf8(octets).unwrap();
    Ran { code: status.code(), stdout: text(stdout), stderr: text(stderr) }
}

#[test]
fn users_come_change_and_go() {
    let server = Server::start();
    server.run("users").prints("no users; add one with: socksctl add-user NAME");
    server.run("add-user bea abcd").prints("user bea added");
    server.run("add-user ana 1234").prints("user ana added");
    assert!(server.user_is_let_in(b"ana", b"1234"));
    server.run("users").prints("#  user\n1  ana\n2  bea");
    server.run("edit-user ana x").prints("password of user ana changed");
    assert!(server.user_is_let_in(b"ana", b"x") && !server.user_is_let_in(b"ana", b"1234"));
    server.run("remove-user ana").prints("user ana removed");
    assert!(!server.user_is_let_in(b"ana", b"x"));
    server.run("users").prints("#  user\n1  bea");
}

#[test]
fn the_same_for_programs() {
    let server = Server::start();
    let done = json!({ "done": true });
    server.run("--output json add-user ana 1234").answers(done.clone());
    server.run("users --output json").answers(json!({ "users": ["ana"], "complete": true }));
    server.run("--output json edit-user ana x").answers(done.clone());
    server.run("--output json remove-user ana").answers(done.clone());
    server.run("--output json buffer-size 512").answers(done.clone());
    server.run("--output json spoofing on").answers(done);
    server.run("--output json spoofing").answers(json!({ "spoofing": true }));
    let metrics = json!({ "current": 0, "historic": 0, "bytes": 0 });
    server.run("--output json metrics").answers(metrics);
}

#[test]
fn names_are_iso_8859_1() {
    let server = Server::start();
    server.run("add-user \u{f1}and\u{fa} \u{e9}").prints("user \u{f1}and\u{fa} added");
    assert!(server.user_is_let_in(b"\xf1and\xfa", b"\xe9"));
    server.run("users").prints("#  user\n1  \u{f1}and\u{fa}");
    server.run("add-user \u{20ac} x").fails(2, "ISO 8859-1");
}

#[test]
fn a_password_may_come_from_standard_input() {
    let server = Server::start();
    let address = server.address.to_string();
    let added = run(&address, Some("root:secret"), "add-user ana", "12 34\nmore\n");
    added.prints("user ana added");
    assert!(server.user_is_let_in(b"ana", b"12 34"));
    let none = run(&address, Some("root:secret"), "edit-user ana", "");
    none.fails(2, "can't read an answer");
}

#[test]
fn settings_reach_the_server() {
    let server = Server::start();
    server.run("buffer-size 4096").prints("buffer size set to 4.1 kB (4096), for new connections");
    assert_eq!(server.core.settings().buffer_size.map(|size| size.octets()), Some(4096));
    server.run("spoofing").prints("credential monitor  off");
    server.run("spoofing on").prints("credential monitor on");
    assert!(server.core.settings().spoofing);
    server.run("spoofing off").prints("credential monitor off");
    assert!(!server.core.settings().spoofing);
    server.run("config buffer_size 512").prints("buffer size set to 512 B, for new connections");
}

#[test]
fn metrics_are_those_of_the_core() {
    let server = Server::start();
    let from = "192.0.2.7:4711".parse().unwrap();
    let open = server.core.admit("socks", from).unwrap();
    drop(server.core.admit("socks", from).unwrap());
    let expected = "connections now              1\n\
                    connections since the start  2\n\
                    bytes relayed                0 B";
    server.run("metrics").prints(expected);
    drop(open);
}

#[test]
fn what_the_server_refuses_exits_1() {
    let server = Server::start();
    server.run("add-user ana 1234").prints("user ana added");
    let exists = "the server refused add-user: the user already exists, edit-user changes its";
    server.run("add-user ana 1234").fails(1, exists);
    server.run("remove-user bea").fails(1, "the user does not exist");
    server.run("edit-user bea x").fails(1, "the user does not exist");
    let refused = server.run("--output json remove-user bea");
    refused.fails(1, "");
    let error: Value = serde_json::from_str(&refused.stderr).unwrap();
    let expected =
        "the server refused remove-user: the user does not exist, users lists those that do";
    assert_eq!(error, json!({ "error": expected }));
}

#[test]
fn a_login_is_needed_and_checked() {
    let server = Server::start();
    let address = server.address.to_string();
    let wrong = run(&address, Some("root:wrong"), "users", "");
    wrong.fails(1, "the server refused the login of root: invalid username or password");
    run(&address, None, "users", "").fails(2, "no login is given: set SOCKSCTL_LOGIN");
    run(&address, Some("root"), "users", "").fails(2, "SOCKSCTL_LOGIN can't be used");
    let option = run(&address, Some("root:wrong"), "--login root:secret spoofing", "");
    option.prints("credential monitor  off");
}

#[test]
fn what_is_no_server_exits_3() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let login = Some("root:secret");

    // It never answers: the listener's queue accepts, nobody reads.
    let silent = run(&address, login, "--timeout 1 users", "");
    silent.fails(3, "no answer in time");

    let thread = thread::spawn(move || {
        drop(listener.accept().unwrap());
        let (mut stream, _) = listener.accept().unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.read_exact(&mut [0; 13]).unwrap();
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").unwrap();
    });
    run(&address, login, "users", "").fails(3, "begins with version 0x48 where a login has 0x01");
    thread.join().unwrap();

    // Nobody can listen on port 0.
    run("127.0.0.1:0", login, "users", "").fails(3, "check that socksd runs");
    let for_programs = run("127.0.0.1:0", login, "users --output json", "");
    for_programs.fails(3, "");
    let error: Value = serde_json::from_str(&for_programs.stderr).unwrap();
    assert!(error["error"].as_str().unwrap().starts_with("can't reach"), "{error}");
}

#[test]
fn what_shoes_cannot_say_is_never_sent() {
    // Nobody listens there, so exit 2 proves that nothing was tried.
    for (line, who) in [
        ("connections", "only monitor and json can"),
        ("config timeout 30", "only monitor and json can"),
        ("config max_per_user 3", "only json can"),
        ("config buffer_size 0", "only monitor and json can"),
        ("buffer-size 0", "can't say buffer-size 0, only monitor and json can"),
        ("remove-user ana --cut", "can't say remove-user --cut, only json can"),
        ("os-info", "only json can"),
        ("ping", "only json can"),
        ("stop", "only datagram can"),
        ("cut 7", "only json can"),
        ("maildir /var/mail", "only oneshot and json can"),
        ("page-size", "only datagram and json can"),
        ("page-size 20", "only datagram and json can"),
        ("add-admin ana 0123456789abcdef", "only oneshot can"),
        ("remove-admin ana", "only oneshot can"),
    ] {
        run("127.0.0.1:0", None, line, "").fails(2, who);
    }
}

#[test]
fn usage_errors_exit_2_and_help_exits_0() {
    run("nowhere", Some("root:secret"), "users", "").fails(2, "write HOST:PORT");
    for line in ["", "fly", "add-user", "buffer-size 511", "spoofing maybe", "config timeout x"] {
        run("127.0.0.1:0", None, line, "").fails(2, "socksctl: ");
    }
    for (line, why) in [
        ("", "no command is given; see socksctl --help"),
        ("cut abc", "use the number that connections shows"),
        ("buffer-size 511", "use a number from 512 to 65535, or 0: it grows with the traffic"),
        ("config timeout 0.5", "use a whole number: seconds, 1 to 31622400"),
        ("config max_users abc", "use a whole number: accounts, 0 to 4294967295"),
        ("config speed 1", "no setting has this name, use one of timeout, "),
        ("limit-user ana max_connections 500k", "use a whole number such as 50, 0 for no limit"),
        ("limit-user ana rate_up x", "use a number such as 500000 or 500k, 0 for no limit"),
    ] {
        run("127.0.0.1:0", None, line, "").fails(2, why);
    }
    let for_programs = run("127.0.0.1:0", None, "fly --output json", "");
    for_programs.fails(2, "");
    let error: Value = serde_json::from_str(&for_programs.stderr).unwrap();
    assert!(error["error"].is_string());
    for line in ["-h", "--help", "add-user -h"] {
        let help = run("127.0.0.1:0", None, line, "");
        assert_eq!((help.code, help.stderr.as_str()), (Some(0), ""));
        assert!(help.stdout.contains("Usage: socksctl"), "{}", help.stdout);
    }
}
