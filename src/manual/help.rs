//! `--help`: what fits into 80 columns, in groups.

use argh::{CommandInfoWithArgs, FlagInfo};

use super::{HELP, Program, argument, description, explained, grouped, letter, notes, placeholder};
use super::{positionals, sentence, shown, synopsis, wrapped};

const COLUMNS: usize = 80;
/// What is described stands before this column, if it is no longer.
const DESCRIPTION: usize = 30;

/// `help COMMAND` as `COMMAND --help`: the parser knows options only.
pub fn help_as_option(words: &mut [String]) {
    if words.first().is_some_and(|word| word == "help") {
        words.rotate_left(1);
        words.last_mut().into_iter().for_each(|word| *word = HELP.into());
    }
}

/// The help that was asked for: of a command when argh's own, `usage`, is about one.
pub fn help_for(program: &Program, info: &CommandInfoWithArgs, usage: &str) -> String {
    let mut words = usage.split_whitespace().skip_while(|word| *word != program.name).skip(1);
    let name = words.next().unwrap_or_default();
    let command = info.commands.iter().find(|command| command.name == name);
    match command {
        Some(command) => of_command(program, &command.command),
        None => help(program, info),
    }
}

/// The help of the program.
pub fn help(program: &Program, info: &CommandInfoWithArgs) -> String {
    let name = program.name;
    let mut page = Page(format!("Usage: {name} [OPTION]..."));
    if !program.needs_command {
        page.0.push_str(&format!("\n       {name}"));
    }
    page.0.push_str(&format!(" COMMAND [ARGUMENT]...\n       {name} help [COMMAND]\n\n"));
    page.paragraph(program.about);
    for (title, flags) in grouped(program.options, &shown(info), |flag| flag.long) {
        page.title(title);
        flags.into_iter().for_each(|flag| page.option(flag));
    }
    for (title, commands) in grouped(program.commands, &info.commands, |command| command.name) {
        page.title(title);
        for command in commands {
            let call = [vec![command.name.to_owned()], synopsis(&command.command)].concat();
            page.entry(&call.join(" "), command.command.description);
        }
    }
    for (title, entries) in
        [("Environment", program.environment), ("Exit status", program.exit_status)]
    {
        page.title(title);
        entries.iter().for_each(|(term, text)| page.entry(term, text));
    }
    page.title("Examples");
    for (line, _) in program.examples {
        page.0.push_str(&format!("  {line}\n"));
    }
    page.0
}

fn of_command(program: &Program, command: &CommandInfoWithArgs) -> String {
    let call = [vec![command.name.to_owned()], synopsis(command)].concat().join(" ");
    let mut page = Page(format!("Usage: {} {call}\n\n", program.name));
    let mut text = sentence(command.description);
    text.get_mut(..1).map(str::make_ascii_uppercase);
    if !text.ends_with('.') {
        text.push('.');
    }
    page.paragraph(&text);
    let positionals = positionals(command);
    if !positionals.is_empty() {
        page.title("Arguments");
        for positional in positionals {
            page.entry(&placeholder(positional.name), &explained(program, positional));
        }
    }
    page.title("Options");
    shown(command).into_iter().for_each(|flag| page.option(flag));
    for (literal, text) in notes(program, command) {
        page.0.push('\n');
        if literal {
            text.lines().for_each(|line| page.0.extend(["  ", line, "\n"]));
        } else {
            page.paragraph(&text);
        }
    }
    page.0
}

struct Page(String);

impl Page {
    fn paragraph(&mut self, text: &str) {
        for line in wrapped(text, COLUMNS) {
            self.0.extend([&line, "\n"]);
        }
    }

    fn title(&mut self, title: &str) {
        self.0.extend(["\n", title, ":\n"]);
    }

    fn option(&mut self, flag: &FlagInfo<'static>) {
        let letter = letter(flag).map(|letter| format!("-{letter}, ")).unwrap_or_default();
        let value = argument(flag).map(|name| format!(" {}", placeholder(name)));
        let term = format!("{letter}{}{}", flag.long, value.unwrap_or_default());
        self.entry(&term, &description(flag));
    }

    fn entry(&mut self, term: &str, text: &str) {
        let mut left = format!("  {term}");
        if left.chars().count() + 2 > DESCRIPTION {
            self.0.extend([&left, "\n"]);
            left.clear();
        }
        for line in wrapped(text, COLUMNS - DESCRIPTION) {
            self.0.push_str(&format!("{left:DESCRIPTION$}{line}\n"));
            left.clear();
        }
    }
}
