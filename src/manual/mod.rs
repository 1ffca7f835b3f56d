//! What a program says about itself: `--help`, its manual page, and completions for
//! shells.
//!
//! All of it is made from the options and commands that `argh` parses by
//! ([`CommandInfoWithArgs`]), so what is new there is here too, and from the words of
//! a [`Program`] around them.
//!
//! How an argument is named says what can stand there: `json|text` is one of these,
//! `file` a file, `dir` a folder, and a name in [`Program::values`] one of those.

mod completions;
mod help;
mod roff;

use std::str::FromStr;

use argh::{CommandInfoWithArgs, FlagInfo, FlagInfoKind, Optionality, PositionalInfo};

pub use completions::completions;
pub use help::{help, help_as_option, help_for};
pub use roff::page;

/// What the parser does not know about a program.
#[derive(Debug)]
pub struct Program {
    /// Its name.
    pub name: &'static str,
    /// The section of the manual.
    pub section: u8,
    /// When these words were last changed, `2026-11-21`.
    pub date: &'static str,
    /// What it is, in half a sentence.
    pub summary: &'static str,
    /// What it does, for `--help`; a paragraph.
    pub about: &'static str,
    /// Whether a command has to be given; options may then stand behind it too.
    pub needs_command: bool,
    /// The options in the order in which they are shown.
    pub options: &'static [Group],
    /// The commands likewise.
    pub commands: &'static [Group],
    /// Variables and what they are for.
    pub environment: &'static [(&'static str, &'static str)],
    /// Codes and what they mean.
    pub exit_status: &'static [(&'static str, &'static str)],
    /// Command lines, and what they do.
    pub examples: &'static [(&'static str, &'static str)],
    /// What can stand for an argument of that name.
    pub values: &'static [(&'static str, &'static [&'static str])],
    /// More for the manual page: a title and its paragraphs, with empty lines between
    /// them. What is between backquotes is to be typed; a paragraph of lines that begin
    /// with four spaces is shown as it is.
    pub sections: &'static [(&'static str, &'static str)],
    /// Pages to read next.
    pub see_also: &'static str,
}

/// Options or commands that belong together.
#[derive(Debug)]
pub struct Group {
    /// What they have in common.
    pub title: &'static str,
    /// Options as `--long`, or commands.
    pub members: &'static [&'static str],
}

/// A shell that can complete words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shell {
    /// GNU Bash, from 3.2 on.
    Bash,
    /// Zsh.
    Zsh,
    /// Fish, from 3.0 on.
    Fish,
}

impl FromStr for Shell {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "bash" => Ok(Self::Bash),
            "zsh" => Ok(Self::Zsh),
            "fish" => Ok(Self::Fish),
            _ => Err("use bash, zsh or fish".into()),
        }
    }
}

/// What can stand in the place of an argument.
#[derive(Debug, PartialEq, Eq)]
enum Value {
    OneOf(Vec<&'static str>),
    File,
    Folder,
    Anything,
}

/// The option that argh adds.
const HELP: &str = "--help";

impl Program {
    /// Each option and command of the parser is shown, once, and no other.
    #[cfg(test)]
    pub fn assert_grouped(&self, info: &CommandInfoWithArgs) {
        use std::collections::BTreeSet;

        let groups = self.options.iter().chain(self.commands);
        let members: Vec<_> = groups.flat_map(|group| group.members).copied().collect();
        let flags = info.flags.iter().map(|flag| flag.long);
        let real: BTreeSet<_> = flags.chain(info.commands.iter().map(|one| one.name)).collect();
        assert_eq!(members.iter().copied().collect::<BTreeSet<_>>(), real);
        assert_eq!(members.len(), real.len(), "one stands in two groups");
    }

