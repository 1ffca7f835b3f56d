//! The format of the log where there is no configuration to ask.

use std::fs;
use std::path::Path;

use serde::Deserialize;

use super::Args;
use crate::logger::Format;

/// What a file says of it, whatever else is wrong there.
#[derive(Deserialize)]
struct File {
    #[serde(alias = "log_format", rename = "log-format")]
    log_format: Option<String>,
}

impl Args {
    /// The format that a command line asks for, or else the file that it names, though
    /// neither may be of any use otherwise; text when nobody asks.
    pub fn log_format(words: &[&str]) -> Format {
        let value = |option: &str| {
            let (_, value) =
                words.iter().zip(words.iter().skip(1)).find(|(one, _)| **one == option)?;
            Some(*value)
        };
        let in_file = || {
            // Not from a pipe, which might have nothing more to say, and no end.
            let path = value("--config").filter(|path| Path::new(path).is_file())?;
            let text = fs::read_to_string(path).ok()?;
            toml::from_str::<File>(&text).ok()?.log_format
        };
        let format = value("--log-format").map(str::to_owned).or_else(in_file);
        format.and_then(|format| format.parse().ok()).unwrap_or_default()
    }
}
