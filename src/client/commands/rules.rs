//! The commands that read and change rules.

use std::io::{self, Read};

use argh::{ArgsInfo, FromArgs};

use crate::client::{Ask, ClientError};
use crate::core::{RuleChange, RuleList, latin1};

/// who may come and where they may go, first match wins
#[derive(FromArgs, ArgsInfo)]
#[argh(subcommand, name = "rules", help_triggers("-h", "--help"))]
pub(in crate::client) struct Rules {
    /// clients, targets or user:NAME; left out, the first two
    #[argh(positional, from_str_fn(rule_list))]
    list: Option<RuleList>,
}

/// gives a list other rules, effective at once
#[derive(FromArgs, ArgsInfo)]
#[argh(
    subcommand,
    name = "set-rules",
    help_triggers("-h", "--help"),
    note = "A rule: \"allow HOST\" or \"deny HOST\", where HOST is * or 192.0.2.0/24 or\n\
            [2001:db8::]/32 or example.net or *.example.net (the names below it), with\n\
            :80,443,8000-8100 behind it where not all ports are meant. What no rule\n\
            matches is allowed: \"deny *\" closes a list.",
    example = "{command_name} targets \"deny 10.0.0.0/8\" \"deny *:25\"",
    example = "{command_name} user:ana \"allow *.example.net:443\" \"deny *\""
)]
pub(in crate::client) struct SetRules {
    /// take all rules of the list away
    #[argh(switch)]
    clear: bool,
    /// read the rules from standard input, a line each; # begins a comment
    #[argh(switch)]
    stdin: bool,
    /// clients, targets or user:NAME
    #[argh(positional, from_str_fn(rule_list))]
    list: RuleList,
    /// the rules, each an argument of its own
    #[argh(positional)]
    rules: Vec<String>,
}

impl Rules {
    pub(super) fn ask(&self) -> Ask {
        let both = || vec![RuleList::Clients, RuleList::Targets];
        Ask::Rules(self.list.clone().map_or_else(both, |list| vec![list]))
    }
}

impl SetRules {
    pub(super) fn ask(&self) -> Result<Ask, ClientError> {
        let usage = |why: String| ClientError::Usage(format!("set-rules {}: {why}", self.list));
        let lines = match (self.clear, self.stdin, self.rules.as_slice()) {
            (true, false, []) => Vec::new(),
            (false, true, []) => lines_of(io::stdin()).map_err(usage)?,
            (false, false, [_, ..]) => self.rules.clone(),
            _ => return Err(usage("give either rules, or --stdin, or --clear for none".into())),
        };
        let change = RuleChange::parse(self.list.clone(), lines);
        change.map(Ask::SetRules).map_err(|why| usage(why.to_string()))
    }
}

/// A list, and a lot of comments.
const LONGEST_FILE: u64 = 1024 * 1024;

/// The rules in a text: a line each, without empty ones and comments. Nothing at all
/// is no list: a file that is missing must not open everything.
fn lines_of(input: impl Read) -> Result<Vec<String>, String> {
    let mut text = String::new();
    let read = input.take(LONGEST_FILE + 1).read_to_string(&mut text);
    let count = read.map_err(|error| format!("reading standard input failed: {error}"))?;
    if count as u64 > LONGEST_FILE {
        return Err(format!("standard input has more than {LONGEST_FILE} octets"));
    }
    let lines = text.lines().map(|line| line.split('#').next().unwrap_or("").trim());
    let lines: Vec<String> = lines.filter(|line| !line.is_empty()).map(String::from).collect();
    if lines.is_empty() { Err("standard input has no rule, use --clear".into()) } else { Ok(lines) }
}

fn rule_list(text: &str) -> Result<RuleList, String> {
    RuleList::parse(&latin1(text)?).map_err(|why| why.to_string())
}
