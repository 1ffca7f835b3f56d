//! Sockets, threads, time and shutdown. Nothing here knows a protocol.

pub mod session;
pub mod watch;
