//! What the programs say about themselves: `--help`, pages of the manual, and
//! completions, judged by the programs that read them.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

mod foreign;

const PROGRAMS: [(&str, &str); 2] =
    [("socksd", env!("CARGO_BIN_EXE_socksd")), ("socksctl", env!("CARGO_BIN_EXE_socksctl"))];
const SHELLS: [&str; 3] = ["bash", "zsh", "fish"];

/// What a command that must succeed prints.
#[track_caller]
fn printed(program: &str, args: &[&str]) -> String {
    let Output { status, stdout, stderr } = output(program, args);
    assert!(status.success(), "{program} {args:?}: {}", String::from_utf8_lossy(&stderr));
    String::from_utf8(stdout).expect("text")
}

#[track_caller]
fn output(program: &str, args: &[&str]) -> Output {
    let output = Command::new(program).args(args).output();
    output.unwrap_or_else(|error| panic!("running {program}: {error}"))
}

/// A file with that text, of this test alone.
fn file(name: &str, text: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::write(&path, text).expect("writing a file");
    path
}

/// The words that begin with two dashes.
fn options(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '-');
    words.filter(|word| word.starts_with("--") && word.len() > 2).map(str::to_owned).collect()
}

/// The commands that a help names: indented, and followed by what they do.
fn commands(help: &str) -> Vec<&str> {
    let groups = help.split("\n\n").filter(|group| group.starts_with("Commands"));
    let lines = groups.flat_map(|group| group.lines().skip(1));
    let entries = lines.filter_map(|line| line.strip_prefix("  "));
    let words =
        entries.filter(|entry| !entry.starts_with(' ')).map(|entry| entry.split(' ').next());
    words.map(|word| word.expect("a word")).collect()
}

fn page(name: &str) -> String {
    printed(PROGRAMS[0].1, &["man", name])
}

#[test]
fn help_fits_a_terminal() {
    for (name, program) in PROGRAMS {
        let help = printed(program, &["--help"]);
        assert_eq!(help, printed(program, &["-h"]));
        assert_eq!(help, printed(program, &["help"]));
        assert_eq!(output(program, &["help", "fly"]).status.code(), Some(2));
        let commands = commands(&help);
        assert!(commands.len() > 4 && commands.contains(&"completions"), "{commands:?}: {help}");
        let helps = commands.iter().map(|command| printed(program, &[command, "--help"]));
        for (command, help) in commands.iter().zip(helps) {
            assert!(help.starts_with(&format!("Usage: {name} {command}")), "{help}");
            assert_eq!(help, printed(program, &["help", command]));
            assert!(help.contains("-h, --help") && help.lines().count() >= 5, "{help}");
            assert!(help.lines().all(|line| line.chars().count() <= 80), "{help}");
        }
        for title in ["Environment:", "Exit status:", "Examples:"] {
            assert!(help.contains(title), "{help}");
        }
    }
}

#[test]
fn the_examples_in_the_help_are_command_lines() {
    let help = printed(PROGRAMS[0].1, &["--help"]);
    let (_, examples) = help.split_once("Examples:\n").expect("examples");
    let mut checked = 0;
    for line in examples.lines() {
        let words: Vec<&str> = line.split_whitespace().skip(1).collect();
        // Its last word wins over everything: the line is read, and nothing starts.
        let version = [&words, ["--version"].as_slice()].concat();
        if !words.contains(&"check") {
            assert!(printed(PROGRAMS[0].1, &version).starts_with("socksd "), "{line}");
            checked += 1;
        }
    }
    assert!(checked >= 2, "{examples}");
}

#[test]
fn every_option_and_command_is_in_the_page() {
    for (name, program) in PROGRAMS {
        let help = printed(program, &["--help"]);
        let roff = page(name);
        let page = roff.replace("\\-", "-").replace("\\fB", "");
        let missing: Vec<_> = options(&help).difference(&options(&page)).cloned().collect();
        assert!(missing.is_empty(), "{missing:?} are not in the page of {name}");
        for command in commands(&help) {
            let bold = format!("\\fB{}\\fR", command.replace('-', "\\-"));
            assert!(roff.contains(&bold), "{command}: {roff}");
            let own = options(&printed(program, &[command, "--help"]));
            let missing: Vec<_> = own.difference(&options(&page)).cloned().collect();
            assert!(missing.is_empty(), "{missing:?} of {command} are not in the page of {name}");
        }
    }
}

#[test]
fn the_pages_are_well_formed() {
    let judges: [(&str, &[&str], &[&str]); 2] = [
        ("mandoc", &["sh", "-c", "command -v mandoc"], &["-T", "lint"]),
        ("groff", &["groff", "-v"], &["-man", "-ww", "-z"]),
    ];
    for (name, _) in PROGRAMS {
        let path = file(&format!("{name}.roff"), &page(name));
        for (judge, there, args) in judges {
            if foreign::is_there(there) {
                let said = output(judge, &[args, &[path.to_str().expect("a name")]].concat());
                let text = [said.stdout, said.stderr].concat();
                assert!(text.is_empty(), "{judge}: {}", String::from_utf8_lossy(&text));
            }
        }
    }
}

