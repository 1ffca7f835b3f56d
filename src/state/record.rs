//! The text of a state: TOML, with a version, and nothing that is not known.
//!
//! ```toml
//! version = 1
//! login_required = true
//!
//! [settings]
//! timeout = 30.0
//!
//! [rules]
//! clients = ["allow 192.0.2.0/24", "deny *"]
//!
//! [[users]]
//! name = "ana"
//! password = "$argon2id$v=19$m=19456,t=2,p=1$..."
//! rules = ["deny *:25"]
//!
//! [users.limits]
//! rate_down = 1000000
//! expires = "2027-01-31"
//!
//! [users.used]
//! date = "2026-11-21"
//! day = 1234
//! month = 56789
//!
//! [[admins]]
//! name = "root"
//! password = "$argon2id$v=19$m=19456,t=2,p=1$..."
//! token = "$blake2b$..."
//! ```

use std::fmt::Display;
use std::io;

use serde::{Deserialize, Serialize};

use crate::core::{
    Latin1, Name, Phc, RuleList, Rules, Setting, Snapshot, StoredAdmin, StoredUser, TokenHash,
    latin1,
};

use super::limits::Limits;
use super::settings::Settings;
use super::toml_error::without_source;
use super::used::Used;

/// The only version so far.
const VERSION: u32 = 1;

/// What stands above it all.
const COMMENT: &str = "\
# Written by socksd at every change: edit it while the server is stopped.
# \"socksd hash-password\" makes a password.

";

