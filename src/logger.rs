//! The log on standard error, one line for each event.
//!
//! An event is a name and fields, in code
//! `log::warn!(service = NAME, from:%, error:%; "connection-refused")`. No text is
//! put together there, so every format gets the values as they are. The README lists
//! the events.

mod line;

use std::io;
use std::str::FromStr;
use std::time::SystemTime;

use log::{LevelFilter, Log, Metadata, Record};

use crate::core::Lines;
use crate::net::line_log::LineLog;

/// How a line is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Format {
    /// `date level event name=value name="a value"`.
    #[default]
    Text,
    /// The same as an object of JSON.
    Json,
    /// As text, with the priority in front for the journal, which knows the date
    /// (sd-daemon(3)).
    Journal,
}

impl Format {
    /// The names of all.
    pub const NAMES: [&str; 3] = ["text", "json", "journal"];
}

impl FromStr for Format {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            "journal" => Ok(Self::Journal),
            _ => Err(format!("use {}", Self::NAMES.join(", "))),
        }
    }
}

/// The names of the levels, the gravest first: each lets those before it through.
pub const LEVELS: [&str; 3] = ["error", "warn", "info"];

/// Reads one of [`LEVELS`].
///
/// # Errors
/// A sentence.
pub fn level(text: &str) -> Result<LevelFilter, String> {
    let known = text.parse().ok().filter(|_| LEVELS.contains(&text));
    known.ok_or_else(|| format!("use {}", LEVELS.join(", ")))
}

/// What goes to the log, and how.
#[derive(Debug, Clone, Copy)]
pub struct Logging {
    /// How.
    pub format: Format,
    /// What: events of this level and graver ones.
    pub level: LevelFilter,
}

impl Default for Logging {
    fn default() -> Self {
        Self { format: Format::default(), level: LevelFilter::Info }
    }
}

/// Lines go to a thread of their own: a terminal that has stopped, or a pipe that
/// nobody empties, must hold up nobody but it.
struct StandardError {
    format: Format,
    lines: Lines,
}

impl Log for StandardError {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        (self.lines)(line::written(self.format, SystemTime::now(), record));
    }

    fn flush(&self) {}
}

/// Sends events to standard error, for the whole process. What it gives back has to
/// be flushed before the process ends.
///
/// # Errors
/// When there is no thread for it.
pub fn install(logging: Logging) -> io::Result<LineLog> {
    let log = LineLog::stderr("stderr")?;
    let standard_error = StandardError { format: logging.format, lines: Box::new(log.sink()) };
    // The process has one logger, until it ends.
    let logger = Box::leak(Box::new(standard_error));
    // Only a logger that is already there is refused.
    if log::set_logger(logger).is_ok() {
        log::set_max_level(logging.level);
    }
    Ok(log)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_format_and_level_has_its_name() {
        let formats = Format::NAMES.map(|name| name.parse::<Format>().unwrap());
        assert_eq!(formats, [Format::Text, Format::Json, Format::Journal]);
        assert_eq!("xml".parse::<Format>().unwrap_err(), "use text, json, journal");
        let levels = LEVELS.map(|name| level(name).unwrap());
        assert_eq!(levels, [LevelFilter::Error, LevelFilter::Warn, LevelFilter::Info]);
        assert_eq!(level("loud").unwrap_err(), "use error, warn, info");
        assert!(level("off").is_err() && level("INFO").is_err());
    }
}
