//! Answers and errors as text for people, or as JSON for programs.

use std::fmt::Write;

use serde_json::{Map, Value as Json, json};

use super::args::Output;
use super::printable::{cut, width};
use super::user_table;
use super::{Answer, Ask, ClientError, Fact, Machine, MachineSample, OpenConnection, Value};
use crate::core::{JsonLine, Latin1, Printable, RuleList, Setting};

/// The answer to `ask`, without a line end behind it.
pub fn answer(ask: &Ask, answer: &Answer, output: Output) -> String {
    match output {
        Output::Text => match answer {
            Answer::Done => done(ask),
            Answer::Facts(facts) => table(facts),
            Answer::Users { names, complete } => list(names, *complete),
            Answer::UserDetails(users) => user_table::table(users),
            Answer::Cut(count) => format!("{}: {} ended", done(ask), connections_of(*count)),
            Answer::Connections(open) => connections(open),
            Answer::Rules(lists) => rules(lists),
            Answer::Machine(machine) => samples(machine),
        },
        Output::Json => JsonLine(&json(answer)).to_string(),
    }
}

/// An error: one line, or `{"error": "..."}`.
pub fn error(error: &ClientError, output: Output) -> String {
    match output {
        Output::Text => format!("socksctl: {error}"),
        Output::Json => JsonLine(&json!({ "error": error.to_string() })).to_string(),
    }
}

/// A list each, its rules numbered, and what holds for what none of them matches.
fn rules(lists: &[(RuleList, Vec<String>)]) -> String {
    let list = |(list, rules): &(RuleList, Vec<String>)| {
        let mut text = format!("{list}:");
        let width = rules.len().to_string().len();
        for (number, rule) in (1..).zip(rules) {
            // Writing to a String can't fail.
            let _ = write!(text, "\n  {number:>width$}  {}", harmless(rule));
        }
        let otherwise = match list {
            RuleList::Clients => "allowed",
            RuleList::Targets => "allowed, but for the safe default",
            RuleList::User(_) => "as targets",
        };
        let _ = write!(text, "\n  {:>width$}  otherwise {otherwise}", "");
        text
    };
    lists.iter().map(list).collect::<Vec<_>>().join("\n")
}

fn rules_as_json(lists: &[(RuleList, Vec<String>)]) -> Json {
    let list = |(list, rules): &(RuleList, Vec<String>)| {
        (Latin1(&list.to_bytes()).to_string(), json!(rules))
    };
    Json::Object(lists.iter().map(list).collect())
}

fn done(ask: &Ask) -> String {
    match ask {
        Ask::AddUser { name, .. } => format!("user {name} added"),
        Ask::RemoveUser { name, .. } => format!("user {name} removed"),
        Ask::CutUser(name) => format!("user {name} cut"),
        Ask::LimitUser { name, limit } => format!("{} of user {name} changed", limit.name()),
        Ask::EditUser { name, .. } => format!("password of user {name} changed"),
        Ask::Configure(Setting::BufferSize(Some(size))) => {
            format!("buffer size set to {}, for new connections", octets(size.octets().into()))
        }
        Ask::Configure(Setting::BufferSize(None)) => {
            "buffer size grows with the traffic, for new connections".into()
        }
        Ask::SetRules(change) => {
            let (list, count) = (change.list(), change.rules().iter().count());
            format!("rules of {list}: {count}, from now on")
        }
        Ask::Configure(Setting::Spoofing(on)) => format!("credential monitor {}", switch(*on)),
        _ => format!("{}: done", ask.command()),
    }
}

fn table(facts: &[Fact]) -> String {
    let width = facts.iter().map(|fact| fact.meaning.chars().count()).max().unwrap_or(0);
    let line = |fact: &Fact| format!("{:width$}  {}", fact.meaning, shown(&fact.value));
    facts.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn shown(value: &Value) -> String {
    match *value {
        Value::Count(count) => thousands(count),
        Value::Octets(count) => octets(count),
        Value::CountOrMore(count) => format!("{} or more", thousands(count)),
        Value::OctetsOrMore(count) => format!("{} or more", octets(count)),
        Value::Seconds(count) => format!("{} s", thousands(count)),
        Value::Switch(on) => switch(on).into(),
        Value::Text(ref text) => harmless(text),
    }
}

fn switch(on: bool) -> &'static str {
    if on { "on" } else { "off" }
}

fn list(names: &[Vec<u8>], complete: bool) -> String {
    if names.is_empty() {
        return "no users; add one with: socksctl add-user NAME".into();
    }
    let width = names.len().to_string().len();
    let mut text = format!("{:>width$}  user", "#");
    for (number, name) in names.iter().enumerate() {
        // Writing to a String can't fail.
        let _ = write!(text, "\n{:>width$}  {}", number + 1, Printable(name));
    }
    if !complete {
        text.push_str("\nthere may be more, the dialect has no room for them");
    }
    text
}

