//! What a start is given in vain, because the state holds something else.

use super::Config;
use crate::core::{NewUser, Rules, Secret, Setting, Snapshot, StoredUser, UserLimits};

/// Plain passwords that are compared with a stored hash at the start, which takes some
/// 15 ms each. Whoever has more of them in a file makes hashes of them.
const COMPARED_MAX: usize = 32;

/// Something that was given and has no effect. It holds no secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ignored {
    /// `user`, `admin`, `token` or `setting`.
    pub kind: &'static str,
    /// Which one.
    pub name: String,
    /// What the state has in its place.
    pub reason: String,
}

/// All that is.
pub(super) fn of(config: &Config, stored: &Snapshot) -> Vec<Ignored> {
    let mut compared = 0;
    let mut differs = |given: &Secret, stored| {
        compared += usize::from(matches!(given, Secret::Plain(_)));
        compared <= COMPARED_MAX && !given.is(stored)
    };
    let mut ignored = Vec::new();
    for given in &config.users {
        let found = stored.users.iter().find(|stored| stored.name == given.name);
        let instead = found.map_or(vec!["no such user"], |stored| {
            differences(given, stored, differs(&given.password, &stored.password))
        });
        ignored.extend(one("user", &given.name, &instead));
    }
    for (name, given) in &config.admins {
        let found = stored.admins.iter().find(|stored| stored.name == *name);
        let instead = match found.map(|stored| &stored.password) {
            None => Some("no such admin"),
            Some(None) => Some("no password"),
            Some(Some(stored)) => differs(given, stored).then_some("another password"),
        };
        ignored.extend(one("admin", name, instead.as_slice()));
    }
    let settings = config.given.iter().filter(|given| is_other(given, stored));
    ignored.extend(settings.filter_map(|given| one("setting", given.name(), &["another value"])));
    ignored.extend(token(config, stored));
    ignored
}

fn one(kind: &'static str, name: impl ToString, instead: &[&str]) -> Option<Ignored> {
    let reason = format!("the state file wins, and has {}", instead.join(", "));
    (!instead.is_empty()).then(|| Ignored { kind, name: name.to_string(), reason })
}

/// Limits and rules that were not given are not compared: an admin may have set some.
fn differences(given: &NewUser, stored: &StoredUser, password: bool) -> Vec<&'static str> {
    let limits = given.limits != UserLimits::default() && given.limits != stored.limits;
    let rules = given.rules != Rules::default() && given.rules != stored.rules;
    let all = [("another password", password), ("other limits", limits), ("other rules", rules)];
    all.into_iter().filter_map(|(what, differs)| differs.then_some(what)).collect()
}

fn is_other(given: &Setting, stored: &Snapshot) -> bool {
    let mut stored = stored.settings.iter();
    stored.find(|stored| stored.name() == given.name()).is_some_and(|stored| stored != given)
}

/// The token for oneshot counts only where nobody has one.
fn token(config: &Config, stored: &Snapshot) -> Option<Ignored> {
    let given = config.secrets.oneshot.as_ref()?;
    let mut tokens = stored.admins.iter().filter_map(|admin| admin.token.as_ref()).peekable();
    tokens.peek()?;
    let known = tokens.any(|token| token.is_of(given));
    if known { None } else { one("token", "oneshot", &["another token"]) }
}
