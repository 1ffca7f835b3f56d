//! UDP ASSOCIATE (RFC 1928, section 7): the thread of the control connection,
//! with which an association begins and ends.

mod association;
mod client_end;
mod correspondents;
mod names;
mod request;

use std::io;
use std::net::{SocketAddr, TcpStream};

use self::association::Association;
use self::client_end::ClientEnd;
use super::handshake::Accepted;
use super::reply;
use super::service::Service;
use crate::core::{Connection, Ended, State};
use crate::net::control::Control;
use crate::net::datagram_socket::DatagramSocket;
use crate::net::driver::read_some;
use crate::net::local;
use crate::wire::socks5::{Address, Reply, ReplyCode};

/// Serves one association until its control connection ends.
#[inline(never)]
pub fn associate(
    service: &Service,
    connection: Connection,
    control: &Control,
    accepted: &Accepted,
) {
    let stream = control.stream();
    let socket = match open(service, &connection, stream) {
        Ok(socket) => socket,
        Err(error) => {
            log::warn!(error:%; "udp-failed");
            return reply::turn_down(service, connection, control, ReplyCode::GENERAL_FAILURE);
        }
    };
    let ip = service.options.udp_advertise.unwrap_or(socket.address().ip());
    let bound = Address::from(SocketAddr::new(ip, socket.address().port()));
    let client = ClientEnd::new(connection.client().ip(), &accepted.destination);
    let (association, finished) =
        Association::new(service, (connection, accepted.client.clone()), socket, client);
    let connection = association.connection();
    if association.start().is_err() {
        return reply::refuse(connection, stream, ReplyCode::GENERAL_FAILURE);
    }
    connection.enter(State::Open);
    let reply = Reply { code: ReplyCode::SUCCEEDED, bound };
    let how =
        if reply::send(connection, stream, &reply) { watch(stream) } else { Ended::ClientError };
    connection.ended(how);
    association.stop(&finished);
}

/// The socket to which the client sends, on the address at which it has reached
/// us already.
fn open(
    service: &Service,
    connection: &Connection,
    stream: &TcpStream,
) -> io::Result<DatagramSocket> {
    let address = local::end_of(stream)?;
    match service.options.udp_ports {
        Some(range) => DatagramSocket::bind_between(address, range, connection.id().0),
        None => DatagramSocket::bind(address),
    }
}

/// "A UDP association terminates when the TCP connection that the UDP ASSOCIATE
/// request arrived on terminates." What comes on it has no meaning.
fn watch(stream: &TcpStream) -> Ended {
    let mut sink = [0; 512];
    loop {
        match read_some(stream, &mut sink) {
            Ok([]) => return Ended::Closed,
            Ok(_) => {}
            Err(_) => return Ended::ClientError,
        }
    }
}
