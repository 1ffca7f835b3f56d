//! A completion for bash that needs nothing else, not even bash-completion.

use argh::CommandInfoWithArgs;

use super::super::{HELP, Program, Value, argument, positionals, shown};
use super::{all_flags, spellings};

pub(super) fn script(program: &Program, info: &CommandInfoWithArgs) -> String {
    let name = program.name;
    let valued = valued(program, info);
    let skip: Vec<_> =
        valued.iter().flat_map(|(patterns, _)| patterns).map(String::as_str).collect();
    let commands: Vec<_> = info.commands.iter().map(|command| command.name).collect();
    [
        format!("# Completion for bash, made by \"{name} completions bash\".\n_{name}() {{"),
        HEAD.into(),
        format!("            {}) at=$((at + 1)) ;;\n", skip.join("|")),
        LOOP_END.into(),
        values(&valued),
        OTHERWISE.into(),
        options(program, info),
        format!("                ::*) offer='{}' ;;\n", commands.join(" ")),
        arguments(program, info),
        TAIL.into(),
        format!("complete -F _{name} {name}\n"),
    ]
    .concat()
}

/// Words are taken from the line, because bash itself splits them at colons too.
const HEAD: &str = r#"
    local line=${COMP_LINE:0:COMP_POINT} current=${COMP_WORDS[COMP_CWORD]}
    local command= place= kind=-W offer= at=1 word
    local -a words
    read -ra words <<< "$line"
    [[ $line == *[[:space:]] ]] && words+=("")
    local last=$((${#words[@]} - 1))
    # The command, and a dot for each of its arguments so far.
    while ((at < last)); do
        case "$command:${words[at]}" in
"#;

const LOOP_END: &str = r#"            *:-*) ;;
            :*) command=${words[at]} ;;
            *) place+=. ;;
        esac
        at=$((at + 1))
    done
    # The value of an option, or else an option, or else the argument in this place.
    case "$command:${words[last - 1]}" in
"#;

const OTHERWISE: &str = r#"        *)
            case "$command:$place:${words[last]}" in
"#;

const TAIL: &str = r#"            esac ;;
    esac
    COMPREPLY=()
    if [[ $kind == -W ]]; then
        [[ $offer ]] || return 0
    else
        compopt -o filenames 2> /dev/null
    fi
    while IFS= read -r word; do
        COMPREPLY+=("$word")
    done < <(compgen "$kind" ${offer:+"$offer"} -- "$current")
}
"#;

/// The options that take a value, as patterns of `command:option`, and the value.
fn valued(program: &Program, info: &CommandInfoWithArgs) -> Vec<(Vec<String>, Value)> {
    let everywhere = if program.needs_command { "*" } else { "" };
    let flags = all_flags(info).into_iter().filter_map(|(command, flag)| {
        let value = program.value(argument(flag)?);
        let command = if command.is_empty() { everywhere } else { command };
        let spellings = spellings(flag).into_iter().map(|option| format!("{command}:{option}"));
        Some((spellings.collect(), value))
    });
    flags.collect()
}

/// What is offered behind them.
fn values(valued: &[(Vec<String>, Value)]) -> String {
    let arms = valued.iter().map(|(patterns, value)| (offer(value), patterns.join("|")));
    arms_of(8, arms.collect())
}

/// Arms of a `case`, one for all patterns with the same offer.
fn arms_of(indent: usize, offers: Vec<(String, String)>) -> String {
    let mut arms: Vec<(String, Vec<String>)> = Vec::new();
    for (offer, pattern) in offers {
        match arms.iter_mut().find(|(other, _)| *other == offer) {
            Some((_, patterns)) => patterns.push(pattern),
            None => arms.push((offer, vec![pattern])),
        }
    }
    let arm = |(offer, patterns): &(String, Vec<String>)| {
        format!("{:indent$}{}) {offer} ;;\n", "", patterns.join("|"))
    };
    arms.iter().map(arm).collect()
}

fn offer(value: &Value) -> String {
    match value {
        Value::OneOf(words) => format!("offer='{}'", words.join(" ")),
        Value::File => "kind=-f".into(),
        Value::Folder => "kind=-d".into(),
        Value::Anything => ":".into(),
    }
}

/// What begins with a dash, for each command.
fn options(program: &Program, info: &CommandInfoWithArgs) -> String {
    let long = |command: &CommandInfoWithArgs| -> Vec<&str> {
        shown(command).into_iter().map(|flag| flag.long).collect()
    };
    let own = long(info);
    let mut offers = vec![(format!("offer='{}'", own.join(" ")), ":*:-*".to_owned())];
    for command in &info.commands {
        let mut words = long(&command.command);
        if program.needs_command {
            words.splice(0..0, own.iter().copied().filter(|option| *option != HELP));
        }
        offers.push((format!("offer='{}'", words.join(" ")), format!("{}:*:-*", command.name)));
    }
    arms_of(16, offers)
}

/// The arguments of each command by their places.
fn arguments(program: &Program, info: &CommandInfoWithArgs) -> String {
    let all = info.commands.iter().flat_map(|command| {
        positionals(&command.command).into_iter().enumerate().map(|(place, positional)| {
            let pattern = format!("{}:{}:*", command.name, ".".repeat(place));
            (offer(&program.value(positional.name)), pattern)
        })
    });
    arms_of(16, all.collect())
}
