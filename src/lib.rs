//! A SOCKS5 proxy in plain blocking Rust that an administrator can steer while it runs.
#![forbid(unsafe_code)]

pub mod client;
pub mod core;
pub mod manage;
pub mod net;
pub mod wire;
