//! One rule.

use std::fmt;
use std::str::FromStr;

use super::pattern::{BadPattern, Pattern};
use super::ports::{BadPorts, Ports};
use super::{Destination, list::RuleList};

/// What a rule does with what it matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// It may.
    Allow,
    /// It may not.
    Deny,
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Allow => "allow",
            Self::Deny => "deny",
        })
    }
}

/// A rule: see [`super`] for its text.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Rule {
    /// What it does.
    pub action: Action,
    /// With which hosts.
    pub host: Pattern,
    /// At which ports.
    pub ports: Ports,
}

/// Why a text is no [`Rule`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BadRule {
    /// It does not begin with what to do, or something stands behind its end.
    Form,
    /// The host is none.
    Host(BadPattern),
    /// The ports are none.
    Ports(BadPorts),
    /// Clients have addresses only: no name, no port.
    NotOfClients,
}

impl fmt::Display for BadRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Form => f.write_str(
                "write \"allow HOST\" or \"deny HOST\", with :PORTS behind it where not all are \
                 meant",
            ),
            Self::Host(bad) => bad.fmt(f),
            Self::Ports(bad) => bad.fmt(f),
            Self::NotOfClients => f.write_str(
                "clients are known by their addresses only: write no name and no port, such as \
                 192.0.2.0/24",
            ),
        }
    }
}

impl std::error::Error for BadRule {}

impl Rule {
    /// Whether it is about this destination.
    pub fn matches(&self, to: &Destination<'_>) -> bool {
        self.ports.contain(to.address.port()) && self.host.matches(to.name, to.address.ip())
    }

    /// Whether it may stand in this list.
    pub(super) fn fits(&self, list: &RuleList) -> bool {
        let of_clients = matches!(self.host, Pattern::Any | Pattern::Range(_));
        *list != RuleList::Clients || (of_clients && self.ports.are_all())
    }
}

impl FromStr for Rule {
    type Err = BadRule;

    fn from_str(text: &str) -> Result<Self, BadRule> {
        let mut words = text.split_ascii_whitespace();
        let (action, what) = match (words.next(), words.next(), words.next()) {
            (Some("allow"), Some(what), None) => (Action::Allow, what),
            (Some("deny"), Some(what), None) => (Action::Deny, what),
            _ => return Err(BadRule::Form),
        };
        // Behind the bracket of IPv6; elsewhere there is one colon at most.
        let end = what.rfind(']').unwrap_or(0);
        let colon = what.bytes().skip(end).position(|octet| octet == b':').map(|at| end + at);
        let (host, ports) = match colon.and_then(|at| what.split_at_checked(at)) {
            // More of them are an address, and it will be told about its brackets.
            Some((_, ports)) if end == 0 && ports.matches(':').count() > 1 => (what, None),
            Some((host, ports)) => (host, ports.strip_prefix(':')),
            None => (what, None),
        };
        let host = host.parse().map_err(BadRule::Host)?;
        let ports = ports.map_or(Ok(Ports::ALL), str::parse).map_err(BadRule::Ports)?;
        Ok(Self { action, host, ports })
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.action, self.host)?;
        if self.ports.are_all() { Ok(()) } else { write!(f, ":{}", self.ports) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_reads_as_it_shows() {
        for text in [
            "allow *",
            "deny *:25",
            "deny 10.0.0.0/8",
            "allow 192.0.2.7:80,443",
            "allow *.example.net:443",
            "deny example.net:1-1023",
            "allow [::1]",
            "allow [::1]:22",
            "allow [2001:db8::]/32:80-443",
        ] {
            assert_eq!(text.parse::<Rule>().unwrap().to_string(), text);
        }
        let sloppy = "  deny\t[::FFFF:10.0.0.0]/104:80-80,443 ".parse::<Rule>().unwrap();
        assert_eq!(sloppy.to_string(), "deny 10.0.0.0/8:80,443");
    }

    #[test]
    fn what_is_no_rule_says_why() {
        for text in ["", "deny", "*", "Deny *", "forbid *", "deny * 25", "deny a b", "allow\u{a0}*"]
        {
            assert_eq!(text.parse::<Rule>(), Err(BadRule::Form), "{text}");
        }
        for (text, expected) in [
            ("deny :25", "the host is missing"),
            ("deny ::1", "IPv6 stands in brackets"),
            ("deny ::1:25", "IPv6 stands in brackets"),
            ("deny [::1:25", "brackets stand around"),
            ("deny [::1]25", "brackets stand around"),
            ("deny *:", "\"\" is no port"),
            ("deny *:0", "\"0\" is no port"),
            ("deny [::1]:", "\"\" is no port"),
            ("deny [::1]:1:2", "\"1:2\" is no port"),
            ("deny *:smtp", "\"smtp\" is no port"),
            ("deny 10.0.0.0/8:x\u{1b}", "\"x\\u{1b}\" is no port"),
            ("deny 10.0.0.1/8", "the range is 10.0.0.0/8"),
        ] {
            let why = text.parse::<Rule>().unwrap_err().to_string();
            assert!(why.contains(expected), "{text}: {why}");
        }
    }

    #[test]
    fn every_truncation_is_a_rule_or_an_error() {
        let whole = "allow [2001:db8::]/32:80-443,8080";
        for end in 0..=whole.len() {
            if let Ok(rule) = whole[..end].parse::<Rule>() {
                assert_eq!(rule.to_string().parse(), Ok(rule));
            }
        }
    }
}
