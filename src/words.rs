//! The words of a command line, taken apart as getopt does it: `argh` knows `-p 0` and
//! `--port 0`, people also write `-p0`, `--port=0` and, for switches, `-Np0`.

use argh::{CommandInfoWithArgs, FlagInfo, FlagInfoKind};

/// The words as `argh` wants them, each option together with its value; a value is
/// taken as it is, also when it begins with a dash. Words that no option of this
/// program or of the command before them explains stay as they are, and so does `--`
/// with all that follows.
pub fn apart(
    program: &CommandInfoWithArgs,
    words: impl IntoIterator<Item = String>,
) -> Vec<Vec<String>> {
    let mut flags: Vec<&FlagInfo<'_>> = program.flags.iter().collect();
    let mut commands = program.commands.as_slice();
    let (mut apart, mut words) = (Vec::new(), words.into_iter());
    while let Some(word) = words.next() {
        if word == "--" {
            apart.push([word].into_iter().chain(words.by_ref()).collect());
        } else if word.starts_with("--") {
            apart.push(long(&flags, word, &mut words));
        } else if let Some(letters) = word.strip_prefix('-').filter(|rest| !rest.is_empty()) {
            short(&flags, letters, &mut words, &mut apart);
        } else {
            if let Some(command) = commands.iter().find(|command| command.name == word) {
                flags.extend(command.command.flags);
                commands = &command.command.commands;
            }
            apart.push(vec![word]);
        }
    }
    apart
}

/// Whether an option is followed by a value.
pub fn takes_value(flag: &FlagInfo<'_>) -> bool {
    matches!(flag.kind, FlagInfoKind::Option { .. })
}

/// `--name`, `--name=value`, or `--name` and the next word.
fn long(
    flags: &[&FlagInfo<'_>],
    word: String,
    words: &mut impl Iterator<Item = String>,
) -> Vec<String> {
    let (name, value) = match word.split_once('=') {
        Some((name, value)) => (name, Some(value.to_owned())),
        None => (word.as_str(), None),
    };
    let known = flags.iter().any(|flag| flag.long == name && takes_value(flag));
    if !known {
        return vec![word];
    }
    let value = value.or_else(|| words.next());
    [name.to_owned()].into_iter().chain(value).collect()
}

/// The letters behind one dash: switches, and then an option with its value.
fn short(
    flags: &[&FlagInfo<'_>],
    letters: &str,
    words: &mut impl Iterator<Item = String>,
    apart: &mut Vec<Vec<String>>,
) {
    let mut letters = letters.chars();
    while let Some(letter) = letters.next() {
        let rest = letters.as_str();
        match flags.iter().find(|flag| flag.short == Some(letter)) {
            Some(flag) if takes_value(flag) => {
                let value = Some(rest.to_owned()).filter(|rest| !rest.is_empty());
                let value = value.or_else(|| words.next());
                apart.push([format!("-{letter}")].into_iter().chain(value).collect());
                return;
            }
            Some(_) => apart.push(vec![format!("-{letter}")]),
            // It is for argh to say what is wrong with it.
            None => return apart.push(vec![format!("-{letter}{rest}")]),
        }
    }
}

#[cfg(test)]
mod tests {
    use argh::{ArgsInfo, FromArgs};

    use super::*;

    /// a program
    #[derive(FromArgs, ArgsInfo)]
    #[allow(dead_code, reason = "only what is known of it counts")]
    struct Program {
        /// a number
        #[argh(option, short = 'p')]
        port: Option<u16>,
        /// a switch
        #[argh(switch, short = 'N')]
        none: bool,
        /// another one
        #[argh(switch, short = 'v')]
        version: bool,
        #[argh(subcommand)]
        command: Option<Command>,
    }

    /// a command
    #[derive(FromArgs, ArgsInfo)]
    #[argh(subcommand)]
    #[allow(dead_code, reason = "only what is known of it counts")]
    enum Command {
        Token(Token),
    }

    /// a command
    #[derive(FromArgs, ArgsInfo)]
    #[argh(subcommand, name = "token")]
    #[allow(dead_code, reason = "only what is known of it counts")]
    struct Token {
        /// a time
        #[argh(option)]
        ttl: Option<String>,
        /// a switch
        #[argh(switch, short = 'q')]
        quiet: bool,
        /// a name
        #[argh(positional)]
        name: String,
    }

    fn words(line: &str) -> String {
        let words = line.split_whitespace().map(str::to_owned);
        let apart = apart(&Program::get_args_info(), words);
        apart.iter().map(|group| group.join(" ")).collect::<Vec<_>>().join(" | ")
    }

    #[test]
    fn words_are_taken_apart_as_getopt_does_it() {
        for (line, expected) in [
            ("", ""),
            ("-p 0", "-p 0"),
            ("-p0", "-p 0"),
            ("-Np0", "-N | -p 0"),
            ("-Np 0", "-N | -p 0"),
            ("-vN -p0 -v", "-v | -N | -p 0 | -v"),
            ("--port=0", "--port 0"),
            ("--port=", "--port "),
            ("--port=a=b", "--port a=b"),
            ("--port 0 --none", "--port 0 | --none"),
            // A value is a value, whatever it looks like.
            ("-p -N -v", "-p -N | -v"),
            ("--port -- -p0", "--port -- | -p 0"),
            ("--port --none=1", "--port --none=1"),
            ("-p-1", "-p -1"),
            // Its value is missing, which is for argh to say.
            ("-Np", "-N | -p"),
            ("--port", "--port"),
            // What is not known, or takes no value.
            ("-x0", "-x0"),
            ("-Nx0", "-N | -x0"),
            ("-\u{e9}0 -", "-\u{e9}0 | -"),
            ("--other=1 --none=1", "--other=1 | --none=1"),
            // Options of a command are known behind it.
            ("--ttl=2h", "--ttl=2h"),
            ("-N token --ttl=2h -qN ana", "-N | token | --ttl 2h | -q | -N | ana"),
            ("token ana --ttl=2h", "token | ana | --ttl 2h"),
            ("token -- --ttl=2h -p0", "token | -- --ttl=2h -p0"),
            ("-- token --ttl=2h", "-- token --ttl=2h"),
        ] {
            assert_eq!(words(line), expected, "{line}");
        }
    }
}
