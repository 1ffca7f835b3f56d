//! The client's side of SOCKS5 (RFC 1928, RFC 1929), as few bytes as a CONNECT needs, and the way to a
//! target: through a proxy or direct.

use std::io::{Error, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// No connect, read or write waits longer than this.
pub const DEADLINE: Duration = Duration::from_secs(10);

const NO_AUTHENTICATION: u8 = 0x00;
const USERNAME_PASSWORD: u8 = 0x02;

/// The longest reply: VER REP RSV ATYP, a name of 255 bytes behind its length, the port.
const REPLY_MAX: usize = 4 + 1 + 255 + 2;

/// One way to the targets: a row of the table.
pub struct Path {
    /// What the row is called.
    pub name: String,
    /// The proxy's address; `None` goes straight to the target.
    pub proxy: Option<SocketAddr>,
    /// The proxy's process, when it is known.
    pub pid: Option<u32>,
    /// Offered to the proxy beside "no authentication"; the proxy picks.
    pub login: Option<Login>,
}

/// A name and a password, each 1 to 255 bytes.
#[derive(Clone, Debug)]
pub struct Login {
    /// UNAME of RFC 1929.
    pub name: String,
    /// PASSWD of RFC 1929.
    pub password: String,
}

impl std::str::FromStr for Login {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            Some((name, password))
                if (1..=255).contains(&name.len()) && (1..=255).contains(&password.len()) =>
            {
                Ok(Login { name: name.into(), password: password.into() })
            }
            _ => Err("a login is name:password, each of 1 to 255 bytes".into()),
        }
    }
}

impl Path {
    /// A connection to `target` that is ready for the first payload byte.
    pub fn open(&self, target: SocketAddr) -> Result<TcpStream, String> {
        let hop = self.proxy.unwrap_or(target);
        let mut stream = TcpStream::connect_timeout(&hop, DEADLINE)
            .map_err(|fault| format!("connecting to {hop}: {}", explain(&fault)))?;
        prepare(&stream)?;
        if self.proxy.is_some() {
            self.greet(&mut stream)?;
            connect(&mut stream, target)?;
        }
        Ok(stream)
    }

    /// Method selection, and the login if the proxy picks it.
    fn greet(&self, stream: &mut TcpStream) -> Result<(), String> {
        let greeting: &[u8] = match self.login {
            Some(_) => &[5, 2, NO_AUTHENTICATION, USERNAME_PASSWORD],
            None => &[5, 1, NO_AUTHENTICATION],
        };
        send(stream, greeting, "the greeting")?;
        match (receive(stream, "the method selection")?, &self.login) {
            ([5, NO_AUTHENTICATION], _) => Ok(()),
            ([5, USERNAME_PASSWORD], Some(login)) => log_in(stream, login),
            ([5, 0xff], None) => Err("the proxy wants a login: give --login name:password".into()),
            (answer, _) => Err(format!("the proxy answered the greeting with {answer:02x?}")),
        }
    }
}

/// Deadlines, and no waiting for a fuller segment.
pub fn prepare(stream: &TcpStream) -> Result<(), String> {
    stream
        .set_nodelay(true)
        .and_then(|()| stream.set_read_timeout(Some(DEADLINE)))
        .and_then(|()| stream.set_write_timeout(Some(DEADLINE)))
        .map_err(|fault| format!("preparing a socket: {fault}"))
}

/// Sends all of `bytes`; `what` names them in the error.
pub fn send(mut stream: &TcpStream, bytes: &[u8], what: &str) -> Result<(), String> {
    stream.write_all(bytes).map_err(|fault| format!("sending {what}: {}", explain(&fault)))
}

/// Receives exactly `N` bytes; `what` names them in the error.
pub fn receive<const N: usize>(mut stream: &TcpStream, what: &str) -> Result<[u8; N], String> {
    let mut bytes = [0; N];
    match stream.read_exact(&mut bytes) {
        Ok(()) => Ok(bytes),
        Err(fault) => Err(format!("waiting for {what}: {}", explain(&fault))),
    }
}

/// What went wrong, in words; systems differ in what they call a deadline that has passed.
pub fn explain(fault: &Error) -> String {
    match fault.kind() {
        ErrorKind::WouldBlock | ErrorKind::TimedOut => {
            format!("nothing for {} s", DEADLINE.as_secs())
        }
        ErrorKind::UnexpectedEof => "the connection ended".into(),
        _ => fault.to_string(),
    }
}

/// The sub-negotiation of RFC 1929.
fn log_in(stream: &mut TcpStream, login: &Login) -> Result<(), String> {
    let mut request = vec![1];
    for part in [&login.name, &login.password] {
        request.push(u8::try_from(part.len()).map_err(|_| "a login part over 255 bytes")?);
        request.extend_from_slice(part.as_bytes());
    }
    send(stream, &request, "the login")?;
    match receive(stream, "the answer to the login")? {
        [1, 0] => Ok(()),
        answer => Err(format!("the proxy refused the login: {answer:02x?}")),
    }
}

/// The CONNECT request and its reply.
fn connect(stream: &mut TcpStream, target: SocketAddr) -> Result<(), String> {
    let mut request = vec![5, 1, 0];
    match target {
        SocketAddr::V4(v4) => {
            request.push(1);
            request.extend(v4.ip().octets());
        }
        SocketAddr::V6(v6) => {
            request.push(4);
            request.extend(v6.ip().octets());
        }
    }
    request.extend(target.port().to_be_bytes());
    send(stream, &request, "the request")?;
    // The targets never speak first, so all that arrives here belongs to the reply and one read mostly
    // has it: a read for each field would load this side, not the proxy.
    let (mut reply, mut got) = ([0; REPLY_MAX], 0);
    loop {
        let room = reply.get_mut(got..).unwrap_or_default();
        match stream.read(room) {
            Ok(0) => return Err(format!("the proxy closed {got} bytes into its reply")),
            Ok(count) => got += count,
            Err(fault) => return Err(format!("waiting for the reply: {}", explain(&fault))),
        }
        match reply_length(&reply) {
            _ if got < 5 => {}
            Some(length) if got < length => {}
            Some(length) if got == length => break,
            _ => return Err(format!("no reply, but {:02x?}", reply.get(..got.min(16)))),
        }
    }
    match reply {
        [5, 0, ..] => Ok(()),
        [version, code, ..] => Err(format!("the reply is version {version}, code {code:02x}")),
    }
}

/// How long a reply is whose first five bytes are known.
fn reply_length(reply: &[u8; REPLY_MAX]) -> Option<usize> {
    match reply {
        [_, _, _, 1, ..] => Some(4 + 4 + 2),
        [_, _, _, 3, length, ..] => Some(4 + 1 + usize::from(*length) + 2),
        [_, _, _, 4, ..] => Some(4 + 16 + 2),
        _ => None,
    }
}
