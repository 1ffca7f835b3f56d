//! The management dialects: each translates its octets to a
//! [`Command`](crate::core::Command) and the answer back, and nothing else.
//!
//! The server speaks the rows of [`DIALECTS`], or those that it is given. One more is
//! a codec in `wire/`, a conversation here, a row in the table and a transcript in
//! `tests/golden/`; then an option of its own in [`args`](crate::args) and in the manual
//! (tests fail without), and, to be spoken by `socksctl`, a member of
//! [`client::Dialect`](crate::client::Dialect). `examples/sixth_dialect.rs` is one from
//! outside: only the codec, the conversation and the row.

mod datagram;
mod json;
mod monitor;
mod oneshot;
mod secrets;
mod service;
mod shoes;

use std::net::IpAddr;

pub use datagram::DatagramResponder;
pub use json::{BadToken, Grant, Host, JsonSession, JwtKey, ThisHost, scopes as json_scopes};
pub use monitor::MonitorSession;
pub use oneshot::OneshotSession;
pub use secrets::{SecretError, Secrets, SharedToken};
pub use service::{NAME, Service};
pub use shoes::ShoesSession;

use crate::core::Core;
use crate::net::session::Session;
use crate::wire::datagram::Request as DatagramRequest;
use crate::wire::json::{Code, Failure, Frame};
use crate::wire::monitor::{LINE_LEN_MAX, Reply};
use crate::wire::oneshot::{Request as OneshotRequest, Response, Status};
use crate::wire::shoes::{Login, LoginStatus, Request};

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
    /// What it says to a connection for which there is no thread: its server error.
    pub busy: fn() -> Vec<u8>,
}

/// What carries a dialect, and what makes it speak: called once, when the server
/// starts, and refused when a secret is missing.
#[derive(Debug, Clone, Copy)]
pub enum Transport {
    /// A TCP connection each.
    Tcp(fn(&Core, &Secrets) -> Result<Opener, SecretError>),
    /// UDP: each datagram is a request by itself.
    Udp(fn(&Core, &Secrets) -> Result<Responder, SecretError>),
}

/// Makes the conversation of a connection with a peer at that address.
pub type Opener = Box<dyn Fn(IpAddr) -> Conversation + Send>;

/// Gives the reply to a datagram from that address, or `None` to one that can't
/// be answered.
pub type Responder = Box<dyn FnMut(&[u8], IpAddr) -> Option<Vec<u8>> + Send>;

/// A conversation in any dialect; the server closes at its end.
pub type Conversation = Box<dyn Session<Done = ()> + Send>;

/// The dialects that socksd speaks.
pub const DIALECTS: &[Dialect] = &[
    Dialect {
        name: "shoes",
        longest_input: longer(Login::LEN_MAX, Request::LEN_MAX),
        transport: Transport::Tcp(|core, _| {
            opener(core, |core, from| Box::new(ShoesSession::new(core.clone(), from)))
        }),
        busy: || said(|out| LoginStatus::FAILURE.encode(out)),
    },
    Dialect {
        name: "monitor",
        longest_input: LINE_LEN_MAX,
        transport: Transport::Tcp(|core, _| {
            opener(core, |core, from| Box::new(MonitorSession::new(core.clone(), from)))
        }),
        busy: || said(|out| Reply::Refused(BUSY.into()).encode(out)),
    },
    Dialect {
        name: "oneshot",
        longest_input: OneshotRequest::LEN_MAX,
        transport: Transport::Tcp(|core, secrets| {
            // The server has given it to the first admin; there must be one.
            secrets.oneshot()?;
            opener(core, |core, from| Box::new(OneshotSession::new(core.clone(), from)))
        }),
        busy: || said(|out| Response::Failed(Status::SERVER_ERROR).encode(out)),
    },
    Dialect {
        name: "datagram",
        longest_input: DatagramRequest::LEN_MAX,
        transport: Transport::Udp(|core, secrets| {
            let mut responder = DatagramResponder::new(core.clone(), secrets.datagram()?);
            Ok(Box::new(move |datagram, from| responder.respond(datagram, from)))
        }),
        // All of them are answered by one thread.
        busy: Vec::new,
    },
    Dialect {
        name: "json",
        longest_input: Frame::LEN_MAX,
        transport: Transport::Tcp(|core, secrets| {
            let (core, key) = (core.clone(), secrets.jwt()?);
            Ok(Box::new(move |from| {
                let host = Box::<ThisHost>::default();
                Box::new(JsonSession::new(core.clone(), key.clone(), from, host))
            }))
        }),
        busy: || said(|out| Failure::of_connection(Code::INTERNAL_ERROR, BUSY).encode(out)),
    },
];

const BUSY: &str = "too many connections, try again later";

fn said(encode: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut out = Vec::new();
    encode(&mut out);
    out
}

/// Opens conversations with admins who have accounts.
fn opener(core: &Core, open: fn(&Core, IpAddr) -> Conversation) -> Result<Opener, SecretError> {
    let core = core.clone();
    Ok(Box::new(move |from| open(&core, from)))
}

const fn longer(one: usize, other: usize) -> usize {
    if one > other { one } else { other }
}
