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
pub struct Removal {
    /// Whose.
    pub name: Octets,
    /// Whether what it has open ends, too; absent: no.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cut: Option<bool>,
}

/// LIMIT_USER, asked.
#[derive(Debug, Serialize, Deserialize)]
pub struct Limitation {
    /// Whose.
    pub name: Octets,
    /// A member of [`UserLimits`].
    pub limit: String,
    /// A number, 0 for none, or for `expires` a date or `never`.
    pub value: Scalar,
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

/// DESCRIBE_USERS, answered; it is asked like LIST_USERS.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserDetails {
    /// Sorted by the octets of their names.
    pub users: Vec<UserDetail>,
    /// Whether there are more behind the last of these.
    pub more: bool,
}

/// A user, its limits and what it uses. Sizes are in octets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UserDetail {
    /// Its name.
    pub name: Octets,
    /// Connections that it has open.
    pub connections: u32,
    /// Octets from its clients since the start.
    pub bytes_up: u64,
    /// Octets to them.
    pub bytes_down: u64,
    /// Octets that count for the quota of the day (UTC).
    pub used_today: u64,
    /// Octets that count for the quota of the month.
    pub used_this_month: u64,
    /// What it may use.
    pub limits: UserLimits,
}

/// The limits of a user; the members are the names of LIMIT_USER, 0 is no limit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserLimits {
    /// Connections at once.
    pub max_connections: u32,
    /// Octets per second from its clients.
    pub rate_up: u64,
    /// Octets per second to them.
    pub rate_down: u64,
    /// Octets per day, both ways.
    pub quota_day: u64,
    /// Octets per month.
    pub quota_month: u64,
    /// The first day on which it is refused, `YYYY-MM-DD`.
    pub expires: Option<String>,
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

/// CUT_CONNECTION, asked: one of the two.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Cut {
    /// Which.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<u64>,
    /// Or all of whom.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<Octets>,
}

/// What was cut at once, answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CutCount {
    /// How many connections.
    pub cut: u64,
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

/// GET_RULES, asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleList {
    /// `clients`, `targets` or `user:NAME`.
    pub list: Octets,
}

/// GET_RULES, answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rules {
    /// A line each; the first that matches wins.
    pub rules: Vec<String>,
}

/// SET_RULES, asked: all rules of the list, in the place of all that it has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewRules {
    /// `clients`, `targets` or `user:NAME`.
    pub list: Octets,
    /// A line each.
    pub rules: Vec<String>,
}

/// SET_CONFIG, asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// A member of [`Config`].
    pub name: String,
    /// A number for all but `spoofing` (true or false) and `maildir` (a path).
    pub value: Scalar,
}
