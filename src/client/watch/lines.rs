//! One line a look, for pipes, files and programs.

use std::io::{self, ErrorKind, Write};
use std::thread;
use std::time::{Instant, SystemTime};

use serde_json::{Map, Value as Json, json};

use super::super::args::Output;
use super::super::{ClientError, connect};
use super::sample::{Count, Sample};
use super::source::{Look, Source};
use super::{Pace, Whom};
use crate::core::{JsonLine, Utc};

/// The counters in a line, in their order; the rates stand behind `bytes_down`.
const COUNTERS: [&str; 9] = [
    "current",
    "max_current",
    "historic",
    "active_users",
    "refused",
    "failed_logins",
    "bytes",
    "bytes_up",
    "bytes_down",
];
const RATES: [(&str, &str); 3] =
    [("rate", "bytes"), ("rate_up", "bytes_up"), ("rate_down", "bytes_down")];

/// Writes to standard output until nobody reads it.
///
/// # Errors
/// See [`super::run`].
pub fn watch(whom: Whom, pace: Pace, output: Output) -> Result<(), ClientError> {
    let Whom { dialect, server, credentials, patience } = whom;
    let again = move || connect(dialect, &server, &credentials, patience);
    let mut source = Source::new(dialect, Box::new(again));
    let mut look = Look::Seen(Box::new(source.first_look(false)?));
    let (mut before, mut due, mut written) = (None, Instant::now(), 0);
    let mut out = io::stdout().lock();
    loop {
        let line = line(&look, before.as_ref(), SystemTime::now(), output);
        match writeln!(out, "{line}").and_then(|()| out.flush()) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::BrokenPipe => return Ok(()),
            Err(error) => return Err(ClientError::Output(error)),
        }
        written += 1;
        if pace.count == Some(written) {
            return Ok(());
        }
        if let Look::Seen(sample) = look {
            before = Some(*sample);
        }
        // A look that took long makes none come twice.
        due = (due + pace.interval).max(Instant::now());
        thread::sleep(due.saturating_duration_since(Instant::now()));
        look = source.look(false)?;
    }
}

/// What a look says, without a line end behind it.
fn line(look: &Look, before: Option<&Sample>, now: SystemTime, output: Output) -> String {
    let (sample, why) = match look {
        Look::Seen(sample) => (Some(&**sample), None),
        Look::Lost(loss) => (None, Some(loss.why.as_str())),
    };
    let state = if sample.is_some() { "ok" } else { "lost" };
    let time = Utc(sample.map_or(now, |sample| sample.time)).to_string();
    let numbers = numbers(sample, before);
    match output {
        Output::Text => as_text(&time, state, &numbers, why),
        Output::Json => JsonLine(&as_json(&time, state, &numbers, why)).to_string(),
    }
}

