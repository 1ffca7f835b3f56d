//! UDP ASSOCIATE (RFC 1928, section 7).

use std::net::TcpStream;

use super::reply;
use super::service::Service;
use crate::core::Connection;
use crate::wire::socks5::{Address, ReplyCode};

/// Serves one association until its control connection ends.
pub fn associate(
    _service: &Service,
    connection: Connection,
    stream: TcpStream,
    _destination: &Address,
) {
    reply::refuse(&connection, &stream, ReplyCode::COMMAND_NOT_SUPPORTED);
}
