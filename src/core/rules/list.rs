//! Lists of rules.

use std::fmt;
use std::sync::Arc;

use super::Destination;
use super::pattern::Pattern;
use super::rule::{Action, BadRule, Rule};
use crate::core::account::Name;

/// A list of rules by its name.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum RuleList {
    /// Who may come: `clients`.
    Clients,
    /// Where everybody may go: `targets`.
    Targets,
    /// Where this user may go: `user:NAME`. No name holds a colon.
    User(Name),
}

/// A text is the name of no list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnknownList;

impl fmt::Display for UnknownList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no list has this name, use clients, targets or user:NAME")
    }
}

impl std::error::Error for UnknownList {}

impl RuleList {
    /// The list of this name.
    ///
    /// # Errors
    /// [`UnknownList`].
    pub fn parse(octets: &[u8]) -> Result<Self, UnknownList> {
        match octets {
            b"clients" => Ok(Self::Clients),
            b"targets" => Ok(Self::Targets),
            _ => {
                let name = octets.strip_prefix(b"user:").and_then(|name| Name::new(name).ok());
                name.map(Self::User).ok_or(UnknownList)
            }
        }
    }

    /// Its name in octets: what [`Self::parse`] reads.
    pub fn to_bytes(&self) -> Vec<u8> {
        match self {
            Self::Clients => b"clients".to_vec(),
            Self::Targets => b"targets".to_vec(),
            Self::User(name) => [b"user:", name.as_bytes()].concat(),
        }
    }
}

impl fmt::Display for RuleList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Clients => f.write_str("clients"),
            Self::Targets => f.write_str("targets"),
            Self::User(name) => write!(f, "user:{name}"),
        }
    }
}

/// The rules of a list, in their order; clones are the same list. What none of them
/// matches is left to the next list, and allowed behind the last.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rules(Arc<[Rule]>);

/// Why lines are no [`Rules`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BadRules {
    /// A line is no rule of this list.
    Rule {
        /// Which, counted from 1.
        number: usize,
        /// The line.
        text: String,
        /// Why.
        why: BadRule,
    },
    /// There are more than [`Rules::MOST`].
    TooMany,
    /// They have more than [`Rules::LONGEST`] octets.
    TooLong,
}

impl fmt::Display for BadRules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rule { number, text, why } => {
                let shown: String = text.chars().take(80).collect();
                write!(f, "rule {number}, \"{}\": {why}", shown.escape_debug())
            }
            Self::TooMany => write!(f, "a list holds at most {} rules", Rules::MOST),
            Self::TooLong => write!(f, "a list holds at most {} octets of rules", Rules::LONGEST),
        }
    }
}

impl std::error::Error for BadRules {}

/// What is certain before an address is known.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Foresight<'a> {
    /// Whatever the address will be, this rule denies it, counted from 0.
    Denied(usize, &'a Rule),
    /// Some address may be allowed here.
    Open,
    /// No rule is certain to match: the next list decides.
    Unmatched,
}

impl Rules {
    /// Rules in a list.
    pub const MOST: usize = 1024;

    /// Octets in the lines of a list: it fits a frame of json.
    pub const LONGEST: usize = 64 * 1024;

    /// Reads the rules of a list, a line each.
    ///
    /// # Errors
    /// [`BadRules`] names the first line that is none.
    pub fn parse<T: AsRef<str>>(
        list: &RuleList,
        lines: impl IntoIterator<Item = T>,
    ) -> Result<Self, BadRules> {
        let (mut rules, mut octets) = (Vec::new(), 0_usize);
        for line in lines {
            let line = line.as_ref();
            octets = octets.saturating_add(line.len());
            if octets > Self::LONGEST {
                return Err(BadRules::TooLong);
            }
            if rules.len() == Self::MOST {
                return Err(BadRules::TooMany);
            }
            let rule = line.parse::<Rule>();
            let fitting = |rule: Rule| {
                if rule.fits(list) { Ok(rule) } else { Err(BadRule::NotOfClients) }
            };
            let number = rules.len() + 1;
            let bad = |why| BadRules::Rule { number, text: line.into(), why };
            rules.push(rule.and_then(fitting).map_err(bad)?);
        }
        Ok(Self(rules.into()))
    }

    /// Each of them, in their order.
    pub fn iter(&self) -> impl Iterator<Item = &Rule> {
        self.0.iter()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Their lines.
    pub fn lines(&self) -> Vec<String> {
        self.0.iter().map(Rule::to_string).collect()
    }

    /// The first that matches, and its place.
    pub(super) fn first(&self, to: &Destination<'_>) -> Option<(usize, &Rule)> {
        self.0.iter().enumerate().find(|(_, rule)| rule.matches(to))
    }

    /// What is certain of a destination with this name, or none, while its address
    /// is not known, nor its port when there is none.
    pub(super) fn foresee(&self, name: Option<&str>, port: Option<u16>) -> Foresight<'_> {
        for (place, rule) in self.0.iter().enumerate() {
            let could = port.is_none_or(|port| rule.ports.contain(port));
            let ranged = matches!(rule.host, Pattern::Range(_));
            if !could || !(ranged || rule.host.matches_name(name)) {
                continue;
            }
            let sure = !ranged && (port.is_some() || rule.ports.are_all());
            match rule.action {
                Action::Allow => return Foresight::Open,
                Action::Deny if sure => return Foresight::Denied(place, rule),
                Action::Deny => {}
            }
        }
        Foresight::Unmatched
    }
}

