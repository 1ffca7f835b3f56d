//! Users with their limits, for people and for programs.

use serde_json::{Value as Json, json};

use super::UserDetail;
use super::render::{aligned, size};
use crate::core::{Latin1, Printable, UserLimits};

/// A line each, below what its columns mean.
pub(super) fn table(users: &[UserDetail]) -> String {
    if users.is_empty() {
        return "no users; add one with: socksctl add-user NAME".into();
    }
    let head =
        ["user", "open", "up", "down", "today", "this month", "rate up", "rate down", "expires"];
    let row = |user: &UserDetail| {
        let limits = &user.limits;
        let rate = |limit: Option<_>| {
            limit.map_or_else(none, |rate| format!("{}/s", size(u64::from(rate))))
        };
        let most = limits.max_connections.map(|most| most.to_string());
        let quota = |limit: Option<_>| limit.map(|quota| size(u64::from(quota)));
        [
            Printable(&user.name).to_string(),
            of(user.connections.to_string(), most),
            size(user.bytes_up),
            size(user.bytes_down),
            of(size(user.used_today), quota(limits.quota_day)),
            of(size(user.used_this_month), quota(limits.quota_month)),
            rate(limits.rate_up),
            rate(limits.rate_down),
            limits.expires.map_or_else(none, |date| date.to_string()),
        ]
    };
    let rows = [head.map(String::from)].into_iter().chain(users.iter().map(row));
    aligned(&rows.collect::<Vec<_>>())
}

fn none() -> String {
    "-".into()
}

fn of(used: String, most: Option<String>) -> String {
    match most {
        Some(most) => format!("{used} of {most}"),
        None => used,
    }
}

/// Exact octets; a limit that there is not is null.
pub(super) fn as_json(users: &[UserDetail]) -> Json {
    let user = |user: &UserDetail| {
        let limits = &user.limits;
        json!({
            "name": Latin1(&user.name).to_string(),
            "connections": user.connections,
            "bytes_up": user.bytes_up,
            "bytes_down": user.bytes_down,
            "used_today": user.used_today,
            "used_this_month": user.used_this_month,
            "limits": limits_as_json(limits),
        })
    };
    json!({ "users": users.iter().map(user).collect::<Vec<_>>(), "complete": true })
}

fn limits_as_json(limits: &UserLimits) -> Json {
    json!({
        "max_connections": limits.max_connections,
        "rate_up": limits.rate_up,
        "rate_down": limits.rate_down,
        "quota_day": limits.quota_day,
        "quota_month": limits.quota_month,
        "expires": limits.expires.map(|date| date.to_string()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::UserLimit;

    fn ana() -> UserDetail {
        let mut limits = UserLimits::default();
        for (name, value) in [("rate_down", "2kB"), ("quota_day", "1GB"), ("max_connections", "5")]
        {
            limits.change(UserLimit::parse(name, value).unwrap());
        }
        limits.change(UserLimit::parse("expires", "2027-01-31").unwrap());
        UserDetail {
            name: b"ana".to_vec(),
            connections: 2,
            bytes_up: 7,
            bytes_down: 1_500_000,
            used_today: 1_500_007,
            used_this_month: 1_500_008,
            limits,
        }
    }

    #[test]
    fn what_has_a_limit_is_shown_with_it() {
        let expected = "\
user  open    up   down    today             this month  rate up  rate down  expires
ana   2 of 5  7 B  1.5 MB  1.5 MB of 1.0 GB  1.5 MB      -        2.0 kB/s   2027-01-31";
        assert_eq!(table(&[ana()]), expected);
        assert!(table(&[]).contains("add-user"));
    }

    #[test]
    fn programs_get_exact_octets() {
        let json = as_json(&[ana()]);
        let user = &json["users"][0];
        assert_eq!((&user["name"], &user["used_today"]), (&json!("ana"), &json!(1_500_007)));
        assert_eq!(user["limits"]["rate_up"], Json::Null);
        assert_eq!(user["limits"]["rate_down"], 2000);
        assert_eq!(user["limits"]["expires"], "2027-01-31");
    }
}
