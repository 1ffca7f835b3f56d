//! `socksd healthcheck`: asks a running server how it is, for whoever restarts it.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use argh::{ArgsInfo, FromArgs};

use crate::printed::Failure;

/// How long connecting may take, and then the answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// Octets of a first line that are read; that of a server is far shorter.
const LINE_MAX: usize = 256;

/// exits 1 unless the server at --http serves
#[derive(FromArgs, ArgsInfo)]
#[argh(subcommand, name = "healthcheck", help_triggers("-h", "--help"))]
pub struct HealthCheck {
    /// where it listens for HTTP (127.0.0.1:9180)
    #[argh(positional, arg_name = "addr:port", from_str_fn(address), default = "DEFAULT")]
    address: SocketAddr,
}

/// The address in the examples.
const DEFAULT: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 9180);

fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| format!("use an address and a port like {DEFAULT}"))
}

impl HealthCheck {
    /// Nothing, when all is well.
    ///
    /// # Errors
    /// What is wrong.
    pub fn run(&self) -> Result<String, Failure> {
        let why = match ask(self.address) {
            Ok(line) if line.starts_with("HTTP/1.1 200 ") => return Ok(String::new()),
            Ok(line) => format!("the answer was {line:?}"),
            // What std calls a read that took too long depends on the system.
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                format!("there was no answer within {} s", PATIENCE.as_secs())
            }
            Err(error) => error.to_string(),
        };
        Err(format!("the server at {} does not serve: {why}", self.address).into())
    }
}

/// The first line of the answer, whatever comes behind it.
fn ask(address: SocketAddr) -> io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    let end = Instant::now() + PATIENCE;
    stream.set_write_timeout(Some(PATIENCE))?;
    write!(stream, "GET /healthz HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
    let (mut answer, mut chunk) = (Vec::new(), [0; LINE_MAX]);
    while !answer.contains(&b'\n') && answer.len() < LINE_MAX {
        let left = end.saturating_duration_since(Instant::now());
        // Zero would mean no timeout at all.
        stream.set_read_timeout(Some(left.max(Duration::from_millis(1))))?;
        match stream.read(&mut chunk) {
            Ok(0) => break,
            Ok(_) if left.is_zero() => return Err(ErrorKind::TimedOut.into()),
            Ok(count) => answer.extend(chunk.iter().take(count)),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    let answer = String::from_utf8_lossy(&answer);
    Ok(answer.lines().next().unwrap_or_default().to_owned())
}
