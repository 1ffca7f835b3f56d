//! Whatever a connection is doing, an admin can end it and a stop does: its peers
//! see an error, and the access log says so.
#![cfg(all(target_os = "linux", feature = "native"))]

#[allow(dead_code, reason = "the other tests use the rest")]
mod served;

use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use served::{Served, until};
use socksd::core::{Caller, Command, ConnectionId, Credential, Outcome};

/// A server whose access log is read.
struct Watched {
    served: Served,
    log: PathBuf,
}

impl Watched {
    fn start(words: &str) -> Self {
        static NAMED: AtomicU32 = AtomicU32::new(0);
        let number = NAMED.fetch_add(1, Ordering::Relaxed);
        let name = format!("cut-{}-{number}.log", process::id());
        let log = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
        let words = format!("--access-log {} {words}", log.display());
        Self { served: Served::start(&words, None), log }
    }

    fn admin(&self) -> Caller {
        let login = Credential::Password { name: b"root", password: b"secret" };
        self.served.core().log_in("test", login, [192, 0, 2, 7].into()).unwrap()
    }

    /// The only connection, once it heads for that port.
    fn only(&self, port: u16) -> ConnectionId {
        let (mut found, suffix) = (None, format!(":{port}"));
        until("the connection is listed", || {
            let listed = self.served.core().apply(&self.admin(), Command::ListConnections);
            let Ok(Outcome::Connections(open)) = listed else { panic!("no list") };
            let here = |target: &Option<String>| match target {
                Some(target) => target.ends_with(&suffix),
                None => port == 0,
            };
            found = open.iter().find(|open| here(&open.target)).map(|open| open.id);
            found.is_some()
        });
        found.unwrap()
    }

    fn cut(&self, id: ConnectionId) {
        self.served.core().apply(&self.admin(), Command::CutConnection(id)).unwrap();
    }

    /// How the only connection has ended, once the log says it.
    fn ended(&self) -> String {
        let mut text = String::new();
        until("a line in the access log", || {
            text = fs::read_to_string(&self.log).unwrap_or_default();
            text.ends_with('\n')
        });
        text.trim_end().rsplit('\t').next().unwrap().to_owned()
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.log);
    }
}

fn request(command: u8, to: SocketAddr) -> Vec<u8> {
    let SocketAddr::V4(to) = to else { panic!("the target is IPv4") };
    [&[5, command, 0, 1][..], &to.ip().octets(), &to.port().to_be_bytes()].concat()
}

fn greeted(served: &Served) -> TcpStream {
    let mut stream = served.connect("socks");
    stream.write_all(&[5, 1, 0]).unwrap();
    stream.read_exact(&mut [0; 2]).unwrap();
    stream
}

/// Reads up to the end, which must be an error.
#[track_caller]
fn expect_reset(mut stream: &TcpStream) {
    let mut sink = vec![0; 64 * 1024];
    let error = loop {
        match stream.read(&mut sink) {
            Ok(0) => panic!("it looks like the end of the data"),
            Ok(_) => {}
            Err(error) => break error,
        }
    };
    assert_eq!(error.kind(), ErrorKind::ConnectionReset, "{error}");
}

#[test]
fn a_handshake_can_be_cut() {
    let watched = Watched::start("--handshake-timeout 600");
    let client = greeted(&watched.served);
    watched.cut(watched.only(0));
    expect_reset(&client);
    assert_eq!(watched.ended(), "cut");
}

#[test]
fn a_peer_that_bind_waits_for_can_be_cut_off() {
    let watched = Watched::start("");
    let mut client = greeted(&watched.served);
    client.write_all(&request(2, "127.0.0.1:9".parse().unwrap())).unwrap();
    client.read_exact(&mut [0; 10]).unwrap();
    watched.cut(watched.only(9));
    expect_reset(&client);
    assert_eq!(watched.ended(), "cut");
}

#[test]
fn an_association_can_be_cut() {
    let watched = Watched::start("");
    let mut client = greeted(&watched.served);
    client.write_all(&request(3, "127.0.0.1:9".parse().unwrap())).unwrap();
    client.read_exact(&mut [0; 10]).unwrap();
    watched.cut(watched.only(9));
    expect_reset(&client);
    assert_eq!(watched.ended(), "cut");
}

/// An address that takes no more connections and refuses none.
struct Silent {
    listener: TcpListener,
    _waiting: Vec<TcpStream>,
}

impl Silent {
    fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        rustix::net::listen(&listener, 0).unwrap();
        let address = listener.local_addr().unwrap();
        let wait = std::time::Duration::from_millis(300);
        let (mut waiting, mut failed) = (Vec::new(), 0);
        // Twice: a busy machine may be late once.
        while failed < 2 {
            match TcpStream::connect_timeout(&address, wait) {
                Ok(stream) => waiting.push(stream),
                Err(_) => failed += 1,
            }
        }
        Self { listener, _waiting: waiting }
    }

    fn address(&self) -> SocketAddr {
        self.listener.local_addr().unwrap()
    }
}

#[test]
fn a_connect_that_hangs_can_be_cut() {
    let watched = Watched::start("--connect-timeout 600");
    let silent = Silent::new();
    let mut client = greeted(&watched.served);
    client.write_all(&request(1, silent.address())).unwrap();
    watched.cut(watched.only(silent.address().port()));
    expect_reset(&client);
    assert_eq!(watched.ended(), "cut");
    until("it counts no more", || watched.served.core().metrics().current == 0);
}

#[test]
fn a_stop_ends_what_still_begins() {
    for step in ["greeting", "connect"] {
        let watched = Watched::start("--grace 0.1 --handshake-timeout 600 --connect-timeout 600");
        let silent = Silent::new();
        let mut client = greeted(&watched.served);
        let mut port = 0;
        if step == "connect" {
            port = silent.address().port();
            client.write_all(&request(1, silent.address())).unwrap();
        }
        watched.only(port);
        watched.served.core().stop();
        expect_reset(&client);
        until("it has stopped", || watched.served.has_stopped());
        assert_eq!(watched.ended(), "shutdown", "{step}");
    }
}

/// A busy relay: one side sends without end, the other takes all of it or nothing.
#[test]
fn whoever_takes_from_a_busy_relay_sees_an_error() {
    for (up, reads) in [(true, true), (true, false), (false, true), (false, false)] {
        let watched = Watched::start("");
        let target = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = target.local_addr().unwrap();
        let client = watched.served.through(None, address);
        let (accepted, _) = target.accept().unwrap();
        let (taker, mut sender) = if up { (accepted, client) } else { (client, accepted) };
        taker.set_read_timeout(Some(served::DEADLINE)).unwrap();
        let sending = thread::spawn(move || while sender.write_all(&[7; 65_536]).is_ok() {});
        let (taking, later) = if reads { (Some(taker), None) } else { (None, Some(taker)) };
        let taking = taking.map(|taker| thread::spawn(move || expect_reset(&taker)));
        let mut last = 0;
        until("the relay is busy, or stuck", || {
            let moved = std::mem::replace(&mut last, watched.served.core().metrics().bytes());
            if reads { last > 1 << 22 } else { last > 0 && moved == last }
        });
        watched.cut(watched.only(address.port()));
        taking.map_or_else(|| expect_reset(&later.unwrap()), |taking| taking.join().unwrap());
        sending.join().unwrap();
        assert_eq!(watched.ended(), "cut");
    }
}
