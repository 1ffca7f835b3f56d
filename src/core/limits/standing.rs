//! How near users are to limits of their own.

use std::cmp::Reverse;
use std::num::NonZeroU64;
use std::time::{Duration, SystemTime};

use super::metering::UserDetail;
use super::used::Used;
use super::user_limits::UserLimits;
use crate::core::Core;
use crate::core::clock::Date;

/// How long before its end the time of a user is nearly over.
const SOON: Duration = Duration::from_secs(7 * 86_400);

/// How near a user is to one of its limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// Not near it, or there is none.
    Within,
    /// Nine tenths of a quota are used, or the last seven days have begun.
    Near,
    /// The user is refused because of it.
    Over,
}

impl Standing {
    fn to_quota(used: u64, quota: Option<NonZeroU64>) -> Self {
        match quota.map(NonZeroU64::get) {
            Some(quota) if used >= quota => Self::Over,
            Some(quota) if used >= quota - quota / 10 => Self::Near,
            _ => Self::Within,
        }
    }

    fn to_expiry(limits: &UserLimits, now: SystemTime) -> Self {
        match limits {
            limits if limits.is_expired(Date::of(now)) => Self::Over,
            limits if limits.is_expired(Date::of(now + SOON)) => Self::Near,
            _ => Self::Within,
        }
    }
}

/// A user's standing to each limit that refuses it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standings {
    /// To its quota per day.
    pub day: Standing,
    /// To its quota per month.
    pub month: Standing,
    /// To its expiry.
    pub expiry: Standing,
}

impl Standings {
    fn of(limits: &UserLimits, used: &Used, now: SystemTime) -> Self {
        Self {
            day: Standing::to_quota(used.day, limits.quota_day),
            month: Standing::to_quota(used.month, limits.quota_month),
            expiry: Standing::to_expiry(limits, now),
        }
    }

    fn worst(&self) -> Standing {
        self.day.max(self.month).max(self.expiry)
    }
}

impl Core {
    /// Users with limits of their own, and how many there are: those that are refused
    /// come first, then those that are near it, each by their names, `most` in all.
    /// What they have used is that of the last [`Core::sweep`].
    pub fn limited_users(&self, most: usize) -> (Vec<(UserDetail, Standings)>, usize) {
        let (managed, now) = (self.managed(), SystemTime::now());
        let none = UserLimits::default();
        let limited = managed.users.iter().filter(|(_, account)| account.limits != none);
        let mut all: Vec<_> = limited
            .map(|(name, account)| {
                let report = account.usage.report(Date::of(now));
                (Standings::of(&account.limits, &report.used, now), name, account, report)
            })
            .collect();
        let known = all.len();
        // Stable, so what is equal stays in the order of the names.
        all.sort_by_key(|(standings, ..)| Reverse(standings.worst()));
        all.truncate(most);
        let described = all.into_iter().map(|(standings, name, account, report)| {
            (self.describe_user(name, account, &report), standings)
        });
        (described.collect(), known)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::Standing::{Near, Over, Within};
    use crate::core::{Name, NewUser, Password, Start, UserLimit};

    #[test]
    fn a_quota_is_near_from_nine_tenths_on() {
        let to = |used, quota| Standing::to_quota(used, NonZeroU64::new(quota));
        assert_eq!([to(0, 0), to(u64::MAX, 0)], [Within; 2]);
        assert_eq!([to(0, 1), to(1, 1)], [Within, Over]);
        assert_eq!(
            [to(89, 100), to(90, 100), to(99, 100), to(100, 100)],
            [Within, Near, Near, Over]
        );
        assert_eq!(to(u64::MAX - 1, u64::MAX), Near);
    }

    #[test]
    fn an_expiry_is_near_for_seven_days() {
        let now = SystemTime::now();
        let to = |days: u64| {
            let expires = Some(Date::of(now + Duration::from_secs(days * 86_400)));
            Standing::to_expiry(&UserLimits { expires, ..UserLimits::default() }, now)
        };
        assert_eq!([to(0), to(1), to(7), to(8)], [Over, Near, Near, Within]);
        assert_eq!(Standing::to_expiry(&UserLimits::default(), now), Within);
    }

    #[test]
    fn who_is_refused_comes_first_and_who_has_no_limits_not_at_all() {
        let (core, _) = Core::new(Start::default()).unwrap();
        let tomorrow = Date::of(SystemTime::now() + Duration::from_secs(86_400)).to_string();
        for (name, limit) in [
            ("ana", Some(("rate_up", "1k"))),
            ("bob", None),
            ("carla", Some(("expires", tomorrow.as_str()))),
            ("dan", Some(("quota_day", "1"))),
            ("eve", Some(("expires", "1999-12-31"))),
        ] {
            let name = Name::new(name.as_bytes()).unwrap();
            let mut user = NewUser::new(name, Password::new(b"1234").unwrap());
            if let Some((name, value)) = limit {
                user.limits.change(UserLimit::parse(name, value).unwrap());
            }
            core.install_user(user).unwrap();
        }
        let chosen = |most| {
            let (users, known) = core.limited_users(most);
            let names = users.iter().map(|(detail, _)| detail.name.to_string());
            (names.collect::<Vec<_>>().join(" "), known)
        };
        assert_eq!(chosen(100), ("eve carla ana dan".into(), 4));
        assert_eq!(chosen(2), ("eve carla".into(), 4));
        let (users, _) = core.limited_users(1);
        assert_eq!(users[0].1, Standings { day: Within, month: Within, expiry: Over });
    }
}
