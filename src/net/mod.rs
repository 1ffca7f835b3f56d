//! Sockets, threads, time and shutdown. Nothing here knows a protocol.

pub mod acceptor;
mod buffers;
pub mod close;
pub mod complaints;
pub mod control;
mod copier;
pub mod datagram_socket;
pub mod datagrams;
pub mod dial;
pub mod driver;
pub mod failure;
pub mod line_log;
pub mod local;
mod native;
pub mod pool;
pub mod refusals;
pub mod relay;
pub mod rendezvous;
#[cfg(all(target_os = "linux", feature = "native"))]
mod route;
pub mod session;
pub mod sources;
pub mod strangers;
pub mod watch;

pub use native::{CONNECTS_FROM, raise_descriptor_limit};
