//! `socksd token`: mints a token for the json dialect.

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use argh::{ArgsInfo, FromArgs};

use crate::manage::{Secrets, json_scopes};
use crate::printed::Failure;

/// prints a token for json, needs SOCKSD_JWT_SECRET
#[derive(FromArgs, ArgsInfo)]
#[argh(subcommand, name = "token", help_triggers("-h", "--help"))]
pub struct Mint {
    /// what it allows: names of actions, with commas between them,
    /// or all
    #[argh(option, arg_name = "a,b", from_str_fn(scopes))]
    scopes: BTreeSet<String>,
    /// for how long: a number and s, m, h or d (1h)
    #[argh(option, arg_name = "time", default = "HOUR", from_str_fn(lifetime))]
    ttl: Duration,
    /// who it is for, as the log will say
    #[argh(option, arg_name = "name")]
    subject: String,
}

const HOUR: Duration = Duration::from_secs(60 * 60);
/// A hundred years.
const LONGEST_SECS: u64 = 100 * 366 * 24 * 60 * 60;

impl Mint {
    /// The token.
    ///
    /// # Errors
    /// Why there is none.
    pub fn run(&self) -> Result<String, Failure> {
        self.mint(&Secrets::from_env()?)
    }

    fn mint(&self, secrets: &Secrets) -> Result<String, Failure> {
        let key = secrets.jwt()?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        Ok(key.mint(&self.subject, &self.scopes, now, now + self.ttl.as_secs())?)
    }
}

fn scopes(text: &str) -> Result<BTreeSet<String>, String> {
    // These two need a session and no scope: for a token that allows nothing else.
    let known: Vec<&str> = json_scopes().chain(["PING", "QUIT"]).collect();
    let mut allowed = BTreeSet::new();
    for name in text.split(',') {
        if known.contains(&name) {
            allowed.insert(name.to_owned());
        } else if name == "all" {
            allowed.extend(json_scopes().map(String::from));
        } else {
            let (name, known) = (name.escape_debug(), known.join(", "));
            return Err(format!("\"{name}\" allows nothing, use all or {known}"));
        }
    }
    Ok(allowed)
}

fn lifetime(text: &str) -> Result<Duration, String> {
    let (digits, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(0));
    let unit = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 60 * 60,
        "d" => 24 * 60 * 60,
        _ => 0,
    };
    let seconds = digits.parse::<u64>().ok().and_then(|count| count.checked_mul(unit));
    let seconds = seconds.filter(|seconds| (1..=LONGEST_SECS).contains(seconds));
    seconds.map(Duration::from_secs).ok_or_else(|| "use a time like 90s or 1h".into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manage::JwtKey;

    #[test]
    fn what_is_minted_says_what_was_asked_for() {
        let words = ["--scopes", "PING,GET_METRICS", "--ttl", "2m", "--subject", "ana"];
        let mint = Mint::from_args(&["token"], &words).map_err(|exit| exit.output).unwrap();
        let key = JwtKey::new(b"0123456789abcdef").unwrap();
        let token = mint.mint(&Secrets { jwt: Some(key.clone()), ..Secrets::default() }).unwrap();
        let grant = key.check(&token, 0).unwrap();
        let scopes: Vec<_> = grant.scopes.iter().map(String::as_str).collect();
        assert_eq!((grant.subject.as_str(), &scopes[..]), ("ana", &["GET_METRICS", "PING"][..]));
        assert!(mint.mint(&Secrets::default()).unwrap_err().why.contains("SOCKSD_JWT_SECRET"));
    }

    #[test]
    fn times_and_scopes_are_checked() {
        for (text, seconds) in [("1s", 1), ("90m", 5400), ("1h", 3600), ("7d", 604_800)] {
            assert_eq!(lifetime(text), Ok(Duration::from_secs(seconds)));
        }
        for wrong in
            ["", "1", "h", "0s", "-1s", "1.5h", "1w", "1 h", "99999999999999999999d", "99999d", "€"]
        {
            assert!(lifetime(wrong).is_err(), "{wrong}");
        }
        let all = scopes("all").unwrap();
        assert!(all.contains("SET_RULES") && all.contains("GET_OS_INFO") && !all.contains("all"));
        assert_eq!(scopes("all,LIST_USERS"), Ok(all.clone()));
        assert_eq!(scopes("LIST_USERS,all"), Ok(all));
        for wrong in ["", "PING,", ",PING", "PING,,STOP", "list_users", "NOPE", "ALL", "PING\n"] {
            let error = scopes(wrong).unwrap_err();
            assert!(error.contains("use all or ") && error.contains("LIST_USERS"), "{wrong:?}");
        }
    }
}
