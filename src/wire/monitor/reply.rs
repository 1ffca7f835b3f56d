//! What the server answers.
//!
//! ```text
//! STATS         OK connections:N bytes:N users:N concurrent:N max_concurrent:N uptime:S
//! CONNECTIONS   OK current:N max:N allowed:N
//!       list       ... id:I,user:U,client:A,target:T,state:S,bytes:N,age:S ...
//! USERS         OK No active users      OK name:address name:address
//! CONFIG        OK timeout set to 1
//! any           ERR what is wrong
//! ```

use std::fmt::{self, Write};
use std::net::IpAddr;
use std::str::FromStr;

use super::Request;

/// The words of the document for an empty list.
const NO_USERS: &str = "No active users";

/// The line that answers a [`Request`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// To [`Request::Stats`].
    Stats(Stats),
    /// To [`Request::Connections`].
    Connections(Totals, Vec<Row>),
    /// To [`Request::Users`]: who is connected, from where.
    Users(Vec<(String, IpAddr)>),
    /// To [`Request::Config`].
    Set {
        /// The name of the setting.
        parameter: String,
        /// What it is now; without spaces and control characters.
        value: String,
    },
    /// To any: what is wrong, a [`Refusal`] or why the server does not do it.
    Refused(String),
}

/// The counters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stats {
    /// Connections since the start.
    pub connections: u64,
    /// Payload octets in both directions.
    pub bytes: u64,
    /// Users with an open connection.
    pub users: u64,
    /// Connections open now.
    pub concurrent: u64,
    /// The most that were open at once.
    pub max_concurrent: u64,
    /// Seconds since the start.
    pub uptime: u64,
}

/// The connections in numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Totals {
    /// Open now.
    pub current: u64,
    /// The most that were open at once.
    pub max: u64,
    /// The most that may be open at once.
    pub allowed: u64,
}

/// A connection of the list. Its texts are for people: what would end one early, a space, a comma
/// or a control character, is said as `\xNN`, and stays so when it is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Its number.
    pub id: u64,
    /// Who it is.
    pub user: String,
    /// Where it comes from.
    pub client: String,
    /// Where it goes, `-` while unknown.
    pub target: String,
    /// What it is doing.
    pub state: String,
    /// Payload octets in both directions.
    pub bytes: u64,
    /// Seconds since it was accepted.
    pub age: u64,
}

/// What is wrong with a client's line. Octets that are said back are printable: others, and the
/// backslash, appear as `\xNN`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// The banner has no two parts. The server closes.
    InvalidBanner,
    /// The banner's version is not 1.x. The server closes.
    UnsupportedVersion(Vec<u8>),
    /// The line is over [`super::LINE_MAX`] octets. The server closes.
    LineTooLong,
    /// The line has no word.
    EmptyCommand,
    /// A command's or parameter's name is none.
    InvalidName,
    /// No command has this name.
    UnknownCommand(Vec<u8>),
    /// The command has other arguments: so it is said.
    Usage(&'static str),
    /// No parameter has this name.
    UnknownParameter(String),
    /// The parameter does not take this value.
    InvalidValue {
        /// Its name.
        parameter: String,
        /// The value, as it came.
        value: Vec<u8>,
    },
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InvalidBanner => f.write_str("Invalid banner"),
            Self::UnsupportedVersion(version) => {
                write!(f, "Unsupported version: {}", Echo(version))
            }
            Self::LineTooLong => f.write_str("Line too long"),
            Self::EmptyCommand => f.write_str("Empty command"),
            Self::InvalidName => f.write_str("Invalid name"),
            Self::UnknownCommand(command) => write!(f, "Unknown command: {}", Echo(command)),
            Self::Usage(usage) => write!(f, "Usage: {usage}"),
            Self::UnknownParameter(name) => write!(f, "Unknown config parameter: {name}"),
            Self::InvalidValue { parameter, value } => {
                write!(f, "Invalid {parameter} value: {}", Echo(value))
            }
        }
    }
}

/// A peer's octets, said back.
struct Echo<'a>(&'a [u8]);

impl fmt::Display for Echo<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for &octet in self.0 {
            match octet {
                b'\\' => f.write_str("\\x5c")?,
                b' '..=b'~' => f.write_char(octet.into())?,
                _ => write!(f, "\\x{octet:02x}")?,
            }
        }
        Ok(())
    }
}

/// A text as one word of the list.
struct Word<'a>(&'a str);

impl fmt::Display for Word<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            if c == ' ' || c == ',' || c.is_control() {
                write!(f, "\\x{:02x}", u32::from(c))?;
            } else {
                f.write_char(c)?;
            }
        }
        Ok(())
    }
}

impl Reply {
    /// Appends the line to `out`.
    pub fn encode(&self, out: &mut Vec<u8>) {
        super::put_line(out, &self.to_string());
    }

