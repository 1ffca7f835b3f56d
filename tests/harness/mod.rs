//! What the black-box tests share: the process under test, bare TCP and UDP ends
//! with deadlines, the few moves of each protocol, and targets to proxy to.
//!
//! Nothing here uses the library: bytes are written down as the specifications
//! print them, so a mistake in a codec cannot hide in its own mirror.

pub mod clock;
pub mod file;
pub mod peer;
#[cfg(unix)]
pub mod pop3;
#[cfg(target_os = "linux")]
pub mod proc;
pub mod server;
pub mod shoes;
pub mod socks;
pub mod target;
#[cfg(unix)]
pub mod terminal;
pub mod udp;
pub mod web;
