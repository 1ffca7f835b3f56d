//! What stands in the `data` of each action: asked and answered.

use serde::{Deserialize, Serialize};
use serde_json::Number;

use super::text::{Octets, Scalar};

/// AUTH, asked.
#[derive(Serialize, Deserialize)]
pub struct Auth {
    /// A JWT; other values count as none.
    pub token: Option<Scalar>,
}

/// AUTH, answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SessionOpened {
    /// A name for the session, in logs of the client.
    pub session_id: String,
    /// What the token allows.
    pub scopes: Vec<String>,
}

/// PING, answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pong {
    /// The server's clock, in milliseconds since 1970.
    pub timestamp: u64,
}

/// QUIT, answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Goodbye {
    /// A word.
    pub message: String,
}

/// GET_OS_INFO, asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// How long to look, 1-3600; absent: 60.
    pub seconds: Option<u32>,
}

/// GET_OS_INFO, answered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OsInfo {
    /// How long the machine has been up.
    pub uptime_seconds: u64,
    /// Which system it is: `linux`, `macos`, `windows` ...
    pub os: String,
    /// One for each second of the window, oldest first.
    pub samples: Vec<Sample>,
}

/// How busy the machine was during one second.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// The part of all processors that was busy, 0-1.
    pub cpu: f64,
    /// Memory in use, in MiB.
    pub mem: u64,
    /// When the second ended, in milliseconds since 1970.
    pub time: u64,
}

/// Whatever is done without anything to tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Nothing {}

/// GET_METRICS, answered. Times are in seconds, sizes in octets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "core::Metrics says what each of them counts")]
pub struct Metrics {
    pub historic: u64,
    pub current: u64,
    pub max_current: u64,
    pub bytes: u64,
    pub bytes_up: u64,
    pub bytes_down: u64,
    pub active_users: u64,
    pub refused: u64,
    pub failed_logins: u64,
    pub uptime_seconds: u64,
}

/// ADD_USER and EDIT_USER, asked.
#[derive(Serialize, Deserialize)]
pub struct Account {
    /// Whose.
    pub name: Octets,
    /// The new password.
    pub password: Octets,
}

/// REMOVE_USER, asked.
#[derive(Debug, Serialize, Deserialize)]
pub struct Named {
    /// Whose.
    pub name: Octets,
}

/// LIST_USERS, asked.
#[derive(Debug, Serialize, Deserialize)]
pub struct UsersAfter {
    /// Only names behind this one.
    pub after: Option<Octets>,
}

/// LIST_USERS, answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Users {
    /// Sorted by their octets.
    pub users: Vec<Octets>,
    /// Whether there are more behind the last of these.
    pub more: bool,
}

/// LIST_CONNECTIONS, asked.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct ConnectionsAfter {
    /// Only numbers over this one.
    pub after: Option<u64>,
}

/// LIST_CONNECTIONS, answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connections {
    /// Sorted by their numbers.
    pub connections: Vec<Connection>,
    /// Whether there are more behind the last of these.
    pub more: bool,
}

/// An open connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Connection {
    /// Its number, for CUT_CONNECTION.
    pub id: u64,
    /// `socks` or `pop3`.
    pub service: String,
    /// Whose it is: `-` before that is known, `anonymous` with open access.
    pub user: String,
    /// Where it came from, `ADDRESS:PORT`.
    pub client: String,
    /// Where it goes; null while that is not known.
    pub target: Option<String>,
    /// `handshake`, `open` or `half-closed`.
    pub state: String,
    /// Octets from the client.
    pub bytes_up: u64,
    /// Octets to the client.
    pub bytes_down: u64,
    /// How long it has been open.
    pub age_seconds: u64,
}

/// CUT_CONNECTION, asked.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Numbered {
    /// Which.
    pub id: u64,
}

/// GET_CONFIG, answered; the members are the names of SET_CONFIG.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Config {
    /// Seconds of silence that a connection may have.
    pub timeout: Number,
    /// Client connections at once.
    pub max_connections: u32,
    /// Those of one user; 0: no limit.
    pub max_per_user: u32,
    /// Those from one address; 0: no limit.
    pub max_per_address: u32,
    /// New ones per second from one address; 0: no limit.
    pub max_new_per_address: u32,
    /// Accounts in the user directory.
    pub max_users: u32,
    /// Octets of a relay's buffer; 0: grows with the traffic.
    pub buffer_size: u16,
    /// Names in a page of the datagram dialect's list.
    pub page_size: u8,
    /// Whether the credential monitor is on.
    pub spoofing: bool,
    /// The folder of the mailboxes.
    pub maildir: Option<String>,
}

/// SET_CONFIG, asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// A member of [`Config`].
    pub name: String,
    /// A number for all but `spoofing` (true or false) and `maildir` (a path).
    pub value: Scalar,
}
