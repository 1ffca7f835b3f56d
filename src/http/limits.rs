//! The limits and the rules, as the live page shows them.

use std::num::{NonZeroU32, NonZeroU64};

use serde_json::{Value, json};

use super::query::ROWS;
use crate::core::rules::Rule;
use crate::core::{Core, RuleList, Rules, Settings, Standing, Standings, UserDetail, UserLimits};

/// Users whose rules are in an answer.
const RULED: usize = 10;

/// Rules of a list in it.
const RULES: usize = 20;

/// What the server allows: a name, a number and its unit; no number is no limit.
pub(super) fn settings(settings: &Settings) -> Value {
    let limit = |name: &str, value: Option<u64>, unit: &str| json!({ "name": name, "value": value, "unit": unit });
    let silence = Some(settings.timeout.as_secs());
    let buffer = settings.buffer_size.map(|size| u64::from(size.octets()));
    json!([
        limit("Connections at once", Some(settings.max_connections.into()), ""),
        limit("Connections of one user", settings.max_per_user.map(u64::from), ""),
        limit("Connections from one address", settings.max_per_address.map(u64::from), ""),
        limit(
            "New ones a second from one address",
            settings.max_new_per_address.map(u64::from),
            ""
        ),
        limit("Silence that ends a connection", silence, "s"),
        limit("User accounts", Some(settings.max_users.into()), ""),
        limit("Relay buffer", buffer, "octets"),
    ])
}

/// Users with limits of their own, and how many there are.
pub(super) fn users(core: &Core) -> Value {
    let (limited, known) = core.limited_users(ROWS);
    json!({ "known": known, "rows": limited.iter().map(user).collect::<Vec<_>>() })
}

fn user((detail, standings): &(UserDetail, Standings)) -> Value {
    let UserDetail { name, limits, connections, used, .. } = detail;
    let UserLimits { max_connections, rate_up, rate_down, .. } = limits;
    let expires = limits.expires.map(|date| date.to_string());
    json!({
        "name": name.to_string(),
        "open": connections,
        "most": max_connections.map(NonZeroU32::get),
        "rateUp": rate_up,
        "rateDown": rate_down,
        "day": quota(used.day, limits.quota_day, standings.day),
        "month": quota(used.month, limits.quota_month, standings.month),
        "expires": expires.map(|date| json!({ "date": date, "is": word(standings.expiry) })),
    })
}

fn quota(used: u64, quota: Option<NonZeroU64>, standing: Standing) -> Value {
    json!({ "used": used, "quota": quota, "is": word(standing) })
}

fn word(standing: Standing) -> &'static str {
    match standing {
        Standing::Within => "within",
        Standing::Near => "near",
        Standing::Over => "over",
    }
}

/// The lists that have rules, and how many more users and rules there are.
pub(super) fn rules(core: &Core) -> Value {
    let (lists, more) = core.rule_lists(RULED);
    json!({ "more": more, "lists": lists.iter().map(list).collect::<Vec<_>>() })
}

fn list((list, rules): &(RuleList, Rules)) -> Value {
    json!({
        "name": list.to_string(),
        "lines": rules.iter().take(RULES).map(Rule::to_string).collect::<Vec<_>>(),
        "more": rules.iter().skip(RULES).count(),
    })
}
