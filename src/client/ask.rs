//! What can be asked, and which dialect can say it.

use std::fmt;
use std::str::FromStr;

use crate::core::{
    BadAccount, ConnectionId, MAX_LENGTH, Name, RuleChange, RuleList, Setting, UserLimit, latin1,
};

/// A request to the server, whatever the dialect. It is not a
/// [`Command`](crate::core::Command): a password in one of those can't be read
/// again, and a folder in one exists on this machine.
#[derive(Debug, Clone)]
pub enum Ask {
    /// The counters.
    Metrics,
    /// The names in the user directory.
    Users,
    /// A new user.
    AddUser {
        /// Its name.
        name: Name,
        /// Its password.
        password: Secret,
    },
    /// A user less.
    RemoveUser {
        /// Its name.
        name: Name,
        /// Whether what it has open ends, too.
        cut: bool,
    },
    /// The users with their limits and what they use.
    DescribeUsers,
    /// Another limit for a user.
    LimitUser {
        /// Its name.
        name: Name,
        /// The change.
        limit: UserLimit,
    },
    /// Another password for a user.
    EditUser {
        /// Its name.
        name: Name,
        /// The new password.
        password: Secret,
    },
    /// The connections that are open now.
    Connections,
    /// All settings.
    Settings,
    /// One setting changes. [`Setting::Maildir`] and rules can't be said: see
    /// [`Ask::Maildir`] and [`Ask::SetRules`].
    Configure(Setting),
    /// Whether the credential monitor is on.
    Spoofing,
    /// The page size of the datagram dialect's user list.
    PageSize,
    /// Another folder, on the server, for the mailboxes.
    Maildir(String),
    /// A new admin.
    AddAdmin {
        /// Its name.
        name: Name,
        /// Its token.
        token: Secret,
    },
    /// An admin less.
    RemoveAdmin {
        /// Its name.
        name: Name,
    },
    /// One connection ends.
    Cut(ConnectionId),
    /// The rules of these lists.
    Rules(Vec<RuleList>),
    /// Other rules for a list.
    SetRules(RuleChange),
    /// All connections of a user end.
    CutUser(Name),
    /// How the server's machine is doing.
    OsInfo {
        /// For how long to look, 1-3600: one sample each.
        seconds: u32,
    },
    /// Whether anybody is there.
    Ping,
    /// The server shuts down.
    Stop,
}

impl Ask {
    /// The command of `socksctl` that says it.
    pub fn command(&self) -> &'static str {
        match self {
            Self::Metrics => "metrics",
            Self::Users | Self::DescribeUsers => "users",
            Self::AddUser { .. } => "add-user",
            Self::RemoveUser { cut: false, .. } => "remove-user",
            Self::RemoveUser { cut: true, .. } => "remove-user --cut",
            Self::EditUser { .. } => "edit-user",
            Self::Connections => "connections",
            Self::Configure(Setting::BufferSize(Some(_))) => "buffer-size",
            Self::Configure(Setting::BufferSize(None)) => "buffer-size 0",
            Self::Configure(Setting::Spoofing(_)) | Self::Spoofing => "spoofing",
            Self::Configure(Setting::PageSize(_)) | Self::PageSize => "page-size",
            Self::Configure(_) => "config",
            Self::Settings => "settings",
            Self::Maildir(_) => "maildir",
            Self::AddAdmin { .. } => "add-admin",
            Self::RemoveAdmin { .. } => "remove-admin",
            Self::Cut(_) | Self::CutUser(_) => "cut",
            Self::LimitUser { .. } => "limit-user",
            Self::Rules(_) => "rules",
            Self::SetRules(_) => "set-rules",
            Self::OsInfo { .. } => "os-info",
            Self::Ping => "ping",
            Self::Stop => "stop",
        }
    }

    /// The dialects in which it can be said.
    pub fn sayable_by(&self) -> &'static [Dialect] {
        use Dialect::{Datagram, Json, Monitor, Oneshot, Shoes};
        match self {
            Self::Metrics => &[Shoes, Monitor, Datagram, Oneshot, Json],
            // USERS of the monitor lists who is connected, not who may be.
            Self::Users => &[Shoes, Datagram, Json],
            Self::RemoveUser { cut: true, .. } => &[Json],
            Self::DescribeUsers | Self::LimitUser { .. } | Self::CutUser(_) => &[Json],
            Self::AddUser { .. } | Self::RemoveUser { .. } => &[Shoes, Datagram, Oneshot, Json],
            Self::EditUser { .. } => &[Shoes, Json],
            Self::Connections => &[Monitor, Json],
            Self::Configure(setting) => sayable_setting(setting),
            Self::Spoofing => &[Shoes, Json],
            Self::PageSize => &[Datagram, Json],
            Self::Maildir(_) => &[Oneshot, Json],
            Self::AddAdmin { .. } | Self::RemoveAdmin { .. } => &[Oneshot],
            Self::Settings | Self::Cut(_) | Self::OsInfo { .. } | Self::Ping => &[Json],
            Self::Rules(_) | Self::SetRules(_) => &[Json],
            Self::Stop => &[Datagram],
        }
    }
}

