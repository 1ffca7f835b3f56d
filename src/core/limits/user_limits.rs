//! What one user may use: connections, octets per second, octets per day and
//! month, and until when.

use std::fmt;
use std::num::{NonZeroU32, NonZeroU64};

use crate::core::clock::Date;

/// The limits of a user; `None`: no limit of its own.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UserLimits {
    /// Client connections at once; besides it the limit for every user holds.
    pub max_connections: Option<NonZeroU32>,
    /// Octets per second from the user's clients, all its connections together.
    pub rate_up: Option<NonZeroU64>,
    /// Octets per second to them.
    pub rate_down: Option<NonZeroU64>,
    /// Octets per day (UTC), both directions together.
    pub quota_day: Option<NonZeroU64>,
    /// Octets per month (UTC), both directions together.
    pub quota_month: Option<NonZeroU64>,
    /// The first day (from 00:00 UTC) on which it is refused.
    pub expires: Option<Date>,
}

/// One change of [`UserLimits`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UserLimit {
    /// See [`UserLimits::max_connections`].
    MaxConnections(Option<NonZeroU32>),
    /// See [`UserLimits::rate_up`].
    RateUp(Option<NonZeroU64>),
    /// See [`UserLimits::rate_down`].
    RateDown(Option<NonZeroU64>),
    /// See [`UserLimits::quota_day`].
    QuotaDay(Option<NonZeroU64>),
    /// See [`UserLimits::quota_month`].
    QuotaMonth(Option<NonZeroU64>),
    /// See [`UserLimits::expires`].
    Expires(Option<Date>),
}

/// The names that [`UserLimit::parse`] knows.
pub const USER_LIMIT_NAMES: [&str; 6] =
    ["max_connections", "rate_up", "rate_down", "quota_day", "quota_month", "expires"];

/// Why words don't make a [`UserLimit`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BadUserLimit {
    /// No limit has this name.
    Unknown,
    /// It is no number of octets in range.
    Number,
    /// It is no number of connections in range, which has no unit.
    Count,
    /// It is no date.
    Date,
}

impl fmt::Display for BadUserLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => {
                write!(f, "no limit has this name, use one of {}", USER_LIMIT_NAMES.join(", "))
            }
            Self::Number => f.write_str("use a number such as 500000 or 500k, 0 for no limit"),
            Self::Count => f.write_str("use a whole number such as 50, 0 for no limit"),
            Self::Date => f.write_str("use a date such as 2027-01-31, or never"),
        }
    }
}

impl std::error::Error for BadUserLimit {}

impl UserLimit {
    /// Reads a change from a name and a value: a decimal number, 0 for no limit, or
    /// for `expires` a date `YYYY-MM-DD`, or `never`. Octets may have a unit: `k`, `M`,
    /// `G` and `T` are powers of 1000, `Ki` and so on of 1024, each with or without a
    /// `B` behind it.
    ///
    /// # Errors
    /// [`BadUserLimit`] says what is to blame.
    pub fn parse(name: &str, value: &str) -> Result<Self, BadUserLimit> {
        let number = || octets(value).map(NonZeroU64::new).ok_or(BadUserLimit::Number);
        Ok(match name.to_ascii_lowercase().as_str() {
            "max_connections" => {
                let count = decimal(value).and_then(|number| u32::try_from(number).ok());
                Self::MaxConnections(count.map(NonZeroU32::new).ok_or(BadUserLimit::Count)?)
            }
            "rate_up" => Self::RateUp(number()?),
            "rate_down" => Self::RateDown(number()?),
            "quota_day" => Self::QuotaDay(number()?),
            "quota_month" => Self::QuotaMonth(number()?),
            "expires" if value == "never" => Self::Expires(None),
            "expires" => Self::Expires(Some(value.parse().map_err(|_| BadUserLimit::Date)?)),
            _ => return Err(BadUserLimit::Unknown),
        })
    }
}

impl UserLimit {
    /// Its name, one of [`USER_LIMIT_NAMES`].
    pub fn name(&self) -> &'static str {
        match self {
            Self::MaxConnections(_) => "max_connections",
            Self::RateUp(_) => "rate_up",
            Self::RateDown(_) => "rate_down",
            Self::QuotaDay(_) => "quota_day",
            Self::QuotaMonth(_) => "quota_month",
            Self::Expires(_) => "expires",
        }
    }
}

