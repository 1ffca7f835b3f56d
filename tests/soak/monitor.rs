//! The moves of a client of SOCKS-MONITOR, whose counters have 64 bits.

use std::net::SocketAddr;

use crate::harness::peer::Peer;
use crate::harness::server::ADMIN;

pub struct Monitor(Peer);

impl Monitor {
    pub fn log_in(to: SocketAddr) -> Self {
        let mut session = Self(Peer::connect(to));
        session.0.send(format!("soak 1.0\n{}/{}\n", ADMIN.0, ADMIN.1).as_bytes());
        let said = [(); 3].map(|()| session.line());
        assert!(said[2].starts_with("The credentials are valid."), "{said:?}");
        session
    }

    pub fn ask(&mut self, request: &str) -> String {
        self.0.send(format!("{request}\n").as_bytes());
        self.line()
    }

    /// One of the numbers of STATS.
    pub fn stat(&mut self, name: &str) -> u64 {
        let stats = self.ask("STATS");
        let mut fields = stats.split(' ').filter_map(|field| field.split_once(':'));
        let (_, value) = fields.find(|(field, _)| *field == name).expect("the number");
        value.parse().expect("a number")
    }

    fn line(&mut self) -> String {
        let mut line = Vec::new();
        while !line.ends_with(b"\n") {
            line.extend(self.0.receive(1));
        }
        String::from_utf8(line).expect("text").trim_end().to_owned()
    }
}
