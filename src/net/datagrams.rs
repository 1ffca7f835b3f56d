//! A UDP socket whose datagrams are answered one by one, and its thread, which
//! survives whatever receiving fails with.

use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::acceptor::reachable;
use super::complaints::Complaints;
use super::native;

/// No datagram is longer, whatever its length field says.
const LONGEST: usize = 65_535;
/// The wait after receiving has failed, doubled up to [`LONGEST_WAIT`]. Most errors
/// are about one peer (Windows reports who was unreachable), so it begins small.
const FIRST_WAIT: Duration = Duration::from_millis(1);
const LONGEST_WAIT: Duration = Duration::from_millis(500);
/// How long to try to wake a thread that is blocked in `recv_from`.
const WAKE_FOR: Duration = Duration::from_secs(1);

/// A socket with a thread that answers what it receives.
pub struct Datagrams {
    address: SocketAddr,
    closing: Arc<AtomicBool>,
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
        socket: UdpSocket,
        respond: impl FnMut(&[u8], SocketAddr) -> Option<Vec<u8>> + Send + 'static,
    ) -> io::Result<Self> {
        native::raise_send_buffer(&socket, LONGEST);
        let address = socket.local_addr()?;
        let closing = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&closing);
        let complain = |event| Complaints::about(event, name);
        let mut receiver = Receiver {
            socket,
            respond,
            failed: complain("receive-failed"),
            unsent: complain("send-failed"),
            dropped: complain("datagram-dropped"),
        };
        let builder = thread::Builder::new().name(format!("receive-{name}"));
        let thread = builder.spawn(move || receiver.run(&seen))?;
        Ok(Self { address, closing, thread })
    }

    /// Where it listens, with the real port.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Closes the socket, once the reply at hand is sent: std can't interrupt
    /// `recv_from`, so it is woken by a datagram of our own.
    pub fn stop(self) {
        self.closing.store(true, Ordering::Release);
        let end = Instant::now() + WAKE_FOR;
        while !self.thread.is_finished() && Instant::now() < end {
            // When it can't be sent, the next datagram of a peer wakes it as well.
            let _ = wake(reachable(self.address));
            thread::sleep(Duration::from_millis(1));
        }
    }
}

fn wake(address: SocketAddr) -> io::Result<usize> {
    let any: SocketAddr = match address {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    UdpSocket::bind(any)?.send_to(&[], address)
}

struct Receiver<F> {
    socket: UdpSocket,
    respond: F,
    failed: Complaints,
    unsent: Complaints,
    dropped: Complaints,
}

impl<F: FnMut(&[u8], SocketAddr) -> Option<Vec<u8>>> Receiver<F> {
    fn run(&mut self, closing: &AtomicBool) {
        let mut buffer = vec![0; LONGEST];
        let mut wait = FIRST_WAIT;
        loop {
            let received = self.socket.recv_from(&mut buffer);
            if closing.load(Ordering::Acquire) {
                break;
            }
            match received {
                Ok((length, from)) => {
                    wait = FIRST_WAIT;
                    self.answer(buffer.get(..length).unwrap_or_default(), from);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => {
                    self.failed.note(error);
                    thread::sleep(wait);
                    wait = (wait * 2).min(LONGEST_WAIT);
                }
            }
        }
        for complaints in [&mut self.failed, &mut self.unsent, &mut self.dropped] {
            complaints.end();
        }
    }

    fn answer(&mut self, datagram: &[u8], from: SocketAddr) {
        let Some(reply) = (self.respond)(datagram, from) else {
            let length = datagram.len();
            return self.dropped.note(format_args!("{length} octets from {from} are no request"));
        };
        if let Err(error) = self.socket.send_to(&reply, from) {
            self.unsent.note(format_args!("{} octets to {from}: {error}", reply.len()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn echo(address: &str) -> Datagrams {
        let socket = UdpSocket::bind(address).unwrap();
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
            let datagrams = echo(address);
            let address = datagrams.address();
            datagrams.stop();
            assert!(UdpSocket::bind(address).is_ok(), "{address} is still taken");
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
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let datagrams = Datagrams::start("test", socket, |_, _| Some(vec![7; 60_000])).unwrap();
        let client = client(&datagrams);
        client.send(b"?").unwrap();
        let mut reply = vec![0; LONGEST];
        assert_eq!(client.recv(&mut reply).unwrap(), 60_000);
        datagrams.stop();
    }
}
