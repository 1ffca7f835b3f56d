//! A TCP connection to a server, with a deadline on all that is done.

use std::fmt::Display;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};

use super::ClientError;
use crate::wire::Decoded;

/// A connection on which messages and answers take turns.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    server: String,
    patience: Duration,
}

impl Connection {
    /// Connects to `server` (`HOST:PORT`). `patience` is how long that may take, and
    /// then each answer.
    ///
    /// # Errors
    /// [`ClientError::Usage`] when `server` is no `HOST:PORT`,
    /// [`ClientError::Unreachable`] and [`ClientError::Timeout`].
    pub fn open(server: &str, patience: Duration) -> Result<Self, ClientError> {
        let stream =
            open(server, patience).map_err(|error| failure(server, "connecting to", error))?;
        Ok(Self { stream, server: server.into(), patience })
    }

    /// Sends a message and reads its answer, which must be all that comes.
    ///
    /// # Errors
    /// [`ClientError::Unreachable`], [`ClientError::Timeout`] and
    /// [`ClientError::Protocol`].
    pub fn exchange<T, E: Display>(
        &mut self,
        doing: &'static str,
        message: &[u8],
        decode: impl Fn(&[u8]) -> Decoded<T, E>,
    ) -> Result<T, ClientError> {
        self.exchange_within(doing, message, decode, self.patience)
    }

    /// As [`Self::exchange`], for an answer that may take that long.
    ///
    /// # Errors
    /// As there.
    pub fn exchange_within<T, E: Display>(
        &mut self,
        doing: &'static str,
        message: &[u8],
        decode: impl Fn(&[u8]) -> Decoded<T, E>,
        patience: Duration,
    ) -> Result<T, ClientError> {
        let deadline = Instant::now() + patience;
        self.send(message, deadline).map_err(|error| failure(&self.server, doing, error))?;
        let mut received = Vec::new();
        loop {
            match decode(&received).map_err(|why| self.nonsense(why.to_string()))? {
                Some((value, used)) if used == received.len() => return Ok(value),
                Some(_) => return Err(self.nonsense("more came than was asked for".into())),
                None => {}
            }
            match self.receive(&mut received, deadline) {
                Ok(0) => return Err(self.nonsense("it closed before it answered".into())),
                Ok(_) => {}
                Err(error) => return Err(failure(&self.server, doing, error)),
            }
        }
    }

    /// How long an answer may take, if nothing else is said.
    pub fn patience(&self) -> Duration {
        self.patience
    }

    fn send(&mut self, message: &[u8], deadline: Instant) -> io::Result<()> {
        self.stream.set_write_timeout(Some(left(deadline)?))?;
        self.stream.write_all(message)
    }

    fn receive(&mut self, received: &mut Vec<u8>, deadline: Instant) -> io::Result<usize> {
        let mut buffer = [0; 4096];
        loop {
            self.stream.set_read_timeout(Some(left(deadline)?))?;
            match self.stream.read(&mut buffer) {
                Ok(count) => {
                    received.extend(buffer.iter().take(count));
                    return Ok(count);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// What came is nothing that the dialect knows.
    pub fn nonsense(&self, why: String) -> ClientError {
        ClientError::Protocol { server: self.server.clone(), why }
    }
}

/// Tries all addresses of `server`, each with what is left of the time.
fn open(server: &str, patience: Duration) -> io::Result<TcpStream> {
    let deadline = Instant::now() + patience;
    let mut worst = io::Error::new(ErrorKind::NotFound, "the name has no address");
    for address in server.to_socket_addrs()? {
        match open_one(address, deadline) {
            Ok(stream) => return Ok(stream),
            Err(error) => worst = error,
        }
    }
    Err(worst)
}

fn open_one(address: SocketAddr, deadline: Instant) -> io::Result<TcpStream> {
    let stream = TcpStream::connect_timeout(&address, left(deadline)?)?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// What is left of the time: never zero, which std takes for no limit.
pub fn left(deadline: Instant) -> io::Result<Duration> {
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() { Err(ErrorKind::TimedOut.into()) } else { Ok(left) }
}

/// What went wrong while talking to `server`.
pub fn failure(server: &str, doing: &'static str, error: io::Error) -> ClientError {
    let server = server.to_owned();
    match error.kind() {
        // What std calls a read that took too long depends on the system.
        ErrorKind::WouldBlock | ErrorKind::TimedOut => ClientError::Timeout { server, doing },
        ErrorKind::InvalidInput => {
            ClientError::Usage(format!("the server {server} can't be used: write HOST:PORT"))
        }
        _ => ClientError::Unreachable { server, error },
    }
}