/// What any version has.
#[derive(Deserialize)]
struct Version {
    version: i64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Record {
    version: u32,
    login_required: bool,
    #[serde(default)]
    settings: Settings,
    #[serde(default, skip_serializing_if = "GlobalRules::is_empty")]
    rules: GlobalRules,
    #[serde(default)]
    users: Vec<User>,
    #[serde(default)]
    admins: Vec<Admin>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct User {
    name: String,
    password: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    rules: Vec<String>,
    #[serde(default, skip_serializing_if = "Limits::is_empty")]
    limits: Limits,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    used: Option<Used>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Admin {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    password: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<String>,
}

/// The lists that an admin has changed.
#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct GlobalRules {
    #[serde(skip_serializing_if = "Option::is_none")]
    clients: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    targets: Option<Vec<String>>,
}

/// The text of a snapshot.
///
/// # Errors
/// When something in it can't be text: a path that is no UTF-8.
pub fn format(snapshot: &Snapshot) -> io::Result<String> {
    let user = |user: &StoredUser| User {
        name: Latin1(user.name.as_bytes()).to_string(),
        password: user.password.to_string(),
        rules: user.rules.lines(),
        limits: Limits::of(&user.limits),
        used: Used::of(&user.used),
    };
    let admin = |admin: &StoredAdmin| Admin {
        name: Latin1(admin.name.as_bytes()).to_string(),
        password: admin.password.as_ref().map(Phc::to_string),
        token: admin.token.as_ref().map(TokenHash::to_string),
    };
    let (mut settings, mut rules) = (Settings::default(), GlobalRules::default());
    for setting in &snapshot.settings {
        settings.put(setting);
        rules.put(setting);
    }
    let record = Record {
        version: VERSION,
        login_required: snapshot.login_required,
        settings,
        rules,
        users: snapshot.users.iter().map(user).collect(),
        admins: snapshot.admins.iter().map(admin).collect(),
    };
    let text = toml::to_string(&record).map_err(io::Error::other)?;
    Ok(format!("{COMMENT}{text}"))
}

/// Reads what [`format`] or a person has written.
///
/// # Errors
/// A text that says where and what is wrong; it shows no secret.
pub fn parse(text: &str) -> Result<Snapshot, String> {
    let wrong = |error| without_source(&error, text);
    // First of all, as another version may have other fields.
    let Version { version } = toml::from_str(text).map_err(wrong)?;
    if version != i64::from(VERSION) {
        return Err(format!("its version is {version}, this server knows {VERSION}"));
    }
    let record: Record = toml::from_str(text).map_err(wrong)?;
    let users: Vec<_> = record.users.iter().map(user).collect::<Result<_, _>>()?;
    let admins: Vec<_> = record.admins.iter().map(admin).collect::<Result<_, _>>()?;
    distinct("user", users.iter().map(|user| &user.name))?;
    distinct("admin", admins.iter().map(|admin| &admin.name))?;
    if admins.is_empty() {
        return Err("it has no admin, so nobody could manage the server".into());
    }
    let mut settings = record.settings.changes()?;
    settings.extend(record.rules.changes()?);
    Ok(Snapshot { login_required: record.login_required, users, admins, settings })
}

fn user(user: &User) -> Result<StoredUser, String> {
    let name = name("user", &user.name)?;
    let rules = Rules::parse(&RuleList::User(name.clone()), &user.rules);
    let used = user.used.as_ref().map(Used::read);
    Ok(StoredUser {
        name,
        password: phc("user", &user.name, &user.password)?,
        limits: user.limits.read().map_err(|error| of("user", &user.name, &error))?,
        rules: rules.map_err(|error| of("user", &user.name, &error))?,
        used: used.transpose().map_err(|error| of("user", &user.name, &error))?.unwrap_or_default(),
    })
}

fn admin(admin: &Admin) -> Result<StoredAdmin, String> {
    let password = admin.password.as_ref().map(|text| phc("admin", &admin.name, text));
    let token = admin.token.as_ref().map(|text| {
        TokenHash::parse(text).ok_or_else(|| of("admin", &admin.name, &"the token is no digest"))
    });
    if password.is_none() && token.is_none() {
        return Err(of("admin", &admin.name, &"it has neither password nor token"));
    }
    Ok(StoredAdmin {
        name: name("admin", &admin.name)?,
        password: password.transpose()?,
        token: token.transpose()?,
    })
}

fn name(kind: &str, text: &str) -> Result<Name, String> {
    let octets = latin1(text).map_err(|error| of(kind, text, &error))?;
    Name::new(&octets).map_err(|error| of(kind, text, &error))
}

fn phc(kind: &str, name: &str, text: &str) -> Result<Phc, String> {
    Phc::parse(text).map_err(|error| of(kind, name, &format!("the password: {error}")))
}

fn of(kind: &str, name: &str, error: &dyn Display) -> String {
    format!("{kind} {}: {error}", name.escape_debug())
}

fn distinct<'a>(kind: &str, names: impl Iterator<Item = &'a Name>) -> Result<(), String> {
    match Name::repeated(names) {
        Some(name) => Err(format!("the {kind} {name} is there twice")),
        None => Ok(()),
    }
}

impl GlobalRules {
    fn is_empty(&self) -> bool {
        self.clients.is_none() && self.targets.is_none()
    }

    fn put(&mut self, setting: &Setting) {
        match setting {
            Setting::ClientRules(rules) => self.clients = Some(rules.lines()),
            Setting::TargetRules(rules) => self.targets = Some(rules.lines()),
            _ => {}
        }
    }

