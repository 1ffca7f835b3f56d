//! SOCKS-MONITOR on a real socket, in front of a server at work.

mod served;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

use served::{Served, echo, to_the_end, until};

/// The example of the specification, as it stands there.
const EXAMPLE: &str = "\
S: SOCKS-MONITOR 1.0
C: SoyUnCliente 1.0
S: Please provide your credentials
C: elUsernombre/laContraseña
S: The credentials are valid. You can proceed with the monitoring!
C: USERS
S: OK No active users
C: STATS
S: OK connections:0 bytes:0 users:0 concurrent:0 max_concurrent:0 uptime:52
C: STAST
S: ERR Unknown command: STAST
C: STATS
S: OK connections:1 bytes:0 users:1 concurrent:1 max_concurrent:1 uptime:85
C: CONNECTIONS
S: OK current:1 max:1 allowed:500
C: CONFIG timeout 1
S: OK timeout set to 1
C: QUIT
[S: Conexión cerrada]
";

struct Monitor(BufReader<TcpStream>);

impl Monitor {
    /// A connection in which nothing was said yet.
    fn of(server: &Served) -> Self {
        Self(BufReader::new(server.connect("monitor")))
    }

    /// A connection that has logged in.
    fn logged_in(server: &Served) -> Self {
        Self::try_log_in(server).expect("a login")
    }

    /// As [`Self::logged_in`]; `None` when it ends before that.
    fn try_log_in(server: &Served) -> Option<Self> {
        let mut monitor = Self::of(server);
        monitor.0.get_mut().write_all(b"x 1.0\nroot/secret\n").ok()?;
        let mut line = String::new();
        for _ in 0..3 {
            line.clear();
            monitor.0.read_line(&mut line).ok()?;
        }
        line.starts_with("The credentials are valid.").then_some(monitor)
    }

    fn say(&mut self, text: &str) {
        self.0.get_mut().write_all(text.as_bytes()).unwrap();
    }

    #[track_caller]
    fn hear(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).unwrap();
        line.strip_suffix('\n').unwrap_or_else(|| panic!("no line: {line:?}")).to_owned()
    }

    #[track_caller]
    fn ask(&mut self, line: &str) -> String {
        self.say(&format!("{line}\n"));
        self.hear()
    }

    #[track_caller]
    fn expect_end(mut self) {
        let mut rest = Vec::new();
        self.0.read_to_end(&mut rest).expect("an orderly end");
        assert!(rest.is_empty(), "{}", rest.escape_ascii());
    }
}

/// The line without the seconds, which no test can foresee.
#[track_caller]
fn timeless(line: &str) -> &str {
    let Some((before, seconds)) = line.split_once("uptime:") else { return line };
    assert!(!seconds.is_empty() && seconds.bytes().all(|octet| octet.is_ascii_digit()), "{line}");
    before
}

#[test]
fn the_example_of_the_specification() {
    let server = Served::start("--monitor 127.0.0.1:0 -U elUsernombre:laContraseña", None);
    let mut monitor = Monitor::of(&server);
    let mut client = None;
    for line in EXAMPLE.lines() {
        if let Some(said) = line.strip_prefix("C: ") {
            monitor.say(&format!("{said}\n"));
        } else if let Some(heard) = line.strip_prefix("S: ") {
            assert_eq!(timeless(&monitor.hear()), timeless(heard));
            if heard.starts_with("ERR") {
                // Between the two STATS of the example somebody connected.
                client = Some(server.through(None, echo()));
            }
        }
    }
    monitor.expect_end();
    assert!(client.is_some());
}

#[test]
fn a_shorter_timeout_ends_what_is_idle_already() {
    let server = Served::start("--monitor 127.0.0.1:0", None);
    let mut idle = server.through(None, echo());
    idle.write_all(b"hello").unwrap();
    idle.read_exact(&mut [0; 5]).unwrap();
    assert_eq!(Monitor::logged_in(&server).ask("CONFIG timeout 1"), "OK timeout set to 1");
    // It ends, in whatever way; silence for the test's whole deadline would be an error too.
    match idle.read(&mut [0]) {
        Ok(count) => assert_eq!(count, 0),
        Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset),
    }
    until("the connection is forgotten", || server.core().metrics().current == 0);
}

