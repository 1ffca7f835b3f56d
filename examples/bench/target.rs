//! The targets that the load goes to: this program once more, as a child process.
//!
//! Every connection begins with a request of 8 bytes, of which the first says what is wanted (see the
//! constants). The parent learns the ports from the child's stdout; the child ends when its stdin does.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::dial;

/// The request comes back, then the target closes.
pub const CYCLE: u8 = b'C';
/// The target sends until the connection ends.
pub const DOWNLOAD: u8 = b'D';
/// The target receives until the connection ends.
pub const UPLOAD: u8 = b'U';
/// Both at once.
pub const BOTH: u8 = b'B';
/// Every message of `MESSAGE` bytes comes back, in one write.
pub const ECHO: u8 = b'E';
/// The same, in two writes.
pub const SPLIT: u8 = b'S';
/// The request comes back, then the connection rests until `RELEASE`.
const IDLE: u8 = b'I';
/// Drops the resting connections.
const RELEASE: u8 = b'R';
/// Answers how many bytes all uploads have received so far.
const RECEIVED: u8 = b'Q';

/// A request, and its answer where there is one.
pub const REQUEST: usize = 8;
/// An echoed message.
pub const MESSAGE: usize = 64;
/// Large enough that a proxy is the limit and not the calls made here.
pub const BUFFER: usize = 512 * 1024;

const PORTS: usize = 16;
const THREADS_PER_PORT: usize = 24;
/// No transfer goes on for longer, whatever happens to the parent.
const TRANSFER_MAX: Duration = Duration::from_secs(300);

/// The running child, as its parent sees it; dropping it ends it.
pub struct Target {
    child: Child,
    addresses: Vec<SocketAddr>,
    next: AtomicUsize,
}

impl Target {
    /// Starts the child and learns its ports.
    pub fn start() -> Result<Target, String> {
        let this = std::env::current_exe().map_err(|fault| format!("finding itself: {fault}"))?;
        let mut child = Command::new(this)
            .arg("--serve-targets")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|fault| format!("starting the targets: {fault}"))?;
        let mut line = String::new();
        if let Some(stdout) = child.stdout.take() {
            // The child writes this line or ends; either way the read returns.
            let _ = BufReader::new(stdout).read_line(&mut line);
        }
        let ports = line.split_whitespace().filter_map(|port| port.parse().ok());
        let addresses: Vec<_> = ports.map(|port: u16| (Ipv4Addr::LOCALHOST, port).into()).collect();
        let target = Target { child, addresses, next: AtomicUsize::new(0) };
        match target.addresses.len() {
            PORTS => Ok(target),
            _ => Err("starting the targets: they said no ports".into()),
        }
    }

    /// The next address in turn.
    pub fn address(&self) -> SocketAddr {
        let turn = self.next.fetch_add(1, Relaxed) % PORTS;
        self.addresses.get(turn).copied().unwrap_or((Ipv4Addr::LOCALHOST, 0).into())
    }

    /// Bytes that all uploads together have received so far.
    pub fn received(&self) -> Result<u64, String> {
        self.ask(RECEIVED).map(u64::from_be_bytes)
    }

    /// Drops the connections that rest.
    pub fn release(&self) -> Result<(), String> {
        self.ask(RELEASE).map(|_| ())
    }

    /// Asks straight, past any proxy.
    fn ask(&self, what: u8) -> Result<[u8; REQUEST], String> {
        let address = self.address();
        let stream = TcpStream::connect_timeout(&address, dial::DEADLINE)
            .map_err(|fault| format!("asking the target: {fault}"))?;
        dial::prepare(&stream)?;
        dial::send(&stream, &[what; REQUEST], "a question to the target")?;
        dial::receive(&stream, "the target's answer")
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let deadline = Instant::now() + Duration::from_secs(2);
        while matches!(self.child.try_wait(), Ok(None)) && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(5));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A connection through `path` on which the target has confirmed that it rests.
pub fn rest(path: &dial::Path, target: &Target) -> Result<TcpStream, String> {
    let stream = path.open(target.address())?;
    dial::send(&stream, &[IDLE; REQUEST], "a request")?;
    dial::receive::<REQUEST>(&stream, "the target's answer")?;
    Ok(stream)
}

