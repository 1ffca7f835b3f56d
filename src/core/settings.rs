//! What an admin can change while the server runs.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::rules::Rules;

/// The size of a relay buffer set by an admin: 512-65535 octets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BufferSize(u16);

impl BufferSize {
    /// The smallest size, in octets.
    pub const MIN: u16 = 512;

    /// Accepts a size in octets; `None` when it is out of range.
    pub fn new(octets: u64) -> Option<Self> {
        u16::try_from(octets).ok().filter(|octets| *octets >= Self::MIN).map(Self)
    }

    /// The size in octets.
    pub fn octets(self) -> u16 {
        self.0
    }
}

/// Names in a page of the user list of the datagram dialect: 1-200.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageSize(u8);

impl PageSize {
    /// The largest page, and the one at the start.
    pub const MAX: u8 = 200;

    /// Accepts a number of names; `None` when it is out of range.
    pub fn new(names: u8) -> Option<Self> {
        (1..=Self::MAX).contains(&names).then_some(Self(names))
    }

    /// The number of names.
    pub fn names(self) -> u8 {
        self.0
    }
}

/// Everything that can be changed while the server runs. A change is effective
/// at once; where it says so, also for what is already open.
#[derive(Debug, Clone)]
pub struct Settings {
    /// A relay in which no byte moves for this long is ended, open ones too.
    pub timeout: Duration,
    /// Client connections at once, all services together.
    pub max_connections: u32,
    /// Client connections at once of one user; `None`: no limit.
    pub max_per_user: Option<u32>,
    /// Client connections at once from one address; `None`: no limit. In IPv6 a /64
    /// network counts as one address.
    pub max_per_address: Option<u32>,
    /// New client connections per second from one address, and as many at one moment;
    /// `None`: no limit.
    pub max_new_per_address: Option<u32>,
    /// Accounts in the user directory.
    pub max_users: u32,
    /// The buffer of relays opened afterwards; `None`: grows with the traffic.
    pub buffer_size: Option<BufferSize>,
    /// Names in a page of the datagram dialect's user list.
    pub page_size: PageSize,
    /// Whether the passive credential monitor watches relays.
    pub spoofing: bool,
    /// The folder of the mailboxes, used by the next POP3 session.
    pub maildir: Option<PathBuf>,
    /// Who may come.
    pub client_rules: Rules,
    /// Where everybody may go: the next request, and the next datagram.
    pub target_rules: Rules,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(3600),
            max_connections: 500,
            max_per_user: None,
            max_per_address: None,
            max_new_per_address: None,
            max_users: 255,
            buffer_size: None,
            page_size: PageSize(PageSize::MAX),
            spoofing: false,
            maildir: None,
            client_rules: Rules::default(),
            target_rules: Rules::default(),
        }
    }
}

/// One change of the [`Settings`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Setting {
    /// See [`Settings::timeout`].
    Timeout(Duration),
    /// See [`Settings::max_connections`].
    MaxConnections(u32),
    /// See [`Settings::max_per_user`].
    MaxPerUser(Option<u32>),
    /// See [`Settings::max_per_address`].
    MaxPerAddress(Option<u32>),
    /// See [`Settings::max_new_per_address`].
    MaxNewPerAddress(Option<u32>),
    /// See [`Settings::max_users`].
    MaxUsers(u32),
    /// See [`Settings::buffer_size`].
    BufferSize(Option<BufferSize>),
    /// See [`Settings::page_size`].
    PageSize(PageSize),
    /// See [`Settings::spoofing`].
    Spoofing(bool),
    /// See [`Settings::maildir`].
    Maildir(Maildir),
    /// See [`Settings::client_rules`].
    ClientRules(Rules),
    /// See [`Settings::target_rules`].
    TargetRules(Rules),
}

/// A folder that existed when it was named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Maildir(PathBuf);

impl Maildir {
    /// Accepts an existing folder.
    ///
    /// # Errors
    /// A sentence when there is no folder at that path.
    pub fn open(path: &Path) -> Result<Self, String> {
        if path.is_dir() {
            Ok(Self(path.into()))
        } else {
            Err(format!("maildir {}: there is no such folder, create it first", path.display()))
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

/// Why words don't make a [`Setting`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BadSetting {
    /// No setting has this name.
    Unknown,
    /// The setting does not take this value.
    Value,
}

impl fmt::Display for BadSetting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => write!(f, "no setting has this name, use one of {}", NAMES.join(", ")),
            Self::Value => f.write_str("the setting does not take this value"),
        }
    }
}

