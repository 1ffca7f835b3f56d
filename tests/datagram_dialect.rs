//! The datagram dialect over real sockets, in the octets of its specification.

use std::io::{BufRead, BufReader, Read};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::process::{Child, Command, Stdio};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use argh::FromArgs;
use socksd::args::Args;
use socksd::core::{Core, Credential, FIRST_REFUSAL, FREE_FAILURES, NewUser};
use socksd::manage::SharedToken;
use socksd::server::{Config, Server, StartError};

/// Far above what anything here takes, so that a busy machine fails no test.
const DEADLINE: Duration = Duration::from_secs(20);
const TOKEN: [u8; 4] = [0x12, 0x34, 0x56, 0x78];
const WRONG: [u8; 4] = [0x12, 0x34, 0x56, 0x79];
const ASK: u8 = 0x00;
const CHANGE: u8 = 0x01;

/// A server in this process, stopped at the end.
struct Running {
    core: Core,
    socks: SocketAddr,
    datagram: SocketAddr,
    thread: Option<JoinHandle<()>>,
}

fn config(users: &[&str]) -> Config {
    let base = ["-p", "0", "-P", "0", "-U", "root:secret", "--datagram", "127.0.0.1:0"];
    let args = Args::from_args(&["test"], &[&base, users].concat()).unwrap();
    let mut config = args.into_config().unwrap();
    config.secrets.datagram = Some(SharedToken::new(u32::from_be_bytes(TOKEN)));
    config
}

impl Running {
    fn start(config: Config) -> Self {
        let server = Server::start(config).unwrap();
        let address = |name| {
            let found = server.listeners().find(|(listener, _)| *listener == name);
            found.unwrap_or_else(|| panic!("no listener {name}")).1
        };
        let (socks, datagram) = (address("socks"), address("datagram"));
        let core = server.core().clone();
        let thread = Some(thread::spawn(move || server.run()));
        Self { core, socks, datagram, thread }
    }

    fn client(&self) -> Client {
        Client::at("127.0.0.1", self.datagram)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.core.stop();
        let ended = self.thread.take().map(JoinHandle::join);
        assert!(thread::panicking() || matches!(ended, Some(Ok(()))), "the server panicked");
    }
}

struct Client {
    socket: UdpSocket,
    last_id: u16,
}

impl Client {
    fn at(ip: &str, server: SocketAddr) -> Self {
        let socket = UdpSocket::bind((ip, 0)).unwrap();
        socket.set_read_timeout(Some(DEADLINE)).unwrap();
        socket.connect(server).unwrap();
        Self { socket, last_id: 0xfffd }
    }

    /// Sends octets as they are and gives the reply as it is.
    #[track_caller]
    fn exchange(&self, datagram: &[u8]) -> Vec<u8> {
        self.socket.send(datagram).unwrap();
        let mut reply = vec![0; 65_536];
        let length = self.socket.recv(&mut reply).expect("a reply");
        reply.truncate(length);
        reply
    }

    /// STATUS and DATA; the rest of the reply is checked.
    #[track_caller]
    fn with(&mut self, token: [u8; 4], kind: u8, command: u16, data: &[u8]) -> (u8, Vec<u8>) {
        self.last_id = self.last_id.wrapping_add(1);
        let (command, id) = (command.to_be_bytes(), self.last_id.to_be_bytes());
        let request = [&[0x01, kind], &command[..], &id, &token, data].concat();
        let reply = self.exchange(&request);
        assert_eq!((reply[0], &reply[2..7]), (0x01, &request[1..6]), "VER TYPE CMD ID");
        assert!(reply[1] == 0x00 || reply.len() == 7, "an error with data");
        (reply[1], reply[7..].to_vec())
    }

    #[track_caller]
    fn say(&mut self, kind: u8, command: u16, data: &[u8]) -> (u8, Vec<u8>) {
        self.with(TOKEN, kind, command, data)
    }

    #[track_caller]
    fn done(&mut self, kind: u8, command: u16, data: &[u8]) -> Vec<u8> {
        let (status, data) = self.say(kind, command, data);
        assert_eq!(status, 0x00);
        data
    }

    #[track_caller]
    fn status(&mut self, kind: u8, command: u16, data: &[u8]) -> u8 {
        self.say(kind, command, data).0
    }
}

