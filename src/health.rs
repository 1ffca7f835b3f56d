//! `socksd healthcheck`: asks a running server how it is, for whoever restarts it.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::ExitCode;
use std::time::Duration;

use argh::{ArgsInfo, FromArgs};

/// How long each step may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// Octets of an answer that are read; that of a server is far shorter.
const ANSWER_MAX: u64 = 4096;

/// exits 1 unless the server at --http serves
#[derive(FromArgs, ArgsInfo)]
#[argh(subcommand, name = "healthcheck", help_triggers("-h", "--help"))]
pub struct HealthCheck {
    /// where it listens for HTTP (127.0.0.1:9180)
    #[argh(positional, arg_name = "addr:port", default = "DEFAULT")]
    address: SocketAddr,
}

/// The address in the examples.
const DEFAULT: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 9180);

impl HealthCheck {
    /// Prints what is wrong, if anything is.
    pub fn print(&self) -> ExitCode {
        let why = match ask(self.address) {
            Ok(line) if line.starts_with("HTTP/1.1 200 ") => return ExitCode::SUCCESS,
            Ok(line) => format!("the answer was {line:?}"),
            Err(error) => error.to_string(),
        };
        // Without a standard error the code has to say it.
        let _ =
            writeln!(io::stderr(), "socksd: the server at {} does not serve: {why}", self.address);
        ExitCode::FAILURE
    }
}

/// The first line of the answer.
fn ask(address: SocketAddr) -> io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    write!(stream, "GET /healthz HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
    let mut answer = Vec::new();
    stream.take(ANSWER_MAX).read_to_end(&mut answer)?;
    let answer = String::from_utf8_lossy(&answer);
    Ok(answer.lines().next().unwrap_or_default().to_owned())
}
