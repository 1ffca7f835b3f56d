//! A UDP listener: datagrams that are answered one by one, on a thread of its own.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::complaints::Complaints;
use super::datagram_socket::{DatagramSocket, LONGEST};

/// How long to try to wake a thread that waits for a datagram.
const WAKE_FOR: Duration = Duration::from_secs(1);

/// A socket with a thread that answers what it receives.
pub struct Datagrams {
    socket: Arc<DatagramSocket>,
    thread: JoinHandle<()>,
}

impl Datagrams {
    /// Starts receiving. `respond` gets each datagram with its sender and gives the
    /// reply; one that it makes nothing of is dropped and counted in the log.
    ///
    /// # Errors
    /// When the thread can't be started.
    pub fn start(
        name: &str,
        socket: DatagramSocket,
        respond: impl FnMut(&[u8], SocketAddr) -> Option<Vec<u8>> + Send + 'static,
    ) -> io::Result<Self> {
        let socket = Arc::new(socket);
        let mut answering = Answering {
            socket: Arc::clone(&socket),
            respond,
            unsent: Complaints::about("send-failed", name),
            dropped: Complaints::about("datagram-dropped", name),
        };
        let builder = thread::Builder::new().name(format!("answer-{name}"));
        let thread = builder.spawn(move || answering.run())?;
        Ok(Self { socket, thread })
    }

    /// Where it listens, with the real port.
    pub fn address(&self) -> SocketAddr {
        self.socket.address()
    }

    /// How often receiving has failed; goes on counting.
    pub fn errors(&self) -> Arc<AtomicU64> {
        self.socket.errors()
    }

    /// Closes the socket, once the reply at hand is sent.
    pub fn stop(self) {
        let end = Instant::now() + WAKE_FOR;
        while !self.thread.is_finished() && Instant::now() < end {
            self.socket.stop();
            thread::sleep(Duration::from_millis(1));
        }
    }
}

struct Answering<F> {
    socket: Arc<DatagramSocket>,
    respond: F,
    unsent: Complaints,
    dropped: Complaints,
}

impl<F: FnMut(&[u8], SocketAddr) -> Option<Vec<u8>>> Answering<F> {
    fn run(&mut self) {
        let mut buffer = vec![0; LONGEST];
        while let Some((length, from)) = self.socket.receive(&mut buffer) {
            self.answer(buffer.get(..length).unwrap_or_default(), from);
        }
        self.unsent.end();
        self.dropped.end();
    }

    fn answer(&mut self, datagram: &[u8], from: SocketAddr) {
        let Some(reply) = (self.respond)(datagram, from) else {
            let length = datagram.len();
            return self.dropped.note(format_args!("{length} octets from {from} are no request"));
        };
        if let Err(error) = self.socket.send(&reply, from) {
            self.unsent.note(format_args!("{} octets to {from}: {error}", reply.len()));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::UdpSocket;

    use super::*;
    use crate::net::acceptor::reachable;

    fn echo(address: &str) -> Datagrams {
        let socket = DatagramSocket::bind(address.parse().unwrap()).unwrap();
        let answer = |datagram: &[u8], _| (!datagram.is_empty()).then(|| datagram.to_vec());
        Datagrams::start("test", socket, answer).unwrap()
    }

    fn client(of: &Datagrams) -> UdpSocket {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        socket.connect(reachable(of.address())).unwrap();
        socket
    }

    #[test]
    fn a_blocked_socket_can_be_stopped() {
        for address in ["127.0.0.1:0", "0.0.0.0:0"] {
            let stopped = || {
                let datagrams = echo(address);
                let address = datagrams.address();
                datagrams.stop();
                UdpSocket::bind(address).is_ok()
            };
            // Another test may take the port, but not each time.
            assert!((0..5).any(|_| stopped()), "{address} is still taken");
        }
    }

    #[test]
    fn what_is_dropped_does_not_keep_others_from_their_replies() {
        let datagrams = echo("127.0.0.1:0");
        let client = client(&datagrams);
        client.send(b"").unwrap();
        client.send(b"ping").unwrap();
        let mut reply = [0; 16];
        assert_eq!(client.recv(&mut reply).unwrap(), 4);
        datagrams.stop();
    }

    #[test]
    fn the_longest_reply_fits_a_datagram() {
        let socket = DatagramSocket::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let datagrams = Datagrams::start("test", socket, |_, _| Some(vec![7; 60_000])).unwrap();
        let client = client(&datagrams);
        client.send(b"?").unwrap();
        let mut reply = vec![0; LONGEST];
        assert_eq!(client.recv(&mut reply).unwrap(), 60_000);
        datagrams.stop();
    }
}
