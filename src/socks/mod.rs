//! The conversation with a client of the proxy, and what becomes of its connection.

pub mod credentials;
