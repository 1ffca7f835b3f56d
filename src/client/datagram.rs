//! The datagram dialect, the client's side.

use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs, UdpSocket};
use std::time::{Duration, Instant};

use super::connection::{failure, left};
use super::{Answer, Ask, Client, ClientError, Dialect, Fact, Token, Value};
use crate::core::Setting;
use crate::wire::datagram::{self, Header, Reply, Request, Response, Status, VERSION};

/// No datagram is longer.
const LONGEST: usize = 65_535;
/// A request is repeated after this long, then after twice as long, up to
/// [`LONGEST_WAIT`], because a datagram or its reply may be lost.
const FIRST_WAIT: Duration = Duration::from_millis(250);
const LONGEST_WAIT: Duration = Duration::from_secs(2);

/// A server that answers datagrams and knows the token.
pub struct DatagramClient {
    socket: UdpSocket,
    server: String,
    token: u32,
    patience: Duration,
    last_id: u16,
}

/// A reply with the status 00, or another status, and how often it was asked for.
type Exchanged = (Result<Response, Status>, u32);

impl DatagramClient {
    /// Looks for `server` (`HOST:PORT`) and shows it the token, a decimal number or
    /// `0x` and 8 hexadecimal digits. `patience` is how long each answer may take.
    ///
    /// # Errors
    /// [`ClientError::Usage`] when `server` or the token can't be one,
    /// [`ClientError::Unreachable`], [`ClientError::Timeout`] and
    /// [`ClientError::Protocol`] when nobody answers in this dialect,
    /// [`ClientError::TokenRefused`] when the token is not the server's.
    pub fn connect(server: &str, token: &Token, patience: Duration) -> Result<Self, ClientError> {
        let token = datagram::parse_token(token.as_str()).ok_or_else(|| {
            let why = "the token can't be used: write a number, or 0x and 8 hexadecimal digits";
            ClientError::Usage(why.into())
        })?;
        let broken = |error| failure(server, "looking for", error);
        let nowhere = io::Error::new(ErrorKind::NotFound, "the name has no address");
        let mut worst = broken(nowhere);
        for address in server.to_socket_addrs().map_err(broken)? {
            let socket = open(address).map_err(broken)?;
            let mut client = Self { socket, server: server.into(), token, patience, last_id: 0 };
            // Only an answer tells whether anybody is there, and knows the token.
            match client.ask(&Request::PageSize, "looking for") {
                Ok(_) => return Ok(client),
                Err(error @ ClientError::Unreachable { .. }) => worst = error,
                Err(error) => return Err(error),
            }
        }
        Err(worst)
    }

    /// Asks until there is an answer or the time is over.
    fn ask(&mut self, request: &Request, doing: &'static str) -> Result<Exchanged, ClientError> {
        self.last_id = self.last_id.wrapping_add(1);
        let (kind, command) = request.code();
        let (id, token) = (self.last_id, self.token);
        let header = Header { version: VERSION, kind, command, id, token };
        let (reply, sent) =
            self.exchange(&header, request).map_err(|error| failure(&self.server, doing, error))?;
        let nonsense = |why| ClientError::Protocol { server: self.server.clone(), why };
        if reply.version != VERSION {
            return Err(nonsense(format!("it speaks version {}", reply.version)));
        }
        match reply.status {
            Status::OK => {
                let response = Response::decode(request, &reply.data);
                response.map(|said| (Ok(said), sent)).map_err(|why| nonsense(why.to_string()))
            }
            status @ Status::BAD_TOKEN => Err(ClientError::TokenRefused(status.to_string())),
            failed => Ok((Err(failed), sent)),
        }
    }

    /// Sends a request, with the same ID again when no reply comes; gives the reply
    /// and how often it was sent.
    fn exchange(&self, header: &Header, request: &Request) -> io::Result<(Reply, u32)> {
        let mut message = Vec::with_capacity(Request::LEN_MAX);
        header.encode(&mut message);
        request.encode(&mut message);
        let deadline = Instant::now() + self.patience;
        let mut wait = FIRST_WAIT;
        for sent in 1.. {
            self.socket.send(&message)?;
            let again = deadline.min(Instant::now() + wait);
            if let Some(reply) = self.receive(header, again)? {
                return Ok((reply, sent));
            }
            left(deadline)?;
            wait = (wait * 2).min(LONGEST_WAIT);
        }
        Err(ErrorKind::TimedOut.into())
    }

