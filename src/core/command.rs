//! The one vocabulary of management: what can be asked, answered and denied.
//! A dialect translates its bytes to a [`Command`] and an [`Outcome`] or a
//! [`Denied`] back to bytes; there is nothing else it can say.

use std::fmt;

use super::account::{Name, Password};
use super::admins::AdminSecrets;
use super::entry::{ConnectionId, ConnectionView};
use super::limits::{UserDetail, UserLimit};
use super::metrics::Metrics;
use super::rules::{RuleChange, RuleList, Rules};
use super::settings::{Setting, Settings};

/// What an admin asks for.
#[derive(Debug, Clone)]
pub enum Command {
    /// The counters.
    GetMetrics,
    /// The names in the user directory.
    ListUsers,
    /// A new user.
    AddUser {
        /// Its name.
        name: Name,
        /// Its password.
        password: Password,
    },
    /// Another password for a user.
    EditUser {
        /// Its name.
        name: Name,
        /// The new password.
        password: Password,
    },
    /// Takes a user out of the directory.
    RemoveUser {
        /// Its name.
        name: Name,
        /// Whether what it has open ends, too.
        cut: bool,
    },
    /// The users with their limits and what they use.
    DescribeUsers,
    /// Changes one limit of a user; open connections obey it at once.
    LimitUser {
        /// Its name.
        name: Name,
        /// The change.
        limit: UserLimit,
    },
    /// A new admin.
    AddAdmin {
        /// Its name.
        name: Name,
        /// How it will log in.
        secrets: AdminSecrets,
    },
    /// Takes an admin out of the directory, unless it is the last.
    RemoveAdmin {
        /// Its name.
        name: Name,
    },
    /// The client connections that are open now.
    ListConnections,
    /// Ends one client connection.
    CutConnection(ConnectionId),
    /// Ends all client connections of a user, one that was removed included.
    CutUser(Name),
    /// The settings.
    GetConfig,
    /// Changes one setting.
    SetConfig(Setting),
    /// The rules of a list.
    GetRules(RuleList),
    /// Gives a list other rules, all at once.
    SetRules(RuleChange),
    /// Shuts the server down.
    Stop,
}

impl Command {
    /// The scope that a limited caller needs for it.
    pub fn scope(&self) -> &'static str {
        match self {
            Self::GetMetrics => "GET_METRICS",
            Self::ListUsers | Self::DescribeUsers => "LIST_USERS",
            Self::AddUser { .. } => "ADD_USER",
            Self::EditUser { .. } | Self::LimitUser { .. } => "EDIT_USER",
            Self::RemoveUser { .. } => "REMOVE_USER",
            Self::AddAdmin { .. } => "ADD_ADMIN",
            Self::RemoveAdmin { .. } => "REMOVE_ADMIN",
            Self::ListConnections => "LIST_CONNECTIONS",
            Self::CutConnection(_) | Self::CutUser(_) => "CUT_CONNECTION",
            Self::GetConfig => "GET_CONFIG",
            Self::SetConfig(_) => "SET_CONFIG",
            Self::GetRules(_) => "GET_RULES",
            Self::SetRules(_) => "SET_RULES",
            Self::Stop => "STOP",
        }
    }
}

/// The answer to a [`Command`] that was carried out.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// Done, and there is nothing to tell.
    Done,
    /// To [`Command::GetMetrics`].
    Metrics(Metrics),
    /// To [`Command::ListUsers`]: sorted by the octets of the names.
    Users(Vec<Name>),
    /// To [`Command::DescribeUsers`]: sorted likewise.
    UserDetails(Vec<UserDetail>),
    /// To [`Command::CutUser`] and to a removal that cuts: how many were ended.
    Cut(usize),
    /// To [`Command::ListConnections`]: sorted by their numbers.
    Connections(Vec<ConnectionView>),
    /// To [`Command::GetConfig`].
    Config(Box<Settings>),
    /// To [`Command::GetRules`].
    Rules(Rules),
}

/// Why a [`Command`] was not carried out. Nothing has changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Denied {
    /// The caller lacks this scope.
    Forbidden(&'static str),
    /// There is a user of this name already.
    UserExists(Name),
    /// There is no user of this name.
    UserUnknown(Name),
    /// The directory holds as many users as it may.
    UsersFull(u32),
    /// There is an admin of this name already.
    AdminExists(Name),
    /// There is no admin of this name.
    AdminUnknown(Name),
    /// Nobody could manage the server without this admin.
    LastAdmin(Name),
    /// There is no open connection of this number.
    ConnectionUnknown(ConnectionId),
    /// The change could not be stored, for this reason: the server's fault.
    NotStored(String),
}

impl fmt::Display for Denied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Forbidden(scope) => write!(f, "the scope {scope} is required"),
            Self::UserExists(name) => write!(f, "the user {name} exists already"),
            Self::UserUnknown(name) => write!(f, "there is no user {name}"),
            Self::UsersFull(cap) => write!(f, "there are {cap} users, no more are allowed"),
            Self::AdminExists(name) => write!(f, "the admin {name} exists already"),
            Self::AdminUnknown(name) => write!(f, "there is no admin {name}"),
            Self::LastAdmin(name) => write!(f, "{name} is the last admin and has to stay"),
            Self::ConnectionUnknown(id) => write!(f, "there is no open connection {id}"),
            Self::NotStored(why) => write!(f, "the change can't be stored: {why}"),
        }
    }
}

impl std::error::Error for Denied {}
