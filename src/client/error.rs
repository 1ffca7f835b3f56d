//! Why there is no answer, in sentences that say what to do.

use std::fmt;
use std::io;

use super::ask::{Ask, Dialect};

/// Why an [`Ask`] has no [`Answer`](super::Answer).
#[derive(Debug)]
pub enum ClientError {
    /// The server does not do it; its reason.
    Refused {
        /// The command of `socksctl`.
        command: &'static str,
        /// Why not, and what to do.
        why: String,
    },
    /// The server does not let this admin in; its reason.
    LoginRefused {
        /// The admin's name, printable.
        name: String,
        /// Why not.
        why: String,
    },
    /// The server does not accept this token; its reason.
    TokenRefused(String),
    /// There is no way to the server, or it broke.
    Unreachable {
        /// As it was given.
        server: String,
        /// What the system says.
        error: io::Error,
    },
    /// The server was silent for too long.
    Timeout {
        /// As it was given.
        server: String,
        /// What was being done.
        doing: &'static str,
    },
    /// What came is nothing that the dialect knows.
    Protocol {
        /// As it was given.
        server: String,
        /// What is wrong with it.
        why: String,
    },
    /// The dialect has no words for it.
    Unsayable {
        /// The dialect that was to be spoken.
        dialect: Dialect,
        /// The command of `socksctl`.
        command: &'static str,
        /// The dialects that have.
        sayable_by: &'static [Dialect],
    },
    /// What was given can't be used; why, and what to do.
    Usage(String),
    /// Nothing can be written to standard output.
    Output(io::Error),
}

impl ClientError {
    /// Whether `dialect` can say `ask`.
    ///
    /// # Errors
    /// [`ClientError::Unsayable`] when it can't.
    pub fn check(dialect: Dialect, ask: &Ask) -> Result<(), Self> {
        let sayable = ask.sayable_by().contains(&dialect);
        if sayable { Ok(()) } else { Err(Self::unsayable(dialect, ask)) }
    }

    /// [`ClientError::Unsayable`]: that `dialect` has no words for `ask`.
    pub(super) fn unsayable(dialect: Dialect, ask: &Ask) -> Self {
        Self::Unsayable { dialect, command: ask.command(), sayable_by: ask.sayable_by() }
    }

    /// What `socksctl` exits with: 1 the server refused, or nothing can be written,
    /// 2 wrong usage, 3 no server was reached that answers.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Refused { .. }
            | Self::LoginRefused { .. }
            | Self::TokenRefused(_)
            | Self::Output(_) => 1,
            Self::Unsayable { .. } | Self::Usage(_) => 2,
            Self::Unreachable { .. } | Self::Timeout { .. } | Self::Protocol { .. } => 3,
        }
    }
}

impl fmt::Display for ClientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused { command, why } => write!(f, "the server refused {command}: {why}"),
            Self::LoginRefused { name, why } => write!(
                f,
                "the server refused the login of {name}: {why}; check SOCKSCTL_LOGIN or --login \
                 (after many failures it refuses every login for a while)"
            ),
            Self::TokenRefused(why) => {
                write!(f, "the server refused the token: {why}; check SOCKSCTL_TOKEN or --token")
            }
            Self::Unreachable { server, error } => write!(
                f,
                "can't reach {server}: {error}; check that socksd runs and --server names its \
                 management address"
            ),
            Self::Timeout { server, doing } => write!(
                f,
                "{doing} {server}: no answer in time; try again, or with a longer --timeout"
            ),
            Self::Protocol { server, why } => write!(
                f,
                "can't understand {server}: {why}; check that --server and --dialect belong \
                 together"
            ),
            Self::Unsayable { dialect, command, sayable_by } => {
                let sayable = Dialect::list(sayable_by, "and");
                let first = Dialect::list(sayable_by.get(..1).unwrap_or_default(), "or");
                write!(
                    f,
                    "{dialect} can't say {command}, only {sayable} can: use --dialect {first}"
                )
            }
            Self::Usage(why) => f.write_str(why),
            Self::Output(error) => write!(f, "writing to standard output failed: {error}"),
        }
    }
}

impl std::error::Error for ClientError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Unreachable { error, .. } | Self::Output(error) => Some(error),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_can_say_it_is_told() {
        let error = ClientError::check(Dialect::Shoes, &Ask::Connections).unwrap_err();
        assert_eq!(
            error.to_string(),
            "shoes can't say connections, only monitor and json can: use --dialect monitor"
        );
        let error = ClientError::check(Dialect::Oneshot, &Ask::Users).unwrap_err();
        assert_eq!(
            error.to_string(),
            "oneshot can't say users, only shoes, datagram and json can: use --dialect shoes"
        );
        assert!(ClientError::check(Dialect::Shoes, &Ask::Metrics).is_ok());
    }
}
