//! The hosts of a rule.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use super::behind_nat64;
use crate::core::cidr::{BadCidr, Cidr};

/// Some hosts, or all of them.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Pattern {
    /// All: `*`.
    Any,
    /// Those with an address in this range.
    Range(Cidr),
    /// The one that is asked for by this name, in lower case.
    Name(HostName),
    /// Those that are asked for by a name below this one.
    Below(HostName),
}

/// A name in a rule: lower case, no dot at the end.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct HostName(String);

/// Why a text is no [`Pattern`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BadPattern {
    /// There is nothing.
    Empty,
    /// It is no range of addresses, though it looks like one.
    Range(BadCidr),
    /// IPv6 without its brackets.
    NoBrackets,
    /// A bracket without the other, or around something else.
    Brackets,
    /// An asterisk elsewhere than alone or as the first label.
    Asterisk,
    /// It can't be a name.
    Name,
}

impl fmt::Display for BadPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("the host is missing: write an address, a name or *"),
            Self::Range(bad) => write!(f, "the address is no good: {bad}"),
            Self::NoBrackets => {
                f.write_str("IPv6 stands in brackets: [2001:db8::1]:443 or [2001:db8::]/32")
            }
            Self::Brackets => {
                f.write_str("brackets stand around an IPv6 address: [::1] or [2001:db8::]/32")
            }
            Self::Asterisk => f.write_str(
                "an asterisk stands alone or for what is below a name: * or *.example.net",
            ),
            Self::Name => f.write_str(
                "the name is none: write letters, digits, - and _ with dots between them, and \
                 other letters in their xn-- form",
            ),
        }
    }
}

impl std::error::Error for BadPattern {}

impl Pattern {
    /// Whether a host is one of them. `name` is what was asked for, if it was one.
    pub fn matches(&self, name: Option<&str>, address: IpAddr) -> bool {
        match self {
            Self::Any => true,
            Self::Range(range) => {
                range.contains(address)
                    || behind_nat64(address).is_some_and(|behind| range.contains(behind))
            }
            Self::Name(_) | Self::Below(_) => self.matches_name(name),
        }
    }

    /// Whether a host is one of them for its name, whatever its address.
    pub fn matches_name(&self, name: Option<&str>) -> bool {
        match self {
            Self::Any => true,
            Self::Range(_) => false,
            Self::Name(own) => name.is_some_and(|name| own.is(name)),
            Self::Below(own) => name.is_some_and(|name| own.is_above(name)),
        }
    }
}

impl HostName {
    /// A dot at the end is dropped.
    fn new(text: &str) -> Option<Self> {
        let name = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
        let fits = |label: &str| {
            let good = |octet: u8| octet.is_ascii_alphanumeric() || octet == b'-' || octet == b'_';
            (1..=63).contains(&label.len()) && label.bytes().all(good)
        };
        // RFC 1035, section 2.3.4: "labels 63 octets or less, names 255 octets or
        // less", which is 253 in text.
        (name.len() <= 253 && name.split('.').all(fits)).then_some(Self(name))
    }

    fn is(&self, name: &str) -> bool {
        bare(name).eq_ignore_ascii_case(&self.0)
    }

    fn is_above(&self, name: &str) -> bool {
        let name = bare(name).as_bytes();
        // More than the dot has to be in front.
        let Some(front) = name.len().checked_sub(self.0.len()).filter(|front| *front > 1) else {
            return false;
        };
        let (front, back) = name.split_at(front);
        front.ends_with(b".") && back.eq_ignore_ascii_case(self.0.as_bytes())
    }
}

/// A name as it is asked for, without the dot of the root.
fn bare(name: &str) -> &str {
    name.strip_suffix('.').unwrap_or(name)
}

/// Whether a resolver would take it for an IPv4 address: all forms of them end in
/// a number.
fn ends_in_a_number(text: &str) -> bool {
    let last = bare(text).rsplit('.').next().unwrap_or(text);
    let digits = last.strip_prefix("0x").or_else(|| last.strip_prefix("0X"));
    let hexadecimal = digits.is_some_and(|digits| digits.bytes().all(|c| c.is_ascii_hexdigit()));
    hexadecimal || (!last.is_empty() && last.bytes().all(|c| c.is_ascii_digit()))
}

impl FromStr for Pattern {
    type Err = BadPattern;

