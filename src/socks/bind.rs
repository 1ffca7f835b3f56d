//! BIND (RFC 1928, section 4): a listener for one connection from the
//! destination, two replies, then the relay.

use std::net::{IpAddr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Instant;

use super::connect;
use super::handshake::Accepted;
use super::reply::{self, code_of};
use super::service::Service;
use super::target::{self, Target};
use crate::core::{Asker, Connection, Destination, Ended};
use crate::net::control::Control;
use crate::net::failure::Failure;
use crate::net::local;
use crate::net::rendezvous::{Outcome, rendezvous};
use crate::net::sources::Sources;
use crate::wire::socks5::{Address, Reply, ReplyCode};

/// Serves one BIND until it ends. `early` came right behind the request.
#[inline(never)]
pub fn bind(
    service: &Service,
    connection: Connection,
    control: Arc<Control>,
    accepted: &Accepted,
    early: Vec<u8>,
) {
    let asker = (connection.client().ip(), &accepted.client);
    let naming = || Expected::of(service, asker, &accepted.destination);
    // Whoever was cut meanwhile is gone.
    let Some((connection, expected)) = control.parking(connection, naming) else { return };
    let sources = service.options.bind_out;
    let listening =
        expected.and_then(|expected| Ok((listen(&expected, control.stream(), sources)?, expected)));
    match listening {
        Ok((listener, expected)) => {
            let awaited = Awaited { accepted, expected };
            wait(service, connection, control, (listener, awaited), early);
        }
        Err(failure) => reply::turn_down(service, connection, &control, code_of(failure)),
    }
}

/// Who may connect.
#[derive(Debug, PartialEq, Eq)]
enum Expected {
    /// The request has left it open.
    Anybody,
    /// Any of these addresses, from any port: the application protocol that this
    /// is for (FTP) need not have said from which.
    OneOf(Vec<IpAddr>),
}

impl Expected {
    fn of(service: &Service, asker: Asker<'_>, destination: &Address) -> Result<Self, Failure> {
        // "DST.ADDR" all zero: the client does not know its peer. A name that
        // resolves to zero means nobody, not everybody.
        if matches!(Target::of(&destination.host)?, Target::Ip(ip) if ip.is_unspecified()) {
            let somebody = service.core.may_ask_for(asker, None, None);
            return if somebody { Ok(Self::Anybody) } else { Err(Failure::Forbidden) };
        }
        let deadline = Instant::now() + service.options.connect_timeout;
        let addresses = target::resolve(service, asker, destination, deadline)?;
        Ok(Self::OneOf(addresses.into_iter().map(|address| address.ip().to_canonical()).collect()))
    }

    /// Whether a peer that has connected is the right one.
    fn admits(&self, peer: IpAddr) -> bool {
        match self {
            Self::Anybody => true,
            Self::OneOf(addresses) => addresses.contains(&peer),
        }
    }
}

/// Who may connect, and what the client has said about it.
struct Awaited<'a> {
    accepted: &'a Accepted,
    expected: Expected,
}

impl Awaited<'_> {
    /// Whether a peer that has connected may stay: it is the right one, and the
    /// rules, as they are now, allow its address. Which port it comes from is its
    /// own choice, so the one of the request counts, if there is one.
    fn admits(&self, service: &Service, asker: Asker<'_>, peer: SocketAddr) -> bool {
        let ip = peer.ip().to_canonical();
        let destination = &self.accepted.destination;
        let name = match Target::of(&destination.host) {
            Ok(Target::Name(name)) => Some(name),
            Ok(Target::Ip(_)) | Err(_) => None,
        };
        let port = if destination.port == 0 { peer.port() } else { destination.port };
        let address = SocketAddr::new(ip, port);
        self.expected.admits(ip)
            && service.core.may_reach(asker, Destination { name, address }).is_some()
    }
}

/// A listener on an address that the peer can reach: the one from which we would
/// reach the peer or else, when it is not known or there is no route at this
/// moment, the one on which the client has reached us. Where outgoing connections leave
/// from another address of that family, it is that one.
fn listen(
    expected: &Expected,
    stream: &TcpStream,
    sources: Sources,
) -> Result<TcpListener, Failure> {
    let routed = match expected {
        Expected::Anybody => None,
        Expected::OneOf(addresses) => addresses.iter().find_map(|ip| local::towards(*ip).ok()),
    };
    let address = match routed {
        Some(address) => address,
        None => local::end_of(stream).map_err(|_| Failure::Other)?,
    };
    let source = sources.towards(address.ip()).map(|ip| SocketAddr::new(ip, 0));
    let address = source.unwrap_or(address);
    TcpListener::bind(address).map_err(|error| Failure::of(&error, address))
}