fn decimal(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|octet| octet.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

/// A number of octets that may have a unit.
fn octets(text: &str) -> Option<u64> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, unit) = text.split_at_checked(end)?;
    let unit = unit.strip_suffix('B').unwrap_or(unit);
    let (letter, base) = match unit.strip_suffix('i') {
        Some(letter) => (letter, 1024_u64),
        None => (unit, 1000),
    };
    let power = match letter {
        "" if base == 1000 => 0,
        "k" | "K" => 1,
        "M" => 2,
        "G" => 3,
        "T" => 4,
        _ => return None,
    };
    decimal(digits)?.checked_mul(base.pow(power))
}

/// Those that there are, as [`UserLimit::parse`] reads them: `rate_up 5000, expires
/// 2027-01-31`.
impl fmt::Display for UserLimits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let octets = |limit: Option<NonZeroU64>| limit.map(|octets| octets.to_string());
        let all = [
            self.max_connections.map(|most| most.to_string()),
            octets(self.rate_up),
            octets(self.rate_down),
            octets(self.quota_day),
            octets(self.quota_month),
            self.expires.map(|date| date.to_string()),
        ];
        let named = USER_LIMIT_NAMES.iter().zip(all);
        for (at, (name, value)) in
            named.filter_map(|(name, limit)| Some((name, limit?))).enumerate()
        {
            let mark = if at == 0 { "" } else { ", " };
            write!(f, "{mark}{name} {value}")?;
        }
        Ok(())
    }
}

impl UserLimits {
    /// Whether the user is refused on this day.
    pub fn is_expired(&self, today: Date) -> bool {
        self.expires.is_some_and(|first| today >= first)
    }

    /// Changes one of them.
    pub fn change(&mut self, limit: UserLimit) {
        match limit {
            UserLimit::MaxConnections(most) => self.max_connections = most,
            UserLimit::RateUp(rate) => self.rate_up = rate,
            UserLimit::RateDown(rate) => self.rate_down = rate,
            UserLimit::QuotaDay(octets) => self.quota_day = octets,
            UserLimit::QuotaMonth(octets) => self.quota_month = octets,
            UserLimit::Expires(date) => self.expires = date,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_become_limits() {
        let mut limits = UserLimits::default();
        for (name, value) in [("max_connections", "3"), ("RATE_UP", "5"), ("rate_down", "7")] {
            limits.change(UserLimit::parse(name, value).unwrap());
        }
        for (name, value) in [("quota_day", "11"), ("quota_month", "13"), ("rate_up", "0")] {
            limits.change(UserLimit::parse(name, value).unwrap());
        }
        limits.change(UserLimit::parse("expires", "2027-01-31").unwrap());
        let expected = UserLimits {
            max_connections: NonZeroU32::new(3),
            rate_up: None,
            rate_down: NonZeroU64::new(7),
            quota_day: NonZeroU64::new(11),
            quota_month: NonZeroU64::new(13),
            expires: Some("2027-01-31".parse().unwrap()),
        };
        assert_eq!(limits, expected);
        let shown =
            "max_connections 3, rate_down 7, quota_day 11, quota_month 13, expires 2027-01-31";
        assert_eq!(
            (limits.to_string().as_str(), UserLimits::default().to_string().as_str()),
            (shown, "")
        );
        limits.change(UserLimit::parse("expires", "never").unwrap());
        assert_eq!(limits.expires, None);
    }

    #[test]
    fn octets_have_units_and_what_is_no_limit_says_why() {
        assert_eq!(UserLimit::parse("speed", "1"), Err(BadUserLimit::Unknown));
        let number = |value| UserLimit::parse("quota_day", value);
        for (value, octets) in [("7B", 7), ("5k", 5000), ("5kB", 5000), ("2KiB", 2048)] {
            assert_eq!(number(value), Ok(UserLimit::QuotaDay(NonZeroU64::new(octets))), "{value}");
        }
        assert_eq!(number("3GiB"), Ok(UserLimit::QuotaDay(NonZeroU64::new(3 << 30))));
        for value in ["", "-1", "+1", "1.5", "x", "99999999999999999999", "99999999999T", "1i"] {
            assert_eq!(UserLimit::parse("rate_up", value), Err(BadUserLimit::Number), "{value}");
        }
        let too_many = UserLimit::parse("max_connections", "4294967296");
        assert_eq!(too_many, Err(BadUserLimit::Count));
        assert_eq!(UserLimit::parse("max_connections", "500k"), Err(BadUserLimit::Count));
        assert_eq!(UserLimit::parse("expires", "tomorrow"), Err(BadUserLimit::Date));
    }
}
