//! SHOES, the client's side.

use std::fmt::Display;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};

use super::{Answer, Ask, Client, ClientError, Dialect, Fact, Login, Value};
use crate::core::Setting;
use crate::wire::shoes::{Login as LoginMessage, LoginStatus, Request, Response, Status};
use crate::wire::{Decoded, FIELD_MAX};

/// A SHOES conversation, logged in. After an error, other than
/// [`ClientError::Unsayable`], the server has closed it.
#[derive(Debug)]
pub struct ShoesClient {
    stream: TcpStream,
    server: String,
    patience: Duration,
}

impl ShoesClient {
    /// Connects to `server` (`HOST:PORT`) and logs in. `patience` is how long
    /// connecting may take, and then each answer.
    ///
    /// # Errors
    /// [`ClientError::Usage`] when `server` is no `HOST:PORT`,
    /// [`ClientError::Unreachable`], [`ClientError::Timeout`] and
    /// [`ClientError::Protocol`] when there is no SHOES server,
    /// [`ClientError::LoginRefused`] when it does not let the admin in.
    pub fn connect(server: &str, login: &Login, patience: Duration) -> Result<Self, ClientError> {
        let stream =
            open(server, patience).map_err(|error| failure(server, "connecting to", error))?;
        let mut client = Self { stream, server: server.into(), patience };
        client.log_in(login)?;
        Ok(client)
    }

    fn log_in(&mut self, login: &Login) -> Result<(), ClientError> {
        let mut message = Vec::with_capacity(LoginMessage::LEN_MAX);
        LoginMessage {
            username: login.name.as_bytes().to_vec(),
            password: login.password.as_bytes().to_vec(),
        }
        .encode(&mut message);
        match self.exchange("logging in to", &message, LoginStatus::decode)? {
            LoginStatus::OK => Ok(()),
            status => Err(ClientError::LoginRefused {
                name: login.name.to_string(),
                why: status.to_string(),
            }),
        }
    }

