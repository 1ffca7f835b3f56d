//! A completion for fish, one `complete` for each option and argument.

use argh::{CommandInfoWithArgs, FlagInfo};

use super::super::{Program, Value, argument, description, letter, positionals, sentence};
use super::all_flags;

pub(super) fn script(program: &Program, info: &CommandInfoWithArgs) -> String {
    let name = program.name;
    let commands: Vec<_> = info.commands.iter().map(|command| command.name).collect();
    let before = format!("__{name}_without_command");
    let mut text = format!(
        "# Completion for fish, made by \"{name} completions fish\".\n\
         function {before}\n    not __fish_seen_subcommand_from {}\nend\ncomplete -c {name} -f\n",
        commands.join(" ")
    );
    let mut line = |condition: &str, rest: &str| {
        let condition = if condition.is_empty() { "".into() } else { format!(" -n '{condition}'") };
        text.push_str(&format!("complete -c {name}{condition}{rest}\n"));
    };
    for (command, flag) in all_flags(info) {
        match command {
            "" if program.needs_command => line("", &option(program, flag)),
            "" => line(&before, &option(program, flag)),
            _ => line(&within(command), &option(program, flag)),
        }
    }
    for command in &info.commands {
        let about = quoted(&sentence(command.command.description));
        line(&before, &format!(" -a {} -d '{about}'", command.name));
        for positional in positionals(&command.command) {
            let value = value(&program.value(positional.name));
            line(&within(command.name), &value);
        }
    }
    text
}

fn within(command: &str) -> String {
    format!("__fish_seen_subcommand_from {command}")
}

fn option(program: &Program, flag: &FlagInfo<'static>) -> String {
    let letter = letter(flag).map(|letter| format!(" -s {letter}")).unwrap_or_default();
    let long = flag.long.trim_start_matches('-');
    let value = argument(flag).map(|name| format!(" -r{}", value(&program.value(name))));
    let about = quoted(&description(flag));
    format!("{letter} -l {long}{} -d '{about}'", value.unwrap_or_default())
}

fn value(value: &Value) -> String {
    match value {
        Value::OneOf(words) => format!(" -f -a '{}'", words.join(" ")),
        Value::File => " -F".into(),
        Value::Folder => " -f -a '(__fish_complete_directories)'".into(),
        Value::Anything => " -f".into(),
    }
}

fn quoted(text: &str) -> String {
    text.replace('\\', "\\\\").replace('\'', "\\'")
}
