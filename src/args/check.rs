//! `socksd check FILE`: what a configuration file means, or what is wrong with it.

use std::fmt::{Display, Write as _};

use argh::{ArgsInfo, FromArgs};

use super::Args;
use crate::core::{Core, RuleList, Rules, Setting, Start, UserLimits};
use crate::manage::{Secrets, Transport};
use crate::net::sources::Sources;
use crate::printed::{Failure, misuse};
use crate::server::{Config, Ignored, StartError};

/// says what a configuration means or what is wrong
#[derive(FromArgs, ArgsInfo)]
#[argh(subcommand, name = "check", help_triggers("-h", "--help"))]
pub struct Check {
    /// the file
    #[argh(positional)]
    file: String,
}

impl Check {
    /// What the file means.
    ///
    /// # Errors
    /// Why it can't be used; the code is 2.
    pub fn run(&self) -> Result<String, Failure> {
        self.explain().map_err(|why| Failure { why, code: 2 })
    }

    fn explain(&self) -> Result<String, String> {
        let args = Args::from_args(&["socksd"], &["--config", &self.file]);
        let mut config = args.map_err(|exit| misuse(&exit.output))?.into_config()?;
        could_start(&mut config).map_err(|error| format!("{}: {error}", self.file))?;
        Ok(explained(&config))
    }
}

/// All that can be told without a listener.
fn could_start(config: &mut Config) -> Result<(), StartError> {
    let given = std::mem::take(&mut config.secrets);
    config.secrets = Secrets::from_env()?.or(given);
    config.restore()?;
    config.check()?;
    let stored = config.stored.clone().unwrap_or_default();
    let (scratch, _) = Core::new(Start { stored, ..Start::default() })?;
    for (dialect, _) in &config.dialects {
        match dialect.transport {
            Transport::Tcp(start) => drop(start(&scratch, &config.secrets)?),
            Transport::Udp(start) => drop(start(&scratch, &config.secrets)?),
        }
    }
    Ok(())
}

fn explained(config: &Config) -> String {
    let mut text = String::new();
    let mut line = |name: &str, value: &dyn Display| {
        // Writing to a string can't fail.
        let _ = writeln!(text, "{name}: {value}");
    };
    for warning in &config.warnings {
        line("warning", warning);
    }
    explain_listeners(config, &mut line);
    explain_accounts(config, &mut line);
    explain_rules(config, &mut line);
    explain_state(config, &mut line);
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
    if config.options.bind_out != Sources::ANY {
        line("bind-out", &names(config.options.bind_out.iter(), ""));
    }
    if !config.options.proxy_from.is_empty() {
        line("proxy-from", &names(config.options.proxy_from.iter(), ""));
    }
}

fn explain_accounts(config: &Config, line: &mut impl FnMut(&str, &dyn Display)) {
    let open = "none: whoever can connect may use the proxy";
    line("users", &names(config.users.iter().map(|user| &user.name), open));
    for user in config.users.iter().filter(|user| user.limits != UserLimits::default()) {
        line(&format!("limits of {}", user.name), &user.limits);
    }
    let none = "none: one is made up at the start";
    line("admins", &names(config.admins.iter().map(|(name, _)| name), none));
}

fn explain_state(config: &Config, line: &mut impl FnMut(&str, &dyn Display)) {
    let Some(file) = &config.state else {
        return line("state", &"none: changes live in memory only");
    };
    let path = file.path().display();
    let Some(stored) = &config.stored else { return line("state", &format!("{path}: new")) };
    let users = names(stored.users.iter().map(|user| &user.name), "(none)");
    let admins = names(stored.admins.iter().map(|admin| &admin.name), "(none)");
    let exists = format!("{path}: exists and wins, with the users {users} and the admins {admins}");
    line("state", &exists);
    for Ignored { kind, name, reason } in config.ignored() {
        line("ignored", &format!("{kind} {name}: {reason}"));
    }
}

/// The rules that will hold, and what holds besides.
fn explain_rules(config: &Config, line: &mut impl FnMut(&str, &dyn Display)) {
    let settings = &config.settings;
    let (mut clients, mut targets) = (&settings.client_rules, &settings.target_rules);
    let mut users = config.users.iter().map(|user| (&user.name, &user.rules)).collect::<Vec<_>>();
    if let Some(stored) = &config.stored {
        users = stored.users.iter().map(|user| (&user.name, &user.rules)).collect();
        for setting in &stored.settings {
            match setting {
                Setting::ClientRules(rules) => clients = rules,
                Setting::TargetRules(rules) => targets = rules,
                _ => {}
            }
        }
    }
    let mut list = |list: &RuleList, rules: &Rules, otherwise: &str| {
        for (number, rule) in (1..).zip(rules.iter()) {
            line("rule", &format!("{list} {number}: {rule}"));
        }
        line("rule", &format!("{list} otherwise: {otherwise}"));
    };
    list(&RuleList::Clients, clients, "allowed");
    for (name, rules) in users.into_iter().filter(|(_, rules)| !rules.is_empty()) {
        list(&RuleList::User(name.clone()), rules, "as targets");
    }
    list(&RuleList::Targets, targets, "allowed, but for the safe default");
    line(
        "safe default",
        &"clients that are not on loopback don't reach loopback, link-local and unspecified \
          addresses, nor the SOCKS and management ports of this server, unless a rule allows the \
          address",
    );
}

fn names(names: impl Iterator<Item = impl Display>, none: &str) -> String {
    let names: Vec<String> = names.map(|name| name.to_string()).collect();
    if names.is_empty() { none.into() } else { names.join(", ") }
}
