//! The management dialects: each translates its octets to a
//! [`Command`](crate::core::Command) and the answer back, and nothing else.
//!
//! [`DIALECTS`] is the only list of them. One more is a codec in `wire/`, a
//! conversation here, a row in the table and a transcript in `tests/golden/`.

mod monitor;
mod oneshot;
mod shoes;

use std::net::IpAddr;

pub use monitor::MonitorSession;
pub use oneshot::OneshotSession;
pub use shoes::ShoesSession;

use crate::core::Core;
use crate::net::session::Session;
use crate::wire::{self, shoes::Login, shoes::Request};

/// A management protocol that the server speaks.
#[derive(Debug, Clone, Copy)]
pub struct Dialect {
    /// What it is called on the command line, in the log and in `tests/golden/`.
    pub name: &'static str,
    /// The octets of its longest message: a buffer of this size is always enough
    /// for the conversation to go on.
    pub longest_input: usize,
    /// How it reaches us.
    pub transport: Transport,
}

/// What carries a dialect, and what makes a conversation of it.
#[derive(Debug, Clone, Copy)]
pub enum Transport {
    /// A TCP connection each, with a peer at that address.
    Tcp(fn(&Core, IpAddr) -> Conversation),
}

/// A conversation in any dialect; the server closes at its end.
pub type Conversation = Box<dyn Session<Done = ()> + Send>;

/// All dialects.
pub const DIALECTS: &[Dialect] = &[
    Dialect {
        name: "shoes",
        longest_input: longer(Login::LEN_MAX, Request::LEN_MAX),
        transport: Transport::Tcp(|core, from| Box::new(ShoesSession::new(core.clone(), from))),
    },
    Dialect {
        name: "monitor",
        longest_input: wire::monitor::LINE_LEN_MAX,
        transport: Transport::Tcp(|core, from| Box::new(MonitorSession::new(core.clone(), from))),
    },
    Dialect {
        name: "oneshot",
        longest_input: longer(wire::oneshot::Opening::LEN, wire::oneshot::Request::LEN_MAX),
        transport: Transport::Tcp(|core, from| Box::new(OneshotSession::new(core.clone(), from))),
    },
];

/// The dialect of this name.
pub fn dialect(name: &str) -> Option<&'static Dialect> {
    DIALECTS.iter().find(|dialect| dialect.name == name)
}

const fn longer(one: usize, other: usize) -> usize {
    if one > other { one } else { other }
}