impl std::error::Error for BadSetting {}

/// The names that [`Setting::parse`] knows.
pub const NAMES: [&str; 7] = [
    "timeout",
    "max_connections",
    "max_users",
    "buffer_size",
    "max_per_user",
    "max_per_address",
    "max_new_per_address",
];

/// A year, in seconds: who means longer has mistaken the unit, and an `Instant` can still
/// add it.
pub const LONGEST_TIMEOUT_SECS: u32 = 366 * 24 * 60 * 60;

/// Accepts a time in seconds as options and the state have it, from 0.001 to
/// [`LONGEST_TIMEOUT_SECS`]; `None` when it is out of range.
pub fn timeout(seconds: f64) -> Option<Duration> {
    let range = 0.001..=f64::from(LONGEST_TIMEOUT_SECS);
    range.contains(&seconds).then(|| Duration::from_secs_f64(seconds))
}

impl Setting {
    /// What it is called: as in [`Self::parse`], where it can be parsed.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Timeout(_) => "timeout",
            Self::MaxConnections(_) => "max_connections",
            Self::MaxPerUser(_) => "max_per_user",
            Self::MaxPerAddress(_) => "max_per_address",
            Self::MaxNewPerAddress(_) => "max_new_per_address",
            Self::MaxUsers(_) => "max_users",
            Self::BufferSize(_) => "buffer_size",
            Self::PageSize(_) => "page_size",
            Self::Spoofing(_) => "spoofing",
            Self::Maildir(_) => "maildir",
            Self::ClientRules(_) => "rules.clients",
            Self::TargetRules(_) => "rules.targets",
        }
    }

    /// The number that [`Self::parse`] takes for it, or that of the names on a page; `None`
    /// for what is no number.
    pub fn number(&self) -> Option<u64> {
        Some(match self {
            Self::Timeout(timeout) => timeout.as_secs(),
            Self::MaxConnections(limit) | Self::MaxUsers(limit) => (*limit).into(),
            Self::MaxPerUser(limit)
            | Self::MaxPerAddress(limit)
            | Self::MaxNewPerAddress(limit) => limit.unwrap_or(0).into(),
            Self::BufferSize(size) => size.map_or(0, BufferSize::octets).into(),
            Self::PageSize(size) => size.names().into(),
            Self::Spoofing(_) | Self::Maildir(_) | Self::ClientRules(_) | Self::TargetRules(_) => {
                return None;
            }
        })
    }

    /// Reads a change from a name and a decimal number. `timeout` is in seconds,
    /// `buffer_size` in octets; 0 takes a per-user or per-address limit, or the
    /// fixed buffer size, away.
    ///
    /// # Errors
    /// [`BadSetting`] says whether the name or the value is to blame.
    pub fn parse(name: &str, value: &str) -> Result<Self, BadSetting> {
        let known = NAMES.iter().find(|known| known.eq_ignore_ascii_case(name));
        let name = *known.ok_or(BadSetting::Unknown)?;
        let digits = !value.is_empty() && value.bytes().all(|octet| octet.is_ascii_digit());
        let number = digits.then(|| value.parse::<u64>().ok()).flatten();
        let number = number.ok_or(BadSetting::Value)?;
        Self::from_number(name, number).ok_or(BadSetting::Value)
    }

    /// What the setting of that name takes; [`NAMES`] has them all.
    pub fn takes(name: &str) -> Option<&'static str> {
        Some(match name.to_ascii_lowercase().as_str() {
            "timeout" => "seconds, 1 to 31622400",
            "max_connections" => "connections at once, 0 to 4294967295",
            "max_users" => "accounts, 0 to 4294967295",
            "buffer_size" => "octets, 512 to 65535, or 0: it grows",
            "max_per_user" | "max_per_address" => "connections at once, or 0: no limit",
            "max_new_per_address" => "connections per second, or 0: no limit",
            _ => return None,
        })
    }

    fn from_number(name: &str, number: u64) -> Option<Self> {
        let count = u32::try_from(number).ok();
        let limit = count.map(|count| Some(count).filter(|count| *count > 0));
        match name {
            "timeout" => (1..=LONGEST_TIMEOUT_SECS.into())
                .contains(&number)
                .then(|| Self::Timeout(Duration::from_secs(number))),
            "max_connections" => count.map(Self::MaxConnections),
            "max_users" => count.map(Self::MaxUsers),
            "max_per_user" => limit.map(Self::MaxPerUser),
            "max_per_address" => limit.map(Self::MaxPerAddress),
            "max_new_per_address" => limit.map(Self::MaxNewPerAddress),
            "buffer_size" if number == 0 => Some(Self::BufferSize(None)),
            "buffer_size" => BufferSize::new(number).map(|size| Self::BufferSize(Some(size))),
            _ => None,
        }
    }
}

