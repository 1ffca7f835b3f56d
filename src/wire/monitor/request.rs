//! What the client asks.
//!
//! ```text
//! STATS                     USERS                     QUIT
//! CONNECTIONS [list]        CONFIG <param> <value>
//! ```

use super::Refusal;

/// The longest name of a command or parameter: "entre 1 y 255 caracteres inclusive".
const NAME_MAX: usize = 255;

/// A request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// The counters.
    Stats,
    /// How many connections are open.
    Connections {
        /// And each of them.
        list: bool,
    },
    /// Who is connected.
    Users,
    /// A setting changes.
    Config {
        /// Its name in small letters: 1-255 of `a-z`, `0-9` and `_`.
        parameter: String,
        /// As it came, without spaces; the range is the server's to check.
        value: Vec<u8>,
    },
    /// The end.
    Quit,
}

impl Request {
    /// The request in a line without its end: words, separated by spaces. Commands and parameters
    /// are understood in small and capital letters.
    ///
    /// # Errors
    ///
    /// The [`Refusal`] that such a line deserves; more lines may follow it.
    pub fn parse(line: &[u8]) -> Result<Self, Refusal> {
        let mut words = line.split(|&octet| octet == b' ').filter(|word| !word.is_empty());
        let Some(command) = words.next() else { return Err(Refusal::EmptyCommand) };
        let arguments: Vec<&[u8]> = words.collect();
        match (name(command)?.as_str(), &*arguments) {
            ("stats", []) => Ok(Self::Stats),
            ("users", []) => Ok(Self::Users),
            ("quit", []) => Ok(Self::Quit),
            ("connections", []) => Ok(Self::Connections { list: false }),
            ("connections", [list]) if list.eq_ignore_ascii_case(b"list") => {
                Ok(Self::Connections { list: true })
            }
            ("config", [parameter, value]) => {
                Ok(Self::Config { parameter: name(parameter)?, value: value.to_vec() })
            }
            ("stats", _) => Err(Refusal::Usage("STATS")),
            ("users", _) => Err(Refusal::Usage("USERS")),
            ("quit", _) => Err(Refusal::Usage("QUIT")),
            ("connections", _) => Err(Refusal::Usage("CONNECTIONS [list]")),
            ("config", _) => Err(Refusal::Usage("CONFIG <param> <value>")),
            _ => Err(Refusal::UnknownCommand(command.to_vec())),
        }
    }

    /// Appends the line to `out`.
    pub fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Stats => out.extend(b"STATS"),
            Self::Connections { list: false } => out.extend(b"CONNECTIONS"),
            Self::Connections { list: true } => out.extend(b"CONNECTIONS list"),
            Self::Users => out.extend(b"USERS"),
            Self::Config { parameter, value } => {
                out.extend([b"CONFIG ", parameter.as_bytes(), b" ", value].concat());
            }
            Self::Quit => out.extend(b"QUIT"),
        }
        out.push(b'\n');
    }
}

/// "Comandos y parámetros en texto plano, solo caracteres a-z, A-Z, 0-9, _."
fn name(word: &[u8]) -> Result<String, Refusal> {
    let of_a_name = |octet: &u8| octet.is_ascii_alphanumeric() || *octet == b'_';
    if word.len() > NAME_MAX || !word.iter().all(of_a_name) {
        return Err(Refusal::InvalidName);
    }
    Ok(word.iter().map(|octet| char::from(octet.to_ascii_lowercase())).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_and_spaces_do_not_matter() {
        for (line, request) in [
            ("sTaTs", Request::Stats),
            ("  USERS  ", Request::Users),
            ("quit", Request::Quit),
            ("connections LIST", Request::Connections { list: true }),
        ] {
            assert_eq!(Request::parse(line.as_bytes()), Ok(request));
        }
        let config = Request::Config { parameter: "timeout".into(), value: b"X".to_vec() };
        assert_eq!(Request::parse(b"config  TIMEOUT X"), Ok(config));
    }

    #[test]
    fn every_wrong_line_has_its_refusal() {
        let longest = "x".repeat(NAME_MAX);
        let too_long = "x".repeat(NAME_MAX + 1);
        for (line, refusal) in [
            ("", Refusal::EmptyCommand),
            ("   ", Refusal::EmptyCommand),
            ("STAST", Refusal::UnknownCommand(b"STAST".to_vec())),
            ("STAST now", Refusal::UnknownCommand(b"STAST".to_vec())),
            (&longest, Refusal::UnknownCommand(longest.clone().into())),
            (&too_long, Refusal::InvalidName),
            ("STATS!", Refusal::InvalidName),
            ("STATS\t", Refusal::InvalidName),
            ("SEÑAL", Refusal::InvalidName),
            ("CONFIG time-out 1", Refusal::InvalidName),
            (&format!("CONFIG {too_long} 1"), Refusal::InvalidName),
            ("CONFIG", Refusal::Usage("CONFIG <param> <value>")),
            ("CONFIG timeout", Refusal::Usage("CONFIG <param> <value>")),
            ("CONFIG timeout 1 2", Refusal::Usage("CONFIG <param> <value>")),
            ("CONNECTIONS all", Refusal::Usage("CONNECTIONS [list]")),
            ("STATS now", Refusal::Usage("STATS")),
            ("USERS now", Refusal::Usage("USERS")),
            ("QUIT now", Refusal::Usage("QUIT")),
        ] {
            assert_eq!(Request::parse(line.as_bytes()), Err(refusal), "{line}");
        }
    }
}
