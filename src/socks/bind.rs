//! BIND (RFC 1928, section 4).

use std::net::TcpStream;

use super::reply;
use super::service::Service;
use crate::core::{Client, Connection};
use crate::wire::socks5::{Address, ReplyCode};

/// Serves one BIND until it ends. `early` came right behind the request.
pub fn bind(
    _service: &Service,
    connection: Connection,
    stream: TcpStream,
    _client: &Client,
    _destination: &Address,
    _early: Vec<u8>,
) {
    reply::refuse(&connection, &stream, ReplyCode::COMMAND_NOT_SUPPORTED);
}