/// What the child's threads share.
#[derive(Default)]
struct Shared {
    received: AtomicU64,
    resting: Mutex<Vec<TcpStream>>,
}

impl Shared {
    fn resting(&self) -> MutexGuard<'_, Vec<TcpStream>> {
        self.resting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The child: says its ports, serves, and leaves with the parent.
pub fn serve_until_stdin_ends() -> Result<bool, String> {
    let listen = || TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
    let listeners: Vec<_> = (0..PORTS)
        .map(|_| listen())
        .collect::<Result<_, _>>()
        .map_err(|fault| format!("listening: {fault}"))?;
    let shared: &'static Shared = Box::leak(Box::default());
    let mut line = String::new();
    for listener in listeners {
        let port = listener.local_addr().map_err(|fault| format!("listening: {fault}"))?.port();
        line.push_str(&format!("{port} "));
        let listener: &'static TcpListener = Box::leak(Box::new(listener));
        for _ in 0..THREADS_PER_PORT {
            thread::Builder::new()
                .stack_size(128 * 1024)
                .spawn(move || accept(listener, shared))
                .map_err(|fault| format!("starting a thread: {fault}"))?;
        }
    }
    println!("{line}");
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
    Ok(true)
}

fn accept(listener: &TcpListener, shared: &'static Shared) {
    loop {
        match listener.accept() {
            // A client that left, or a proxy that broke off, is the parent's to report.
            Ok((stream, _)) => drop(serve(stream, shared)),
            // Out of descriptors, most likely. The resting ones go, or nothing could be asked any more;
            // the parent sees that they have ended.
            Err(_) => {
                shared.resting().clear();
                thread::sleep(Duration::from_millis(5));
            }
        }
    }
}

fn serve(stream: TcpStream, shared: &'static Shared) -> Result<(), String> {
    dial::prepare(&stream)?;
    let request: [u8; REQUEST] = dial::receive(&stream, "a request")?;
    let answer = |bytes: &[u8]| dial::send(&stream, bytes, "an answer");
    match request[0] {
        CYCLE => answer(&request),
        DOWNLOAD => pour(&stream),
        UPLOAD => swallow(&stream, &shared.received),
        BOTH => thread::scope(|scope| {
            scope.spawn(|| pour(&stream));
            swallow(&stream, &shared.received)
        }),
        ECHO => echo(&stream, MESSAGE),
        SPLIT => echo(&stream, MESSAGE / 2),
        IDLE => {
            answer(&request)?;
            shared.resting().push(stream);
            Ok(())
        }
        RELEASE => {
            shared.resting().clear();
            answer(&request)
        }
        RECEIVED => answer(&shared.received.load(Relaxed).to_be_bytes()),
        other => Err(format!("no such request: {other:02x}")),
    }
}

fn pour(mut stream: &TcpStream) -> Result<(), String> {
    let bytes = vec![0xa5; BUFFER];
    let deadline = Instant::now() + TRANSFER_MAX;
    while Instant::now() < deadline {
        stream.write(&bytes).map_err(|fault| format!("pouring: {fault}"))?;
    }
    Ok(())
}

fn swallow(mut stream: &TcpStream, received: &AtomicU64) -> Result<(), String> {
    let mut bytes = vec![0; BUFFER];
    let deadline = Instant::now() + TRANSFER_MAX;
    while Instant::now() < deadline {
        match stream.read(&mut bytes) {
            Ok(0) => return Ok(()),
            Ok(count) => received.fetch_add(count as u64, Relaxed),
            Err(fault) => return Err(format!("swallowing: {fault}")),
        };
    }
    Ok(())
}

/// Sends every message back in pieces of `piece` bytes, a write each.
fn echo(stream: &TcpStream, piece: usize) -> Result<(), String> {
    let deadline = Instant::now() + TRANSFER_MAX;
    while Instant::now() < deadline {
        let message: [u8; MESSAGE] = dial::receive(stream, "a message")?;
        for part in message.chunks(piece) {
            dial::send(stream, part, "a message")?;
        }
    }
    Ok(())
}
