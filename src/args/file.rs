//! The configuration file: the options of the command line by their long names,
//! and in tables what has none.
//!
//! Each option goes through the parser of the command line, so it means the same
//! and is refused for the same reason.

use std::fmt::Display;
use std::path::Path;
use std::{fs, io};

use argh::{ArgsInfo, FromArgs};
use serde::Deserialize;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::values::distinct;
use super::{Account, Args};
use crate::core::rules::Action;
use crate::core::{
    BadRules, Name, NewUser, Password, Phc, RuleList, Rules, Secret, Setting, latin1,
};
use crate::manage::{SecretError, Secrets};
use crate::printed::misuse;
use crate::state::{Limits, line, without_source};

/// The tables beside the options.
const TABLES: [&str; 4] = ["users", "admins", "secrets", "rules"];
/// Options that may be given again, here as a list.
const LISTS: [&str; 2] = ["bind-out", "proxy-from"];
/// Options that make no sense in a file.
const FOREIGN: [&str; 5] = ["config", "user", "admin", "version", "help"];

/// What a file says.
pub(super) struct File {
    /// As if it had been given on the command line.
    pub(super) args: Args,
    pub(super) users: Vec<NewUser>,
    pub(super) admins: Vec<Account>,
    pub(super) secrets: Secrets,
    /// Who may come, and where everybody may go, as far as anything is said of it.
    pub(super) rules: Vec<Setting>,
    /// What is allowed and not wise.
    pub(super) warnings: Vec<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Tables {
    users: Vec<User>,
    admins: Vec<Login>,
    secrets: SecretTexts,
    rules: RuleTexts,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct User {
    name: String,
    password: String,
    #[serde(default)]
    rules: Vec<Spanned<String>>,
    #[serde(default)]
    limits: Limits,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Login {
    name: String,
    password: String,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct RuleTexts {
    clients: Vec<Spanned<String>>,
    targets: Vec<Spanned<String>>,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct SecretTexts {
    datagram: Option<String>,
    oneshot: Option<String>,
    jwt: Option<String>,
    http: Option<String>,
}

impl File {
    /// Reads a file.
    ///
    /// # Errors
    /// A sentence with the file and, where there is one, the line; no secret.
    pub(super) fn read(path: &Path) -> Result<Self, String> {
        let shown = path.display();
        let text = fs::read_to_string(path)
            .map_err(|error: io::Error| format!("reading {shown} failed: {error}"))?;
        Self::parse(&text).map_err(|error| format!("{shown}, {error}"))
    }

    fn parse(text: &str) -> Result<Self, String> {
        let words = words(text)?;
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let args = parse(&words)?;
        let tables: Tables = toml::from_str(text).map_err(|error| without_source(&error, text))?;
        let mut warnings = Vec::new();
        let users = tables.users.iter().map(|given| user(given, text, &mut warnings));
        let users: Vec<NewUser> = users.collect::<Result<_, _>>()?;
        let admins = tables.admins.iter();
        let admins =
            admins.map(|login| account("admin", &login.name, &login.password, &mut warnings));
        let admins: Vec<Account> = admins.collect::<Result<_, _>>()?;
        distinct("table users", users.iter().map(|user| &user.name))?;
        distinct("table admins", admins.iter().map(|(name, _)| name))?;
        let secrets = secrets(tables.secrets)?;
        let RuleTexts { clients, targets } = &tables.rules;
        let clients = rules(&RuleList::Clients, clients, text)?;
        if !clients.is_empty() && clients.iter().all(|rule| rule.action == Action::Allow) {
            let no_use = "table rules: clients only allows, as if it were empty: add \"deny *\"";
            warnings.push(no_use.into());
        }
        let targets = rules(&RuleList::Targets, targets, text)?;
        let clients = Some(clients).filter(|rules| !rules.is_empty()).map(Setting::ClientRules);
        let targets = Some(targets).filter(|rules| !rules.is_empty()).map(Setting::TargetRules);
        let rules = clients.into_iter().chain(targets).collect();
        Ok(Self { args, users, admins, secrets, rules, warnings })
    }
}

/// The options as words of a command line, each of them tried alone.
fn words(text: &str) -> Result<Vec<String>, String> {
    let table = DeTable::parse(text).map_err(|error| without_source(&error, text))?;
    let mut words = Vec::new();
    for (key, value) in table.get_ref() {
        let name: &str = key.get_ref();
        if TABLES.contains(&name) {
            continue;
        }
        let at = |error: &dyn Display| format!("line {}: {error}", line(text, key.span().start));
        let flag = format!("--{}", name.replace('_', "-"));
        if FOREIGN.contains(&name) || !is_option(&flag) {
            return Err(at(&format!("there is no option {}", name.escape_debug())));
        }
        let option = match value.get_ref() {
            DeValue::Boolean(false) => continue,
            DeValue::Boolean(true) => vec![flag],
            DeValue::String(text) => vec![flag, text.to_string()],
            DeValue::Integer(number) if number.radix() == 10 => vec![flag, number.to_string()],
            DeValue::Float(number) => vec![flag, number.to_string()],
            DeValue::Array(list) if LISTS.contains(&name.replace('_', "-").as_str()) => {
                let texts = list.iter().map(|one| one.get_ref().as_str().map(str::to_owned));
                let texts = texts.map(|text| {
                    text.ok_or_else(|| at(&format!("{name} takes a text or a list of them")))
                });
                let texts: Vec<String> = texts.collect::<Result<_, _>>()?;
                texts.into_iter().flat_map(|text| [flag.clone(), text]).collect()
            }
            _ => return Err(at(&format!("{name} takes a text, a number, true or false"))),
        };
        let alone: Vec<&str> = option.iter().map(String::as_str).collect();
        parse(&alone).map_err(|error| at(&error))?;
        words.extend(option);
    }
    Ok(words)
}

/// Whether the command line knows it.
fn is_option(flag: &str) -> bool {
    Args::get_args_info().flags.iter().any(|known| known.long == flag)
}

fn parse(words: &[&str]) -> Result<Args, String> {
    Args::from_args(&["socksd"], words).map_err(|exit| misuse(&exit.output))
}

fn user(user: &User, text: &str, warnings: &mut Vec<String>) -> Result<NewUser, String> {
    let (name, password) = account("user", &user.name, &user.password, warnings)?;
    let limits = user.limits.read().map_err(|error| format!("user {name}: {error}"))?;
    let rules = rules(&RuleList::User(name.clone()), &user.rules, text)?;
    Ok(NewUser { name, password, limits, rules })
}

/// The rules of a list; the error has the line of the one that is none.
fn rules(list: &RuleList, lines: &[Spanned<String>], text: &str) -> Result<Rules, String> {
    Rules::parse(list, lines.iter().map(Spanned::get_ref)).map_err(|error| {
        let place = match &error {
            BadRules::Rule { number, .. } => number - 1,
            BadRules::TooMany | BadRules::TooLong => 0,
        };
        let start = lines.get(place).map_or(0, |line| line.span().start);
        format!("line {}: {list}: {error}", line(text, start))
    })
}

fn account(
    kind: &str,
    name: &str,
    password: &str,
    warnings: &mut Vec<String>,
) -> Result<Account, String> {
    let of = |error: &dyn Display| format!("{kind} {}: {error}", name.escape_debug());
    let octets = latin1(name).map_err(|error| of(&error))?;
    let name = Name::new(&octets).map_err(|error| of(&error))?;
    if password.starts_with("$argon2") {
        let phc = Phc::parse(password).map_err(|error| of(&error))?;
        return Ok((name, Secret::Hashed(phc)));
    }
    warnings.push(of(&"the password is plain, \"socksd hash-password\" makes a hash of it"));
    let octets = latin1(password).map_err(|error| of(&error))?;
    let password = Password::new(&octets).map_err(|error| of(&format!("the password: {error}")))?;
    Ok((name, password.into()))
}

fn secrets(texts: SecretTexts) -> Result<Secrets, String> {
    let SecretTexts { datagram, oneshot, jwt, http } = texts;
    let given = |variable: &str| match variable {
        "SOCKSD_DATAGRAM_TOKEN" => ("datagram", datagram.clone()),
        "SOCKSD_ONESHOT_TOKEN" => ("oneshot", oneshot.clone()),
        "SOCKSD_JWT_SECRET" => ("jwt", jwt.clone()),
        "SOCKSD_HTTP_TOKEN" => ("http", http.clone()),
        _ => ("", None),
    };
    let secrets = Secrets::read(|variable| given(variable).1.map(Into::into));
    secrets.map_err(|error| match error {
        SecretError::Malformed { variable, form } => {
            format!("table secrets: {} can't be used: set it to {form}", given(variable).0)
        }
        SecretError::Missing { .. } => format!("table secrets: {error}"),
    })
}