    /// The reply to the request with this header, if it comes before `until`. A
    /// late reply to an earlier request is passed over.
    fn receive(&self, header: &Header, until: Instant) -> io::Result<Option<Reply>> {
        let mut buffer = vec![0; LONGEST];
        while let Ok(left) = left(until) {
            self.socket.set_read_timeout(Some(left))?;
            let length = match self.socket.recv(&mut buffer) {
                Ok(length) => length,
                Err(error) => match error.kind() {
                    // What std calls a read that took too long depends on the system.
                    ErrorKind::WouldBlock | ErrorKind::TimedOut => return Ok(None),
                    ErrorKind::Interrupted => continue,
                    _ => return Err(error),
                },
            };
            let reply = Reply::decode(buffer.get(..length).unwrap_or_default());
            let expected = (header.kind, header.command, header.id);
            let meant = |reply: &Reply| (reply.kind, reply.command, reply.id) == expected;
            if let Some(reply) = reply.filter(meant) {
                return Ok(Some(reply));
            }
        }
        Ok(None)
    }

    /// Asks for what `ask` needs, or says why the server refuses it.
    fn get(&mut self, ask: &Ask, request: &Request) -> Result<Response, ClientError> {
        request.check().map_err(|why| ClientError::Usage(why.to_string()))?;
        let (answer, sent) = self.ask(request, "asking")?;
        answer.map_err(|status| ClientError::Refused {
            command: ask.command(),
            why: format!("{status}{}", advice(status, sent)),
        })
    }

    /// Page after page, up to the first empty one.
    fn users(&mut self, ask: &Ask) -> Result<Answer, ClientError> {
        let mut names = Vec::new();
        for page in 1..=u8::MAX {
            match self.get(ask, &Request::Users { page })? {
                Response::Users(page) if !page.is_empty() => names.extend(page),
                _ => return Ok(Answer::Users { names, complete: true }),
            }
        }
        // A page's number is one octet.
        Ok(Answer::Users { names, complete: false })
    }

    fn metrics(&mut self, ask: &Ask) -> Result<Answer, ClientError> {
        let mut facts = Vec::new();
        for request in [Request::Current, Request::Historic, Request::Bytes] {
            facts.extend(fact(&self.get(ask, &request)?));
        }
        Ok(Answer::Facts(facts))
    }
}

impl Client for DatagramClient {
    fn say(&mut self, ask: &Ask) -> Result<Answer, ClientError> {
        ClientError::check(Dialect::Datagram, ask)?;
        let request = match ask {
            Ask::Metrics => return self.metrics(ask),
            Ask::Users => return self.users(ask),
            Ask::AddUser { name, password } => Request::AddUser {
                name: name.as_bytes().to_vec(),
                password: password.as_bytes().to_vec(),
            },
            Ask::RemoveUser { name, cut: false } => {
                Request::RemoveUser { name: name.as_bytes().to_vec() }
            }
            Ask::PageSize => Request::PageSize,
            Ask::Configure(Setting::PageSize(size)) => Request::SetPageSize(size.names()),
            Ask::Stop => Request::Stop,
            _ => return Err(ClientError::unsayable(Dialect::Datagram, ask)),
        };
        let response = self.get(ask, &request)?;
        Ok(fact(&response).map_or(Answer::Done, |fact| Answer::Facts(vec![fact])))
    }
}

/// What a response tells, if it tells a number.
fn fact(response: &Response) -> Option<Fact> {
    let (name, meaning, value) = match *response {
        // All ones say that the count does not fit.
        Response::Current(u16::MAX) => {
            ("current", "connections now", Value::CountOrMore(u16::MAX.into()))
        }
        Response::Current(count) => ("current", "connections now", Value::Count(count.into())),
        Response::Historic(count) => {
            ("historic", "connections since the start", Value::Count(count))
        }
        Response::Bytes(count) => ("bytes", "bytes relayed", Value::Octets(count)),
        Response::PageSize(size) => ("page_size", "users in a page", Value::Count(size.into())),
        Response::Done | Response::Users(_) => return None,
    };
    Some(Fact { name, meaning, value })
}

fn advice(status: Status, sent: u32) -> &'static str {
    match status {
        // The reply to the first copy may have been lost.
        Status::USER_EXISTS | Status::USER_UNKNOWN if sent > 1 => {
            ", which may be this command's own doing: it was sent more than once; see users"
        }
        Status::USER_UNKNOWN => ", users lists those that do",
        Status::USERS_FULL => ", remove-user makes room",
        Status::FAILURE => ", the server's log may say why",
        _ => "",
    }
}

