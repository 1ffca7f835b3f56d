//! A whole server inside the test, on free ports, and what its clients do.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use argh::FromArgs;
use socksd::args::Args;
use socksd::core::{Core, Token};
use socksd::manage::{JwtKey, SharedToken};
use socksd::server::{Server, StartError};

/// How long anything that must happen may take.
pub const DEADLINE: Duration = Duration::from_secs(20);

/// The token of the datagram dialect.
pub const DATAGRAM_TOKEN: u32 = 0x0bad_cafe;

/// Stops when it is dropped.
pub struct Served {
    core: Core,
    listeners: Vec<(&'static str, SocketAddr)>,
    running: Option<JoinHandle<()>>,
}

/// Starts a server with the admin `root`, whose password is `secret`.
pub fn try_start(words: &str, token: Option<&str>) -> Result<Server, StartError> {
    let words = format!("-p 0 -P 0 -U root:secret {words}");
    let words: Vec<&str> = words.split_whitespace().collect();
    let args = Args::from_args(&["socksd"], &words).unwrap_or_else(|exit| panic!("{exit:?}"));
    let mut config = args.into_config().unwrap();
    config.secrets.jwt = Some(jwt_key());
    config.secrets.datagram = Some(SharedToken::new(DATAGRAM_TOKEN));
    config.secrets.oneshot = token.map(|token| Token::new(token.as_bytes()).unwrap());
    Server::start(config)
}

/// Signs the tokens of the json dialect.
pub fn jwt_key() -> JwtKey {
    JwtKey::new(b"a secret for tests, of 32 octets").unwrap()
}

impl Served {
    pub fn start(words: &str, token: Option<&str>) -> Self {
        Self::of(try_start(words, token).unwrap())
    }

    /// Runs a server that was started otherwise.
    pub fn of(server: Server) -> Self {
        let (core, listeners) = (server.core().clone(), server.listeners().collect());
        let running = Some(thread::spawn(move || server.run()));
        Self { core, listeners, running }
    }

    pub fn core(&self) -> &Core {
        &self.core
    }

    /// Whether its `run` has returned.
    #[allow(dead_code, reason = "not every test waits for it")]
    pub fn has_stopped(&self) -> bool {
        self.running.as_ref().is_none_or(JoinHandle::is_finished)
    }

    /// Where one of its listeners is.
    #[track_caller]
    pub fn address(&self, name: &str) -> SocketAddr {
        self.listeners.iter().find(|(found, _)| *found == name).unwrap().1
    }

    /// A connection to one of its listeners.
    #[track_caller]
    pub fn connect(&self, name: &str) -> TcpStream {
        let stream = TcpStream::connect(self.address(name)).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        stream.set_write_timeout(Some(DEADLINE)).unwrap();
        stream
    }

    /// A connection through the proxy, without a login or with one.
    #[track_caller]
    pub fn through(&self, login: Option<(&str, &str)>, target: SocketAddr) -> TcpStream {
        self.try_through(login, target).expect("a connection through the proxy")
    }

    /// As [`Self::through`], refused by whatever step.
    pub fn try_through(
        &self,
        login: Option<(&str, &str)>,
        target: SocketAddr,
    ) -> io::Result<TcpStream> {
        let mut stream = self.connect("socks");
        let mut step = |said: &[u8], expected: &[u8], rest: usize| {
            stream.write_all(said)?;
            let mut heard = vec![0; expected.len()];
            stream.read_exact(&mut heard)?;
            if heard != expected {
                return Err(io::Error::other("a refusal"));
            }
            stream.read_exact(&mut vec![0; rest])
        };
        match login {
            None => step(&[5, 1, 0], &[5, 0], 0)?,
            Some((name, password)) => {
                step(&[5, 1, 2], &[5, 2], 0)?;
                let name = [&[name.len() as u8], name.as_bytes()].concat();
                let password = [&[password.len() as u8], password.as_bytes()].concat();
                step(&[&[1][..], &name, &password].concat(), &[1, 0], 0)?;
            }
        }
        let SocketAddr::V4(target) = target else { panic!("the target is IPv4") };
        let port = target.port().to_be_bytes();
        step(&[&[5, 1, 0, 1][..], &target.ip().octets(), &port].concat(), &[5, 0], 8)?;
        Ok(stream)
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // Twice: without waiting for what is still open.
        self.core.stop();
        self.core.stop();
        let ended = self.running.take().map(JoinHandle::join);
        if !thread::panicking() {
            ended.unwrap().unwrap();
        }
    }
}

/// Gives back what it gets, to one client after the other, until the tests end.
pub fn echo() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || io::copy(&mut &stream, &mut &stream));
        }
    });
    address
}

/// Asks again and again until it is so; panics at the deadline.
#[track_caller]
pub fn until(what: &str, mut probe: impl FnMut() -> bool) {
    let start = Instant::now();
    while !probe() {
        assert!(start.elapsed() < DEADLINE, "not within {DEADLINE:?}: {what}");
        thread::sleep(Duration::from_millis(10));
    }
}

/// Everything up to the end, which must be in order.
#[track_caller]
pub fn to_the_end(stream: &mut TcpStream) -> Vec<u8> {
    let mut octets = Vec::new();
    stream.read_to_end(&mut octets).expect("an orderly end");
    octets
}