/// Waits for the peer, and serves both as soon as it is there.
fn wait(
    service: &Service,
    connection: Connection,
    control: Arc<Control>,
    (listener, awaited): (TcpListener, Awaited<'_>),
    early: Vec<u8>,
) {
    let stream = &control.shared();
    let deadline = Instant::now() + service.options.bind_timeout;
    let bound = listener.local_addr().map(Address::from);
    let started = rendezvous(listener, control, early, deadline).and_then(|(peer, watch)| {
        service.pool.run(move || watch.run())?;
        Ok((bound?, peer))
    });
    let Ok((bound, peer)) = started else {
        return refuse(&connection, stream, ReplyCode::GENERAL_FAILURE);
    };
    let reply = Reply { code: ReplyCode::SUCCEEDED, bound };
    if !reply::send(&connection, stream, &reply) {
        return leave(&connection, stream);
    }
    let client = &awaited.accepted.client;
    let asker = (connection.client().ip(), client);
    match peer.accept(|peer| awaited.admits(service, asker, peer)) {
        Ok((peer, from, hand)) => {
            let sides = (Arc::clone(stream), peer);
            // "In the second reply, the BND.PORT and BND.ADDR fields contain the
            // address and port number of the connecting host."
            let from = Address::from(from);
            let relay = connect::relay(service, connection, sides, client, &from);
            // The other thread waits for it, or will look for it after its read.
            let _ = hand.send(Arc::clone(&relay));
            connect::run_down(&relay, from);
        }
        Err(Outcome::TimedOut) => refuse(&connection, stream, ReplyCode::TTL_EXPIRED),
        Err(Outcome::Met | Outcome::Failed) => {
            refuse(&connection, stream, ReplyCode::GENERAL_FAILURE);
        }
        Err(Outcome::ClientLeft) => leave(&connection, stream),
    }
}

fn refuse(connection: &Connection, stream: &TcpStream, code: ReplyCode) {
    reply::refuse(connection, stream, code);
    // The thread that watches the client must not outlive this.
    let _ = stream.shutdown(Shutdown::Both);
}

fn leave(connection: &Connection, stream: &TcpStream) {
    connection.ended(Ended::ClientError);
    let _ = stream.shutdown(Shutdown::Both);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::{Core, Start};
    use crate::net::pool::Pool;
    use crate::socks::service::Options;
    use crate::wire::socks5::Host;

    fn expected(host: Host) -> Result<Expected, Failure> {
        let (core, _stops) = Core::new(Start::default()).unwrap();
        let service = Service::new(core, Pool::new("test", 2), Options::default());
        let client = service.core.open_access().unwrap();
        let connection = service.core.admit("test", "127.0.0.1:9".parse().unwrap()).unwrap();
        Expected::of(&service, (connection.client().ip(), &client), &Address { host, port: 0 })
    }

    fn named(name: &str) -> Host {
        Host::Name(name.as_bytes().to_vec())
    }

    #[test]
    fn only_all_zero_means_anybody() {
        let (v4, v6) = ("192.0.2.1".parse().unwrap(), "2001:db8::1".parse().unwrap());
        for zero in [Host::V4([0; 4].into()), Host::V6([0; 16].into()), named("0.0.0.0")] {
            let expected = expected(zero).unwrap();
            assert!(expected.admits(v4) && expected.admits(v6));
        }
        let mapped = Host::V6("::ffff:192.0.2.1".parse().unwrap());
        for host in [Host::from(v4), mapped, named("192.0.2.1")] {
            let expected = expected(host).unwrap();
            assert!(expected.admits(v4) && !expected.admits(v6));
        }
    }

    #[test]
    fn a_name_means_its_addresses() {
        let localhost = expected(named("localhost")).unwrap();
        assert!(localhost.admits("127.0.0.1".parse().unwrap()));
        assert!(!localhost.admits("127.0.0.2".parse().unwrap()));
        assert_eq!(expected(named("local\0host")), Err(Failure::NameNotFound));
    }
}