    /// The reply to `request` in a line without its end.
    ///
    /// # Errors
    ///
    /// [`ReplyError`] when no such request is answered so.
    pub fn parse(request: &Request, line: &str) -> Result<Self, ReplyError> {
        if let Some(why) = line.strip_prefix("ERR ") {
            return Ok(Self::Refused(why.into()));
        }
        let said = line.strip_prefix("OK ").ok_or(ReplyError)?;
        match request {
            Request::Stats => Stats::parse(said).map(Self::Stats),
            Request::Connections { list } => parse_connections(said, *list),
            Request::Users => parse_users(said).map(Self::Users),
            Request::Config { .. } => {
                let (parameter, value) = said.split_once(" set to ").ok_or(ReplyError)?;
                Ok(Self::Set { parameter: parameter.into(), value: value.into() })
            }
            Request::Quit => Err(ReplyError),
        }
    }
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stats(stats) => write!(f, "OK {stats}"),
            Self::Connections(Totals { current, max, allowed }, rows) => {
                write!(f, "OK current:{current} max:{max} allowed:{allowed}")?;
                rows.iter().try_for_each(|row| write!(f, " {row}"))
            }
            Self::Users(users) if users.is_empty() => write!(f, "OK {NO_USERS}"),
            Self::Users(users) => {
                f.write_str("OK")?;
                let mut users = users.iter();
                users.try_for_each(|(name, from)| write!(f, " {}:{from}", Word(name)))
            }
            Self::Set { parameter, value } => write!(f, "OK {parameter} set to {value}"),
            Self::Refused(why) => write!(f, "ERR {why}"),
        }
    }
}

impl fmt::Display for Stats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { connections, bytes, users, concurrent, max_concurrent, uptime } = self;
        write!(f, "connections:{connections} bytes:{bytes} users:{users} ")?;
        write!(f, "concurrent:{concurrent} max_concurrent:{max_concurrent} uptime:{uptime}")
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, user, client, target, state, bytes, age } = self;
        write!(f, "id:{id},user:{},client:{},", Word(user), Word(client))?;
        write!(f, "target:{},state:{},bytes:{bytes},age:{age}", Word(target), Word(state))
    }
}

impl Stats {
    fn parse(said: &str) -> Result<Self, ReplyError> {
        let mut words = said.split(' ');
        let stats = Self {
            connections: field(words.next(), "connections")?,
            bytes: field(words.next(), "bytes")?,
            users: field(words.next(), "users")?,
            concurrent: field(words.next(), "concurrent")?,
            max_concurrent: field(words.next(), "max_concurrent")?,
            uptime: field(words.next(), "uptime")?,
        };
        words.next().is_none().then_some(stats).ok_or(ReplyError)
    }
}

impl Row {
    fn parse(word: &str) -> Result<Self, ReplyError> {
        let mut parts = word.split(',');
        let row = Self {
            id: field(parts.next(), "id")?,
            user: field(parts.next(), "user")?,
            client: field(parts.next(), "client")?,
            target: field(parts.next(), "target")?,
            state: field(parts.next(), "state")?,
            bytes: field(parts.next(), "bytes")?,
            age: field(parts.next(), "age")?,
        };
        parts.next().is_none().then_some(row).ok_or(ReplyError)
    }
}

fn parse_connections(said: &str, list: bool) -> Result<Reply, ReplyError> {
    let mut words = said.split(' ');
    let totals = Totals {
        current: field(words.next(), "current")?,
        max: field(words.next(), "max")?,
        allowed: field(words.next(), "allowed")?,
    };
    let rows: Vec<Row> = words.map(Row::parse).collect::<Result<_, _>>()?;
    (list || rows.is_empty()).then_some(Reply::Connections(totals, rows)).ok_or(ReplyError)
}

fn parse_users(said: &str) -> Result<Vec<(String, IpAddr)>, ReplyError> {
    if said == NO_USERS {
        return Ok(Vec::new());
    }
    let user = |word: &str| {
        let (name, from) = word.split_once(':').ok_or(ReplyError)?;
        Ok((name.into(), from.parse().map_err(|_| ReplyError)?))
    };
    said.split(' ').map(user).collect()
}

/// The value of `name:value`.
fn field<T: FromStr>(word: Option<&str>, name: &str) -> Result<T, ReplyError> {
    let value = word.and_then(|word| word.strip_prefix(name)?.strip_prefix(':'));
    value.and_then(|value| value.parse().ok()).ok_or(ReplyError)
}

/// The line answers no such request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReplyError;

impl fmt::Display for ReplyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the line is no reply of SOCKS-MONITOR to what was asked")
    }
}

impl std::error::Error for ReplyError {}
