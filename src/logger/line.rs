//! One event as one line of text or JSON.

use std::fmt::{self, Display, Write};
use std::time::SystemTime;

use log::kv::{self, Key, Value, VisitSource};
use log::{Level, Record};
use serde_json::Value as Json;

use super::Format;
use crate::core::{JsonLine, Utc};

/// What an event is called that comes with a sentence and no name: from a library.
const SENTENCE: &str = "message";

/// The line of an event at that time, without its end.
pub(super) fn written(format: Format, now: SystemTime, record: &Record<'_>) -> String {
    let message = record.args().to_string();
    let is_name = |text: &str| {
        !text.is_empty() && text.bytes().all(|octet| octet.is_ascii_lowercase() || octet == b'-')
    };
    let (event, text) =
        if is_name(&message) { (&*message, None) } else { (SENTENCE, Some(&*message)) };
    let level = record.level().as_str().to_ascii_lowercase();
    let mut line = match format {
        Format::Text => Line { text: format!("{} {level} {event}", Utc(now)), json: false },
        Format::Journal => {
            Line { text: format!("<{}>{event}", priority(record.level())), json: false }
        }
        Format::Json => Line::object(&Utc(now), &level, event),
    };
    if let Some(text) = text {
        line.field("text", text.into());
    }
    // Nothing in it can fail: see `visit_pair`.
    let _ = record.key_values().visit(&mut line);
    line.ended()
}

/// Those of syslog(3).
fn priority(level: Level) -> u8 {
    match level {
        Level::Error => 3,
        Level::Warn => 4,
        Level::Info => 6,
        Level::Debug | Level::Trace => 7,
    }
}

struct Line {
    text: String,
    json: bool,
}

impl Line {
    fn object(time: &dyn Display, level: &str, event: &str) -> Self {
        let mut line = Self { text: String::new(), json: true };
        line.field("time", time.to_string().into());
        line.field("level", level.into());
        line.field("event", event.into());
        line
    }

    /// Writing to a string can't fail.
    fn field(&mut self, name: &str, value: Json) {
        if self.json {
            let mark = if self.text.is_empty() { '{' } else { ',' };
            let _ = write!(self.text, "{mark}{}:{}", Json::from(name), JsonLine(&value));
        } else if let Json::String(value) = value {
            let _ = write!(self.text, " {name}={}", Quoted(&value));
        } else {
            let _ = write!(self.text, " {name}={value}");
        }
    }

    fn ended(mut self) -> String {
        if self.json {
            self.text.push('}');
        }
        self.text
    }
}

impl<'kvs> VisitSource<'kvs> for Line {
    fn visit_pair(&mut self, key: Key<'kvs>, value: Value<'kvs>) -> Result<(), kv::Error> {
        let number = value.to_u64().map(Json::from).or_else(|| value.to_bool().map(Json::from));
        self.field(key.as_str(), number.unwrap_or_else(|| Json::from(value.to_string())));
        Ok(())
    }
}

/// A value as it is when it is one plain word, otherwise in quotes with everything
/// escaped that could end it or the line: peers choose some of these.
struct Quoted<'a>(&'a str);

impl Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plain = |c: char| !c.is_whitespace() && !c.is_control() && !"\"\\=".contains(c);
        if !self.0.is_empty() && self.0.chars().all(plain) {
            return f.write_str(self.0);
        }
        f.write_char('"')?;
        for c in self.0.chars() {
            match c {
                '"' | '\\' => write!(f, "\\{c}")?,
                // No control character is above U+009F.
                _ if c.is_control() => write!(f, "\\x{:02x}", u32::from(c))?,
                // Separators of lines and paragraphs.
                '\u{2028}' | '\u{2029}' => write!(f, "{}", c.escape_unicode())?,
                _ => f.write_char(c)?,
            }
        }
        f.write_char('"')
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::UNIX_EPOCH;

    fn line(format: Format, level: Level, message: &str, fields: &[(&str, Value<'_>)]) -> String {
        let mut builder = Record::builder();
        let fields: &dyn kv::Source = &fields;
        builder.level(level).key_values(fields);
        written(format, UNIX_EPOCH, &builder.args(format_args!("{message}")).build())
    }

    #[test]
    fn an_event_in_every_format() {
        let fields = [
            ("service", Value::from("socks")),
            ("times", Value::from(7_u64)),
            ("error", Value::from("too many files")),
        ];
        let line = |format| line(format, Level::Warn, "accept-failed", &fields);
        assert_eq!(
            line(Format::Text),
            "1970-01-01T00:00:00Z warn accept-failed service=socks times=7 error=\"too many files\""
        );
        assert_eq!(
            line(Format::Journal),
            "<4>accept-failed service=socks times=7 error=\"too many files\""
        );
        assert_eq!(
            line(Format::Json),
            "{\"time\":\"1970-01-01T00:00:00Z\",\"level\":\"warn\",\"event\":\"accept-failed\",\
             \"service\":\"socks\",\"times\":7,\"error\":\"too many files\"}"
        );
    }

    #[test]
    fn a_sentence_of_a_library_is_a_field() {
        assert_eq!(
            line(Format::Text, Level::Error, "It broke\nbadly", &[]),
            "1970-01-01T00:00:00Z error message text=\"It broke\\x0abadly\""
        );
    }

    #[test]
    fn no_value_can_forge_a_field_or_a_line() {
        for (value, shown) in [
            ("ana", "ana"),
            ("a\u{f1}o", "a\u{f1}o"),
            ("", "\"\""),
            ("a b", "\"a b\""),
            ("x address=10.0.0.1", "\"x address=10.0.0.1\""),
            ("a=b", "\"a=b\""),
            ("\" y=\"", "\"\\\" y=\\\"\""),
            ("\\", "\"\\\\\""),
            ("a\r\nb\u{85}\u{1b}", "\"a\\x0d\\x0ab\\x85\\x1b\""),
            ("\u{2028}", "\"\\u{2028}\""),
        ] {
            assert_eq!(Quoted(value).to_string(), shown);
            let fields = [("user", Value::from(value))];
            let json = line(Format::Json, Level::Info, "auth-failed", &fields);
            let object: Json = serde_json::from_str(&json).unwrap();
            assert_eq!(object["user"], value);
            assert!(!json.contains(|c: char| c.is_control() || c == '\u{2028}'), "{json:?}");
        }
    }
}
