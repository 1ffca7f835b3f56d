//! The SOCKS5 service: admits connections, has the handshake held, and serves
//! what was asked for.

use std::net::{IpAddr, SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use super::handshake::{Accepted, Handshake, LONGEST_INPUT, Supported};
use super::{bind, connect, udp};
use crate::core::{Cidr, Connection, Core, End, Ended, NotAdmitted, OverLimit};
use crate::net::control::Control;
use crate::net::driver::{Bounds, ConverseError, Ending, converse};
use crate::net::pool::Pool;
use crate::net::refusals::Refusals;
use crate::net::sources::Sources;

/// What can't be changed while the server runs.
#[derive(Debug, Clone)]
pub struct Options {
    /// For the whole handshake.
    pub handshake_timeout: Duration,
    /// For name look-up and connecting, all addresses together.
    pub connect_timeout: Duration,
    /// How long BIND waits for its peer.
    pub bind_timeout: Duration,
    /// The address in replies to UDP ASSOCIATE, where the local address of the
    /// control connection is not the one that clients can reach.
    pub udp_advertise: Option<IpAddr>,
    /// The ports on which clients send datagrams, first and last.
    pub udp_ports: Option<(u16, u16)>,
    /// Where connections and datagrams to targets leave from.
    pub bind_out: Sources,
    /// The proxies in front of this server: what comes from there begins with a header of
    /// the PROXY protocol, and nothing else does.
    pub proxy_from: Vec<Cidr>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            handshake_timeout: Duration::from_secs(10),
            connect_timeout: Duration::from_secs(10),
            bind_timeout: Duration::from_secs(120),
            udp_advertise: None,
            udp_ports: None,
            bind_out: Sources::default(),
            proxy_from: Vec::new(),
        }
    }
}

/// The service and what it works with.
pub struct Service {
    /// Meaning.
    pub core: Core,
    /// Threads.
    pub pool: Pool,
    /// Fixed choices.
    pub options: Options,
    pub(super) refusals: Refusals,
}

/// The name of the service in the core, in logs and in thread names.
pub const NAME: &str = "socks";

impl Service {
    /// A service on threads of this pool.
    pub fn new(core: Core, pool: Pool, options: Options) -> Self {
        Self { core, pool, options, refusals: Refusals::new("socks-refusal") }
    }

    /// Serves a connection on a thread of the pool, or refuses it at once.
    pub fn serve(self: &Arc<Self>, stream: TcpStream, from: SocketAddr) {
        let connection = match self.admit(from) {
            Ok(connection) => connection,
            // SOCKS5 has no word for it before the client has said one: the end alone.
            Err(NotAdmitted::OverLimit) => return self.refusals.refuse(stream, &[]),
            // Whom the rules don't want has nothing to be told.
            Err(NotAdmitted::ByRule) => return,
        };
        let service = Arc::clone(self);
        self.pool.serve(from, move || service.handshake(connection, stream));
    }

    /// "The receiver MUST not try to guess whether the protocol header is present or not":
    /// the address of the other end says so.
    fn admit(&self, from: SocketAddr) -> Result<Connection, NotAdmitted> {
        if self.options.proxy_from.iter().any(|proxies| proxies.contains(from.ip())) {
            self.core.admit_proxied(NAME, from).map_err(|OverLimit| NotAdmitted::OverLimit)
        } else {
            self.core.admit(NAME, from)
        }
    }

    fn handshake(&self, connection: Connection, stream: TcpStream) {
        let bounds = Bounds {
            total: Some(self.options.handshake_timeout),
            idle: None,
            longest_input: LONGEST_INPUT,
        };
        let control = Control::new(stream);
        connection.attach(Arc::clone(&control) as Arc<dyn End>);
        let mut session = Handshake::new(&self.core, &connection);
        match converse(control.stream(), &mut session, bounds) {
            Ok(Ending::Done(accepted, early)) => {
                self.dispatch(connection, control, accepted, early);
            }
            // Without a word to the client there is none that could get lost.
            Ok(Ending::Closed) if !connection.is_identified() => {}
            Ok(Ending::Closed) => self.refusals.part(connection, control.shared()),
            Ok(Ending::Left { .. }) | Err(ConverseError::Io(_)) if !session.spoke() => {}
            Ok(Ending::Left { .. }) | Err(ConverseError::Io(_)) => {
                session.misses_header("the connection ended inside of the header");
                connection.ended(Ended::ClientError);
            }
            Err(ConverseError::TimedOut) => {
                session.misses_header("no whole header has come in time");
                connection.ended(Ended::HandshakeTimeout);
            }
        }
    }

    fn dispatch(
        &self,
        connection: Connection,
        control: Arc<Control>,
        accepted: Accepted,
        early: Vec<u8>,
    ) {
        match accepted.command {
            Supported::Connect => connect::connect(self, connection, control, &accepted, early),
            Supported::Bind => bind::bind(self, connection, control, &accepted, early),
            Supported::UdpAssociate => udp::associate(self, connection, &control, &accepted),
        }
    }
}