/// Columns of a table's cell with the name of a user: one longer name must not make all
/// lines as long.
pub(super) const LONGEST_NAME: usize = 24;
/// Those of a cell with a target.
const LONGEST_TARGET: usize = 40;

/// A line each, below what its columns mean.
fn connections(open: &[OpenConnection]) -> String {
    if open.is_empty() {
        return "no connections".into();
    }
    let head = ["#", "user", "client", "target", "state", "bytes", "age"].map(String::from);
    let row = |open: &OpenConnection| {
        let [user, client, state] =
            [&open.user, &open.client, &open.state].map(|text| harmless(text));
        let target = open.target.as_deref().map_or_else(|| "-".into(), harmless);
        let age = format!("{} s", thousands(open.age));
        let (user, target) = (cut(&user, LONGEST_NAME), cut(&target, LONGEST_TARGET));
        [open.id.to_string(), user, client, target, state, size(open.bytes), age]
    };
    aligned(&[head].into_iter().chain(open.iter().map(row)).collect::<Vec<_>>())
}

fn connections_of(count: u64) -> String {
    if count == 1 { "1 connection".into() } else { format!("{} connections", thousands(count)) }
}

/// Rows with their columns below each other.
pub(super) fn aligned<const COLUMNS: usize>(rows: &[[String; COLUMNS]]) -> String {
    let mut widths = [0; COLUMNS];
    for row in rows {
        for (most, cell) in widths.iter_mut().zip(row) {
            *most = width(cell).max(*most);
        }
    }
    let line = |row: &[String; COLUMNS]| {
        // A column in which nothing stands is none.
        let cells = row.iter().zip(widths).filter(|(_, most)| *most > 0);
        let cells = cells.map(|(cell, most)| format!("{cell}{}", " ".repeat(most - width(cell))));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// A line for each second, below what the machine is.
fn samples(machine: &Machine) -> String {
    let system = harmless(&machine.system);
    let mut text = format!("{system}, up {} s\n busy  memory", thousands(machine.uptime));
    for sample in &machine.samples {
        let busy = f64::from(sample.busy) / 100.0;
        // Writing to a String can't fail.
        let _ = write!(text, "\n{busy:4.0}%  {}", octets(sample.memory));
    }
    text
}

fn machine_as_json(machine: &Machine) -> Json {
    let sample = |sample: &MachineSample| {
        let busy = f64::from(sample.busy) / 10_000.0;
        json!({ "busy": busy, "memory": sample.memory, "time": sample.time })
    };
    json!({
        "uptime": machine.uptime,
        "system": machine.system,
        "samples": machine.samples.iter().map(sample).collect::<Vec<_>>(),
    })
}

/// A server's text without characters that would steer a terminal.
pub(super) fn harmless(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '?' } else { c }).collect()
}

fn json(answer: &Answer) -> Json {
    match answer {
        Answer::Done => json!({ "done": true }),
        Answer::Facts(facts) => facts_as_json(facts),
        Answer::Users { names, complete } => {
            let names: Vec<String> = names.iter().map(|name| Latin1(name).to_string()).collect();
            json!({ "users": names, "complete": complete })
        }
        Answer::UserDetails(users) => user_table::as_json(users),
        Answer::Cut(count) => json!({ "done": true, "cut": count }),
        Answer::Connections(open) => {
            json!({ "connections": open.iter().map(connection_as_json).collect::<Vec<_>>() })
        }
        Answer::Rules(lists) => rules_as_json(lists),
        Answer::Machine(machine) => machine_as_json(machine),
    }
}

fn connection_as_json(open: &OpenConnection) -> Json {
    json!({
        "id": open.id,
        "user": open.user,
        "client": open.client,
        "target": open.target,
        "state": open.state,
        "bytes": open.bytes,
        "age": open.age,
    })
}

/// `"saturated"` names the numbers that are "or more", when there are any.
fn facts_as_json(facts: &[Fact]) -> Json {
    let (mut object, mut saturated) = (Map::new(), Vec::new());
    for fact in facts {
        let value = match &fact.value {
            Value::Count(count) | Value::Octets(count) | Value::Seconds(count) => json!(count),
            Value::CountOrMore(count) | Value::OctetsOrMore(count) => {
                saturated.push(fact.name);
                json!(count)
            }
            Value::Switch(on) => json!(on),
            Value::Text(text) => json!(text),
        };
        object.insert(fact.name.into(), value);
    }
    if !saturated.is_empty() {
        object.insert("saturated".into(), json!(saturated));
    }
    Json::Object(object)
}

