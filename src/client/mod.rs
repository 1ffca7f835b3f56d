//! Managing a server from outside: what `socksctl` does, for programs.
//!
//! What can be asked is an [`Ask`], whatever the dialect; what comes back is an
//! [`Answer`] that claims no more than the dialect has said.
//!
//! ```no_run
//! use std::time::Duration;
//!
//! use socksd::client::{self, Answer, Ask, Credentials, Dialect, Login, Secret};
//! use socksd::core::Name;
//!
//! let login = Login { name: Name::new(b"root")?, password: Secret::new(b"secret")? };
//! let login = Credentials::Login(login);
//! let patience = Duration::from_secs(10);
//! let mut server = client::connect(Dialect::Shoes, "127.0.0.1:8080", &login, patience)?;
//! server.say(&Ask::AddUser { name: Name::new(b"ana")?, password: Secret::new(b"1234")? })?;
//! if let Answer::Users { names, .. } = server.say(&Ask::Users)? {
//!     println!("{} users", names.len());
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! One more dialect is a file here that implements [`Client`], an arm of
//! [`connect`] and its name in [`Dialect`].

mod answer;
pub mod args;
mod ask;
mod commands;
mod connection;
mod credentials;
mod datagram;
mod error;
mod figures;
mod json;
mod manual;
mod monitor;
mod oneshot;
mod printable;
pub mod prompt;
pub mod render;
mod shoes;
mod user_table;
pub mod watch;

use std::time::Duration;

pub use answer::{Answer, Fact, Machine, MachineSample, OpenConnection, UserDetail, Value};
pub use ask::{Ask, Dialect, Login, Secret};
pub use credentials::{Credentials, Token};
pub use datagram::DatagramClient;
pub use error::ClientError;
pub use json::JsonClient;
pub use monitor::MonitorClient;
pub use oneshot::OneshotClient;
pub use shoes::ShoesClient;

/// A conversation with a server in some dialect, logged in.
pub trait Client {
    /// Asks, and waits for the answer.
    ///
    /// # Errors
    /// [`ClientError::Unsayable`] before anything is sent; everything else that
    /// can go wrong on the way, or the server's refusal. After another error than
    /// the first the conversation is over.
    fn say(&mut self, ask: &Ask) -> Result<Answer, ClientError>;
}

/// Connects to `server` (`HOST:PORT`) and logs in. `patience` is how long
/// connecting may take, and then each answer.
///
/// # Errors
/// [`ClientError::Usage`] when the dialect wants the other kind of credentials;
/// otherwise what [`ShoesClient::connect`] and its like say.
pub fn connect(
    dialect: Dialect,
    server: &str,
    credentials: &Credentials,
    patience: Duration,
) -> Result<Box<dyn Client>, ClientError> {
    match (dialect, credentials) {
        (Dialect::Shoes, Credentials::Login(login)) => {
            Ok(Box::new(ShoesClient::connect(server, login, patience)?))
        }
        (Dialect::Monitor, Credentials::Login(login)) => {
            Ok(Box::new(MonitorClient::connect(server, login, patience)?))
        }
        (Dialect::Oneshot, Credentials::Token(token)) => {
            Ok(Box::new(OneshotClient::new(server, token, patience)?))
        }
        (Dialect::Json, Credentials::Token(token)) => {
            Ok(Box::new(JsonClient::connect(server, token, patience)?))
        }
        (Dialect::Datagram, Credentials::Token(token)) => {
            Ok(Box::new(DatagramClient::connect(server, token, patience)?))
        }
        (other, _) => {
            let wanted = if other.takes_token() { "a token" } else { "a login" };
            Err(ClientError::Usage(format!("{other} can't be used: give it {wanted}")))
        }
    }
}
