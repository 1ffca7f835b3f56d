//! What a configuration means, in lines for people.

use std::fmt::{Display, Write as _};
use std::path::PathBuf;
use std::time::Duration;

use crate::core::{BufferSize, Name, RuleList, Rules, Settings, UserLimits};
use crate::logger::Format;
use crate::server::{Config, Ignored};

/// An option and its value.
type Told = (&'static str, String);

/// What holds once the server has started: what is stored wins.
struct Effective<'a> {
    users: Vec<(&'a Name, &'a UserLimits, &'a Rules)>,
    admins: Vec<&'a Name>,
    settings: Settings,
}

impl<'a> Effective<'a> {
    fn of(config: &'a Config) -> Self {
        let mut settings = config.settings.clone();
        let Some(stored) = &config.stored else {
            let users = config.users.iter();
            return Self {
                users: users.map(|user| (&user.name, &user.limits, &user.rules)).collect(),
                admins: config.admins.iter().map(|(name, _)| name).collect(),
                settings,
            };
        };
        stored.settings.iter().for_each(|setting| settings.change(setting.clone()));
        let users = stored.users.iter();
        Self {
            users: users.map(|user| (&user.name, &user.limits, &user.rules)).collect(),
            admins: stored.admins.iter().map(|admin| &admin.name).collect(),
            settings,
        }
    }
}

/// What a configuration that has been restored means; options are told where they are
/// not the default.
pub(super) fn explained(config: &Config, defaults: &Config) -> String {
    let mut text = String::new();
    let mut line = |name: &str, value: &dyn Display| {
        // Writing to a string can't fail.
        let _ = writeln!(text, "{name}: {value}");
    };
    for warning in &config.warnings {
        line("warning", warning);
    }
    let effective = Effective::of(config);
    explain_listeners(config, &mut line);
    explain_accounts(config, &effective, &mut line);
    let default = options(defaults, &defaults.settings);
    for (option, default) in options(config, &effective.settings).iter().zip(&default) {
        if option != default {
            line(option.0, &option.1);
        }
    }
    explain_rules(&effective, &mut line);
    explain_state(config, &mut line);
    for Ignored { kind, name, reason } in config.ignored() {
        line("ignored", &format!("{kind} {name}: {reason}"));
    }
    text
}

fn explain_listeners(config: &Config, line: &mut impl FnMut(&str, &dyn Display)) {
    line("socks", &config.socks);
    for (dialect, address) in &config.dialects {
        line(dialect.name, address);
    }
    if let Some(address) = config.pop3 {
        line("pop3", &address);
    }
    if let Some(address) = config.http {
        line("http", &address);
    }
}

fn explain_accounts(
    config: &Config,
    effective: &Effective<'_>,
    line: &mut impl FnMut(&str, &dyn Display),
) {
    let or = |names: String, none: &str| if names.is_empty() { none.into() } else { names };
    let none = match config.login_required() {
        true => "none: nobody may use the proxy until one is added",
        false => "none: whoever can connect may use the proxy",
    };
    line("users", &or(names(effective.users.iter().map(|(name, ..)| name)), none));
    for (name, limits, _) in &effective.users {
        if **limits != UserLimits::default() {
            line(&format!("limits of {name}"), limits);
        }
    }
    let none = "none: one is made up at the start";
    line("admins", &or(names(effective.admins.iter()), none));
}

/// The options that are neither listeners nor rules, always the same in the same order.
fn options(config: &Config, settings: &Settings) -> Vec<Told> {
    [changeable(settings), lasting(config)].concat()
}

/// Those that admins may change.
fn changeable(settings: &Settings) -> Vec<Told> {
    let limit = |most: Option<u32>| most.map_or("no limit".into(), |most| most.to_string());
    let fixed = |size: BufferSize| size.octets().to_string();
    vec![
        ("max-connections", settings.max_connections.to_string()),
        ("max-per-user", limit(settings.max_per_user)),
        ("max-per-address", limit(settings.max_per_address)),
        ("max-new-per-address", limit(settings.max_new_per_address)),
        ("max-users", settings.max_users.to_string()),
        ("timeout", seconds(settings.timeout)),
        ("buffer-size", settings.buffer_size.map_or("as traffic needs".into(), fixed)),
        ("page-size", settings.page_size.names().to_string()),
        ("maildir", shown(&settings.maildir)),
        ("credential-monitor", if settings.spoofing { "on" } else { "off" }.into()),
    ]
}

/// Those that stay.
fn lasting(config: &Config) -> Vec<Told> {
    let more = &config.options;
    let is_format = |name: &&&str| name.parse() == Ok(config.logging.format);
    let format = Format::NAMES.iter().find(is_format).copied().unwrap_or_default();
    vec![
        ("half-closed-timeout", seconds(config.half_closed_timeout)),
        ("handshake-timeout", seconds(more.handshake_timeout)),
        ("connect-timeout", seconds(more.connect_timeout)),
        ("bind-timeout", seconds(more.bind_timeout)),
        ("grace", seconds(config.grace)),
        ("login-failures", config.thresholds.free_failures.to_string()),
        ("login-window", seconds(config.thresholds.window)),
        ("login-refusal", seconds(config.thresholds.longest_refusal)),
        ("json-requests", config.thresholds.requests.to_string()),
        ("bind-out", names(more.bind_out.iter())),
        ("proxy-from", names(more.proxy_from.iter())),
        ("udp-ports", more.udp_ports.map_or("any".into(), |(a, b)| format!("{a}-{b}"))),
        ("udp-advertise", names(more.udp_advertise.iter())),
        ("access-log", shown(&config.access_log)),
        ("credentials-log", shown(&config.credentials_log)),
        ("log-format", format.into()),
        ("log-level", config.logging.level.to_string().to_lowercase()),
    ]
}

fn seconds(time: Duration) -> String {
    format!("{} seconds", time.as_secs_f64())
}

fn shown(path: &Option<PathBuf>) -> String {
    path.as_ref().map_or("none".into(), |path| path.display().to_string())
}

/// The rules that will hold, and what holds besides.
fn explain_rules(effective: &Effective<'_>, line: &mut impl FnMut(&str, &dyn Display)) {
    let mut list = |list: &RuleList, rules: &Rules, otherwise: &str| {
        for (number, rule) in (1..).zip(rules.iter()) {
            line("rule", &format!("{list} {number}: {rule}"));
        }
        line("rule", &format!("{list} otherwise: {otherwise}"));
    };
    list(&RuleList::Clients, &effective.settings.client_rules, "allowed");
    for (name, _, rules) in effective.users.iter().filter(|(.., rules)| !rules.is_empty()) {
        list(&RuleList::User((*name).clone()), rules, "as targets");
    }
    let targets = &effective.settings.target_rules;
    list(&RuleList::Targets, targets, "allowed, but for the safe default");
    line(
        "safe default",
        &"clients that are not on loopback don't reach loopback,\n    \
          link-local and unspecified addresses, nor the SOCKS and management ports of\n    \
          this server, unless a rule allows the address",
    );
}

fn explain_state(config: &Config, line: &mut impl FnMut(&str, &dyn Display)) {
    match (&config.state, &config.stored) {
        (None, _) => line("state", &"none: changes live in memory only"),
        (Some(file), None) => line("state", &format!("{}: new", file.path().display())),
        (Some(file), Some(_)) => {
            line("state", &format!("{}: exists and wins", file.path().display()));
        }
    }
}

fn names(names: impl Iterator<Item = impl Display>) -> String {
    names.map(|name| name.to_string()).collect::<Vec<_>>().join(", ")
}