/// A list and the rules that it is to have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleChange {
    list: RuleList,
    rules: Rules,
}

impl RuleChange {
    /// Reads the rules, a line each.
    ///
    /// # Errors
    /// [`BadRules`] names the first line that is none.
    pub fn parse<T: AsRef<str>>(
        list: RuleList,
        lines: impl IntoIterator<Item = T>,
    ) -> Result<Self, BadRules> {
        let rules = Rules::parse(&list, lines)?;
        Ok(Self { list, rules })
    }

    /// Which list.
    pub fn list(&self) -> &RuleList {
        &self.list
    }

    /// Its new rules.
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    pub(super) fn into_parts(self) -> (RuleList, Rules) {
        (self.list, self.rules)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn targets(lines: &[&str]) -> Rules {
        Rules::parse(&RuleList::Targets, lines).unwrap()
    }

    #[test]
    fn lists_have_names() {
        let ana = RuleList::User(Name::new(b"ana").unwrap());
        for list in [RuleList::Clients, RuleList::Targets, ana] {
            assert_eq!(RuleList::parse(&list.to_bytes()), Ok(list.clone()));
            assert_eq!(list.to_bytes(), list.to_string().as_bytes());
        }
        for wrong in [&b"ana"[..], b"", b"user:", b"user:a/b", b"CLIENTS", b"targets "] {
            assert_eq!(RuleList::parse(wrong), Err(UnknownList));
        }
    }

    #[test]
    fn a_list_is_bounded_and_tells_which_rule_is_wrong() {
        let list = |count| Rules::parse(&RuleList::Targets, vec!["deny *"; count]);
        assert_eq!(list(Rules::MOST).unwrap().iter().count(), Rules::MOST);
        assert_eq!(list(Rules::MOST + 1), Err(BadRules::TooMany));
        let long = format!("deny *:{}1", "1,".repeat(60));
        assert_eq!(Rules::parse(&RuleList::Targets, vec![long; 600]), Err(BadRules::TooLong));
        let why = Rules::parse(&RuleList::Targets, ["deny *", "deny \u{1b}"]).unwrap_err();
        assert!(why.to_string().starts_with("rule 2, \"deny \\u{1b}\": the name"), "{why}");
    }

    #[test]
    fn clients_have_addresses_only() {
        let clients = |line: &str| Rules::parse(&RuleList::Clients, [line]);
        assert!(clients("allow 192.0.2.0/24").is_ok() && clients("deny *").is_ok());
        for line in ["deny *:25", "deny example.net", "deny *.net", "deny [::1]:1"] {
            let why = BadRule::NotOfClients;
            let expected = BadRules::Rule { number: 1, text: line.into(), why };
            assert_eq!(clients(line), Err(expected));
        }
    }

    #[test]
    fn the_first_match_wins() {
        let rules = targets(&["deny 10.0.0.0/8:25", "allow *.example.net", "deny 10.0.0.0/8"]);
        let first = |name, address: &str| {
            let to = Destination { name, address: address.parse().unwrap() };
            rules.first(&to).map(|(place, _)| place)
        };
        assert_eq!(first(None, "10.0.0.1:25"), Some(0));
        assert_eq!(first(Some("a.example.net"), "10.0.0.1:25"), Some(0));
        assert_eq!(first(Some("a.example.net"), "10.0.0.1:80"), Some(1));
        assert_eq!(first(Some("example.net"), "10.0.0.1:80"), Some(2));
        assert_eq!(first(None, "192.0.2.1:80"), None);
    }

    #[test]
    fn some_denials_need_no_address() {
        let denied = |lines: &[&str], name, port| {
            let rules = targets(lines);
            match rules.foresee(name, port) {
                Foresight::Denied(place, _) => Some(place),
                Foresight::Open | Foresight::Unmatched => None,
            }
        };
        let (name, port) = (Some("a.example.net"), Some(80));
        assert_eq!(denied(&["deny *.example.net"], name, port), Some(0));
        assert_eq!(denied(&["deny *.example.net"], Some("b.net"), port), None);
        assert_eq!(denied(&["deny 10.0.0.0/8", "deny *"], name, port), Some(1));
        assert_eq!(denied(&["allow 10.0.0.0/8", "deny *"], name, port), None);
        assert_eq!(denied(&["allow 10.0.0.0/8:81", "deny *"], name, port), Some(1));
        assert_eq!(denied(&["allow *.net", "deny *"], name, port), None);
        assert_eq!(denied(&["deny *:25", "deny *:80"], name, port), Some(1));
        // Without a port: every one has to be denied.
        assert_eq!(denied(&["deny *:25"], None, None), None);
        assert_eq!(denied(&["deny *:25", "deny *"], None, None), Some(1));
        assert_eq!(denied(&["allow *:25", "deny *"], None, None), None);
    }
}
