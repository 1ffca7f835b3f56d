//! The SOCKS5 proxy: what a client's bytes mean and what to answer (RFC 1928, RFC
//! 1929).

pub mod bind;
pub mod connect;
pub mod credentials;
pub mod handshake;
pub mod reply;
pub mod service;
pub mod target;
pub mod udp;
