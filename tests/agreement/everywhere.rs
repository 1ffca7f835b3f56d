//! A server that is asked in all dialects at once.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Deref;
use std::time::{SystemTime, UNIX_EPOCH};

use socksd::client::{
    self, Answer, Ask, ClientError, Credentials, Dialect, Login, OpenConnection, Token, Value,
};
use socksd::manage::json_scopes;

use crate::served::{DATAGRAM_TOKEN, DEADLINE, Served, jwt_key};

const ONESHOT_TOKEN: &str = "123456789abcdef1";

/// With the user `first`, whose password is `1234`.
pub struct Everywhere(Served);

impl Deref for Everywhere {
    type Target = Served;

    fn deref(&self) -> &Served {
        &self.0
    }
}

impl Everywhere {
    pub fn start() -> Self {
        // SHOES always listens.
        let others = Dialect::ALL.into_iter().filter(|dialect| *dialect != Dialect::Shoes);
        let listeners: String = others.map(|other| format!("--{other} 127.0.0.1:0 ")).collect();
        Self(Served::start(&format!("{listeners} -u first:1234"), Some(ONESHOT_TOKEN)))
    }

    pub fn try_say(&self, dialect: Dialect, ask: &Ask) -> Result<Answer, ClientError> {
        let address = self.address(&dialect.to_string()).to_string();
        client::connect(dialect, &address, &credentials(dialect), DEADLINE)?.say(ask)
    }

    #[track_caller]
    pub fn say(&self, dialect: Dialect, ask: &Ask) -> Answer {
        self.try_say(dialect, ask).unwrap_or_else(|error| panic!("{dialect}, {ask:?}: {error}"))
    }

    /// Every dialect that has words for it is refused.
    #[track_caller]
    pub fn all_refuse(&self, ask: &Ask) {
        for &dialect in ask.sayable_by() {
            let answer = self.try_say(dialect, ask);
            let refused = matches!(answer, Err(ClientError::Refused { .. }));
            assert!(refused, "{dialect}, {ask:?}: {answer:?}");
        }
    }

    /// What one dialect knows.
    #[track_caller]
    pub fn facts(&self, dialect: Dialect, ask: &Ask) -> BTreeMap<&'static str, Value> {
        match self.say(dialect, ask) {
            Answer::Facts(facts) => facts.into_iter().map(|fact| (fact.name, fact.value)).collect(),
            other => panic!("{dialect}, {ask:?}: {other:?}"),
        }
    }

    /// All numbers that any dialect knows, once those who know the same say the same.
    #[track_caller]
    pub fn agreed(&self, ask: &Ask) -> BTreeMap<&'static str, u64> {
        let mut agreed = BTreeMap::new();
        for &dialect in ask.sayable_by() {
            for (name, value) in self.facts(dialect, ask) {
                let Some(said) = number(&value) else { continue };
                let before = *agreed.entry(name).or_insert(said);
                // Time goes on between two answers.
                let passed = if name == "uptime" { DEADLINE.as_secs() } else { 0 };
                let same = (before..=before + passed).contains(&said);
                assert!(same, "{name}: {dialect} says {said}, another {before}");
            }
        }
        agreed
    }

    #[track_caller]
    pub fn agree_on_users(&self, expected: &BTreeSet<String>) {
        let names = expected.iter().map(|name| name.as_bytes().to_vec()).collect();
        let expected = Answer::Users { names, complete: true };
        for &dialect in Ask::Users.sayable_by() {
            assert_eq!(self.say(dialect, &Ask::Users), expected, "{dialect}");
        }
    }

    /// Whatever their ages.
    #[track_caller]
    pub fn agree_on_connections(&self, expected: &[OpenConnection]) {
        for &dialect in Ask::Connections.sayable_by() {
            let Answer::Connections(mut open) = self.say(dialect, &Ask::Connections) else {
                panic!("{dialect} lists no connections");
            };
            for open in &mut open {
                open.age = 0;
                // A dialect that tells the directions apart agrees with their sum.
                let directions = open.up.take().zip(open.down.take());
                assert_eq!(directions.map_or(open.bytes, |(up, down)| up + down), open.bytes);
            }
            assert_eq!(open, expected, "{dialect}");
        }
    }
}

fn credentials(dialect: Dialect) -> Credentials {
    let token = match dialect {
        Dialect::Oneshot => ONESHOT_TOKEN.into(),
        Dialect::Datagram => DATAGRAM_TOKEN.to_string(),
        Dialect::Json => json_token(),
        _ => return Credentials::Login(Login::parse("root:secret").unwrap()),
    };
    Credentials::Token(Token::new(&token))
}

fn json_token() -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    jwt_key().mint("root", &json_scopes().map(String::from).collect(), now, now + 3600).unwrap()
}

/// What can be compared, if it is a number, on or off.
pub fn number(value: &Value) -> Option<u64> {
    match *value {
        Value::Count(number) | Value::Octets(number) | Value::Seconds(number) => Some(number),
        Value::Switch(on) => Some(on.into()),
        // None of these is so large that a dialect has no room for it.
        Value::CountOrMore(_) | Value::OctetsOrMore(_) | Value::Text(_) => None,
    }
}