/// A socket that hears that server only.
fn open(server: SocketAddr) -> io::Result<UdpSocket> {
    let any: SocketAddr = match server {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    let socket = UdpSocket::bind(any)?;
    socket.connect(server)?;
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU8, Ordering};
    use std::thread;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(20);

    /// A server that answers what `respond` makes of each datagram.
    fn server(respond: impl Fn(&[u8]) -> Vec<Vec<u8>> + Send + 'static) -> String {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let address = socket.local_addr().unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        thread::spawn(move || {
            let mut buffer = vec![0; LONGEST];
            // Until the test is over, or for as long as nobody asks.
            while let Ok((length, from)) = socket.recv_from(&mut buffer) {
                for reply in respond(&buffer[..length]) {
                    socket.send_to(&reply, from).unwrap();
                }
            }
        });
        address.to_string()
    }

    fn reply(request: &[u8], answer: Result<Response, Status>) -> Vec<u8> {
        let mut out = Vec::new();
        Reply::to(&Header::decode(request).unwrap().0, &answer).encode(&mut out);
        out
    }

    fn connect(server: &str, token: &str) -> Result<DatagramClient, ClientError> {
        DatagramClient::connect(server, &Token::new(token), PATIENCE)
    }

    #[test]
    fn what_is_lost_is_sent_again_and_what_is_late_passed_over() {
        let (tell, told) = crossbeam_channel::unbounded();
        let last_id = AtomicU8::new(0);
        let server = server(move |request| {
            tell.send(request.to_vec()).unwrap();
            let id = request[5];
            let mut late = request.to_vec();
            late[5] ^= 1;
            // The first of each is lost; of the others there are more on a slow machine.
            match (last_id.swap(id, Ordering::Relaxed) == id, id) {
                (false, _) => vec![],
                (true, 1) => vec![
                    b"short".to_vec(),
                    reply(&late, Err(Status::BAD_TOKEN)),
                    reply(request, Ok(Response::PageSize(7))),
                ],
                (true, _) => vec![reply(request, Err(Status::USER_UNKNOWN))],
            }
        });
        let mut client = connect(&server, "0x00000007").unwrap();
        let name = crate::core::Name::new(b"ana").unwrap();
        let error = client.say(&Ask::RemoveUser { name, cut: false }).unwrap_err();
        assert!(error.to_string().contains("sent more than once"), "{error}");
        let mut sent: Vec<_> = told.try_iter().collect();
        // All with the same ID are the same.
        sent.dedup();
        assert_eq!(sent.len(), 2);
        assert_eq!(sent[0], [1, 0, 0, 4, 0, 1, 0, 0, 0, 7]);
        assert_eq!(sent[1][4..6], [0, 2], "another request has another ID");
    }

    #[test]
    fn pages_are_asked_for_up_to_an_empty_one() {
        let server = server(|request| {
            let names = match request.get(10) {
                Some(page @ 1..=2) => vec![vec![b'a' + page; 2], vec![b'p'; 2]],
                Some(_) => vec![],
                None => return vec![reply(request, Ok(Response::PageSize(2)))],
            };
            vec![reply(request, Ok(Response::Users(names)))]
        });
        let mut client = connect(&server, "7").unwrap();
        let names = ["bb", "pp", "cc", "pp"].map(|name| name.as_bytes().to_vec()).to_vec();
        let expected = Answer::Users { names, complete: true };
        assert_eq!(client.say(&Ask::Users).unwrap(), expected);
    }

    #[test]
    fn errors_are_told_apart() {
        let refusing = server(|request| vec![reply(request, Err(Status::BAD_TOKEN))]);
        let error = connect(&refusing, "7").err().unwrap();
        assert!(matches!(error, ClientError::TokenRefused(_)), "{error}");
        let odd = server(|request| {
            let mut reply = reply(request, Ok(Response::PageSize(1)));
            reply.push(0);
            vec![reply]
        });
        let error = connect(&odd, "7").err().unwrap();
        assert!(matches!(error, ClientError::Protocol { .. }), "{error}");
        for wrong in ["", "x", "0x7", "-1"] {
            let error = connect(&odd, wrong).err().unwrap();
            assert!(matches!(error, ClientError::Usage(_)), "{error}");
        }
        let silent = server(|_| vec![]);
        let token = Token::new("7");
        let error = DatagramClient::connect(&silent, &token, Duration::from_millis(50)).err();
        assert!(matches!(error, Some(ClientError::Timeout { .. })), "{error:?}");
    }
}
