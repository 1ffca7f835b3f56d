//! Completions: what a shell offers when somebody types a command line.

mod bash;
mod fish;
mod zsh;

use argh::{CommandInfoWithArgs, FlagInfo};

use super::{Program, Shell, letter, shown};

/// The program's completion as a script for that shell.
pub fn completions(program: &Program, info: &CommandInfoWithArgs, shell: Shell) -> String {
    match shell {
        Shell::Bash => bash::script(program, info),
        Shell::Zsh => zsh::script(program, info),
        Shell::Fish => fish::script(program, info),
    }
}

/// The options, each with the name of the command it belongs to, or an empty one.
fn all_flags(info: &CommandInfoWithArgs) -> Vec<(&'static str, &'static FlagInfo<'static>)> {
    let own = shown(info).into_iter().map(|flag| ("", flag));
    let of = info
        .commands
        .iter()
        .flat_map(|command| shown(&command.command).into_iter().map(|flag| (command.name, flag)));
    own.chain(of).collect()
}

/// An option in all its spellings.
fn spellings(flag: &FlagInfo<'static>) -> Vec<String> {
    let letter = letter(flag).map(|letter| format!("-{letter}"));
    letter.into_iter().chain([flag.long.to_owned()]).collect()
}
