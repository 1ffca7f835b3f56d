//! The sixth dialect of `examples/` is spoken by a server that has not heard of it.

#[path = "../examples/sixth_dialect.rs"]
#[allow(dead_code, reason = "its main talks to itself")]
mod sixth_dialect;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::Duration;

use socksd::client::{self, Ask, Credentials, Dialect, Login, Secret};
use socksd::core::Name;

const DEADLINE: Duration = Duration::from_secs(20);

struct Peer(BufReader<TcpStream>);

impl Peer {
    fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        Self(BufReader::new(stream))
    }

    #[track_caller]
    fn hears(&mut self, line: &str, expected: &str) {
        self.0.get_mut().write_all(line.as_bytes()).unwrap();
        let mut answer = String::new();
        self.0.read_line(&mut answer).unwrap();
        assert!(answer.starts_with(expected), "to {line:?}: {answer:?}");
    }

    #[track_caller]
    fn is_left(&mut self, line: &str) {
        self.0.get_mut().write_all(line.as_bytes()).unwrap();
        assert_eq!(self.0.read_to_end(&mut Vec::new()).unwrap(), 0);
    }
}

#[test]
fn it_manages_the_server_like_the_others() {
    let server = sixth_dialect::start().unwrap();
    let core = server.core().clone();
    let of = |name| server.listeners().find(|(found, _)| *found == name).unwrap().1;
    let (shoes, sixth) = (of("shoes"), of("sixth"));
    let running = thread::spawn(move || server.run());

    let mut peer = Peer::connect(sixth);
    peer.hears("users\n", "login first\n");
    peer.hears("login root wrong\n", "who?\n");
    peer.hears("login root secret\r\n", "welcome\n");
    peer.hears("users\n", "Ok(Users([]))\n");
    let (name, password) = (Name::new(b"ana").unwrap(), Secret::new(b"1234").unwrap());
    let login = Credentials::Login(Login::parse("root:secret").unwrap());
    let mut other = client::connect(Dialect::Shoes, &shoes.to_string(), &login, DEADLINE).unwrap();
    other.say(&Ask::AddUser { name, password }).unwrap();
    peer.hears("users\n", "Ok(Users([Name(ana)]))\n");
    peer.hears("metrics\n", "Ok(Metrics(Metrics { historic: 0,");
    peer.is_left("quit\nusers\n");
    // What never ends is not waited for.
    Peer::connect(sixth).is_left(&"x".repeat(sixth_dialect::SIXTH.longest_input));

    core.stop();
    running.join().unwrap();
}

#[test]
fn it_is_small() {
    let source = include_str!("../examples/sixth_dialect.rs");
    assert!(source.lines().count() < 100, "{} lines", source.lines().count());
}
