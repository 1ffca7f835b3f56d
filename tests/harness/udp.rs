//! UDP ends, and the datagrams of RFC 1928, section 7.

use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr, UdpSocket};

use super::clock::DEADLINE;
use super::peer::Peer;
use super::server::Server;
use super::socks::{ANYWHERE, ASSOCIATE, LOOPBACK, greeted};

pub struct Socket(UdpSocket);

impl Socket {
    #[track_caller]
    pub fn on(ip: IpAddr) -> Self {
        let socket = UdpSocket::bind((ip, 0));
        let socket = socket.unwrap_or_else(|error| panic!("a UDP port of {ip}: {error}"));
        socket.set_read_timeout(Some(DEADLINE)).expect("a read timeout");
        Self(socket)
    }

    pub fn address(&self) -> SocketAddr {
        self.0.local_addr().expect("a bound socket")
    }

    #[track_caller]
    pub fn send(&self, octets: &[u8], to: SocketAddr) {
        let sent = self.0.send_to(octets, to);
        let sent = sent.unwrap_or_else(|error| panic!("sending to {to}: {error}"));
        assert_eq!(sent, octets.len(), "a whole datagram");
    }

    #[track_caller]
    pub fn receive(&self) -> (Vec<u8>, SocketAddr) {
        let mut buffer = vec![0; 65_536];
        let (count, from) = loop {
            match self.0.recv_from(&mut buffer) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                received => break received.unwrap_or_else(|error| panic!("awaiting one: {error}")),
            }
        };
        buffer.truncate(count);
        (buffer, from)
    }

    /// Takes the next datagram, which must be this, and tells who sent it.
    #[track_caller]
    pub fn expect(&self, expected: &[u8]) -> SocketAddr {
        let (received, from) = self.receive();
        assert!(
            received == expected,
            "{} octets {:?} instead of {} octets {:?}",
            received.len(),
            received.iter().take(32).collect::<Vec<_>>(),
            expected.len(),
            expected.iter().take(32).collect::<Vec<_>>(),
        );
        from
    }
}

/// `RSV FRAG`, the address and the data.
pub fn datagram(address: &[u8], data: &[u8]) -> Vec<u8> {
    [&[0x00, 0x00, 0x00], address, data].concat()
}

/// A UDP association and the client's socket for it.
pub struct Association {
    pub control: Peer,
    /// Where the server wants the datagrams.
    pub relay: SocketAddr,
    pub socket: Socket,
}

impl Association {
    #[track_caller]
    pub fn open(server: &Server) -> Self {
        let mut control = greeted(server);
        let relay = control.ask(ASSOCIATE, &super::socks::ip(ANYWHERE));
        Self { control, relay, socket: Socket::on(LOOPBACK) }
    }

    #[track_caller]
    pub fn send(&self, address: &[u8], data: &[u8]) {
        self.socket.send(&datagram(address, data), self.relay);
    }

    /// The next datagram is this one, and it came from the relay's address.
    #[track_caller]
    pub fn expect(&self, address: &[u8], data: &[u8]) {
        let from = self.socket.expect(&datagram(address, data));
        assert_eq!(from, self.relay, "answers come from where the client sent to");
    }

    /// Sends to a target and takes the answer, so the association works.
    #[track_caller]
    pub fn expect_exchange(&self, target: &Socket) {
        let address = super::socks::ip(target.address());
        self.send(&address, b"question");
        let relayed = target.expect(b"question");
        target.send(b"answer", relayed);
        self.expect(&address, b"answer");
    }
}