/// What is shown as it is can't be wrapped: it has to fit as it is written.
#[test]
fn examples_in_the_pages_fit_a_terminal() {
    for (name, _) in PROGRAMS {
        let (mut indents, mut literal, mut checked) = (vec![7], false, 0);
        for line in page(name).lines() {
            match line {
                ".RS" => indents.push(7),
                ".RS 4" => indents.push(4),
                ".RE" => drop(indents.pop()),
                ".nf" | ".fi" => literal = line == ".nf",
                _ if literal => {
                    let shown = line.replace("\\(aq", "'").replace("\\&", "");
                    let shown = shown.replace("\\e", "/").replace('\\', "");
                    let columns = indents.iter().sum::<usize>() + shown.chars().count();
                    assert!(columns <= 80, "{columns} columns in the page of {name}: {shown}");
                    checked += 1;
                }
                _ => {}
            }
        }
        assert!(checked > 2, "{name}");
    }
}

#[test]
fn every_option_and_command_is_completed() {
    for (_, program) in PROGRAMS {
        let help = printed(program, &["--help"]);
        for shell in SHELLS {
            let script = printed(program, &["completions", shell]);
            for option in options(&help) {
                let long = option.trim_start_matches('-');
                let found = script.contains(&option) || script.contains(&format!("-l {long} "));
                assert!(found, "{option} in {script}");
            }
            for command in commands(&help) {
                assert!(script.contains(command), "{command} in {script}");
            }
        }
    }
    assert_eq!(output(PROGRAMS[0].1, &["completions", "csh"]).status.code(), Some(2));
    assert_eq!(output(PROGRAMS[1].1, &["completions", "csh"]).status.code(), Some(2));
}

/// The script of a program for a shell, as a file.
fn script(name: &str, program: &str, shell: &str) -> String {
    let path = file(&format!("{name}.{shell}"), &printed(program, &["completions", shell]));
    path.to_str().expect("a name").to_owned()
}

#[test]
fn the_shells_can_read_their_scripts() {
    for shell in SHELLS {
        if foreign::is_there(&[shell, "--version"]) {
            for (name, program) in PROGRAMS {
                let path = script(&format!("{name}-read"), program, shell);
                let said = output(shell, &["-n", &path]);
                let text = String::from_utf8_lossy(&said.stderr);
                assert!(said.status.success() && text.is_empty(), "{shell}: {text}");
            }
        }
    }
}

/// What a shell offers for lines, of which the last word is being typed.
const OFFERS: [(&str, &[&str]); 13] = [
    ("socksd --log-f", &["--log-format"]),
    ("socksd --log-format ", &["journal", "json", "text"]),
    ("socksd -l 127.0.0.1 --http [::1]:80 chec", &["check"]),
    ("socksd check Cargo.l", &["Cargo.lock"]),
    ("socksd --config Cargo.l", &["Cargo.lock"]),
    ("socksd token --sub", &["--subject"]),
    ("socksd completions ", &["bash", "fish", "zsh"]),
    ("socksd --port ", &[]),
    ("socksctl --dialect mon", &["monitor"]),
    ("socksctl spoofing ", &["off", "on"]),
    ("socksctl config --output json max_u", &["max_users"]),
    ("socksctl remove-user --outp", &["--output"]),
    ("socksctl --server 127.0.0.1:8080 remove-a", &["remove-admin"]),
];

/// The words offered by a shell that is asked like this, sorted.
fn offered(shell: &str, asked: &str, line: &str) -> Vec<String> {
    let program = line.split(' ').next().expect("a program");
    let (_, path) = PROGRAMS.into_iter().find(|(name, _)| *name == program).expect("ours");
    let name = format!("{program}-{}", line.replace(|c: char| !c.is_ascii_alphanumeric(), "_"));
    let text = printed(shell, &["-c", asked, &script(&name, path, shell), line]);
    // Fish says behind a tab what a word means.
    let words = text.lines().filter_map(|line| line.split('\t').next());
    let mut words: Vec<String> = words.map(str::to_owned).collect();
    words.sort();
    words
}

#[test]
fn bash_offers_what_fits() {
    if !foreign::is_there(&["bash", "--version"]) {
        return;
    }
    // Splits the line as bash does, at colons too, and shows what the function found.
    let asked = r#"source "$0"
        COMP_LINE=$1 COMP_POINT=${#1}
        read -ra COMP_WORDS <<< "${1//:/ : }"
        [[ $1 == *" " ]] && COMP_WORDS+=("")
        COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
        "_${COMP_WORDS[0]}"
        [[ ${#COMPREPLY[@]} == 0 ]] || printf '%s\n' "${COMPREPLY[@]}""#;
    for (line, expected) in OFFERS {
        assert_eq!(offered("bash", asked, line), expected, "{line}");
    }
}

/// A `.zshrc` need not have called compinit before.
#[test]
fn zsh_loads_its_completion_by_itself() {
    if !foreign::is_there(&["zsh", "--version"]) {
        return;
    }
    for (name, program) in PROGRAMS {
        let script = script(&format!("{name}-alone"), program, "zsh");
        let mut command = Command::new("zsh");
        // Where compinit may keep its list.
        command.env("HOME", env!("CARGO_TARGET_TMPDIR")).env_remove("ZDOTDIR");
        let asked = "for i in 1 2; do source $0; done; print $_comps[$1]";
        let said = command.args(["-f", "-c", asked, &script, name]).output().expect("zsh");
        let text = String::from_utf8_lossy(&said.stderr);
        assert!(said.status.success() && text.is_empty(), "{text}");
        assert_eq!(String::from_utf8_lossy(&said.stdout), format!("_{name}\n"));
    }
}

#[test]
fn fish_offers_what_fits() {
    if foreign::is_there(&["fish", "--version"]) {
        for (line, expected) in OFFERS {
            let asked = "source $argv[1]; complete --do-complete $argv[2]";
            assert_eq!(offered("fish", asked, line), expected, "{line}");
        }
    }
}
