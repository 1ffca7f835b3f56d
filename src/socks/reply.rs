//! What a failure is called in a reply (RFC 1928, section 6).

use std::io::Write;
use std::net::TcpStream;

use super::service::Service;
use crate::core::{Connection, Ended};
use crate::net::close::close_gracefully;
use crate::net::control::Control;
use crate::net::failure::Failure;
use crate::wire::socks5::{Reply, ReplyCode};

/// The honest name of a failure.
pub fn code_of(failure: Failure) -> ReplyCode {
    match failure {
        Failure::Refused => ReplyCode::CONNECTION_REFUSED,
        Failure::NetworkUnreachable => ReplyCode::NETWORK_UNREACHABLE,
        // The RFC has no code for a name without an address; this one says that
        // the host can't be reached, which is true.
        Failure::HostUnreachable | Failure::NameNotFound => ReplyCode::HOST_UNREACHABLE,
        // "TTL expired" is the nearest to a connect that timed out.
        Failure::TimedOut => ReplyCode::TTL_EXPIRED,
        Failure::Forbidden => ReplyCode::NOT_ALLOWED,
        Failure::FamilyUnavailable => ReplyCode::ADDRESS_TYPE_NOT_SUPPORTED,
        Failure::Shortage | Failure::Other => ReplyCode::GENERAL_FAILURE,
    }
}

/// Sends a reply in one write; `false` when the client is gone.
pub fn send(connection: &Connection, mut stream: &TcpStream, reply: &Reply) -> bool {
    connection.answered(reply.code.0);
    let mut octets = Vec::with_capacity(32);
    reply.encode(&mut octets);
    stream.write_all(&octets).is_ok()
}

/// As [`refuse`]; the connection counts no more while the client reads it.
pub fn turn_down(service: &Service, connection: Connection, control: &Control, code: ReplyCode) {
    if tell(&connection, control.stream(), code) {
        service.refusals.part(connection, control.shared());
    }
}

/// Says why not, and closes: "the SOCKS server MUST terminate the TCP connection
/// shortly after sending the reply" (section 6).
pub fn refuse(connection: &Connection, stream: &TcpStream, code: ReplyCode) {
    if tell(connection, stream, code) {
        close_gracefully(stream);
    }
}

fn tell(connection: &Connection, stream: &TcpStream, code: ReplyCode) -> bool {
    connection.ended(Ended::Refused);
    send(connection, stream, &Reply::failure(code))
}
