//! A SOCKS5 proxy in plain blocking Rust that an administrator can steer while it runs.
#![forbid(unsafe_code)]

pub mod args;
pub mod core;
pub mod logger;
pub mod manage;
pub mod net;
pub mod server;
pub mod socks;
pub mod welcome;
pub mod wire;
