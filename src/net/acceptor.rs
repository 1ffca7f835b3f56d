//! A listener and its thread, which survives whatever `accept` fails with.

use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::complaints::Complaints;
use super::native;

/// The first wait after an error that may last, doubled up to [`LONGEST_WAIT`].
const FIRST_WAIT: Duration = Duration::from_millis(10);
const LONGEST_WAIT: Duration = Duration::from_millis(500);
/// How long to try to wake a thread that is blocked in `accept`.
const WAKE_FOR: Duration = Duration::from_secs(1);

/// A listening socket with a thread that hands over what it accepts.
pub struct Acceptor {
    address: SocketAddr,
    closing: Arc<AtomicBool>,
    errors: Arc<AtomicU64>,
    thread: JoinHandle<()>,
}

impl Acceptor {
    /// Starts accepting. `serve` runs on the accepting thread: it hands the
    /// connection on and returns at once.
    ///
    /// # Errors
    /// When the thread can't be started.
    pub fn start(
        name: &str,
        listener: TcpListener,
        serve: impl FnMut(TcpStream, SocketAddr) + Send + 'static,
    ) -> io::Result<Self> {
        Self::start_counting(name, listener, Arc::default(), serve)
    }

    /// As [`Self::start`], and counts there how often accepting fails.
    ///
    /// # Errors
    /// When the thread can't be started.
    pub fn start_counting(
        name: &str,
        listener: TcpListener,
        errors: Arc<AtomicU64>,
        serve: impl FnMut(TcpStream, SocketAddr) + Send + 'static,
    ) -> io::Result<Self> {
        native::raise_backlog(&listener);
        let address = listener.local_addr()?;
        let closing = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&closing);
        let builder = thread::Builder::new().name(format!("accept-{name}"));
        let counted = Arc::clone(&errors);
        let named = name.to_owned();
        let thread = builder.spawn(move || accept(&named, &listener, (&seen, &counted), serve))?;
        Ok(Self { address, closing, errors, thread })
    }

    /// Where it listens, with the real port.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How often accepting has failed; goes on counting.
    pub fn errors(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.errors)
    }

    /// Closes the listener: std can't interrupt `accept`, so it is woken by a
    /// connection of our own.
    pub fn stop(self) {
        self.closing.store(true, Ordering::Release);
        let address = reachable(self.address);
        let end = Instant::now() + WAKE_FOR;
        while !self.thread.is_finished() && Instant::now() < end {
            // Without descriptors this fails, but then `accept` does too.
            let _ = TcpStream::connect_timeout(&address, WAKE_FOR);
            thread::sleep(Duration::from_millis(1));
        }
    }
}

/// An address under which this machine reaches its own listener.
pub fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

fn accept(
    name: &str,
    listener: &TcpListener,
    (closing, errors): (&AtomicBool, &AtomicU64),
    mut serve: impl FnMut(TcpStream, SocketAddr),
) {
    let mut wait = FIRST_WAIT;
    let mut complaints = Complaints::about("accept-failed", name);
    loop {
        let accepted = listener.accept();
        if closing.load(Ordering::Acquire) {
            return;
        }
        if accepted.is_err() {
            errors.fetch_add(1, Ordering::Relaxed);
        }
        match accepted {
            Ok((stream, from)) => {
                wait = FIRST_WAIT;
                serve(stream, from);
            }
            Err(error) => {
                complaints.note(&error);
                if !is_of_one_client(&error) {
                    thread::sleep(wait);
                    wait = (wait * 2).min(LONGEST_WAIT);
                }
            }
        }
    }
}

/// Whether a client has left before it was accepted. Everything else may last.
fn is_of_one_client(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blocked_listener_can_be_stopped() {
        for address in ["127.0.0.1:0", "0.0.0.0:0"] {
            let stopped = || {
                let listener = TcpListener::bind(address).unwrap();
                let acceptor = Acceptor::start("test", listener, |_, _| ()).unwrap();
                let address = reachable(acceptor.address());
                acceptor.stop();
                TcpStream::connect(address).is_err()
            };
            // Another test may take the port, but not each time.
            assert!((0..5).any(|_| stopped()), "{address}");
        }
    }
}