    fn value(&self, argument: &'static str) -> Value {
        let known = self.values.iter().find(|(name, _)| *name == argument);
        match argument {
            _ if argument.contains('|') => Value::OneOf(argument.split('|').collect()),
            "file" | "file.toml" => Value::File,
            "dir" => Value::Folder,
            _ => known.map_or(Value::Anything, |(_, values)| Value::OneOf(values.to_vec())),
        }
    }
}

/// Things in their groups; what stands in no group comes last.
fn grouped<'a, T>(
    groups: &'static [Group],
    things: &'a [T],
    name: impl Fn(&T) -> &str,
) -> Vec<(&'static str, Vec<&'a T>)> {
    let member = |wanted: &&str| things.iter().find(|thing| name(thing) == *wanted);
    let mut found: Vec<_> = groups
        .iter()
        .map(|group| (group.title, group.members.iter().filter_map(member).collect()))
        .collect();
    let known = |thing: &&T| groups.iter().any(|group| group.members.contains(&name(thing)));
    found.push(("Others", things.iter().filter(|thing| !known(thing)).collect()));
    found.retain(|(_, things): &(_, Vec<_>)| !things.is_empty());
    found
}

/// An argument as it is shown: `FILE`, or `on|off` as it is typed.
fn placeholder(argument: &str) -> String {
    if argument.contains('|') { argument.into() } else { argument.to_uppercase() }
}

/// The name of an option's value, if it takes one.
fn argument(flag: &FlagInfo<'static>) -> Option<&'static str> {
    match flag.kind {
        FlagInfoKind::Switch => None,
        FlagInfoKind::Option { arg_name } => Some(arg_name),
    }
}

/// The letter of an option: argh keeps that of its own to itself.
fn letter(flag: &FlagInfo<'_>) -> Option<char> {
    flag.short.or_else(|| (flag.long == HELP).then_some('h'))
}

/// What a command is called with, behind its name.
fn synopsis(command: &CommandInfoWithArgs) -> Vec<String> {
    let optional = |word: String, optionality: &Optionality| match optionality {
        Optionality::Required => word,
        Optionality::Optional => format!("[{word}]"),
        Optionality::Repeating | Optionality::Greedy => format!("[{word}]..."),
    };
    let flags = shown(command).into_iter().filter(|flag| flag.long != HELP).map(|flag| {
        let value = argument(flag).map(|name| format!(" {}", placeholder(name)));
        optional(format!("{}{}", flag.long, value.unwrap_or_default()), &flag.optionality)
    });
    let positionals = positionals(command).into_iter();
    let positionals = positionals.map(|one| optional(placeholder(one.name), &one.optionality));
    flags.chain(positionals).collect()
}

/// The options that are not hidden, help last.
fn shown(command: &CommandInfoWithArgs) -> Vec<&'static FlagInfo<'static>> {
    let mut flags: Vec<_> = command.flags.iter().filter(|flag| !flag.hidden).collect();
    flags.sort_by_key(|flag| flag.long == HELP);
    flags
}

/// What an option does; argh has words of its own for one.
fn description(flag: &FlagInfo<'static>) -> String {
    if flag.long == HELP { "show this help".into() } else { sentence(flag.description) }
}

/// What an argument is, and what it can be.
fn explained(program: &Program, positional: &PositionalInfo<'static>) -> String {
    let text = sentence(positional.description);
    match program.values.iter().find(|(name, _)| *name == positional.name) {
        Some((_, values)) => format!("{text}: {}", values.join(", ")),
        None => text,
    }
}

fn positionals(command: &CommandInfoWithArgs) -> Vec<&'static PositionalInfo<'static>> {
    command.positionals.iter().filter(|positional| !positional.hidden).collect()
}

/// The notes and examples of a command in paragraphs, and whether each is shown as it
/// is: lines that begin with four spaces, and examples.
fn notes(program: &Program, command: &CommandInfoWithArgs) -> Vec<(bool, String)> {
    let mut paragraphs: Vec<(bool, String)> = Vec::new();
    for line in command.notes.iter().flat_map(|note| note.lines()) {
        let literal = line.starts_with("    ");
        match paragraphs.last_mut() {
            Some((like, text)) if *like == literal => text.extend(["\n", line.trim()]),
            _ => paragraphs.push((literal, line.trim().to_owned())),
        }
    }
    let call = format!("{} {}", program.name, command.name);
    let examples = command.examples.iter().map(|text| text.replace("{command_name}", &call));
    paragraphs.into_iter().chain(examples.map(|text| (true, text))).collect()
}

/// A description as one paragraph.
fn sentence(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The words of a text in lines of so many columns at most.
fn wrapped(text: &str, columns: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= columns => {
                line.extend([" ", word]);
            }
            _ => lines.push(word.into()),
        }
    }
    lines
}
