//! A completion for zsh, in the terms of its `_arguments`.

use argh::{CommandInfoWithArgs, FlagInfo, Optionality};

use super::super::{HELP, Program, Value, argument, description, placeholder, positionals};
use super::super::{sentence, shown};
use super::spellings;

pub(super) fn script(program: &Program, info: &CommandInfoWithArgs) -> String {
    let name = program.name;
    let mut text = format!(
        "#compdef {name}\n# Completion for zsh, made by \"{name} completions zsh\".\n\
         _{name}() {{\n    local context state state_descr line\n    \
         typeset -A opt_args\n    local -a options=(\n"
    );
    for flag in shown(info) {
        text.push_str(&format!("        {}\n", option(program, flag)));
    }
    text.push_str(&format!(
        "    )\n    _arguments -C \"${{options[@]}}\" \\\n        '1:command:_{name}_commands' \\\n        '*:::argument:->argument'\n    \
         [[ $state == argument ]] || return\n    words=($line[1] \"${{words[@]}}\")\n    \
         (( CURRENT += 1 ))\n    case $line[1] in\n"
    ));
    for command in &info.commands {
        text.push_str(&arguments(program, command.name, &command.command));
    }
    text.push_str(&format!("    esac\n}}\n_{name}_commands() {{\n    local -a commands=(\n"));
    for command in &info.commands {
        let about = quoted(&sentence(command.command.description), ":");
        text.push_str(&format!("        '{}:{about}'\n", command.name));
    }
    text.push_str("    )\n    _describe command commands\n}\n");
    // Called by compinit's autoload, or read by somebody's .zshrc, maybe before compinit.
    text.push_str(&format!(
        "if [[ $funcstack[1] == _{name} ]]; then\n    _{name} \"$@\"\nelse\n    \
         (( $+functions[compdef] )) || {{ autoload -Uz compinit && compinit -i }}\n    \
         compdef _{name} {name}\nfi\n"
    ));
    text
}

/// The arguments and options of a command, as an arm of a `case`.
fn arguments(program: &Program, name: &str, command: &CommandInfoWithArgs) -> String {
    let mut text = format!("        {name}) _arguments");
    // Help is an option of both.
    if program.needs_command {
        text.push_str(" \"${options[@]}\"");
    }
    let own = shown(command).into_iter();
    for flag in own.filter(|flag| !program.needs_command || flag.long != HELP) {
        text.push_str(&format!(" \\\n            {}", option(program, flag)));
    }
    for positional in positionals(command) {
        let optional = if positional.optionality == Optionality::Required { "" } else { ":" };
        let value = value(program, positional.name);
        text.push_str(&format!(" \\\n            ':{optional}{value}'"));
    }
    text.push_str(" ;;\n");
    text
}

/// An option with what it takes. Its spellings exclude one another, unless it may be
/// given again.
fn option(program: &Program, flag: &FlagInfo<'static>) -> String {
    let spellings = spellings(flag);
    let repeated = flag.optionality == Optionality::Repeating;
    let first = if repeated { "*".into() } else { format!("({})", spellings.join(" ")) };
    let names = match spellings.as_slice() {
        [one] => format!("'{first}{one}"),
        several => format!("'{first}'{{{}}}'", several.join(",")),
    };
    let about = quoted(&description(flag), "[]:");
    let value = argument(flag).map(|name| format!(":{}", value(program, name)));
    format!("{names}[{about}]{}'", value.unwrap_or_default())
}

fn value(program: &Program, argument: &'static str) -> String {
    let message = quoted(&placeholder(argument), ":");
    match program.value(argument) {
        Value::OneOf(words) => format!("{message}:({})", words.join(" ")),
        Value::File => format!("{message}:_files"),
        Value::Folder => format!("{message}:_files -/"),
        Value::Anything => format!("{message}: "),
    }
}

/// Fit for single quotes and for a place where some characters mean something.
fn quoted(text: &str, special: &str) -> String {
    let mut quoted = String::new();
    for c in text.chars() {
        match c {
            '\'' => quoted.push_str("'\\''"),
            _ if c == '\\' || special.contains(c) => quoted.extend(['\\', c]),
            _ => quoted.push(c),
        }
    }
    quoted
}
