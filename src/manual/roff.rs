//! A page of the manual, in the macros of man(7).

use std::iter;

use argh::{CommandInfoWithArgs, FlagInfo};

use super::{HELP, Program, argument, description, explained, grouped, letter, notes, placeholder};
use super::{positionals, sentence, shown, synopsis, wrapped};

/// Input lines are no longer: mandoc(1) minds.
const COLUMNS: usize = 76;

/// The page of the program.
pub fn page(program: &Program, info: &CommandInfoWithArgs) -> String {
    let Program { name, section, date, summary, .. } = program;
    let version = env!("CARGO_PKG_VERSION");
    let head = format!(".TH {} {section} {date} \"socksd {version}\"\n", name.to_uppercase());
    let mut page = Page(head);
    page.section("NAME");
    page.text(&format!("{name} - {summary}"));
    page.section("SYNOPSIS");
    page.call(name, if program.needs_command { "[OPTION]... COMMAND" } else { "[OPTION]..." });
    if !program.needs_command {
        page.0.push_str(".br\n");
        page.call(name, "COMMAND [ARGUMENT]...");
    }
    let (description, others) = program.sections.split_first().unwrap_or((&("", ""), &[]));
    page.section("DESCRIPTION");
    page.prose(description.1);
    page.section("OPTIONS");
    for (title, flags) in grouped(program.options, &shown(info), |flag| flag.long) {
        page.subsection(title);
        flags.into_iter().for_each(|flag| page.option(flag));
    }
    page.section("COMMANDS");
    for (title, commands) in grouped(program.commands, &info.commands, |command| command.name) {
        page.subsection(title);
        commands.into_iter().for_each(|command| page.command(program, &command.command));
    }
    page.entries("ENVIRONMENT", program.environment);
    for (title, text) in others {
        page.section(title);
        page.prose(text);
    }
    page.entries("EXIT STATUS", program.exit_status);
    page.section("EXAMPLES");
    for (at, (line, what)) in program.examples.iter().enumerate() {
        if at > 0 {
            page.0.push_str(".PP\n");
        }
        page.text(&format!("{what}:"));
        page.0.push_str(".PP\n");
        page.literal(line);
    }
    page.section("SEE ALSO");
    page.text(program.see_also);
    page.0
}

struct Page(String);

impl Page {
    fn section(&mut self, title: &str) {
        self.0.extend([".SH ", title, "\n"]);
    }

    fn subsection(&mut self, title: &str) {
        self.0.extend([".SS ", &escaped(title), "\n"]);
    }

    /// A paragraph. A line that begins like a request must not be taken for one.
    fn text(&mut self, text: &str) {
        for line in wrapped(&marked(text), COLUMNS) {
            if line.starts_with(['.', '\'']) {
                self.0.push_str("\\&");
            }
            self.0.extend([&line, "\n"]);
        }
    }

    fn prose(&mut self, text: &str) {
        for (at, paragraph) in text.split("\n\n").enumerate() {
            if at > 0 {
                self.0.push_str(".PP\n");
            }
            if paragraph.lines().all(|line| line.starts_with("    ")) {
                let lines = paragraph.lines().map(|line| line.trim_start_matches("    "));
                self.literal(&lines.collect::<Vec<_>>().join("\n"));
            } else {
                self.text(paragraph);
            }
        }
    }

    fn literal(&mut self, lines: &str) {
        self.0.push_str(".RS 4\n.nf\n");
        for line in lines.lines() {
            let guard = if line.starts_with(['.', '\'']) { "\\&" } else { "" };
            self.0.extend([guard, &escaped(line), "\n"]);
        }
        self.0.push_str(".fi\n.RE\n");
    }

    fn call(&mut self, name: &str, arguments: &str) {
        self.0.push_str(&format!(".B {}\n{}\n", escaped(name), escaped(arguments)));
    }

    fn term(&mut self, term: &str) {
        self.0.extend([".TP\n", term, "\n"]);
    }

    fn entries(&mut self, title: &str, entries: &[(&str, &str)]) {
        self.section(title);
        for (term, text) in entries {
            self.term(&bold(term));
            self.text(text);
        }
    }

    fn option(&mut self, flag: &FlagInfo<'static>) {
        let letter = letter(flag).map(|letter| format!("{}, ", bold(&format!("-{letter}"))));
        let value = argument(flag).map(|name| format!(" {}", italic(&placeholder(name))));
        let (letter, value) = (letter.unwrap_or_default(), value.unwrap_or_default());
        self.term(&format!("{letter}{}{value}", bold(flag.long)));
        self.text(&description(flag));
    }

    fn command(&mut self, program: &Program, command: &CommandInfoWithArgs) {
        let arguments = synopsis(command).into_iter().map(|word| escaped(&word));
        let call: Vec<_> = iter::once(bold(command.name)).chain(arguments).collect();
        self.term(&call.join(" "));
        self.text(&sentence(command.description));
        let flags = shown(command).into_iter().filter(|flag| flag.long != HELP);
        let flags = flags.map(|flag| (flag.long.to_owned(), description(flag)));
        let positionals = positionals(command).into_iter();
        let positionals = positionals.map(|one| (placeholder(one.name), explained(program, one)));
        let arguments: Vec<_> = positionals.chain(flags).collect();
        let notes = notes(program, command);
        if arguments.is_empty() && notes.is_empty() {
            return;
        }
        self.0.push_str(".RS\n");
        for (term, text) in arguments {
            self.term(&bold(&term));
            self.text(&text);
        }
        for (literal, text) in notes {
            self.0.push_str(".PP\n");
            if literal { self.literal(&text) } else { self.text(&text) }
        }
        self.0.push_str(".RE\n");
    }
}

fn bold(text: &str) -> String {
    format!("\\fB{}\\fR", escaped(text))
}

fn italic(text: &str) -> String {
    format!("\\fI{}\\fR", escaped(text))
}

/// A text in which what is between backquotes is bold.
fn marked(text: &str) -> String {
    let parts = text.split('`').enumerate();
    parts.map(|(at, part)| if at % 2 == 1 { bold(part) } else { escaped(part) }).collect()
}

/// A hyphen that can be copied is a minus to roff, and a backslash begins an escape.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\e").replace('-', "\\-").replace('\'', "\\(aq")
}