/// `1,234,567`.
fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1.5 MB (1500000)`.
fn octets(count: u64) -> String {
    let size = size(count);
    if count < 1000 { size } else { format!("{size} ({count})") }
}

/// `1.5 MB`: powers of 1000, as networks and `limit-user` have them.
pub(super) fn size(count: u64) -> String {
    match scaled(count, 999.95) {
        (_, "") => format!("{count} B"),
        (shown, unit) => format!("{shown:.1} {unit}B"),
    }
}

/// A number in the largest of the units in which it is not below 1, and that unit; what
/// is from `most` on would be shown as 1000.
pub(super) fn scaled(count: u64, most: f64) -> (f64, &'static str) {
    const UNITS: [&str; 6] = ["k", "M", "G", "T", "P", "E"];
    if count < 1000 {
        return (count as f64, "");
    }
    let mut shown = count as f64 / 1000.0;
    let mut units = UNITS.into_iter();
    let mut unit = units.next();
    while shown >= most {
        shown /= 1000.0;
        unit = units.next();
    }
    (shown, unit.unwrap_or("E"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FACTS: [Fact; 3] = [
        Fact { name: "current", meaning: "connections now", value: Value::Count(1_234_567) },
        Fact { name: "bytes", meaning: "bytes", value: Value::OctetsOrMore(4_294_967_295) },
        Fact { name: "spoofing", meaning: "monitor", value: Value::Switch(false) },
    ];

    #[test]
    fn facts_are_aligned_for_people() {
        let text = answer(&Ask::Metrics, &Answer::Facts(FACTS.into()), Output::Text);
        let expected = "connections now  1,234,567\n\
                        bytes            4.3 GB (4294967295) or more\n\
                        monitor          off";
        assert_eq!(text, expected);
    }

    #[test]
    fn facts_are_an_object_for_programs() {
        let text = answer(&Ask::Metrics, &Answer::Facts(FACTS.into()), Output::Json);
        let expected =
            r#"{"bytes":4294967295,"current":1234567,"saturated":["bytes"],"spoofing":false}"#;
        assert_eq!(text, expected);
    }

    #[test]
    fn users_are_numbered_and_harmless() {
        let names = vec![b"ana".to_vec(), b"\x1b[2J\xf1\x9b".to_vec()];
        let users = Answer::Users { names, complete: false };
        assert_eq!(
            answer(&Ask::Users, &users, Output::Text),
            "#  user\n1  ana\n2  \\x1b[2J\u{f1}\\x9b\nthere may be more, the dialect has no room for them"
        );
        assert_eq!(
            answer(&Ask::Users, &users, Output::Json),
            "{\"complete\":false,\"users\":[\"ana\",\"\\u001b[2J\u{f1}\\u009b\"]}"
        );
    }

    #[test]
    fn connections_are_a_table_or_objects() {
        let open = |id, user: &str, target: Option<&str>| OpenConnection {
            id,
            user: user.into(),
            client: "192.0.2.7:5000".into(),
            target: target.map(String::from),
            state: "open".into(),
            bytes: 2048,
            up: None,
            down: None,
            age: 1234,
        };
        let both = vec![open(9, "ana", Some("example.org:80")), open(10, "\x1b-", None)];
        let both = Answer::Connections(both);
        let expected = "\
#   user  client          target          state  bytes   age
9   ana   192.0.2.7:5000  example.org:80  open   2.0 kB  1,234 s
10  ?-    192.0.2.7:5000  -               open   2.0 kB  1,234 s";
        assert_eq!(answer(&Ask::Connections, &both, Output::Text), expected);
        let json = answer(&Ask::Connections, &both, Output::Json);
        assert!(json.starts_with("{\"connections\":[{\"age\":1234,\"bytes\":2048,"), "{json}");
        let none = Answer::Connections(Vec::new());
        assert_eq!(answer(&Ask::Connections, &none, Output::Text), "no connections");
    }

    #[test]
    fn a_machine_is_a_line_a_second() {
        let sample = |busy, memory| MachineSample { busy, memory, time: 7 };
        let samples = vec![sample(1234, 2048), sample(10_000, 0)];
        let machine = Answer::Machine(Machine { uptime: 1234, system: "linux".into(), samples });
        let ask = Ask::OsInfo { seconds: 2 };
        let expected = "linux, up 1,234 s\n busy  memory\n  12%  2.0 kB (2048)\n 100%  0 B";
        assert_eq!(answer(&ask, &machine, Output::Text), expected);
        let json = answer(&ask, &machine, Output::Json);
        assert!(json.contains(r#"{"busy":0.1234,"memory":2048,"time":7}"#), "{json}");
    }

    #[test]
    fn errors_are_one_line() {
        let wrong = ClientError::Usage("it \"is\" wrong".into());
        assert_eq!(error(&wrong, Output::Text), "socksctl: it \"is\" wrong");
        assert_eq!(error(&wrong, Output::Json), r#"{"error":"it \"is\" wrong"}"#);
    }

    #[test]
    fn numbers_are_legible() {
        for (number, text) in [(0, "0"), (999, "999"), (1000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(thousands(number), text);
        }
        for (count, text) in [
            (0, "0 B"),
            (999, "999 B"),
            (1000, "1.0 kB (1000)"),
            (1024, "1.0 kB (1024)"),
            (1_500_000, "1.5 MB (1500000)"),
            (999_950, "1.0 MB (999950)"),
            (u64::MAX, "18.4 EB (18446744073709551615)"),
        ] {
            assert_eq!(octets(count), text);
        }
    }
}
