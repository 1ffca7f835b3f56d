//! A SOCKS5 proxy in plain blocking Rust that an administrator can steer while it runs.
#![forbid(unsafe_code)]

pub mod core;
pub mod net;
pub mod socks;
pub mod wire;
