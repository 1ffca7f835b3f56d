//! What a browser and Prometheus may look at: a small HTTP/1.1 server (RFC 9110, RFC
//! 9112) that answers one request per connection.
//!
//! - `/`: the live page, with its style, its icon and its scripts, from `page/`.
//! - `/live.json`: what it shows.
//! - `/metrics`: all counters in Prometheus' text format, version 0.0.4.
//! - `/healthz`: `ok` while the server serves; needs no token.
//! - `/cut`, by POST: ends a connection, or all of a user, for an admin who logs in
//!   with it.
//!
//! GET and HEAD change nothing. Without a token only this machine can ask, and a
//! browser on it only with an address or `localhost` in its address bar: a stranger's
//! page whose name has been made to point here is told 421. `/cut` is refused unless
//! a page from here asks for it.

mod cut;
mod limits;
mod live;
mod metrics;
mod page;
mod query;
mod request;
mod response;
mod service;
mod session;

pub use cut::BODY_MAX;
pub use metrics::{Sources, exposition};
pub use request::HEAD_MAX;
pub use service::Service;
pub use session::HttpSession;

/// The name of the service in logs and in thread names.
pub const NAME: &str = "http";