impl Settings {
    /// Makes a change.
    pub fn change(&mut self, setting: Setting) {
        match setting {
            Setting::Timeout(timeout) => self.timeout = timeout,
            Setting::MaxConnections(limit) => self.max_connections = limit,
            Setting::MaxPerUser(limit) => self.max_per_user = limit,
            Setting::MaxPerAddress(limit) => self.max_per_address = limit,
            Setting::MaxNewPerAddress(limit) => self.max_new_per_address = limit,
            Setting::MaxUsers(limit) => self.max_users = limit,
            Setting::BufferSize(size) => self.buffer_size = size,
            Setting::PageSize(size) => self.page_size = size,
            Setting::Spoofing(on) => self.spoofing = on,
            Setting::Maildir(folder) => self.maildir = Some(folder.0),
            Setting::ClientRules(rules) => self.client_rules = rules,
            Setting::TargetRules(rules) => self.target_rules = rules,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_takes_a_number() {
        for name in NAMES {
            let setting = Setting::parse(name, "1000").unwrap();
            assert_eq!((setting.name(), setting.number()), (name, Some(1000)));
            let shown = format!("{setting:?}").to_lowercase();
            assert!(shown.starts_with(&name.replace('_', "")), "{name}: {shown}");
            // The first and the last number that it says it takes.
            let takes = Setting::takes(name).unwrap();
            for word in takes.split(|c: char| !c.is_ascii_digit()).filter(|word| !word.is_empty()) {
                assert!(Setting::parse(name, word).is_ok(), "{name} {word}");
                let next = (word.parse::<u64>().unwrap() + 1).to_string();
                let last = takes.contains(&format!("to {word}"));
                assert!(!last || Setting::parse(name, &next).is_err(), "{name} {next}");
            }
        }
    }

    #[test]
    fn words_become_settings() {
        let timeout = Setting::parse("timeout", "30");
        assert_eq!(timeout, Ok(Setting::Timeout(Duration::from_secs(30))));
        assert_eq!(Setting::parse("MAX_USERS", "7"), Ok(Setting::MaxUsers(7)));
        assert_eq!(Setting::parse("max_per_user", "0"), Ok(Setting::MaxPerUser(None)));
        let limit = Setting::parse("max_new_per_address", "5");
        assert_eq!(limit, Ok(Setting::MaxNewPerAddress(Some(5))));
        assert_eq!(Setting::parse("speed", "1"), Err(BadSetting::Unknown));
        for bad in ["", "x", "-1", "+1", "1.5", "0", "99999999999999999999"] {
            assert_eq!(Setting::parse("timeout", bad), Err(BadSetting::Value), "{bad}");
        }
    }

    #[test]
    fn a_buffer_size_has_a_range() {
        assert!(BufferSize::new(511).is_none());
        assert_eq!(BufferSize::new(512).map(BufferSize::octets), Some(512));
        assert_eq!(BufferSize::new(65535).map(BufferSize::octets), Some(65535));
        assert!(BufferSize::new(65536).is_none());
        assert_eq!(Setting::parse("buffer_size", "511"), Err(BadSetting::Value));
        assert_eq!(Setting::parse("buffer_size", "0"), Ok(Setting::BufferSize(None)));
    }
}
