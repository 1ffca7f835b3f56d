//! A client's line as the server's side understands it.

use super::{Command, split_word};

/// "Each argument may be up to 40 characters long" (RFC 1939, section 3). What `AUTH` carries may
/// be longer (RFC 5034, section 4).
pub const ARGUMENT_MAX: usize = 40;

/// A command with arguments that make sense. Messages are numbered from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Request<'a> {
    /// `USER name`, `PASS string` or `AUTH mechanism`.
    LogIn(Command<'a>),
    /// `CAPA`
    Capabilities,
    /// `STAT`
    Stat,
    /// `LIST [msg]`
    List(Option<u64>),
    /// `UIDL [msg]`
    UniqueIds(Option<u64>),
    /// `RETR msg`
    Retrieve(u64),
    /// `TOP msg n`
    Top {
        /// Which message.
        message: u64,
        /// How many lines of its body.
        lines: u64,
    },
    /// `DELE msg`
    Delete(u64),
    /// `NOOP`
    Nothing,
    /// `RSET`
    Reset,
    /// `QUIT`
    Quit,
}

/// Why a line is no [`Request`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestError {
    /// There is no such command.
    Unknown,
    /// An argument has more than [`ARGUMENT_MAX`] octets.
    TooLong,
    /// The arguments are not those of the command, which are these.
    Arguments(&'static str),
}

impl std::fmt::Display for RequestError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unknown => f.write_str("there is no such command"),
            Self::TooLong => write!(f, "an argument is longer than {ARGUMENT_MAX} characters"),
            Self::Arguments(usage) => write!(f, "use it like this: {usage}"),
        }
    }
}

impl std::error::Error for RequestError {}

impl<'a> Request<'a> {
    /// The request in a line without its end.
    ///
    /// # Errors
    ///
    /// [`RequestError`] says what to answer; the next line may be right.
    pub fn parse(line: &'a [u8]) -> Result<Self, RequestError> {
        let command = Command::parse(line);
        match command {
            Command::User(b"") => Err(RequestError::Arguments("USER name")),
            Command::Pass(b"") => Err(RequestError::Arguments("PASS password")),
            Command::User(word) | Command::Pass(word) if word.len() > ARGUMENT_MAX => {
                Err(RequestError::TooLong)
            }
            Command::User(_) | Command::Pass(_) | Command::Auth { .. } => Ok(Self::LogIn(command)),
            Command::Other { verb, argument } => Self::parse_other(verb, argument),
        }
    }

    fn parse_other(verb: &[u8], argument: &[u8]) -> Result<Self, RequestError> {
        let (first, second) = split_word(argument);
        let too_long = first.len() > ARGUMENT_MAX || second.len() > ARGUMENT_MAX;
        let (usage, request) = match verb.to_ascii_uppercase().as_slice() {
            b"CAPA" => ("CAPA", none(argument).map(|()| Self::Capabilities)),
            b"STAT" => ("STAT", none(argument).map(|()| Self::Stat)),
            b"NOOP" => ("NOOP", none(argument).map(|()| Self::Nothing)),
            b"RSET" => ("RSET", none(argument).map(|()| Self::Reset)),
            b"QUIT" => ("QUIT", none(argument).map(|()| Self::Quit)),
            b"LIST" => ("LIST [message]", optional(argument).map(Self::List)),
            b"UIDL" => ("UIDL [message]", optional(argument).map(Self::UniqueIds)),
            b"RETR" => ("RETR message", number(argument).map(Self::Retrieve)),
            b"DELE" => ("DELE message", number(argument).map(Self::Delete)),
            b"TOP" => {
                let both = number(first).zip(number(second));
                ("TOP message lines", both.map(|(message, lines)| Self::Top { message, lines }))
            }
            b"AUTH" => ("AUTH mechanism [initial-response]", None),
            _ => return Err(RequestError::Unknown),
        };
        if too_long {
            return Err(RequestError::TooLong);
        }
        request.ok_or(RequestError::Arguments(usage))
    }
}

fn none(argument: &[u8]) -> Option<()> {
    argument.is_empty().then_some(())
}

fn optional(argument: &[u8]) -> Option<Option<u64>> {
    if argument.is_empty() { Some(None) } else { number(argument).map(Some) }
}

/// Digits. What no mailbox can have anyway is all the same: the greatest number.
fn number(argument: &[u8]) -> Option<u64> {
    let digits = !argument.is_empty() && argument.iter().all(u8::is_ascii_digit);
    let digits = str::from_utf8(argument).ok().filter(|_| digits)?;
    Some(digits.parse().unwrap_or(u64::MAX))
}