fn sayable_setting(setting: &Setting) -> &'static [Dialect] {
    use Dialect::{Datagram, Json, Monitor, Oneshot, Shoes};
    match setting {
        Setting::BufferSize(Some(_)) => &[Shoes, Monitor, Oneshot, Json],
        Setting::BufferSize(None) => &[Monitor, Json],
        Setting::Timeout(_) | Setting::MaxConnections(_) | Setting::MaxUsers(_) => &[Monitor, Json],
        Setting::MaxPerUser(_) | Setting::MaxPerAddress(_) | Setting::MaxNewPerAddress(_) => {
            &[Json]
        }
        Setting::PageSize(_) => &[Datagram, Json],
        Setting::Spoofing(_) => &[Shoes, Json],
        Setting::Maildir(_) | Setting::ClientRules(_) | Setting::TargetRules(_) => &[],
    }
}

/// A management protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// Binary sessions over TCP.
    Shoes,
    /// Lines of text over TCP.
    Monitor,
    /// Datagrams.
    Datagram,
    /// One binary request for each TCP connection.
    Oneshot,
    /// Frames of JSON over TCP.
    Json,
}

impl Dialect {
    /// All that a server can be asked in.
    pub const ALL: [Self; 5] =
        [Self::Shoes, Self::Monitor, Self::Datagram, Self::Oneshot, Self::Json];

    /// Whether its credentials are a token; the others want a login.
    pub fn takes_token(self) -> bool {
        matches!(self, Self::Datagram | Self::Oneshot | Self::Json)
    }

    /// Their names as a list: `shoes, monitor or json`, with that word at the end.
    pub fn list(dialects: &[Self], word: &str) -> String {
        let names: Vec<String> = dialects.iter().map(Self::to_string).collect();
        match names.split_last() {
            Some((last, [])) => last.clone(),
            Some((last, others)) => format!("{} {word} {last}", others.join(", ")),
            None => "none".into(),
        }
    }
}

impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Shoes => "shoes",
            Self::Monitor => "monitor",
            Self::Datagram => "datagram",
            Self::Oneshot => "oneshot",
            Self::Json => "json",
        })
    }
}

impl FromStr for Dialect {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|dialect| dialect.to_string() == text);
        found.ok_or_else(|| format!("use {}", Self::list(&Self::ALL, "or")))
    }
}

/// Who logs in.
#[derive(Debug, Clone)]
pub struct Login {
    /// The admin's name.
    pub name: Name,
    /// The admin's password.
    pub password: Secret,
}

impl Login {
    /// Reads `NAME:PASS`; the password may hold more colons.
    ///
    /// # Errors
    /// A sentence that does not repeat the text.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (name, password) = text.split_once(':').ok_or("it holds no ':', write NAME:PASS")?;
        let name = Name::new(&latin1(name)?).map_err(|why| format!("the name: {why}"))?;
        let password = Secret::parse(password).map_err(|why| format!("the password: {why}"))?;
        Ok(Self { name, password })
    }
}

