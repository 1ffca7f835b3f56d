//! One look at a server.

use std::time::{Instant, SystemTime};

use super::super::{Answer, Fact, OpenConnection, Value};

/// What a server has told at one moment.
#[derive(Debug, Clone)]
pub struct Sample {
    /// When, for the rates.
    pub at: Instant,
    /// When, for people.
    pub time: SystemTime,
    /// Its counters.
    pub counters: Counters,
    /// Its settings; empty when they are not known.
    pub settings: Counters,
    /// Its connections, or why they are not known.
    pub connections: Result<Vec<OpenConnection>, String>,
}

/// Numbers by their names; what a dialect does not tell is absent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counters(Vec<Fact>);

/// A number that is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Count {
    /// How many.
    pub number: u64,
    /// Whether there may be more: the dialect has room for no larger number.
    pub or_more: bool,
}

impl Counters {
    /// Those of an answer that holds facts.
    pub fn of(answer: Answer) -> Self {
        match answer {
            Answer::Facts(facts) => Self(facts),
            _ => Self::default(),
        }
    }

    /// The one with this name.
    pub fn get(&self, name: &str) -> Option<Count> {
        let fact = self.0.iter().find(|fact| fact.name == name)?;
        match fact.value {
            Value::Count(number) | Value::Octets(number) | Value::Seconds(number) => {
                Some(Count { number, or_more: false })
            }
            Value::CountOrMore(number) | Value::OctetsOrMore(number) => {
                Some(Count { number, or_more: true })
            }
            Value::Switch(_) | Value::Text(_) => None,
        }
    }

    /// How many a second it has grown by since `before`. `None` when that can't be
    /// known: it has a ceiling and reached it, or it was set back by a restart.
    pub fn rate(&self, name: &str, before: &Self, seconds: f64) -> Option<u64> {
        let exact = |counters: &Self| counters.get(name).filter(|count| !count.or_more);
        let grown = exact(self)?.number.checked_sub(exact(before)?.number)?;
        per_second(grown, seconds)
    }
}

/// `None` when no time has passed.
pub fn per_second(number: u64, seconds: f64) -> Option<u64> {
    (seconds > 0.0).then(|| (number as f64 / seconds).round() as u64)
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// Counters with these octets in both directions, as this kind of value.
    pub fn bytes(value: Value) -> Counters {
        Counters(vec![Fact { name: "bytes", meaning: "bytes relayed", value }])
    }

    /// Counters, each a name and a number.
    pub fn counters(numbers: &[(&'static str, u64)]) -> Counters {
        let fact = |&(name, number)| Fact { name, meaning: "", value: Value::Count(number) };
        Counters(numbers.iter().map(fact).collect())
    }

    #[test]
    fn a_rate_is_known_while_the_numbers_are() {
        let octets = |number| bytes(Value::Octets(number));
        assert_eq!(octets(300).rate("bytes", &octets(100), 2.0), Some(100));
        assert_eq!(octets(100).rate("bytes", &octets(100), 2.0), Some(0));
        assert_eq!(octets(99).rate("bytes", &octets(100), 2.0), None, "a restart");
        assert_eq!(octets(300).rate("bytes", &octets(100), 0.0), None);
        assert_eq!(octets(300).rate("refused", &octets(100), 2.0), None);
        let full = bytes(Value::OctetsOrMore(u32::MAX.into()));
        assert_eq!(full.rate("bytes", &full, 2.0), None);
    }
}
