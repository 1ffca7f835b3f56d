//! A UDP socket whose reader can be stopped, and which survives what other hosts
//! do to it.

use std::io::{self, ErrorKind};
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use super::acceptor::reachable;
use super::failure::is_shortage;
use super::native;

/// Octets that hold any datagram of IPv4 or IPv6 (65,507 and 65,527 at most).
pub const LONGEST: usize = 65_536;

/// Errors in a row after which the reader pauses, and for how long.
const PATIENCE: u32 = 16;
const PAUSE: Duration = Duration::from_millis(100);

/// A bound, unconnected UDP socket with one reader.
pub struct DatagramSocket {
    socket: UdpSocket,
    address: SocketAddr,
    stopping: AtomicBool,
    errors: Arc<AtomicU64>,
}

impl DatagramSocket {
    /// Binds to an address; port 0 is any free one.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn bind(address: SocketAddr) -> io::Result<Self> {
        let socket = UdpSocket::bind(address)?;
        native::raise_send_buffer(&socket, LONGEST);
        let address = socket.local_addr()?;
        Ok(Self { socket, address, stopping: AtomicBool::new(false), errors: Arc::default() })
    }

    /// Binds to a free port from `first` to `last`. The search begins `turn` ports
    /// behind the first, so that not everybody asks for the taken ones first.
    ///
    /// # Errors
    /// When all of them are taken, or the system refuses the address.
    pub fn bind_between(
        mut address: SocketAddr,
        (first, last): (u16, u16),
        turn: u64,
    ) -> io::Result<Self> {
        let count = u64::from(last.saturating_sub(first)) + 1;
        let mut taken = io::Error::from(ErrorKind::AddrInUse);
        for step in 0..count {
            let offset = (turn % count + step) % count;
            // It is below 65,536, since `first + offset` is at most `last`.
            address.set_port(first.saturating_add(u16::try_from(offset).unwrap_or(0)));
            match Self::bind(address) {
                // Denied: a port that only root may use.
                Err(error) if is_unavailable(&error) => taken = error,
                bound => return bound,
            }
        }
        Err(taken)
    }

    /// Where it is bound, with the real port.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How often receiving has failed; goes on counting.
    pub fn errors(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.errors)
    }

    /// Waits for a datagram: its length and sender; `None` once stopped.
    pub fn receive(&self, buffer: &mut [u8]) -> Option<(usize, SocketAddr)> {
        let mut failed = 0;
        loop {
            let received = self.socket.recv_from(buffer);
            if self.stopping.load(Ordering::Acquire) {
                return None;
            }
            match received {
                Ok(received) => return Some(received),
                Err(error) => {
                    // An earlier datagram was refused where it arrived, or the
                    // like: no news about the next one. Nothing may spin, though.
                    failed += 1;
                    self.errors.fetch_add(1, Ordering::Relaxed);
                    if failed % PATIENCE == 0 || is_shortage(&error) {
                        thread::sleep(PAUSE);
                    }
                }
            }
        }
    }

    /// Sends a datagram.
    ///
    /// # Errors
    /// When the system can't send it: it is too long, or there is no route.
    pub fn send(&self, datagram: &[u8], to: SocketAddr) -> io::Result<()> {
        self.socket.send_to(datagram, to).map(drop)
    }

    /// Has the reader return. To be called again should it not do so: std can't
    /// interrupt `recv_from`, so it is woken by an empty datagram of our own, and
    /// the system may be unable to send that at the moment. (When there is no
    /// room for it the reader has enough to wake up for.)
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
        let _ = self.socket.send_to(&[], reachable(self.address));
    }
}

fn is_unavailable(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::AddrInUse | ErrorKind::PermissionDenied)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blocked_reader_can_be_stopped() {
        for address in ["127.0.0.1:0", "0.0.0.0:0"] {
            let socket = DatagramSocket::bind(address.parse().unwrap()).unwrap();
            thread::scope(|scope| {
                let reader = scope.spawn(|| socket.receive(&mut [0; 16]));
                socket.stop();
                assert_eq!(reader.join().unwrap(), None);
            });
        }
    }

    #[test]
    fn ports_are_taken_from_the_range_until_there_is_none() {
        // Two neighbouring ports that are free; others may take them meanwhile.
        let any = "127.0.0.1:0".parse().unwrap();
        let found = (0..100).find_map(|turn| {
            let first = DatagramSocket::bind(any).unwrap().address().port();
            let range = (first, first.checked_add(1)?);
            let one = DatagramSocket::bind_between(any, range, turn).ok()?;
            let two = DatagramSocket::bind_between(any, range, turn).ok()?;
            Some((range, one, two))
        });
        let (range, one, two) = found.expect("two free ports in a row");
        let mut ports = [one.address().port(), two.address().port()];
        ports.sort_unstable();
        assert_eq!((ports[0], ports[1]), range);
        let error = DatagramSocket::bind_between(any, range, 0).err().unwrap();
        assert_eq!(error.kind(), ErrorKind::AddrInUse);
    }
}
