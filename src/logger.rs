//! The log on standard error: `date level message`, one line each.

use std::io;
use std::time::SystemTime;

use log::{LevelFilter, Log, Metadata, Record};

use crate::core::{Lines, Utc};
use crate::net::line_log::LineLog;

/// Lines go to a thread of their own: a terminal that has stopped, or a pipe that
/// nobody empties, must hold up nobody but it.
struct StandardError(Lines);

impl Log for StandardError {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        let level = record.level().as_str().to_ascii_lowercase();
        let message = one_line(record.args().to_string());
        (self.0)(format!("{} {level} {message}", Utc(SystemTime::now())));
    }

    fn flush(&self) {}
}

/// Sends everything from `info` up to standard error, for the whole process. What
/// it gives back has to be flushed before the process ends.
///
/// # Errors
/// When there is no thread for it.
pub fn install() -> io::Result<LineLog> {
    let log = LineLog::stderr("stderr")?;
    // The process has one logger, until it ends.
    let logger = Box::leak(Box::new(StandardError(Box::new(log.sink()))));
    // Only a logger that is already there is refused.
    if log::set_logger(logger).is_ok() {
        log::set_max_level(LevelFilter::Info);
    }
    Ok(log)
}

/// A file's name in an error may hold anything: it must not look like a line of ours.
fn one_line(message: String) -> String {
    if !message.contains(char::is_control) {
        return message;
    }
    let escaped = |letter: char| match letter.is_control() {
        true => letter.escape_default().to_string(),
        false => letter.to_string(),
    };
    message.chars().map(escaped).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_one_line() {
        let forged = "error=\"1.\u{e9}\\\n2026 warn\r\x1b[31m\u{85}\"".to_owned();
        assert_eq!(one_line(forged), "error=\"1.\u{e9}\\\\n2026 warn\\r\\u{1b}[31m\\u{85}\"");
        assert_eq!(one_line("plain \\n".into()), "plain \\n");
    }
}
