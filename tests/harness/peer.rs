//! One end of a TCP connection, with a deadline on everything it does.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use super::clock::{DEADLINE, eventually};

pub struct Peer {
    pub stream: TcpStream,
}

impl Peer {
    #[track_caller]
    pub fn connect(to: SocketAddr) -> Self {
        match TcpStream::connect_timeout(&to, DEADLINE) {
            Ok(stream) => Self::new(stream),
            Err(error) => panic!("connecting to {to}: {error}"),
        }
    }

    /// Connects from a chosen address of this machine.
    #[cfg(all(target_os = "linux", feature = "native"))]
    #[track_caller]
    pub fn connect_from(from: std::net::Ipv4Addr, to: SocketAddr) -> Self {
        use rustix::net::{AddressFamily, SocketType, bind, connect, socket};
        let fd = socket(AddressFamily::INET, SocketType::STREAM, None).expect("a socket");
        bind(&fd, &std::net::SocketAddrV4::new(from, 0)).expect("binding a loopback address");
        connect(&fd, &to).unwrap_or_else(|error| panic!("connecting to {to}: {error}"));
        Self::new(TcpStream::from(fd))
    }

    pub fn new(stream: TcpStream) -> Self {
        stream.set_nonblocking(false).expect("blocking mode");
        stream.set_nodelay(true).expect("no delay");
        stream.set_read_timeout(Some(DEADLINE)).expect("a read timeout");
        stream.set_write_timeout(Some(DEADLINE)).expect("a write timeout");
        Self { stream }
    }

    /// The same end again, for a second thread.
    pub fn twin(&self) -> Self {
        Self { stream: self.stream.try_clone().expect("a second descriptor") }
    }

    pub fn local(&self) -> SocketAddr {
        self.stream.local_addr().expect("a bound socket")
    }

    pub fn remote(&self) -> SocketAddr {
        self.stream.peer_addr().expect("a connected socket")
    }

    #[track_caller]
    pub fn send(&mut self, octets: &[u8]) {
        self.stream.write_all(octets).unwrap_or_else(|error| panic!("sending: {error}"));
    }

    /// Every octet in a segment of its own.
    #[track_caller]
    pub fn send_one_by_one(&mut self, octets: &[u8]) {
        octets.chunks(1).for_each(|octet| self.send(octet));
    }

    #[track_caller]
    pub fn receive(&mut self, count: usize) -> Vec<u8> {
        let mut octets = vec![0; count];
        let read = self.stream.read_exact(&mut octets);
        read.unwrap_or_else(|error| panic!("receiving {count} octets: {error}"));
        octets
    }

    #[track_caller]
    pub fn expect(&mut self, expected: &[u8]) {
        let received = self.receive(expected.len());
        assert!(received == expected, "{} instead of {}", hex(&received), hex(expected));
    }

    /// Reads once. A process that is stopped and goes on is interrupted where it waits.
    pub fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match (&self.stream).read(buffer) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                read => return read,
            }
        }
    }

    /// The other end has finished, in order and without another octet.
    #[track_caller]
    pub fn expect_eof(&mut self) {
        match self.read(&mut [0]) {
            Ok(0) => {}
            Ok(_) => panic!("an octet instead of the end"),
            Err(error) => panic!("no orderly end: {error}"),
        }
    }

    /// The connection is over, in order or not, without another octet.
    #[track_caller]
    pub fn expect_end(&mut self) {
        match self.read(&mut [0]) {
            Ok(0) => {}
            Ok(_) => panic!("an octet instead of the end"),
            Err(error) if is_broken(&error) => {}
            Err(error) => panic!("no end: {error}"),
        }
    }

    #[track_caller]
    pub fn receive_to_eof(&mut self) -> Vec<u8> {
        let mut octets = Vec::new();
        let read = self.stream.read_to_end(&mut octets);
        read.unwrap_or_else(|error| panic!("receiving up to the end: {error}"));
        octets
    }

    /// Nothing arrives and nothing ends for that long. It can only prove guilt:
    /// a slow machine never makes it fail.
    #[track_caller]
    pub fn expect_silence(&mut self, time: Duration) {
        self.stream.set_read_timeout(Some(time)).expect("a read timeout");
        let read = self.read(&mut [0]);
        self.stream.set_read_timeout(Some(DEADLINE)).expect("a read timeout");
        match read {
            Ok(0) => panic!("the end instead of silence"),
            Ok(_) => panic!("an octet instead of silence"),
            Err(error) if is_timeout(&error) => {}
            Err(error) => panic!("instead of silence: {error}"),
        }
    }

    /// What goes out through this end is complete.
    #[track_caller]
    pub fn finish(&mut self) {
        let shutdown = self.stream.shutdown(Shutdown::Write);
        shutdown.unwrap_or_else(|error| panic!("finishing: {error}"));
    }

    /// Sends out and takes back what an echo returns.
    #[track_caller]
    pub fn expect_echo(&mut self, octets: &[u8]) {
        self.send(octets);
        self.expect(octets);
    }

    /// Ends with a reset, whatever has arrived.
    #[cfg(all(target_os = "linux", feature = "native"))]
    pub fn abort(self) {
        let linger = rustix::net::sockopt::set_socket_linger(&self.stream, Some(Duration::ZERO));
        linger.expect("a reset at the close");
    }

    /// Ends with a reset: closing while octets wait unread does that.
    #[track_caller]
    pub fn reset(self) {
        eventually("an octet to leave unread", || {
            self.stream.peek(&mut [0]).ok().filter(|count| *count > 0)
        });
    }
}

pub fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

pub fn is_broken(error: &io::Error) -> bool {
    use ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, NotConnected};
    matches!(error.kind(), BrokenPipe | ConnectionAborted | ConnectionReset | NotConnected)
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x} ")).collect::<String>().trim_end().to_owned()
}
