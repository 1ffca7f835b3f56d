//! The ports of a rule.

use std::fmt;
use std::str::FromStr;

/// Some ports, or all of them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Ports(Vec<(u16, u16)>);

/// Why a text names no ports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BadPorts {
    /// This part is no port and no range of them.
    Syntax(String),
    /// The first port of a range is behind the last.
    Backwards(u16, u16),
    /// There are more than [`Ports::MOST`] parts.
    TooMany,
}

impl fmt::Display for BadPorts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Syntax(part) => write!(
                f,
                "\"{}\" is no port: write numbers from 1 to 65535, such as 80,443,8000-8100",
                part.escape_debug()
            ),
            Self::Backwards(first, last) => {
                write!(f, "the range {first}-{last} runs backwards: write {last}-{first}")
            }
            Self::TooMany => {
                write!(f, "there are more than {} ranges of ports: use several rules", Ports::MOST)
            }
        }
    }
}

impl std::error::Error for BadPorts {}

impl Ports {
    /// All ports.
    pub const ALL: Self = Self(Vec::new());

    /// Ports and ranges in one rule.
    pub const MOST: usize = 64;

    /// Whether these are all.
    pub fn are_all(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a port is one of them.
    pub fn contain(&self, port: u16) -> bool {
        self.are_all() || self.0.iter().any(|(first, last)| (*first..=*last).contains(&port))
    }
}

impl FromStr for Ports {
    type Err = BadPorts;

    /// Reads a list; "all" has no text.
    fn from_str(text: &str) -> Result<Self, BadPorts> {
        let mut ranges = Vec::new();
        for part in text.split(',') {
            let wrong = || BadPorts::Syntax(part.into());
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            let first = port(first).ok_or_else(wrong)?;
            let last = port(last).ok_or_else(wrong)?;
            if first > last {
                return Err(BadPorts::Backwards(first, last));
            }
            if ranges.len() == Self::MOST {
                return Err(BadPorts::TooMany);
            }
            ranges.push((first, last));
        }
        Ok(Self(ranges))
    }
}

/// A port in the one way to write it; 0 is none.
fn port(text: &str) -> Option<u16> {
    text.parse().ok().filter(|port: &u16| *port > 0 && port.to_string() == text)
}

impl fmt::Display for Ports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, (first, last)) in self.0.iter().enumerate() {
            f.write_str(if place > 0 { "," } else { "" })?;
            write!(f, "{first}")?;
            if first != last {
                write!(f, "-{last}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_numbers_and_ranges() {
        let ports: Ports = "80,443,8000-8100".parse().unwrap();
        assert!([80, 443, 8000, 8050, 8100].into_iter().all(|port| ports.contain(port)));
        assert!([0, 1, 79, 81, 7999, 8101, 65535].into_iter().all(|port| !ports.contain(port)));
        assert!(Ports::ALL.contain(0) && Ports::ALL.contain(65535));
        assert_eq!(ports.to_string(), "80,443,8000-8100");
        assert_eq!("1-65535".parse::<Ports>().unwrap().to_string(), "1-65535");
        assert_eq!("7-7".parse::<Ports>().unwrap().to_string(), "7");
    }

    #[test]
    fn what_is_no_port_says_why() {
        for part in ["", "0", "-", "1-", "-1", "080", "+80", "65536", "http", "1-2-3", " 1", "*"] {
            assert_eq!(part.parse::<Ports>(), Err(BadPorts::Syntax(part.into())), "{part}");
            let listed = format!("80,{part}").parse::<Ports>();
            assert_eq!(listed, Err(BadPorts::Syntax(part.into())), "{part}");
        }
        let backwards = "443-80".parse::<Ports>().unwrap_err().to_string();
        assert_eq!(backwards, "the range 443-80 runs backwards: write 80-443");
        let list = |count: usize| vec!["7"; count].join(",").parse::<Ports>();
        assert!(list(Ports::MOST).is_ok());
        assert_eq!(list(Ports::MOST + 1), Err(BadPorts::TooMany));
    }
}
