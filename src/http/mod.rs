//! What Prometheus and health checks may look at: a small HTTP/1.1 server (RFC
//! 9110, RFC 9112) that answers one GET or HEAD per connection and changes nothing.
//!
//! - `/metrics`: all counters in Prometheus' text format, version 0.0.4.
//! - `/healthz`: `ok` while the server serves; needs no token.
//!
//! Without a token only this machine can ask, and a browser on it only with an
//! address or `localhost` in its address bar: a stranger's page whose name has been
//! made to point here is told 421.

mod metrics;
mod request;
mod response;
mod service;
mod session;

pub use metrics::{Sources, exposition};
pub use request::HEAD_MAX;
pub use service::Service;
pub use session::HttpSession;

/// The name of the service in logs and in thread names.
pub const NAME: &str = "http";
