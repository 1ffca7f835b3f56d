//! The whole server in this process, so that its core can be asked directly.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use argh::FromArgs;
use socksd::args::Args;
use socksd::core::{Command, Core, Credential, Name, Outcome, UserLimit};
use socksd::server::Server;

use super::maildirs::Folder;

/// A server that stops with the test.
struct Running {
    core: Core,
    address: std::net::SocketAddr,
    thread: Option<thread::JoinHandle<()>>,
}

impl Running {
    fn serving(folder: &Folder) -> Self {
        let path = folder.path();
        let words = [
            "-p",
            "0",
            "-P",
            "0",
            "-U",
            "root:secret",
            "-u",
            "ana:1234",
            "--grace",
            "0.1",
            "--pop3",
            "127.0.0.1:0",
            "--maildir",
            path,
        ];
        let args =
            Args::from_args(&["test"], &words).unwrap_or_else(|exit| panic!("{}", exit.output));
        let server = Server::start(args.into_config().unwrap()).unwrap();
        let address = server.listeners().find(|(name, _)| *name == "pop3").unwrap().1;
        let core = server.core().clone();
        Self { core, address, thread: Some(thread::spawn(move || server.run())) }
    }

    fn apply(&self, command: Command) -> Outcome {
        let login = Credential::Password { name: b"root", password: b"secret" };
        let caller = self.core.log_in("test", login, [127, 0, 0, 1].into()).unwrap();
        self.core.apply(&caller, command).unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.core.stop();
        self.thread.take().map(thread::JoinHandle::join);
    }
}

/// A client that has logged in and heard the answer.
fn open(running: &Running) -> BufReader<TcpStream> {
    let stream = TcpStream::connect(running.address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let mut client = BufReader::new(stream);
    assert!(line(&mut client).starts_with("+OK"));
    for said in ["USER ana", "PASS 1234"] {
        assert!(ask(&mut client, said).starts_with("+OK"), "{said}");
    }
    client
}

fn ask(client: &mut BufReader<TcpStream>, said: &str) -> String {
    client.get_mut().write_all(format!("{said}\r\n").as_bytes()).unwrap();
    line(client)
}

fn line(client: &mut BufReader<TcpStream>) -> String {
    let mut line = String::new();
    client.read_line(&mut line).unwrap();
    line
}

#[test]
fn a_cut_ends_a_session_that_waits_and_one_that_sends() {
    let folder = Folder::new("cut");
    folder.put("ana/new/1.a", &b"0123456789\n".repeat(5_000_000));
    let running = Running::serving(&folder);
    for sends in [false, true] {
        let mut client = open(&running);
        assert!(ask(&mut client, "DELE 1").starts_with("+OK"));
        if sends {
            assert!(ask(&mut client, "RSET").starts_with("+OK"));
            assert!(ask(&mut client, "RETR 1").starts_with("+OK"));
        }
        let Outcome::Connections(all) = running.apply(Command::ListConnections) else { panic!() };
        assert_eq!((all.len(), all[0].service, all[0].user.as_str()), (1, "pop3", "ana"));
        running.apply(Command::CutConnection(all[0].id));
        let mut rest = Vec::new();
        // An end or a reset; a whole message neither way.
        let _ = client.read_to_end(&mut rest);
        assert!(!rest.ends_with(b"\r\n.\r\n"));
        let end = Instant::now() + Duration::from_secs(20);
        while running.core.metrics().current > 0 {
            assert!(Instant::now() < end, "the connection is still counted");
            thread::yield_now();
        }
        assert!(folder.has("ana/new/1.a"));
    }
    assert!(ask(&mut open(&running), "STAT").starts_with("+OK 1 60000000"));
}

#[test]
fn a_user_that_expires_loses_its_mailbox_and_a_quota_is_not_for_mail() {
    let folder = Folder::new("expired");
    folder.put("ana/new/1.a", b"mail\n");
    let running = Running::serving(&folder);
    let limit = |name, value| {
        let limit = UserLimit::parse(name, value).unwrap();
        running.apply(Command::LimitUser { name: Name::new(b"ana").unwrap(), limit });
    };
    limit("quota_day", "1");
    limit("rate_down", "1");
    let mut client = open(&running);
    assert!(ask(&mut client, "STAT").starts_with("+OK 1 6"));
    limit("expires", "2020-01-01");
    assert_eq!(client.read_to_end(&mut Vec::new()).unwrap_or_default(), 0);
    let mut late = BufReader::new(TcpStream::connect(running.address).unwrap());
    assert!(line(&mut late).starts_with("+OK"));
    assert!(ask(&mut late, "USER ana").starts_with("+OK"));
    assert!(ask(&mut late, "PASS 1234").starts_with("-ERR [AUTH]"));
}