#[track_caller]
fn until(what: &str, mut probe: impl FnMut() -> bool) {
    let start = Instant::now();
    while !probe() {
        assert!(start.elapsed() < DEADLINE, "not within {DEADLINE:?}: {what}");
        thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn metrics_have_their_widths() {
    let server = Running::start(config(&[]));
    let mut client = server.client();
    assert_eq!(client.done(ASK, 1, b""), [0; 8]);
    assert_eq!(client.done(ASK, 2, b"ignored"), [0; 2]);
    assert_eq!(client.done(ASK, 3, b""), [0; 8]);
    assert_eq!(client.done(ASK, 4, b""), [200]);
    let open =
        [TcpStream::connect(server.socks).unwrap(), TcpStream::connect(server.socks).unwrap()];
    until("two connections are counted", || client.done(ASK, 2, b"") == [0, 2]);
    drop(open);
    until("none is open", || client.done(ASK, 2, b"") == [0, 0]);
    assert_eq!(client.done(ASK, 1, b""), [0, 0, 0, 0, 0, 0, 0, 2]);
}

#[test]
fn users_come_and_go() {
    let mut config = config(&[]);
    config.settings.max_users = 2;
    let server = Running::start(config);
    let mut client = server.client();
    let longest = [&[b'n'; 40][..], b":", &[b'p'; 40]].concat();
    assert_eq!(client.status(CHANGE, 1, b"ana:1:2\0ignored"), 0x00);
    let here = [127, 0, 0, 1].into();
    assert!(server.core.log_in_user("test", b"ana", b"1:2", here).is_ok());
    assert_eq!(client.status(CHANGE, 1, b"ana:x\0"), 0x07);
    assert_eq!(client.status(CHANGE, 1, &longest), 0x00);
    assert_eq!(client.status(CHANGE, 1, b"bea:x"), 0x06);
    assert_eq!(client.status(CHANGE, 1, b"ana:x"), 0x07);
    assert_eq!(client.done(ASK, 0, b"\x01"), [&b"ana\n"[..], &[b'n'; 40], b"\0"].concat());
    assert_eq!(client.status(CHANGE, 2, b"bea\0"), 0x08);
    assert_eq!(client.status(CHANGE, 2, &[b'n'; 40]), 0x00);
    assert_eq!(client.status(CHANGE, 2, b"ana\0bea"), 0x00);
    assert_eq!(client.done(ASK, 0, b"\x01"), b"\0");
}

#[test]
fn arguments_that_are_none() {
    let server = Running::start(config(&["-u", "ana:1234"]));
    let mut client = server.client();
    let long = [b'x'; 41];
    for (kind, command, data) in [
        (ASK, 0, &b""[..]),
        (ASK, 0, b"\x00"),
        (CHANGE, 1, b""),
        (CHANGE, 1, b"\0"),
        (CHANGE, 1, b"bea"),
        (CHANGE, 1, b"bea\0:x"),
        (CHANGE, 1, b":x"),
        (CHANGE, 1, b"bea:"),
        (CHANGE, 1, b"b/a:x"),
        (CHANGE, 1, &[b"bea:", &long[..]].concat()),
        (CHANGE, 1, &[&long[..], b":x"].concat()),
        (CHANGE, 2, b""),
        (CHANGE, 2, b"\0ana"),
        (CHANGE, 2, &long),
        (CHANGE, 3, b""),
        (CHANGE, 3, b"\x00"),
        (CHANGE, 3, b"\xc9"),
    ] {
        let shown = data.escape_ascii();
        assert_eq!(client.status(kind, command, data), 0x05, "{kind} {command} {shown}");
    }
    assert_eq!(client.done(ASK, 0, b"\x01"), b"ana\0");
    assert_eq!(client.done(ASK, 4, b""), [200]);
}

#[test]
fn checks_have_their_order() {
    let server = Running::start(config(&[]));
    let client = server.client();
    let id = [0xab, 0xcd];
    for (version, token, kind, command, data, status) in [
        (2, WRONG, 9, [9, 9], &b""[..], 0x01),
        (0, TOKEN, 0, [0, 4], b"", 0x01),
        (1, WRONG, 9, [9, 9], b"", 0x02),
        (1, TOKEN, 9, [9, 9], b"", 0x03),
        (1, TOKEN, 0, [9, 9], b"", 0x04),
        (1, TOKEN, 0, [1, 0], b"", 0x04),
        (1, TOKEN, 0, [0, 5], b"", 0x04),
        (1, TOKEN, 1, [0, 4], b"", 0x04),
        (1, TOKEN, 0, [0, 0], b"", 0x05),
    ] {
        let request = [&[version, kind], &command[..], &id, &token, data].concat();
        let expected = [&[0x01, status, kind], &command[..], &id].concat();
        assert_eq!(client.exchange(&request), expected);
    }
}

#[test]
fn pages_of_one_and_of_two_hundred() {
    let mut config = config(&[]);
    config.settings.max_users = 450;
    let server = Running::start(config);
    let mut client = server.client();
    // The longest names that any dialect can give: 200 of them in one datagram.
    let names: Vec<String> = (0..401).map(|n| format!("{n:0>255}")).collect();
    for name in &names {
        let name = socksd::core::Name::new(name.as_bytes()).unwrap();
        let password = socksd::core::Password::new(b"x").unwrap();
        server.core.install_user(NewUser::new(name, password)).unwrap();
    }
    let page = |names: &[String]| [names.join("\n").as_bytes(), b"\0"].concat();
    assert_eq!(client.done(ASK, 0, b"\x01"), page(&names[..200]));
    assert_eq!(client.done(ASK, 0, b"\x02"), page(&names[200..400]));
    assert_eq!(client.done(ASK, 0, b"\x03ignored"), page(&names[400..]));
    assert_eq!(client.done(ASK, 0, b"\x04"), b"\0");
    assert_eq!(client.done(ASK, 0, b"\xff"), b"\0");

    assert_eq!(client.done(CHANGE, 3, b"\x01"), b"");
    assert_eq!(client.done(ASK, 4, b""), [1]);
    for number in 1..=255_u8 {
        let at = usize::from(number) - 1;
        assert_eq!(client.done(ASK, 0, &[number]), page(&names[at..=at]));
    }
    assert_eq!(client.done(CHANGE, 3, b"\xc8"), b"");
    assert_eq!(client.done(ASK, 0, b"\x01"), page(&names[..200]));
}

#[test]
fn too_short_for_a_request_means_no_reply() {
    let server = Running::start(config(&[]));
    let client = server.client();
    let request = [&[0x01, ASK, 0, 4, 0xab, 0xcd][..], &TOKEN].concat();
    for length in 0..request.len() {
        client.socket.send(&request[..length]).unwrap();
    }
    // Datagrams on one loopback path keep their order: the first reply is to the last.
    assert_eq!(client.exchange(&request), [0x01, 0x00, ASK, 0, 4, 0xab, 0xcd, 200]);
}

#[test]
fn the_longest_datagram_is_read_to_its_end() {
    let server = Running::start(config(&[]));
    let mut client = server.client();
    let data = [&b"ana:x\0"[..], &vec![b'j'; 60_000]].concat();
    assert_eq!(client.status(CHANGE, 1, &data), 0x00);
    assert_eq!(client.done(ASK, 0, b"\x01"), b"ana\0");
}

#[test]
fn wrong_tokens_are_slowed_down_and_nobody_else_is() {
    let server = Running::start(config(&[]));
    let mut guesser = server.client();
    let mut last = Instant::now();
    for _ in 0..=FREE_FAILURES {
        last = Instant::now();
        // Seven octets for ten, whatever was asked for.
        assert_eq!(guesser.with(WRONG, ASK, 0, b"\x01"), (0x02, vec![]));
    }
    // Refused now, with the right token too, from this address and any port.
    let told = [guesser.status(ASK, 4, b""), server.client().status(ASK, 4, b"")];
    assert!(told == [0x02, 0x02] || last.elapsed() >= FIRST_REFUSAL, "{told:?}");
    let refused = told.iter().filter(|status| **status == 0x02).count();
    let failed = server.core.metrics().failed_logins;
    assert_eq!(failed, u64::from(FREE_FAILURES) + 1 + refused as u64);
    // Only Linux and Windows have all of 127.0.0.0/8; elsewhere there is no neighbour.
    if UdpSocket::bind("127.0.0.2:0").is_ok() {
        let mut neighbour = Client::at("127.0.0.2", server.datagram);
        assert_eq!(neighbour.done(ASK, 4, b""), [200]);
    }
    until("the refusal ends", || guesser.status(ASK, 4, b"") == 0x00);
}

/// Anybody can send a datagram in the name of an admin's address.
#[test]
fn wrong_tokens_keep_an_address_out_of_nothing_else() {
    let server = Running::start(config(&[]));
    let mut guesser = server.client();
    let begun = Instant::now();
    for _ in 0..FREE_FAILURES + 20 {
        assert_eq!(guesser.with(WRONG, ASK, 0, b"\x01"), (0x02, vec![]));
    }
    let here = std::net::IpAddr::from([127, 0, 0, 1]);
    let login = Credential::Password { name: b"root", password: b"secret" };
    assert!(server.core.log_in("shoes", login, here).is_ok());
    let refused = guesser.status(ASK, 4, b"") == 0x02;
    assert!(refused || begun.elapsed() >= FIRST_REFUSAL, "a login proves nothing about datagrams");
}

#[test]
fn wrong_tokens_are_no_line_each() {
    let mut process = binary(Some("0x12345678"));
    let server = listening(&mut process, "datagram");
    let mut client = Client::at("127.0.0.1", server);
    let begun = Instant::now();
    for _ in 0..200 {
        assert_eq!(client.with(WRONG, ASK, 0, b""), (0x02, vec![]));
    }
    // Refused at first. It ends in order, or its log might not be written yet.
    until("it can be stopped", || client.status(CHANGE, 0, b"") == 0x00);
    let (_, log) = ended(&mut process);
    let lines = log.matches("auth-failed service=datagram").count() as u64;
    // At once, each second, and at the end.
    assert!((1..=begun.elapsed().as_secs() + 2).contains(&lines), "{log}");
}

#[test]
fn without_a_token_it_does_not_start() {
    let mut config = config(&[]);
    config.secrets.datagram = None;
    let Err(error) = Server::start(config) else { panic!("it started") };
    assert!(matches!(error, StartError::Secret(_)), "{error}");
    let said = error.to_string();
    assert!(said.contains("datagram") && said.contains("SOCKSD_DATAGRAM_TOKEN"), "{said}");
}

/// The binary, ended with the test.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        // It has ended already unless the test fails.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn binary(token: Option<&str>) -> Process {
    let mut command = Command::new(env!("CARGO_BIN_EXE_socksd"));
    command.args(["-p", "0", "-P", "0", "-U", "root:secret", "--datagram", "127.0.0.1:0"]);
    command.env_remove("SOCKSD_DATAGRAM_TOKEN").stdin(Stdio::null());
    command.envs(token.map(|token| ("SOCKSD_DATAGRAM_TOKEN", token)));
    Process(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap())
}

/// The address of a listener, from the lines of the binary.
fn listening(process: &mut Process, name: &str) -> SocketAddr {
    let lines = BufReader::new(process.0.stdout.as_mut().unwrap()).lines();
    let prefix = format!("listening {name} ");
    let found = lines
        .map_while(Result::ok)
        .find_map(|line| line.strip_prefix(&prefix).map(|address| address.parse().unwrap()));
    found.unwrap_or_else(|| panic!("no line {prefix}"))
}

fn ended(process: &mut Process) -> (Option<i32>, String) {
    let mut status = None;
    until("the process ends", || {
        status = process.0.try_wait().unwrap();
        status.is_some()
    });
    let mut log = String::new();
    process.0.stderr.as_mut().unwrap().read_to_string(&mut log).unwrap();
    (status.and_then(|status| status.code()), log)
}

#[test]
fn stop_is_answered_then_the_process_exits() {
    for token in ["0x12345678", "305419896"] {
        let mut process = binary(Some(token));
        let server = listening(&mut process, "datagram");
        let mut client = Client::at("127.0.0.1", server);
        client.socket.send(b"short").unwrap();
        client.socket.send(b"").unwrap();
        assert_eq!(client.with(WRONG, CHANGE, 0, b""), (0x02, vec![]));
        assert_eq!(client.say(CHANGE, 0, b""), (0x00, vec![]));
        let (code, log) = ended(&mut process);
        assert_eq!(code, Some(0), "{log}");
        assert_eq!(log.matches("datagram-dropped service=datagram times=1").count(), 2, "{log}");
        let wrong = "auth-failed service=datagram times=1 error=\"a wrong token, as if from 127";
        assert!(log.contains(wrong), "{log}");
        assert!(!log.contains("12345678") && !log.contains("305419896"), "{log}");
    }
}

#[test]
fn the_binary_names_a_token_that_is_missing_or_malformed() {
    for token in [None, Some(""), Some("0x1234"), Some("secret")] {
        let (code, log) = ended(&mut binary(token));
        assert_eq!(code, Some(2), "{log}");
        assert!(log.contains("SOCKSD_DATAGRAM_TOKEN") && !log.contains("0x1234"), "{log}");
    }
}

/// What is open when the stop comes may finish.
#[test]
fn stop_lets_what_is_open_drain() {
    let server = Running::start(config(&[]));
    let open = TcpStream::connect(server.socks).unwrap();
    let mut client = server.client();
    until("it is counted", || client.done(ASK, 2, b"") == [0, 1]);
    assert_eq!(client.say(CHANGE, 0, b""), (0x00, vec![]));
    let datagram = server.datagram;
    until("the datagram listener is closed", || UdpSocket::bind(datagram).is_ok());
    let thread = server.thread.as_ref().unwrap();
    assert!(!thread.is_finished(), "it does not wait for what is open");
    drop(open);
    until("it has drained", || thread.is_finished());
}

/// Runs `socksctl` with this token, and gives its exit code and its output.
fn socksctl(server: SocketAddr, token: &str, line: &str) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_socksctl"));
    let dialect = if line.starts_with("--dialect") { "" } else { "--dialect datagram " };
    command.args(format!("{dialect}--output json {line}").split_whitespace());
    command.env("SOCKSCTL_SERVER", server.to_string()).env("SOCKSCTL_TOKEN", token);
    let output = command.stdin(Stdio::null()).output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(said).unwrap().trim_end().to_owned())
}