/// A password or token on its way to the server: 1-255 octets that never show in
/// `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Vec<u8>);

impl Secret {
    /// Accepts 1-255 octets.
    ///
    /// # Errors
    /// [`BadAccount`] when there are none, or more.
    pub fn new(octets: &[u8]) -> Result<Self, BadAccount> {
        match octets.len() {
            0 => Err(BadAccount::Empty),
            1..=MAX_LENGTH => Ok(Self(octets.to_vec())),
            _ => Err(BadAccount::TooLong),
        }
    }

    /// Accepts 1-255 letters of ISO 8859-1.
    ///
    /// # Errors
    /// A sentence that does not repeat the text.
    pub fn parse(text: &str) -> Result<Self, String> {
        Self::new(&latin1(text)?).map_err(|why| why.to_string())
    }

    /// The octets, as they go on the wire.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// One of each, for the tests of the dialects.
#[cfg(test)]
pub(super) fn every_ask() -> Vec<Ask> {
    let (name, secret) = (Name::new(b"ana").unwrap(), Secret::new(b"x").unwrap());
    let setting = |name, value| Ask::Configure(Setting::parse(name, value).unwrap());
    vec![
        Ask::Metrics,
        Ask::Users,
        Ask::AddUser { name: name.clone(), password: secret.clone() },
        Ask::EditUser { name: name.clone(), password: secret.clone() },
        Ask::RemoveUser { name: name.clone(), cut: false },
        Ask::RemoveUser { name: name.clone(), cut: true },
        Ask::DescribeUsers,
        Ask::LimitUser { name: name.clone(), limit: UserLimit::RateUp(None) },
        Ask::CutUser(name.clone()),
        Ask::Connections,
        Ask::Settings,
        setting("buffer_size", "4096"),
        setting("buffer_size", "0"),
        setting("timeout", "1"),
        setting("max_users", "1"),
        setting("max_connections", "1"),
        setting("max_per_user", "1"),
        setting("max_per_address", "1"),
        setting("max_new_per_address", "1"),
        Ask::Configure(Setting::Spoofing(true)),
        Ask::Spoofing,
        Ask::PageSize,
        Ask::Maildir("/m".into()),
        Ask::AddAdmin { name: name.clone(), token: secret },
        Ask::RemoveAdmin { name },
        Ask::Cut(ConnectionId(7)),
        Ask::Rules(vec![RuleList::Clients]),
        Ask::SetRules(RuleChange::parse(RuleList::Targets, ["deny *"]).unwrap()),
        Ask::OsInfo { seconds: 1 },
        Ask::Ping,
        Ask::Stop,
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_splits_at_the_first_colon() {
        let login = Login::parse("root:a:b").unwrap();
        assert_eq!((login.name.as_bytes(), login.password.as_bytes()), (&b"root"[..], &b"a:b"[..]));
        for wrong in ["root", ":x", "root:", "root:\u{20ac}"] {
            let why = Login::parse(wrong).unwrap_err();
            assert!(!why.contains(wrong), "{why}");
        }
        assert!(!format!("{login:?}").contains("a:b"));
    }

    #[test]
    fn dialects_have_their_names() {
        for dialect in Dialect::ALL {
            assert_eq!(dialect.to_string().parse(), Ok(dialect));
        }
        let why = "ftp".parse::<Dialect>().unwrap_err();
        assert_eq!(why, "use shoes, monitor, datagram, oneshot or json");
    }

    #[test]
    fn a_setting_is_sayable_where_it_exists() {
        let size = |text| Ask::Configure(Setting::parse("buffer_size", text).unwrap());
        assert!(size("512").sayable_by().contains(&Dialect::Shoes));
        assert!(!size("0").sayable_by().contains(&Dialect::Shoes));
        assert_eq!(Ask::Stop.sayable_by(), [Dialect::Datagram]);
    }
}
