//! The moves of a SHOES client, in raw octets.

use super::peer::Peer;
use super::server::{ADMIN, Server};

pub const METRICS: [u8; 2] = [0x00, 0x00];
pub const LIST: [u8; 2] = [0x00, 0x01];
pub const SPOOFING: [u8; 2] = [0x00, 0x02];

/// `VER ULEN UNAME PLEN PASSWD`
pub fn login(name: &[u8], password: &[u8]) -> Vec<u8> {
    [&[0x01], text(name).as_slice(), &text(password)].concat()
}

pub fn add(name: &[u8], password: &[u8]) -> Vec<u8> {
    [&[0x01, 0x00], text(name).as_slice(), &text(password)].concat()
}

pub fn remove(name: &[u8]) -> Vec<u8> {
    [&[0x01, 0x01], text(name).as_slice()].concat()
}

pub fn edit(name: &[u8], password: &[u8]) -> Vec<u8> {
    [&[0x01, 0x02], text(name).as_slice(), &text(password)].concat()
}

pub fn buffer_size(octets: u16) -> Vec<u8> {
    [&[0x01, 0x03], octets.to_be_bytes().as_slice()].concat()
}

pub fn spoofing(set: u8) -> Vec<u8> {
    vec![0x01, 0x04, set]
}

fn text(octets: &[u8]) -> Vec<u8> {
    let length = u8::try_from(octets.len()).expect("at most 255 octets");
    [&[length], octets].concat()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Metrics {
    pub historic: u32,
    pub current: u32,
    pub octets: u32,
}

/// A session that has logged in.
pub struct Admin(pub Peer);

impl Admin {
    #[track_caller]
    pub fn of(server: &Server) -> Self {
        let mut peer = Peer::connect(server.shoes);
        peer.send(&login(ADMIN.0.as_bytes(), ADMIN.1.as_bytes()));
        peer.expect(&[0x01, 0x00]);
        Self(peer)
    }

    /// Asks for a change that must be granted.
    #[track_caller]
    pub fn put(&mut self, request: &[u8]) {
        self.0.send(request);
        self.0.expect(&[0x00]);
    }

    #[track_caller]
    pub fn metrics(&mut self) -> Metrics {
        self.0.send(&METRICS);
        self.0.expect(&[0x00]);
        let mut number = || {
            let octets = self.0.receive(4).try_into().expect("4 octets");
            u32::from_be_bytes(octets)
        };
        Metrics { historic: number(), current: number(), octets: number() }
    }

    #[track_caller]
    pub fn users(&mut self) -> Vec<Vec<u8>> {
        self.0.send(&LIST);
        self.0.expect(&[0x00]);
        let count = self.0.receive(1)[0];
        (0..count).map(|_| self.name()).collect()
    }

    fn name(&mut self) -> Vec<u8> {
        let length = self.0.receive(1)[0];
        self.0.receive(length.into())
    }

    #[track_caller]
    pub fn spoofing(&mut self) -> u8 {
        self.0.send(&SPOOFING);
        self.0.expect(&[0x00]);
        self.0.receive(1)[0]
    }
}

/// What a request is refused with; the server then closes.
#[track_caller]
pub fn refusal(server: &Server, request: &[u8]) -> u8 {
    let mut admin = Admin::of(server);
    admin.0.send(request);
    let status = admin.0.receive(1)[0];
    admin.0.expect_eof();
    status
}
