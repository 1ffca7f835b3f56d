//! CONNECT (RFC 1928, section 4): a connection to the target, then the relay.

use std::net::TcpStream;
use std::sync::Arc;
use std::time::Instant;

use super::credentials::CredentialMonitor;
use super::handshake::Accepted;
use super::reply::{self, code_of};
use super::service::Service;
use super::target;
use crate::core::{ANONYMOUS, Asker, Client, Connection, Ended};
use crate::net::control::Control;
use crate::net::dial;
use crate::net::failure::Failure;
use crate::net::relay::Relay;
use crate::net::watch::Watch;
use crate::wire::socks5::{Address, Reply, ReplyCode};

/// Serves one CONNECT until it ends. `early` came right behind the request.
#[inline(never)]
pub fn connect(
    service: &Service,
    connection: Connection,
    control: Arc<Control>,
    accepted: &Accepted,
    early: Vec<u8>,
) {
    let begun = Instant::now();
    let asker = (connection.client().ip(), &accepted.client);
    let reaching = || reach(service, asker, &accepted.destination);
    // Whoever was cut meanwhile is gone.
    let Some((connection, reached)) = control.parking(connection, reaching) else { return };
    match reached {
        Ok(target) => {
            connection.connected(begun.elapsed());
            let stream = control.shared();
            drop(control);
            join(service, connection, (stream, target), accepted, early);
        }
        Err(failure) => reply::turn_down(service, connection, &control, code_of(failure)),
    }
}

#[inline(never)]
fn reach(service: &Service, asker: Asker<'_>, destination: &Address) -> Result<TcpStream, Failure> {
    if destination.port == 0 {
        return Err(Failure::Other);
    }
    let deadline = Instant::now() + service.options.connect_timeout;
    let addresses = target::resolve(service, asker, destination, deadline)?;
    let target = dial::dial(&service.pool, &addresses, service.options.bind_out, deadline)?;
    // It may have taken long enough for the login to hold no more.
    let may_still = service.core.may_ask_for(asker, None, None);
    may_still.then_some(target).ok_or(Failure::Forbidden)
}

/// Joins client and target.
// Not inlined: what is on the stack while a relay blocks is paid for by every idle
// connection, so the frames that are done with must be gone by then.
#[inline(never)]
fn join(
    service: &Service,
    connection: Connection,
    sides: (Arc<TcpStream>, TcpStream),
    accepted: &Accepted,
    early: Vec<u8>,
) {
    // BND is the address from which the target sees the connection come.
    let bound = sides.1.local_addr().map(Address::from);
    let relay = relay(service, connection, sides, &accepted.client, &accepted.destination);
    let up = Arc::clone(&relay);
    // What the client has sent is for the target only if the client is told so.
    let started = bound.and_then(|bound| {
        service.pool.run(move || up.run_up(&early))?;
        Ok(bound)
    });
    let Ok(bound) = started else {
        return reply::refuse(relay.connection(), relay.client(), ReplyCode::GENERAL_FAILURE);
    };
    run_down(&relay, bound);
}

/// The relay between a client and the other side, with what the settings ask for.
pub(super) fn relay(
    service: &Service,
    connection: Connection,
    (client, target): (Arc<TcpStream>, TcpStream),
    user: &Client,
    destination: &Address,
) -> Arc<Relay> {
    // Small writes must not wait for the acknowledgement of earlier ones.
    let _ = (client.set_nodelay(true), target.set_nodelay(true));
    let settings = service.core.settings();
    let watch = settings.spoofing.then(|| watch(service, user, destination));
    Relay::new(connection, client, target, settings.buffer_size, watch)
}

/// Says that it succeeded, then copies to the client: the reply comes before the
/// first octet of the other side.
pub(super) fn run_down(relay: &Relay, bound: Address) {
    let reply = Reply { code: ReplyCode::SUCCEEDED, bound };
    if reply::send(relay.connection(), relay.client(), &reply) {
        relay.run_down();
    } else {
        relay.abort(Ended::ClientError);
    }
}

/// The credential monitor.
fn watch(service: &Service, user: &Client, destination: &Address) -> Box<dyn Watch> {
    let core = service.core.clone();
    let user = user.name().map_or_else(|| ANONYMOUS.to_owned(), ToString::to_string);
    let (host, port) = (destination.host.to_string(), destination.port);
    let record = move |name: &[u8], password: &[u8]| {
        core.record_credentials(&user, (&host, port), (name, password));
    };
    Box::new(CredentialMonitor::new(port, Box::new(record)))
}
