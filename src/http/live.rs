//! What the live page shows, as JSON.

use std::cmp::Reverse;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::Serialize;
use serde_json::{Value, json};

use super::limits::{rules, settings, users};
use super::query::Query;
use crate::core::{
    ConnectionView, Core, History, Latin1, Metrics, STEP, Sample, TargetTotals, UserTotals, Who,
};

/// Users and targets in an answer.
const TOP: usize = 10;

/// All of it at this moment.
pub(super) fn live(core: &Core, query: &Query, now: SystemTime) -> String {
    let metrics = core.metrics();
    let (open, matching) = query.choose(core.connections());
    let time = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
    let told = json!({
        "version": env!("CARGO_PKG_VERSION"),
        "time": u64::try_from(time).unwrap_or(u64::MAX),
        "metrics": totals(&metrics),
        "history": history(&core.history()),
        "users": top(core.details().users, UserTotals::bytes, user),
        "targets": top(core.targets(), TargetTotals::bytes, target),
        "connections": { "matching": matching, "rows": open.iter().map(row).collect::<Vec<_>>() },
        "limits": settings(&core.settings()),
        "limited": users(core),
        "rules": rules(core),
    });
    told.to_string()
}

fn totals(metrics: &Metrics) -> Value {
    json!({
        "open": metrics.current,
        "mostOpen": metrics.max_current,
        "accepted": metrics.historic,
        "activeUsers": metrics.active_users,
        "refused": metrics.refused,
        "failedLogins": metrics.failed_logins,
        "up": metrics.bytes_up,
        "down": metrics.bytes_down,
        "uptime": metrics.uptime.as_secs(),
    })
}

/// By column, oldest first, which takes half the octets of an object for each step;
/// the last is the step that runs, for `running` milliseconds so far.
fn history(history: &History) -> Value {
    let column = |of: fn(&Sample) -> u64| {
        let all = history.samples.iter().chain([&history.running]);
        all.map(of).collect::<Vec<_>>()
    };
    json!({
        "step": STEP.as_secs(),
        "running": u64::try_from(history.since.as_millis()).unwrap_or(u64::MAX),
        "up": column(|sample| sample.bytes_up),
        "down": column(|sample| sample.bytes_down),
        "open": column(|sample| sample.most_open),
        "opened": column(|sample| sample.opened),
    })
}

/// The first of them by octets, and how many there are.
fn top<T>(mut all: Vec<T>, bytes: fn(&T) -> u64, tell: fn(&T) -> Total<'_>) -> Value {
    let known = all.len();
    all.sort_by_key(|one| Reverse(bytes(one)));
    all.truncate(TOP);
    json!({ "known": known, "rows": all.iter().map(tell).collect::<Vec<_>>() })
}

/// What somebody or something has used since the start.
#[derive(Serialize)]
struct Total<'a> {
    name: String,
    /// What it is when it has no name of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<&'a str>,
    connections: u64,
    up: u64,
    down: u64,
    #[serde(rename = "atLeast")]
    at_least: bool,
}

fn user(totals: &UserTotals) -> Total<'_> {
    let (name, kind) = match &totals.who {
        Who::User(name) => (name.to_string(), None),
        Who::Anonymous => ("no login".to_owned(), Some("anonymous")),
        Who::Others => ("all others".to_owned(), Some("others")),
    };
    let &UserTotals { connections, bytes_up: up, bytes_down: down, .. } = totals;
    Total { name, kind, connections, up, down, at_least: false }
}

fn target(totals: &TargetTotals) -> Total<'_> {
    let &TargetTotals { connections, bytes_up: up, bytes_down: down, at_least, .. } = totals;
    Total { name: totals.host.to_string(), kind: None, connections, up, down, at_least }
}

fn row(view: &ConnectionView) -> Value {
    json!({
        "id": view.id.0,
        "service": view.service,
        "user": view.user,
        // As it has to be said when all of its user's are to be cut.
        "login": view.login.as_ref().map(|name| Latin1(name.as_bytes()).to_string()),
        "client": view.client.to_string(),
        "target": view.target,
        "state": view.state.to_string(),
        "up": view.bytes_up,
        "down": view.bytes_down,
        "age": view.age.as_secs(),
    })
}