    fn changes(self) -> Result<Vec<Setting>, String> {
        let read = |list: RuleList, lines: Vec<String>| {
            Rules::parse(&list, lines).map_err(|error| format!("rules, {list}: {error}"))
        };
        let clients = self.clients.map(|lines| read(RuleList::Clients, lines)).transpose()?;
        let targets = self.targets.map(|lines| read(RuleList::Targets, lines)).transpose()?;
        let changes = [clients.map(Setting::ClientRules), targets.map(Setting::TargetRules)];
        Ok(changes.into_iter().flatten().collect())
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::time::Duration;

    use super::*;
    use crate::core::{BufferSize, Maildir, PageSize, Password, Token, UserLimits};

    fn rules(list: &RuleList, line: &str) -> Rules {
        Rules::parse(list, [line]).unwrap()
    }

    fn snapshot() -> Snapshot {
        let phc = || Phc::of(&Password::new(b"secret").unwrap()).unwrap();
        let token = TokenHash::of(&Token::new(b"0123456789abcdef").unwrap()).unwrap();
        let root = Name::new(b"root").unwrap();
        Snapshot {
            login_required: true,
            users: vec![StoredUser {
                name: Name::new(b"a\"n\\\x85\xe9").unwrap(),
                password: phc(),
                limits: UserLimits {
                    max_connections: 3.try_into().ok(),
                    rate_up: 4.try_into().ok(),
                    rate_down: 5.try_into().ok(),
                    quota_day: 6.try_into().ok(),
                    quota_month: 7.try_into().ok(),
                    expires: "2027-01-31".parse().ok(),
                },
                rules: rules(&RuleList::Targets, "allow [2001:db8::]/32:80-443"),
                used: crate::core::Used {
                    date: "2026-11-21".parse().unwrap(),
                    day: 8,
                    month: u64::MAX >> 1,
                },
            }],
            admins: vec![StoredAdmin { name: root, password: Some(phc()), token: Some(token) }],
            settings: vec![
                Setting::Timeout(Duration::from_millis(1500)),
                Setting::MaxConnections(0),
                Setting::MaxPerUser(None),
                Setting::MaxPerAddress(Some(7)),
                Setting::MaxNewPerAddress(None),
                Setting::MaxUsers(9),
                Setting::BufferSize(BufferSize::new(512)),
                Setting::PageSize(PageSize::new(1).unwrap()),
                Setting::Spoofing(false),
                Setting::Maildir(Maildir::open(Path::new("/")).unwrap()),
                Setting::ClientRules(rules(&RuleList::Clients, "deny 192.0.2.0/24")),
                Setting::TargetRules(Rules::default()),
            ],
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let snapshot = snapshot();
        let text = format(&snapshot).unwrap();
        assert_eq!(parse(&text), Ok(snapshot));
        assert!(!text.contains("secret") && !text.contains("0123456789abcdef"), "{text}");
    }

    #[test]
    fn a_state_cut_anywhere_is_an_error_and_no_smaller_state() {
        let text = format(&snapshot()).unwrap();
        let read = |end: &usize| text.get(..*end).is_some_and(|text| parse(text).is_ok());
        // Only the token, which is the last line, or its newline can be missing.
        let token = text.find("token").unwrap();
        let ends: Vec<usize> = (0..text.len()).filter(read).collect();
        assert!(ends.iter().all(|end| *end >= token - 1), "{ends:?} of {}", text.len());
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line_and_no_secret() {
        let text = format(&snapshot()).unwrap();
        for (from, to, expected) in [
            ("version = 1", "version = 2\ncolour = 3", "version is 2"),
            ("version = 1", "version = 1\ncolour = 3", "line 5: unknown field `colour`"),
            ("timeout = 1.5", "timeout = -1.0", "timeout"),
            ("timeout = 1.5", "timeout = 0.0009", "timeout is out of range"),
            ("timeout = 1.5", "timeout = 31622401", "timeout is out of range"),
            ("timeout = 1.5", "timeout = 1e19", "timeout is out of range"),
            ("buffer_size = 512", "buffer_size = 511", "buffer_size"),
            ("name = \"root\"", "name = \"ro/ot\"", "ro/ot"),
            ("rate_up = 4", "rate = 4", "unknown field `rate`"),
            ("2027-01-31", "2027-02-31", "no date"),
            ("deny 192", "forbid 192", "rules, clients: rule 1, \"forbid 192.0.2.0/24\": write"),
            ("80-443", "443-80", "runs backwards"),
            ("targets = []", "target = []", "unknown field `target`"),
            ("2026-11-21", "today", "used: today is no date"),
            ("[[admins]]", "[[kings]]", "kings"),
            ("$argon2id", "$argon2i", "argon2id PHC string"),
        ] {
            let error = parse(&text.replacen(from, to, 1)).unwrap_err();
            assert!(error.contains(expected) && !error.contains("$v=19$"), "{error}");
        }
        let users = text.find("[[users]]").unwrap();
        let (before, admins) = (&text[..users], &text[text.find("[[admins]]").unwrap()..]);
        assert!(parse(before).unwrap_err().contains("no admin"));
        assert!(parse(&format!("{text}{admins}")).unwrap_err().contains("root is there twice"));
    }
}
