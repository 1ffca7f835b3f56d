//! Users with their limits, for people and for programs.

use serde_json::{Value as Json, json};

use super::UserDetail;
use super::figures;
use super::printable::cut;
use super::render::{LONGEST_NAME, aligned};
use crate::core::{Latin1, Printable, UserLimits};

/// A line each, below what its columns mean.
pub(super) fn table(users: &[UserDetail]) -> String {
    if users.is_empty() {
        return "no users; add one with: socksctl add-user NAME".into();
    }
    let head = ["user", "open", "up", "down", "today", "month", "up/s", "down/s", "expires"];
    let mut rows = vec![head.map(String::from)];
    rows.extend(users.iter().map(row));
    // Limits that nobody has are no columns.
    for limit in head.len() - 3..head.len() {
        if rows.iter().skip(1).all(|row| row[limit] == NONE) {
            rows.iter_mut().for_each(|row| row[limit].clear());
        }
    }
    aligned(&rows)
}

const NONE: &str = "-";

fn row(user: &UserDetail) -> [String; 9] {
    let limits = &user.limits;
    let limit = |rate: Option<_>| rate.map(|octets| figures::octets(u64::from(octets)));
    let or_none = |text: Option<String>| text.unwrap_or_else(|| NONE.into());
    [
        cut(&Printable(&user.name).to_string(), LONGEST_NAME),
        of(user.connections.to_string(), limits.max_connections.map(|most| most.to_string())),
        figures::octets(user.bytes_up),
        figures::octets(user.bytes_down),
        of(figures::octets(user.used_today), limit(limits.quota_day)),
        of(figures::octets(user.used_this_month), limit(limits.quota_month)),
        or_none(limit(limits.rate_up)),
        or_none(limit(limits.rate_down)),
        or_none(limits.expires.map(|date| date.to_string())),
    ]
}

fn of(used: String, most: Option<String>) -> String {
    match most {
        Some(most) => format!("{used}/{most}"),
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
user  open  up  down  today      month  down/s  expires
ana   2/5   7   1.5M  1.5M/1.0G  1.5M   2.0k    2027-01-31";
        assert_eq!(table(&[ana()]), expected);
        assert!(table(&[]).contains("add-user"));
    }

    #[test]
    fn ordinary_users_fit_a_terminal_with_all_their_limits() {
        let mut user = UserDetail { name: b"ordinary".to_vec(), ..ana() };
        for (name, value) in [("rate_up", "500kB"), ("rate_down", "12MB"), ("quota_month", "50GB")]
        {
            user.limits.change(UserLimit::parse(name, value).unwrap());
        }
        let user = UserDetail { bytes_up: 158_000_000, used_this_month: 2_250_000_000, ..user };
        let text = table(&[user]);
        assert!(text.lines().all(|line| line.len() <= 80), "{text}");
        assert!(text.contains("  2.2G/50G  500k  12M     2027"), "{text}");
    }

    #[test]
    fn a_long_name_makes_no_long_lines() {
        let users = [ana(), UserDetail { name: vec![b'x'; 255], ..ana() }];
        let text = table(&users);
        assert!(text.contains(&format!("\n{}…  2/5", "x".repeat(23))), "{text}");
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
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