#[test]
fn users_and_connections_are_those_at_work() {
    let server = Served::start("--monitor 127.0.0.1:0 -u bea:x -u ana:x", None);
    let mut monitor = Monitor::logged_in(&server);
    assert_eq!(monitor.ask("USERS"), "OK No active users");
    let target = echo();
    let silent = server.connect("socks");
    let bea = server.through(Some(("bea", "x")), target);
    let mut ana = server.through(Some(("ana", "x")), target);
    let twice = server.through(Some(("ana", "x")), target);
    ana.write_all(b"hello").unwrap();
    ana.read_exact(&mut [0; 5]).unwrap();
    // Octets are counted a moment after they have been sent.
    until("all octets are counted", || server.core().metrics().bytes() == 10);

    assert_eq!(monitor.ask("USERS"), "OK ana:127.0.0.1 bea:127.0.0.1");
    assert_eq!(monitor.ask("CONNECTIONS"), "OK current:4 max:4 allowed:500");
    let list = monitor.ask("connections LIST");
    let words: Vec<&str> = list.split(' ').collect();
    assert_eq!(words.get(..4).unwrap().join(" "), "OK current:4 max:4 allowed:500");
    let row = |client: &TcpStream| {
        let client = format!(",client:{},", client.local_addr().unwrap());
        let (row, age) =
            words.iter().find(|word| word.contains(&client)).unwrap().rsplit_once(',').unwrap();
        assert!(age.starts_with("age:"), "{list}");
        row.split_once(',').unwrap().1.replace(&client[1..], "")
    };
    assert_eq!(row(&silent), "user:-,target:-,state:handshake,bytes:0");
    assert_eq!(row(&bea), format!("user:bea,target:{target},state:open,bytes:0"));
    assert_eq!(row(&ana), format!("user:ana,target:{target},state:open,bytes:10"));
    assert!(words.get(4).unwrap().starts_with("id:1,"), "{list}");

    drop((silent, bea, ana, twice));
    until("all have left", || server.core().metrics().current == 0);
    assert_eq!(monitor.ask("USERS"), "OK No active users");
    assert_eq!(
        timeless(&monitor.ask("STATS")),
        "OK connections:4 bytes:10 users:0 concurrent:0 max_concurrent:4 "
    );
}

#[test]
fn limits_and_sizes_act_at_once() {
    let server = Served::start("--monitor 127.0.0.1:0", None);
    let mut monitor = Monitor::logged_in(&server);
    let target = echo();
    let _first = server.through(None, target);
    assert_eq!(monitor.ask("CONFIG max_connections 1"), "OK max_connections set to 1");
    assert!(server.try_through(None, target).is_err());
    assert_eq!(monitor.ask("CONNECTIONS"), "OK current:1 max:1 allowed:1");
    assert_eq!(monitor.ask("CONFIG max_connections 2"), "OK max_connections set to 2");
    assert_eq!(monitor.ask("CONFIG buffer_size 512"), "OK buffer_size set to 512");
    let mut second = server.through(None, target);
    second.write_all(&[7; 2000]).unwrap();
    second.read_exact(&mut [0; 2000]).unwrap();
    assert_eq!(server.core().settings().buffer_size.map(|size| size.octets()), Some(512));
    assert_eq!(monitor.ask("CONFIG max_users 3"), "OK max_users set to 3");
    assert_eq!(server.core().settings().max_users, 3);
}

#[test]
fn the_deadline_of_the_login_ends_with_it() {
    let server = Served::start("--monitor 127.0.0.1:0 --handshake-timeout 0.5", None);
    // On a busy machine that may be too short for a login now and then.
    let mut monitor = None;
    until("a login in time", || {
        monitor = Monitor::try_log_in(&server);
        monitor.is_some()
    });
    let mut monitor = monitor.unwrap();
    let mut late = Monitor::of(&server);
    assert_eq!(late.hear(), "SOCKS-MONITOR 1.0");
    // Later than the deadline of the one that has logged in.
    let mut rest = Vec::new();
    late.0.read_to_end(&mut rest).unwrap();
    assert!(rest.is_empty());
    assert_eq!(monitor.ask("USERS"), "OK No active users");
}

#[test]
fn the_last_words_arrive_though_more_is_being_sent() {
    let server = Served::start("--monitor 127.0.0.1:0", None);
    let behind = "x".repeat(200_000);
    for (said, last) in [
        ("x 2.0\n", "ERR Unsupported version: 2.0\n"),
        ("x 1.0\nroot/wrong\n", "The credentials are invalid.\n"),
        ("x 1.0\nroot/secret\n", "ERR Line too long\n"),
        ("", "ERR Line too long\n"),
    ] {
        let mut stream = server.connect("monitor");
        stream.write_all(format!("{said}{behind}").as_bytes()).unwrap();
        let heard = String::from_utf8(to_the_end(&mut stream)).unwrap();
        assert!(heard.starts_with("SOCKS-MONITOR 1.0\n") && heard.ends_with(last), "{heard}");
    }
}

#[test]
fn octet_by_octet() {
    let server = Served::start("--monitor 127.0.0.1:0", None);
    let mut stream = server.connect("monitor");
    for octet in b"x 1.0\r\nroot/secret\r\nUSERS\r\nQUIT\r\n" {
        stream.write_all(&[*octet]).unwrap();
    }
    let heard = String::from_utf8(to_the_end(&mut stream)).unwrap();
    assert!(heard.ends_with("monitoring!\nOK No active users\n"), "{heard}");
}