#[test]
fn socksctl_says_every_command() {
    let server = Running::start(config(&[]));
    let says = |line: &str, expected: &str| {
        let (code, said) = socksctl(server.datagram, "0x12345678", line);
        assert_eq!((code, said.as_str()), (Some(0), expected), "{line}");
    };
    says("metrics", r#"{"bytes":0,"current":0,"historic":0}"#);
    says("users", r#"{"complete":true,"users":[]}"#);
    for name in ["ana", "bea", "cid"] {
        says(&format!("add-user {name} 1:2"), r#"{"done":true}"#);
    }
    says("page-size 2", r#"{"done":true}"#);
    says("page-size", r#"{"page_size":2}"#);
    says("users", r#"{"complete":true,"users":["ana","bea","cid"]}"#);
    says("remove-user ana", r#"{"done":true}"#);
    says("users", r#"{"complete":true,"users":["bea","cid"]}"#);
    says("stop", r#"{"done":true}"#);
    until("it has stopped", || server.thread.as_ref().unwrap().is_finished());
}

#[test]
fn socksctl_tells_who_is_to_blame() {
    let server = Running::start(config(&["-u", "ana:1234"]));
    let long = format!("add-user {:x>41} y", "");
    for (token, line, code, part) in [
        ("305419896", "add-user ana x", 1, "the user already exists"),
        ("305419896", "remove-user bea", 1, "the user does not exist"),
        ("305419897", "metrics", 1, "SOCKSCTL_TOKEN"),
        ("0x12", "metrics", 2, "8 hexadecimal digits"),
        ("305419896", &long, 2, "40 octets"),
        ("305419896", "ping", 2, "json"),
        ("305419896", "--login a:b users", 2, "--token"),
        ("305419896", "--dialect shoes --token x users", 2, "--login"),
    ] {
        let (exit, said) = socksctl(server.datagram, token, line);
        assert_eq!(exit, Some(code), "{line}: {said}");
        assert!(said.contains(part) && !said.contains("30541989"), "{line}: {said}");
    }
    // It takes datagrams from itself only, and stays taken.
    let nobody = UdpSocket::bind("127.0.0.1:0").unwrap();
    nobody.connect(nobody.local_addr().unwrap()).unwrap();
    let (exit, said) = socksctl(nobody.local_addr().unwrap(), "1", "--timeout 1 users");
    assert_eq!(exit, Some(3), "{said}");
}
