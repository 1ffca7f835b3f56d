//! All counters in Prometheus' text format, version 0.0.4.

use std::fmt::{Display, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::core::{Core, Details, MOST_USERS, Metrics, Timings, UserDetail, UserTotals, Who};
use crate::net::pool::Pool;

/// The media type of the format.
pub(super) const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Where the numbers come from.
pub struct Sources {
    /// Meaning.
    pub core: Core,
    /// How often accepting has failed, by listener.
    pub accept_errors: Vec<(&'static str, Arc<AtomicU64>)>,
    /// How often receiving datagrams has failed, by listener.
    pub receive_errors: Vec<(&'static str, Arc<AtomicU64>)>,
    /// The pools of threads, by service.
    pub pools: Vec<(&'static str, Pool)>,
}

/// The exposition at this moment.
pub fn exposition(sources: &Sources) -> String {
    let mut page = Page::default();
    totals(&mut page, &sources.core.metrics());
    let details = sources.core.details();
    outcomes(&mut page, &details);
    users(&mut page, &details.users);
    quotas(&mut page, &sources.core.describe_users());
    let help = "Name look-up and connecting to a target, where it was reached.";
    page.histogram("connect_seconds", help, &details.connect);
    let help = "From the connection to a target to its first octet.";
    page.histogram("first_byte_seconds", help, &details.first_byte);
    let help = "Failures to accept, by listener.";
    page.errors("accept_errors_total", help, &sources.accept_errors);
    let help = "Failures to receive a datagram, by listener.";
    page.errors("receive_errors_total", help, &sources.receive_errors);
    page.head("pool_threads_in_use", "Threads that are working, by pool.", GAUGE);
    for (name, pool) in &sources.pools {
        page.sample("pool_threads_in_use", &[("pool", name)], pool.in_use());
    }
    page.head("build_info", "The version of the server, as a label.", GAUGE);
    page.sample("build_info", &[("version", env!("CARGO_PKG_VERSION"))], 1);
    page.text
}

fn totals(page: &mut Page, metrics: &Metrics) {
    page.single("connections", "Client connections open now.", GAUGE, metrics.current);
    let help = "Users with an open connection.";
    page.single("active_users", help, GAUGE, metrics.active_users);
    let help = "Client connections accepted, and those that a proxy has made.";
    page.single("connections_total", help, COUNTER, metrics.historic);
    let help = "Connections refused because of a limit or a rule for clients, by reason.";
    page.head("connections_refused_total", help, COUNTER);
    let over_limit = metrics.refused.saturating_sub(metrics.denied);
    page.sample("connections_refused_total", &[("reason", "limit")], over_limit);
    page.sample("connections_refused_total", &[("reason", "rule")], metrics.denied);
    let help = "Logins that failed, over all services.";
    page.single("auth_failures_total", help, COUNTER, metrics.failed_logins);
    page.head("bytes_total", "Payload octets, up is from clients to targets.", COUNTER);
    page.sample("bytes_total", &[("direction", "up")], metrics.bytes_up);
    page.sample("bytes_total", &[("direction", "down")], metrics.bytes_down);
    let uptime = metrics.uptime.as_secs_f64();
    page.single("uptime_seconds", "Time since the start.", GAUGE, uptime);
}

fn outcomes(page: &mut Page, details: &Details) {
    let help = "Replies to SOCKS clients by REP code (RFC 1928, section 6).";
    page.head("replies_total", help, COUNTER);
    for (code, count) in &details.replies {
        page.sample("replies_total", &[("code", &code.to_string())], count);
    }
    let help = "Connections that ended before they were served, by reason.";
    page.head("handshake_failures_total", help, COUNTER);
    for (why, count) in &details.handshake_failures {
        page.sample("handshake_failures_total", &[("reason", &why.to_string())], count);
    }
}

fn users(page: &mut Page, users: &[UserTotals]) {
    page.head("user_connections_total", "Client connections by user.", COUNTER);
    for user in users {
        page.sample("user_connections_total", &[("user", &name(&user.who))], user.connections);
    }
    page.head("user_bytes_total", "Payload octets by user and direction.", COUNTER);
    for user in users {
        let name = name(&user.who);
        page.sample("user_bytes_total", &[("user", &name), ("direction", "up")], user.bytes_up);
        page.sample("user_bytes_total", &[("user", &name), ("direction", "down")], user.bytes_down);
    }
}

/// Only for users that have a quota, and for no more of them than have counters.
fn quotas(page: &mut Page, users: &[UserDetail]) {
    let limited = users.iter().flat_map(|user| {
        let (limits, used) = (&user.limits, &user.used);
        let both = [("day", limits.quota_day, used.day), ("month", limits.quota_month, used.month)];
        both.map(|(period, quota, used)| Some((user.name.to_string(), period, quota?, used)))
    });
    let limited: Vec<_> = limited.flatten().take(MOST_USERS).collect();
    page.head("user_quota_bytes", "Octets that a user may use, by period (UTC).", GAUGE);
    for (name, period, quota, _) in &limited {
        page.sample("user_quota_bytes", &[("user", name), ("period", period)], quota);
    }
    page.head("user_quota_used_bytes", "Octets of it that are used.", GAUGE);
    for (name, period, _, used) in &limited {
        page.sample("user_quota_used_bytes", &[("user", name), ("period", period)], used);
    }
}

/// No user's name holds a slash, so these labels can't be taken for one another.
fn name(who: &Who) -> String {
    match who {
        Who::User(name) => name.to_string(),
        Who::Anonymous => "/anonymous".to_owned(),
        Who::Others => "/others".to_owned(),
    }
}

const COUNTER: &str = "counter";
const GAUGE: &str = "gauge";

/// The text so far. Writing to a string can't fail.
#[derive(Default)]
struct Page {
    text: String,
}

impl Page {
    fn head(&mut self, name: &str, help: &str, kind: &str) {
        let text = &mut self.text;
        let _ = writeln!(text, "# HELP socksd_{name} {help}\n# TYPE socksd_{name} {kind}");
    }

    fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: impl Display) {
        let _ = write!(self.text, "socksd_{name}");
        for (at, (label, text)) in labels.iter().enumerate() {
            let mark = if at == 0 { '{' } else { ',' };
            let _ = write!(self.text, "{mark}{label}=\"{}\"", escaped(text));
        }
        let end = if labels.is_empty() { "" } else { "}" };
        let _ = writeln!(self.text, "{end} {value}");
    }

    fn single(&mut self, name: &str, help: &str, kind: &str, value: impl Display) {
        self.head(name, help, kind);
        self.sample(name, &[], value);
    }

    fn errors(&mut self, name: &str, help: &str, by_listener: &[(&str, Arc<AtomicU64>)]) {
        self.head(name, help, COUNTER);
        for (listener, errors) in by_listener {
            self.sample(name, &[("listener", listener)], errors.load(Ordering::Relaxed));
        }
    }

    fn histogram(&mut self, name: &str, help: &str, timings: &Timings) {
        self.head(name, help, "histogram");
        let bucket = format!("{name}_bucket");
        for (bound, count) in &timings.buckets {
            self.sample(&bucket, &[("le", &bound.to_string())], count);
        }
        self.sample(&bucket, &[("le", "+Inf")], timings.count);
        self.sample(&format!("{name}_sum"), &[], timings.sum.as_secs_f64());
        self.sample(&format!("{name}_count"), &[], timings.count);
    }
}

/// "label_value can be any sequence of UTF-8 characters, but the backslash, double-quote, and
/// line feed characters have to be escaped".
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_cannot_be_forged() {
        let mut page = Page::default();
        page.sample("x", &[("user", "a\"} 1\nsocksd_y{b=\"\\"), ("way", "up")], 7);
        let expected = "socksd_x{user=\"a\\\"} 1\\nsocksd_y{b=\\\"\\\\\",way=\"up\"} 7\n";
        assert_eq!(page.text, expected);
    }
}