    /// Sends a message and reads its answer.
    fn exchange<T, E: Display>(
        &mut self,
        doing: &'static str,
        message: &[u8],
        decode: impl Fn(&[u8]) -> Decoded<T, E>,
    ) -> Result<T, ClientError> {
        let deadline = Instant::now() + self.patience;
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

    fn nonsense(&self, why: String) -> ClientError {
        ClientError::Protocol { server: self.server.clone(), why }
    }
}

impl Client for ShoesClient {
    fn say(&mut self, ask: &Ask) -> Result<Answer, ClientError> {
        ClientError::check(Dialect::Shoes, ask)?;
        let request = request(ask).ok_or(ClientError::Unsayable {
            dialect: Dialect::Shoes,
            command: ask.command(),
            sayable_by: ask.sayable_by(),
        })?;
        let mut message = Vec::with_capacity(Request::LEN_MAX);
        request.encode(&mut message);
        let decode = |bytes: &[u8]| Response::decode(&request, bytes);
        let response = self.exchange("asking", &message, decode)?;
        answer(response).map_err(|status| ClientError::Refused {
            command: ask.command(),
            why: format!("{}{}", status.meaning(&request), advice(status, &request)),
        })
    }
}

/// `None` when SHOES has no request for it.
fn request(ask: &Ask) -> Option<Request> {
    Some(match ask {
        Ask::Metrics => Request::Metrics,
        Ask::Users => Request::ListUsers,
        Ask::Spoofing => Request::SpoofingStatus,
        Ask::AddUser { name, password } => Request::AddUser {
            name: name.as_bytes().to_vec(),
            password: password.as_bytes().to_vec(),
        },
        Ask::EditUser { name, password } => Request::EditUser {
            name: name.as_bytes().to_vec(),
            password: password.as_bytes().to_vec(),
        },
        Ask::RemoveUser { name } => Request::RemoveUser { name: name.as_bytes().to_vec() },
        Ask::Configure(Setting::BufferSize(Some(size))) => Request::BufferSize(size.octets()),
        Ask::Configure(Setting::Spoofing(on)) => Request::Spoofing(u8::from(*on)),
        _ => return None,
    })
}

fn answer(response: Response) -> Result<Answer, Status> {
    Ok(match response {
        Response::Done => Answer::Done,
        Response::Failed(status) => return Err(status),
        Response::Metrics { historic, current, bytes } => Answer::Facts(vec![
            Fact { name: "current", meaning: "connections now", value: count(current) },
            Fact {
                name: "historic",
                meaning: "connections since the start",
                value: count(historic),
            },
            Fact { name: "bytes", meaning: "bytes relayed", value: octets(bytes) },
        ]),
        // UCOUNT is one octet: a list that fills it may have been cut.
        Response::Users(names) => Answer::Users { complete: names.len() < FIELD_MAX, names },
        Response::Spoofing(on) => {
            let (name, meaning) = ("spoofing", "credential monitor");
            Answer::Facts(vec![Fact { name, meaning, value: Value::Switch(on) }])
        }
    })
}

/// All ones say that the count does not fit.
fn count(number: u32) -> Value {
    match number {
        u32::MAX => Value::CountOrMore(number.into()),
        _ => Value::Count(number.into()),
    }
}

fn octets(number: u32) -> Value {
    match number {
        u32::MAX => Value::OctetsOrMore(number.into()),
        _ => Value::Octets(number.into()),
    }
}

fn advice(status: Status, request: &Request) -> &'static str {
    match (status, request) {
        (Status::COMMAND_FAILURE, Request::AddUser { .. }) => ", edit-user changes its password",
        (Status::COMMAND_FAILURE, Request::EditUser { .. } | Request::RemoveUser { .. }) => {
            ", users lists those that do"
        }
        (Status::LIMIT_REACHED, Request::AddUser { .. }) => ", remove-user makes room",
        (Status::FAILURE, _) => ", the server's log may say why",
        _ => "",
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
pub(super) fn left(deadline: Instant) -> io::Result<Duration> {
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() { Err(ErrorKind::TimedOut.into()) } else { Ok(left) }
}

pub(super) fn failure(server: &str, doing: &'static str, error: io::Error) -> ClientError {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_ones_mean_or_more() {
        assert_eq!(octets(u32::MAX), Value::OctetsOrMore(4_294_967_295));
        assert_eq!(count(u32::MAX - 1), Value::Count(4_294_967_294));
    }

    #[test]
    fn a_full_list_may_have_been_cut() {
        for (names, expected) in [(254, true), (255, false)] {
            let response = Response::Users(vec![b"u".to_vec(); names]);
            let Ok(Answer::Users { complete, .. }) = answer(response) else { panic!() };
            assert_eq!(complete, expected);
        }
    }

    #[test]
    fn what_the_table_calls_sayable_has_a_request() {
        let (name, secret) =
            (crate::core::Name::new(b"ana").unwrap(), crate::client::Secret::new(b"x").unwrap());
        let setting = |name, value| Ask::Configure(Setting::parse(name, value).unwrap());
        let all = [
            Ask::Metrics,
            Ask::Users,
            Ask::AddUser { name: name.clone(), password: secret.clone() },
            Ask::EditUser { name: name.clone(), password: secret.clone() },
            Ask::RemoveUser { name: name.clone() },
            Ask::Connections,
            setting("buffer_size", "4096"),
            setting("buffer_size", "0"),
            setting("timeout", "1"),
            setting("max_users", "1"),
            setting("max_connections", "1"),
            setting("max_per_user", "1"),
            setting("max_per_address", "1"),
            Ask::Configure(Setting::Spoofing(true)),
            Ask::Spoofing,
            Ask::PageSize,
            Ask::Maildir("/m".into()),
            Ask::AddAdmin { name: name.clone(), token: secret },
            Ask::RemoveAdmin { name },
            Ask::OsInfo,
            Ask::Ping,
            Ask::Stop,
        ];
        for ask in &all {
            let sayable = ask.sayable_by().contains(&Dialect::Shoes);
            assert_eq!(request(ask).is_some(), sayable, "{ask:?}");
        }
    }
}