type Numbers = Vec<(&'static str, Option<Count>)>;

/// All that a line may tell, known or not.
fn numbers(sample: Option<&Sample>, before: Option<&Sample>) -> Numbers {
    let count = |name| (name, sample.and_then(|sample| sample.counters.get(name)));
    let rate = |(name, of)| {
        let rate = sample.zip(before).and_then(|(sample, before)| {
            let passed = sample.at.saturating_duration_since(before.at).as_secs_f64();
            sample.counters.rate(of, &before.counters, passed)
        });
        (name, rate.map(|number| Count { number, or_more: false }))
    };
    let counters = COUNTERS.into_iter().map(count);
    counters.chain(RATES.into_iter().map(rate)).chain([count("uptime")]).collect()
}

fn as_text(time: &str, state: &str, numbers: &Numbers, why: Option<&str>) -> String {
    let mut line = format!("time={time} state={state}");
    for (name, count) in numbers {
        let shown = count.map_or_else(
            || "-".into(),
            |Count { number, or_more }| format!("{number}{}", if or_more { "+" } else { "" }),
        );
        line.push_str(&format!(" {name}={shown}"));
    }
    // Quoted as in JSON, and as there without control characters.
    let why = why.map_or_else(|| "-".into(), |why| JsonLine(&json!(why)).to_string());
    line.push_str(&format!(" why={why}"));
    line
}

fn as_json(time: &str, state: &str, numbers: &Numbers, why: Option<&str>) -> Json {
    let mut object = Map::new();
    object.insert("time".into(), json!(time));
    object.insert("state".into(), json!(state));
    for (name, count) in numbers {
        object.insert((*name).into(), json!(count.map(|count| count.number)));
    }
    object.insert("why".into(), json!(why));
    let saturated = |(_, count): &&(_, Option<Count>)| count.is_some_and(|count| count.or_more);
    let saturated: Vec<&str> = numbers.iter().filter(saturated).map(|(name, _)| *name).collect();
    if !saturated.is_empty() {
        object.insert("saturated".into(), json!(saturated));
    }
    Json::Object(object)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::board::tests::{open, sample};
    use super::super::sample::tests::bytes;
    use super::super::source::Loss;
    use super::*;
    use crate::client::Value;

    fn looks() -> (Sample, Look) {
        let (start, second) = (Instant::now(), Duration::from_secs(1));
        let first = sample(start, Duration::ZERO, vec![open(1, "a:1", 10, 20)]);
        let next = sample(start, second * 2, vec![open(1, "a:1", 30, 2020)]);
        (first, Look::Seen(Box::new(next)))
    }

    fn text(look: &Look, before: Option<&Sample>) -> String {
        line(look, before, SystemTime::UNIX_EPOCH, Output::Text)
    }

    #[test]
    fn a_line_has_all_keys_in_their_order() {
        let (before, look) = looks();
        let expected = "time=2025-11-21T14:03:24Z state=ok current=1 max_current=34 \
                        historic=5678 active_users=- refused=2 failed_logins=3 bytes=2050 \
                        bytes_up=30 bytes_down=2020 rate=1010 rate_up=10 rate_down=1000 \
                        uptime=11079 why=-";
        assert_eq!(text(&look, Some(&before)), expected);
        assert!(text(&look, None).contains(" rate=- rate_up=- rate_down=- "));
    }

    #[test]
    fn a_server_that_is_gone_is_a_line_too() {
        let loss = Loss { why: "can't reach \"h\"\x1b\u{9b}".into(), retry: Instant::now() };
        let expected = "time=1970-01-01T00:00:00Z state=lost current=- max_current=- historic=- \
                        active_users=- refused=- failed_logins=- bytes=- bytes_up=- \
                        bytes_down=- rate=- rate_up=- rate_down=- uptime=- \
                        why=\"can't reach \\\"h\\\"\\u001b\\u009b\"";
        assert_eq!(text(&Look::Lost(loss), None), expected);
    }

    #[test]
    fn programs_get_an_object() {
        let (before, look) = looks();
        let object = line(&look, Some(&before), SystemTime::UNIX_EPOCH, Output::Json);
        let object: Json = serde_json::from_str(&object).unwrap();
        let expected = json!({
            "time": "2025-11-21T14:03:24Z", "state": "ok", "current": 1, "max_current": 34,
            "historic": 5678, "active_users": null, "refused": 2, "failed_logins": 3,
            "bytes": 2050, "bytes_up": 30, "bytes_down": 2020, "rate": 1010, "rate_up": 10,
            "rate_down": 1000, "uptime": 11079, "why": null,
        });
        assert_eq!(object, expected);
    }

    #[test]
    fn or_more_is_told() {
        let (before, _) = looks();
        let full = Sample { counters: bytes(Value::OctetsOrMore(4_294_967_295)), ..before };
        let look = Look::Seen(Box::new(full.clone()));
        assert!(text(&look, Some(&full)).contains(" bytes=4294967295+ bytes_up=- "));
        let object = line(&look, None, SystemTime::UNIX_EPOCH, Output::Json);
        assert!(object.contains(r#""saturated":["bytes"]"#), "{object}");
    }
}
