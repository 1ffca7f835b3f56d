//! What a server has said, and no more.

use crate::core::{RuleList, UserLimits};

/// The answer to an [`Ask`](super::Ask).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It was done, and there is nothing to tell.
    Done,
    /// Numbers and states. Which ones depends on the dialect: a counter that it
    /// can't carry is absent, not zero.
    Facts(Vec<Fact>),
    /// The names of users, in the server's order.
    Users {
        /// 1-255 octets each, ISO 8859-1 by convention.
        names: Vec<Vec<u8>>,
        /// Whether these are all; `false` when the dialect has room for no more.
        complete: bool,
    },
    /// The users with their limits, in the server's order.
    UserDetails(Vec<UserDetail>),
    /// So many connections were ended.
    Cut(u64),
    /// The client connections that are open, in the server's order.
    Connections(Vec<OpenConnection>),
    /// Lists of rules: what they are called, and their rules in order. The texts are
    /// the server's; who shows them makes them printable.
    Rules(Vec<(RuleList, Vec<String>)>),
    /// How the server's machine is doing.
    Machine(Machine),
}

/// A user, what it uses and what it may. Sizes are in octets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserDetail {
    /// 1-255 octets, ISO 8859-1 by convention.
    pub name: Vec<u8>,
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

/// The server's machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Machine {
    /// Seconds since it started.
    pub uptime: u64,
    /// Which system it is.
    pub system: String,
    /// One for each second that was looked at.
    pub samples: Vec<MachineSample>,
}

/// How busy a machine was during one second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MachineSample {
    /// The part of its processors that was, in hundredths of a percent.
    pub busy: u16,
    /// Octets of memory in use.
    pub memory: u64,
    /// When the second ended, in milliseconds since 1970.
    pub time: u64,
}

/// A client connection of the server. The texts are the server's; who shows them
/// makes them printable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenConnection {
    /// Its number.
    pub id: u64,
    /// Who it is, `anonymous` without a login, `-` before it.
    pub user: String,
    /// Where it comes from.
    pub client: String,
    /// Where it goes, once known.
    pub target: Option<String>,
    /// What it is doing.
    pub state: String,
    /// Payload octets in both directions.
    pub bytes: u64,
    /// Those from the client, where the dialect tells the directions apart.
    pub up: Option<u64>,
    /// Those to the client, likewise.
    pub down: Option<u64>,
    /// Seconds since it was accepted.
    pub age: u64,
}

/// One thing that is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// For programs: `bytes`.
    pub name: &'static str,
    /// For people: `bytes relayed`.
    pub meaning: &'static str,
    /// What it is at this moment.
    pub value: Value,
}

/// The value of a [`Fact`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// How many.
    Count(u64),
    /// How many octets.
    Octets(u64),
    /// This many, or more: the dialect has room for no larger number.
    CountOrMore(u64),
    /// This many octets, or more.
    OctetsOrMore(u64),
    /// How many seconds.
    Seconds(u64),
    /// On or off.
    Switch(bool),
    /// A text of the server; who shows it makes it printable.
    Text(String),
}
