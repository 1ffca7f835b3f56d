//! Sockets, threads, time and shutdown. Nothing here knows a protocol.

pub mod acceptor;
mod buffers;
pub mod close;
mod complaints;
mod copier;
pub mod datagrams;
pub mod dial;
pub mod driver;
pub mod failure;
pub mod line_log;
mod native;
pub mod pool;
pub mod relay;
pub mod session;
pub mod watch;

pub use native::raise_descriptor_limit;
