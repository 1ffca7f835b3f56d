//! A SOCKS5 service inside the test, and a client for it.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use socksd::core::{Core, Settings, Start};
use socksd::net::pool::Pool;
use socksd::socks::service::{Options, Service};
use socksd::wire::socks5::{Address, Command, DatagramHeader, Host, Reply, ReplyCode, Request};

/// Longer than anything takes that works.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// A service that listens on loopback until the test process ends.
pub struct Proxy {
    pub address: SocketAddr,
    pub service: Arc<Service>,
    pub log: Arc<Mutex<Vec<String>>>,
}

/// What a [`Proxy`] begins with.
pub struct Setup {
    pub listen: &'static str,
    pub options: Options,
    pub settings: Settings,
    pub threads: usize,
    /// Where it is told that its clients come from, if not where they do.
    pub from: Option<SocketAddr>,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:0",
            options: Options::default(),
            settings: Settings::default(),
            threads: 64,
            from: None,
        }
    }
}

impl Proxy {
    pub fn start(setup: Setup) -> Self {
        let log = Arc::new(Mutex::new(Vec::new()));
        let lines = Arc::clone(&log);
        let start = Start {
            settings: setup.settings,
            access_log: Some(Box::new(move |line| lines.lock().push(line))),
            ..Start::default()
        };
        let (core, _stops) = Core::new(start).unwrap();
        let pool = Pool::new("proxy", setup.threads);
        let service = Arc::new(Service::new(core, pool, setup.options));
        let listener = TcpListener::bind(setup.listen).unwrap();
        let address = listener.local_addr().unwrap();
        let serving = Arc::clone(&service);
        thread::spawn(move || {
            while let Ok((stream, from)) = listener.accept() {
                serving.serve(stream, setup.from.unwrap_or(from));
            }
        });
        Self { address, service, log }
    }

    /// A request with these octets right behind it, and its first reply.
    pub fn ask(&self, command: Command, to: Address, early: &[u8]) -> (Client, Reply) {
        self.ask_at(self.address, command, to, early)
    }

    /// Likewise, at another address of the same listener.
    pub fn ask_at(
        &self,
        address: SocketAddr,
        command: Command,
        destination: Address,
        early: &[u8],
    ) -> (Client, Reply) {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        let mut client = Client(stream);
        let mut octets = vec![5, 1, 0];
        Request { command, destination }.encode(&mut octets);
        octets.extend_from_slice(early);
        client.0.write_all(&octets).unwrap();
        assert_eq!(client.read(2), [5, 0]);
        let reply = client.reply();
        (client, reply)
    }

    /// An association whose request says nothing about the client.
    pub fn associate(&self) -> (Client, SocketAddr) {
        let (client, reply) = self.ask(Command::UdpAssociate, Address::UNSPECIFIED, b"");
        (client, succeeded(&reply))
    }

    /// Connections that are open now.
    pub fn open(&self) -> u64 {
        self.service.core.metrics().current
    }

    /// How the only connection so far has ended, once it has.
    pub fn ended(&self) -> String {
        until("the connection is over", || self.open() == 0 && !self.log.lock().is_empty());
        let log = self.log.lock();
        log[0].rsplit('\t').next().unwrap().to_owned()
    }

    /// Waits until all threads of the pool (there are `count`) are free again. It
    /// occupies them to see that, so nothing can be asked of the proxy afterwards.
    pub fn all_threads_are_free(self, count: usize) {
        until("the threads have ended", || {
            let (go, wait) = crossbeam_channel::bounded::<()>(0);
            let taken = (0..count).filter(|_| {
                let wait = wait.clone();
                self.service.pool.run(move || assert!(wait.recv().is_err())).is_ok()
            });
            let taken = taken.count();
            drop(go);
            taken == count
        });
    }
}

/// The client's end of a control connection.
pub struct Client(pub TcpStream);

impl Client {
    pub fn read(&mut self, count: usize) -> Vec<u8> {
        let mut octets = vec![0; count];
        self.0.read_exact(&mut octets).unwrap();
        octets
    }

    pub fn reply(&mut self) -> Reply {
        let mut octets = Vec::new();
        loop {
            octets.extend(self.read(1));
            if let Some((reply, _)) = Reply::decode(&octets).unwrap() {
                return reply;
            }
        }
    }

    /// Everything up to the end of the data.
    pub fn read_to_end(&mut self) -> Vec<u8> {
        let mut octets = Vec::new();
        self.0.read_to_end(&mut octets).unwrap();
        octets
    }

    /// Whether the server has ended the connection, in whichever way.
    pub fn is_over(&mut self) -> bool {
        match self.0.read(&mut [0; 1]) {
            Ok(count) => count == 0,
            Err(error) => !matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut),
        }
    }

    pub fn shut_down_writing(&self) {
        self.0.shutdown(Shutdown::Write).unwrap();
    }
}

/// The address in a reply that must be a success, and usable.
#[track_caller]
pub fn succeeded(reply: &Reply) -> SocketAddr {
    assert_eq!(reply.code, ReplyCode::SUCCEEDED);
    let address: SocketAddr = reply.bound.to_string().parse().unwrap();
    assert!(!address.ip().is_unspecified() && address.port() != 0, "{address}");
    address
}

/// Waits for something to become true.
#[track_caller]
pub fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < end, "in vain: {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

pub fn at(address: &str) -> Address {
    address.parse::<SocketAddr>().unwrap().into()
}

pub fn named(name: &str, port: u16) -> Address {
    Address { host: Host::Name(name.as_bytes().to_vec()), port }
}

/// A UDP socket that does not wait forever.
pub fn udp(address: &str) -> UdpSocket {
    let socket = UdpSocket::bind(address).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket
}

/// A datagram as a client sends it.
pub fn wrapped(destination: impl Into<Address>, payload: &[u8]) -> Vec<u8> {
    let mut datagram = Vec::new();
    DatagramHeader { frag: 0, destination: destination.into() }.encode(&mut datagram);
    datagram.extend_from_slice(payload);
    datagram
}

/// The next datagram, and who sent it.
#[track_caller]
pub fn receive(socket: &UdpSocket) -> (Vec<u8>, SocketAddr) {
    let mut buffer = vec![0; 65_536];
    let (count, from) = socket.recv_from(&mut buffer).unwrap();
    buffer.truncate(count);
    (buffer, from)
}

/// The next answer that a client receives: its payload, and whom it names.
#[track_caller]
pub fn answer(socket: &UdpSocket) -> (Vec<u8>, Address) {
    let (datagram, _) = receive(socket);
    let (header, length) = DatagramHeader::decode(&datagram).unwrap();
    assert_eq!((header.frag, &datagram[..2]), (0, &[0, 0][..]));
    (datagram[length..].to_vec(), header.destination)
}
