//! Between what is asked and answered, and the data that says so.

use crate::client::{Answer, Fact, UserDetail, Value};
use crate::core::{Name, Setting, UserLimit, UserLimits};
use crate::wire::json::data::{self, Account, Change, Config, Limitation, Metrics};
use crate::wire::json::{Octets, Scalar};

pub(super) fn octets(name: &Name) -> Octets {
    Octets(name.as_bytes().to_vec())
}

pub(super) fn user_detail(user: data::UserDetail) -> Result<UserDetail, String> {
    let said = user.limits;
    let date = |text: String| text.parse().map_err(|()| format!("{text:?} is no date"));
    let limits = UserLimits {
        max_connections: said.max_connections.try_into().ok(),
        rate_up: said.rate_up.try_into().ok(),
        rate_down: said.rate_down.try_into().ok(),
        quota_day: said.quota_day.try_into().ok(),
        quota_month: said.quota_month.try_into().ok(),
        expires: said.expires.map(date).transpose()?,
    };
    Ok(UserDetail {
        name: user.name.0,
        connections: user.connections,
        bytes_up: user.bytes_up,
        bytes_down: user.bytes_down,
        used_today: user.used_today,
        used_this_month: user.used_this_month,
        limits,
    })
}

pub(super) fn limitation(name: &Name, limit: UserLimit) -> Limitation {
    let value = match limit {
        UserLimit::MaxConnections(most) => Scalar::Number(most.map_or(0, |most| most.get().into())),
        UserLimit::RateUp(octets)
        | UserLimit::RateDown(octets)
        | UserLimit::QuotaDay(octets)
        | UserLimit::QuotaMonth(octets) => Scalar::Number(octets.map_or(0, u64::from)),
        UserLimit::Expires(date) => {
            Scalar::Text(date.map_or_else(|| "never".into(), |date| date.to_string()))
        }
    };
    Limitation { name: octets(name), limit: limit.name().into(), value }
}

pub(super) fn account(name: &[u8], password: &[u8]) -> Account {
    Account { name: Octets(name.to_vec()), password: Octets(password.to_vec()) }
}

/// `None` for a folder and for rules, which [`Ask::Maildir`](crate::client::Ask::Maildir) and [`Ask::SetRules`](crate::client::Ask::SetRules) say.
pub(super) fn change(setting: &Setting) -> Option<Change> {
    let value = match setting {
        Setting::Spoofing(on) => Scalar::Bool(*on),
        other => Scalar::Number(other.number()?),
    };
    Some(Change { name: setting.name().into(), value })
}

pub(super) fn fact(name: &'static str, meaning: &'static str, value: Value) -> Answer {
    Answer::Facts(vec![Fact { name, meaning, value }])
}

pub(super) fn facts(metrics: Metrics) -> Answer {
    let fact = |name, meaning, value| Fact { name, meaning, value };
    let count = |name, meaning, number| fact(name, meaning, Value::Count(number));
    let octets = |name, meaning, number| fact(name, meaning, Value::Octets(number));
    Answer::Facts(vec![
        count("current", "connections now", metrics.current),
        count("max_current", "most connections at once", metrics.max_current),
        count("historic", "connections since the start", metrics.historic),
        count("refused", "connections refused", metrics.refused),
        count("active_users", "users now", metrics.active_users),
        count("failed_logins", "logins that failed", metrics.failed_logins),
        octets("bytes", "bytes relayed", metrics.bytes),
        octets("bytes_up", "bytes from clients", metrics.bytes_up),
        octets("bytes_down", "bytes to clients", metrics.bytes_down),
        fact("uptime", "time since the start", Value::Seconds(metrics.uptime_seconds)),
    ])
}

pub(super) fn settings(config: Config) -> Answer {
    let fact = |name, meaning, value| Fact { name, meaning, value };
    let count = |name, meaning, number: u32| fact(name, meaning, Value::Count(number.into()));
    // A timeout of less is 0: an answer has whole seconds.
    let seconds = Value::Seconds(config.timeout.as_f64().unwrap_or_default() as u64);
    let mut facts = vec![
        fact("timeout", "silence that ends a connection", seconds),
        count("max_connections", "most connections at once", config.max_connections),
        count("max_per_user", "those of one user (0: no limit)", config.max_per_user),
        count("max_per_address", "those from one address (0: no limit)", config.max_per_address),
        count(
            "max_new_per_address",
            "new ones per second from one address (0: no limit)",
            config.max_new_per_address,
        ),
        count("max_users", "most users", config.max_users),
        fact("buffer_size", "relay buffer (0: grows)", Value::Octets(config.buffer_size.into())),
        count("page_size", "users in a page", config.page_size.into()),
        fact("spoofing", "credential monitor", Value::Switch(config.spoofing)),
    ];
    let maildir = config.maildir.map(Value::Text);
    facts.extend(maildir.map(|folder| fact("maildir", "folder of the mailboxes", folder)));
    Answer::Facts(facts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::ask::every_ask;
    use crate::client::{Ask, Dialect};

    #[test]
    fn every_setting_that_is_sayable_has_a_change() {
        for ask in every_ask() {
            if let Ask::Configure(setting) = &ask {
                let sayable = ask.sayable_by().contains(&Dialect::Json);
                assert_eq!(change(setting).is_some(), sayable, "{ask:?}");
            }
        }
    }

    #[test]
    fn limits_that_are_off_are_zero() {
        let zero = |setting| change(&setting).unwrap().value;
        assert_eq!(zero(Setting::MaxPerUser(None)), Scalar::Number(0));
        assert_eq!(zero(Setting::BufferSize(None)), Scalar::Number(0));
    }
}
