//! The moves of a SOCKS5 client (RFC 1928, RFC 1929), in raw octets.

use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};

use super::clock::DEADLINE;
use super::peer::{Peer, is_timeout};
use super::server::Server;

pub const CONNECT: u8 = 0x01;
pub const BIND: u8 = 0x02;
pub const ASSOCIATE: u8 = 0x03;

pub const OFFER_NONE: [u8; 3] = [0x05, 0x01, 0x00];
pub const OFFER_LOGIN: [u8; 3] = [0x05, 0x01, 0x02];

/// `ATYP ADDR PORT` of an address.
pub fn ip(address: SocketAddr) -> Vec<u8> {
    let mut octets = match address.ip() {
        IpAddr::V4(ip) => [&[0x01], ip.octets().as_slice()].concat(),
        IpAddr::V6(ip) => [&[0x04], ip.octets().as_slice()].concat(),
    };
    octets.extend(address.port().to_be_bytes());
    octets
}

/// `ATYP ADDR PORT` of a name.
pub fn name(name: impl AsRef<[u8]>, port: u16) -> Vec<u8> {
    let name = name.as_ref();
    let length = u8::try_from(name.len()).expect("at most 255 octets");
    [&[0x03, length], name, &port.to_be_bytes()].concat()
}

/// `VER CMD RSV` and the destination.
pub fn request(command: u8, destination: &[u8]) -> Vec<u8> {
    [&[0x05, command, 0x00], destination].concat()
}

/// `VER ULEN UNAME PLEN PASSWD` of RFC 1929.
pub fn login(name: impl AsRef<[u8]>, password: impl AsRef<[u8]>) -> Vec<u8> {
    let (name, password) = (name.as_ref(), password.as_ref());
    let length = |octets: &[u8]| u8::try_from(octets.len()).expect("at most 255 octets");
    [&[0x01, length(name)], name, &[length(password)], password].concat()
}

#[derive(Debug, PartialEq, Eq)]
pub struct Reply {
    pub code: u8,
    pub bound: SocketAddr,
}

impl Peer {
    #[track_caller]
    pub fn reply(&mut self) -> Reply {
        let head = self.receive(4);
        assert_eq!((head[0], head[2]), (0x05, 0x00), "VER and RSV of a reply");
        let ip = match head[3] {
            0x01 => IpAddr::from(<[u8; 4]>::try_from(self.receive(4)).expect("4 octets")),
            0x04 => IpAddr::from(<[u8; 16]>::try_from(self.receive(16)).expect("16 octets")),
            other => panic!("ATYP {other:02x} in a reply: only an address says where to connect"),
        };
        let port = u16::from_be_bytes(self.receive(2).try_into().expect("2 octets"));
        Reply { code: head[1], bound: SocketAddr::new(ip, port) }
    }

    /// Asks and takes the reply, which must say success.
    #[track_caller]
    pub fn ask(&mut self, command: u8, destination: &[u8]) -> SocketAddr {
        self.send(&request(command, destination));
        let reply = self.reply();
        assert_eq!(reply.code, 0x00, "the reply's code");
        reply.bound
    }

    /// The code of a failure reply: 10 octets, then the end, in order.
    #[track_caller]
    pub fn refusal(&mut self) -> u8 {
        let octets = self.receive(10);
        assert_eq!(octets[0], 0x05, "VER of a reply");
        assert_eq!(octets[2..4], [0x00, 0x01], "RSV and ATYP of a failure reply");
        assert_ne!(octets[1], 0x00, "success where a failure was due");
        self.expect_eof();
        octets[1]
    }
}

/// A client whose offer of no authentication was taken.
#[track_caller]
pub fn greeted(server: &Server) -> Peer {
    let mut client = Peer::connect(server.socks);
    client.send(&OFFER_NONE);
    client.expect(&[0x05, 0x00]);
    client
}

