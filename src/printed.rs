//! What a program prints at its end, and the code that says whether it could.

use std::io::{self, Write};
use std::process::ExitCode;

/// Why a program did not do what it was told.
#[derive(Debug, PartialEq, Eq)]
pub struct Failure {
    /// A sentence, without the program's name.
    pub why: String,
    /// The code to exit with.
    pub code: u8,
}

/// A failure of what was asked for, not of how it was asked: the code is 1.
impl<T: ToString> From<T> for Failure {
    fn from(why: T) -> Self {
        Self { why: why.to_string(), code: 1 }
    }
}

/// Prints a text with one end of line, or nothing if there is none; the code is 1 when it
/// can't be written.
pub fn shown(program: &str, text: &str) -> ExitCode {
    let text = text.trim_end();
    let mut out = io::stdout();
    let written = if text.is_empty() { Ok(()) } else { writeln!(out, "{text}") };
    match written.and_then(|()| out.flush()) {
        Ok(()) => ExitCode::SUCCESS,
        // Who has stopped reading, as head(1) does, knows it.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::FAILURE,
        Err(error) => failed(&format!("{program}: writing to standard output failed: {error}"), 1),
    }
}

/// Prints a line to standard error.
pub fn failed(line: &str, code: u8) -> ExitCode {
    // Without a standard error the code has to say it.
    let _ = writeln!(io::stderr(), "{line}");
    ExitCode::from(code)
}

/// What argh says about a wrong command line, as a sentence of this project: in one line,
/// in lower case, without a full stop.
pub fn misuse(said: &str) -> String {
    let line = said.split_whitespace().collect::<Vec<_>>().join(" ");
    let line = line.trim_end_matches('.');
    let line = line.strip_prefix("Error parsing ").unwrap_or(line);
    if line.starts_with("One of the following subcommands must be present") {
        return "no command is given".into();
    }
    let mut letters = line.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_argh_become_sentences() {
        for (said, sentence) in [
            ("Unrecognized argument: --Foo\n", "unrecognized argument: --Foo"),
            ("No value provided for option '-p'.\n", "no value provided for option '-p'"),
            (
                "Error parsing option '-p' with value 'x': use a port\n",
                "option '-p' with value 'x': use a port",
            ),
            (
                "Required positional arguments not provided:\n    name\n",
                "required positional arguments not provided: name",
            ),
            (
                "One of the following subcommands must be present:\n    help\n    users\n",
                "no command is given",
            ),
            ("", ""),
        ] {
            assert_eq!(misuse(said), sentence);
        }
    }
}