    fn from_str(text: &str) -> Result<Self, BadPattern> {
        if text.is_empty() {
            return Err(BadPattern::Empty);
        }
        if text == "*" {
            return Ok(Self::Any);
        }
        if let Some(rest) = text.strip_prefix('[') {
            let (address, bits) = rest.split_once(']').ok_or(BadPattern::Brackets)?;
            let inside = address.contains(':') && !address.contains('/');
            let fits = inside && (bits.is_empty() || bits.starts_with('/'));
            let range = fits.then(|| format!("{address}{bits}")).ok_or(BadPattern::Brackets)?;
            return range.parse().map(Self::Range).map_err(BadPattern::Range);
        }
        if text.contains(['[', ']']) {
            return Err(BadPattern::Brackets);
        }
        if text.contains(':') {
            return Err(BadPattern::NoBrackets);
        }
        if let Some(name) = text.strip_prefix("*.") {
            if name.contains('*') {
                return Err(BadPattern::Asterisk);
            }
            let name = HostName::new(name).filter(|name| !ends_in_a_number(&name.0));
            return name.map(Self::Below).ok_or(BadPattern::Name);
        }
        if text.contains('*') {
            return Err(BadPattern::Asterisk);
        }
        if text.contains('/') || ends_in_a_number(text) {
            return text.parse().map(Self::Range).map_err(BadPattern::Range);
        }
        HostName::new(text).map(Self::Name).ok_or(BadPattern::Name)
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("*"),
            Self::Name(name) => f.write_str(&name.0),
            Self::Below(name) => write!(f, "*.{}", name.0),
            Self::Range(range) => {
                let text = range.to_string();
                match text.split_once('/') {
                    _ if !text.contains(':') => f.write_str(&text),
                    Some((address, bits)) => write!(f, "[{address}]/{bits}"),
                    None => write!(f, "[{text}]"),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, name: Option<&str>, address: &str) -> bool {
        pattern.parse::<Pattern>().unwrap().matches(name, address.parse().unwrap())
    }

    fn named(pattern: &str, name: &str) -> bool {
        matches(pattern, Some(name), "192.0.2.1")
    }

    #[test]
    fn names_are_ascii_without_case_and_without_the_last_dot() {
        for name in ["example.net", "EXAMPLE.net", "example.net."] {
            assert!(named("example.net", name) && named("Example.NET.", name), "{name}");
            assert!(!named("*.example.net", name), "{name}");
        }
        for name in ["a.example.net", "A.B.Example.Net.", "_x.example.net"] {
            assert!(named("*.example.net", name) && !named("example.net", name), "{name}");
        }
        for name in [".example.net", "notexample.net", "example.net.evil", "xexample.net..", ""] {
            assert!(!named("*.example.net", name) && !named("example.net", name), "{name}");
        }
        assert!(!named("*.example.net", "\u{e9}\u{e9}xample.net"));
        assert!(!matches("example.net", None, "192.0.2.1"));
    }

    #[test]
    fn ranges_match_addresses_however_they_are_written() {
        assert!(matches("10.0.0.0/8", None, "10.1.2.3"));
        assert!(matches("10.0.0.0/8", Some("any.name"), "::ffff:10.1.2.3"));
        assert!(matches("10.0.0.0/8", None, "64:ff9b::a01:203"));
        assert!(matches("[64:ff9b::]/96", None, "64:ff9b::a01:203"));
        assert!(!matches("10.0.0.0/8", None, "64:ff9b:1::a01:203"));
        assert!(matches("[2001:db8::]/32", None, "2001:db8:1::") && matches("*", None, "::1"));
        assert!(!matches("[::]/0", None, "127.0.0.1") && !matches("0.0.0.0/0", None, "::1"));
    }

    #[test]
    fn a_pattern_reads_as_it_shows() {
        for text in [
            "*",
            "192.0.2.1",
            "0.0.0.0/0",
            "[::1]",
            "[::]/0",
            "[2001:db8::]/32",
            "localhost",
            "xn--bcher-kva.example",
            "*.example.net",
            "*.net",
            "1.2.3.com",
            "0xyz",
        ] {
            assert_eq!(text.parse::<Pattern>().unwrap().to_string(), text);
        }
        assert_eq!("[::ffff:10.0.0.0]/104".parse::<Pattern>().unwrap().to_string(), "10.0.0.0/8");
        assert_eq!("Example.Net.".parse::<Pattern>().unwrap().to_string(), "example.net");
    }

    #[test]
    fn what_is_no_pattern_says_why() {
        let syntax = BadPattern::Range(BadCidr::Syntax);
        let long = format!("{}.x", "a".repeat(64));
        let longer = vec!["abc"; 64].join(".");
        for (text, why) in [
            ("", BadPattern::Empty),
            ("::1", BadPattern::NoBrackets),
            ("2001:db8::/32", BadPattern::NoBrackets),
            ("[::1", BadPattern::Brackets),
            ("::1]", BadPattern::Brackets),
            ("[127.0.0.1]", BadPattern::Brackets),
            ("[::1]x", BadPattern::Brackets),
            ("[2001:db8::/32]", BadPattern::Brackets),
            ("[]", BadPattern::Brackets),
            ("[fe80::1%1]", syntax.clone()),
            ("*x", BadPattern::Asterisk),
            ("a.*", BadPattern::Asterisk),
            ("*.*.net", BadPattern::Asterisk),
            ("127.1", syntax.clone()),
            ("2130706433", syntax.clone()),
            ("0x7f.1", syntax.clone()),
            ("127.0.0.0x1", syntax.clone()),
            ("1.2.3.4.", syntax.clone()),
            ("example.net/24", syntax),
            ("10.0.0.0/33", BadPattern::Range(BadCidr::Prefix(32))),
            ("*.1", BadPattern::Name),
            ("*.", BadPattern::Name),
            ("a..b", BadPattern::Name),
            (".a", BadPattern::Name),
            (".", BadPattern::Name),
            ("a b", BadPattern::Name),
            ("b\u{fc}cher.example", BadPattern::Name),
            (&long, BadPattern::Name),
            (&longer, BadPattern::Name),
        ] {
            assert_eq!(text.parse::<Pattern>(), Err(why), "{text}");
        }
        let host_bits = "10.0.0.1/8".parse::<Pattern>().unwrap_err().to_string();
        assert!(host_bits.ends_with("the range is 10.0.0.0/8"), "{host_bits}");
    }
}