/// A client whose only offer was taken; `None` when a short deadline of the server's came
/// first, as on a busy machine it may.
#[track_caller]
pub fn offered_in_time(server: &Server, offer: [u8; 3]) -> Option<Peer> {
    let mut client = Peer::connect(server.socks);
    client.stream.write_all(&offer).ok()?;
    let mut answer = [0; 2];
    client.stream.read_exact(&mut answer).ok()?;
    assert_eq!(answer, [0x05, offer[2]]);
    Some(client)
}

/// A client that has logged in.
#[track_caller]
pub fn logged_in(server: &Server, name: impl AsRef<[u8]>, password: impl AsRef<[u8]>) -> Peer {
    let mut client = Peer::connect(server.socks);
    client.send(&OFFER_LOGIN);
    client.expect(&[0x05, 0x02]);
    client.send(&login(name, password));
    client.expect(&[0x01, 0x00]);
    client
}

/// Whether a login is accepted; a refused one must end the connection.
#[track_caller]
pub fn can_log_in(server: &Server, name: impl AsRef<[u8]>, password: impl AsRef<[u8]>) -> bool {
    let mut client = Peer::connect(server.socks);
    client.send(&OFFER_LOGIN);
    client.expect(&[0x05, 0x02]);
    client.send(&login(name, password));
    let answer = client.receive(2);
    assert_eq!(answer[0], 0x01, "the version of the sub-negotiation");
    if answer[1] != 0x00 {
        client.expect_eof();
    }
    answer[1] == 0x00
}

/// A client connected through the proxy.
#[track_caller]
pub fn through(server: &Server, to: SocketAddr) -> Peer {
    let mut client = greeted(server);
    client.ask(CONNECT, &ip(to));
    client
}

/// The refusal of a CONNECT by an open server.
#[track_caller]
pub fn refused(server: &Server, destination: &[u8]) -> u8 {
    let mut client = greeted(server);
    client.send(&request(CONNECT, destination));
    client.refusal()
}

/// Tries a CONNECT by a server that may be full: `None` when it refuses, at
/// whatever step. It has to say either.
#[track_caller]
pub fn try_through(server: &Server, user: Option<(&str, &str)>, to: SocketAddr) -> Option<Peer> {
    let peer = TcpStream::connect_timeout(&server.socks, DEADLINE).ok().map(Peer::new)?;
    try_on(peer, user, to)
}

/// As [`try_through`], on a connection that is there.
#[track_caller]
pub fn try_on(mut peer: Peer, user: Option<(&str, &str)>, to: SocketAddr) -> Option<Peer> {
    match conversation(&mut peer.stream, user, to) {
        Ok(()) => Some(peer),
        Err(error) if is_timeout(&error) => panic!("neither accepted nor refused"),
        Err(_) => None,
    }
}

fn conversation(
    stream: &mut TcpStream,
    user: Option<(&str, &str)>,
    to: SocketAddr,
) -> io::Result<()> {
    let mut step = |send: &[u8], expect: &[u8], rest: usize| {
        stream.write_all(send)?;
        let mut answer = vec![0; expect.len()];
        stream.read_exact(&mut answer)?;
        if answer != expect {
            return Err(io::Error::other("a refusal"));
        }
        stream.read_exact(&mut vec![0; rest])
    };
    match user {
        None => step(&OFFER_NONE, &[0x05, 0x00], 0)?,
        Some((name, password)) => {
            step(&OFFER_LOGIN, &[0x05, 0x02], 0)?;
            step(&login(name, password), &[0x01, 0x00], 0)?;
        }
    }
    let rest = if to.is_ipv4() { 8 } else { 20 };
    step(&request(CONNECT, &ip(to)), &[0x05, 0x00], rest)
}

pub const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
pub const LOOPBACK_V6: IpAddr = IpAddr::V6(Ipv6Addr::LOCALHOST);
/// Stands for any address.
pub const ANYWHERE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);
