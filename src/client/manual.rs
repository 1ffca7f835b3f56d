//! What socksctl says about itself beside its options.

use crate::core::{SETTING_NAMES, USER_LIMIT_NAMES};
use crate::manual::{Group, Program};

/// The words around the options and commands of socksctl.
pub(super) const PROGRAM: Program = Program {
    name: "socksctl",
    section: 1,
    date: "2026-11-21",
    summary: "look at and change a running socksd",
    about: "Looks at a running socksd and changes it. Options may stand anywhere. A login or \
            token that is not given is asked for. What a dialect can't say is refused with those \
            that can.",
    needs_command: true,
    options: &[Group {
        title: "Options",
        members: &[
            "--dialect",
            "--server",
            "--login",
            "--token",
            "--output",
            "--timeout",
            "--help",
        ],
    }],
    commands: &[
        Group {
            title: "Commands that look",
            members: &[
                "watch",
                "metrics",
                "users",
                "connections",
                "settings",
                "rules",
                "os-info",
                "ping",
            ],
        },
        Group {
            title: "Commands that change the server at once",
            members: &[
                "add-user",
                "edit-user",
                "remove-user",
                "limit-user",
                "add-admin",
                "remove-admin",
                "cut",
                "set-rules",
                "config",
                "buffer-size",
                "page-size",
                "spoofing",
                "maildir",
                "stop",
            ],
        },
        Group { title: "Commands that ask no server", members: &["completions"] },
    ],
    environment: &[
        ("SOCKSCTL_SERVER", "as --server, which wins"),
        ("SOCKSCTL_LOGIN", "as --login, which wins"),
        ("SOCKSCTL_TOKEN", "as --token, which wins"),
    ],
    exit_status: &[
        ("0", "done"),
        ("1", "the server refused, or the answer can't be written"),
        ("2", "the command line is wrong"),
        ("3", "the server can't be reached"),
    ],
    examples: &[
        ("socksctl --login root:secret metrics", "Connections and bytes"),
        (
            "socksctl --server 192.0.2.1:8080 add-user ana",
            "A new user, whose password is asked for",
        ),
        ("socksctl --dialect json --output json connections", "What is open, for a program"),
        ("socksctl --dialect json limit-user ana rate_down 500kB", "Slower, for what is open too"),
    ],
    values: &[("setting", &SETTING_NAMES), ("limit", &USER_LIMIT_NAMES)],
    sections: &SECTIONS,
    see_also: "`socksd`(8)",
};

const SECTIONS: [(&str, &str); 1] = [(
    "DESCRIPTION",
    "`socksctl` says one thing to a running `socksd`(8) and shows the answer. Changes are \
     effective at once, and for connections that are open where that makes sense; with a state \
     file the server keeps them.

The dialects shoes and monitor want the name and password of an admin, datagram, oneshot and json \
     a token. None of them is encrypted: use them on loopback or inside a tunnel. A command that \
     the chosen dialect can't say is refused with the list of those that can.

Options may stand before the command or behind it. Passwords and tokens on a command line can be \
     seen by other users of the machine: better use the environment, or leave them out and be \
     asked.",
)];

#[cfg(test)]
mod tests {
    use argh::ArgsInfo;

    use super::{PROGRAM, SETTING_NAMES};
    use crate::client::Dialect;
    use crate::client::args::Args;
    use crate::core::Setting;
    use crate::manual::{help, help_for};

    #[test]
    fn every_option_and_command_is_in_one_group() {
        PROGRAM.assert_grouped(&Args::get_args_info());
    }

    #[test]
    fn the_help_of_config_says_what_each_setting_takes() {
        let help = help_for(&PROGRAM, &Args::get_args_info(), "Usage: socksctl config");
        let lines: Vec<Vec<&str>> = help.lines().map(|line| line.split("  ").collect()).collect();
        for name in SETTING_NAMES {
            let line = lines.iter().rfind(|line| line.contains(&name));
            let said = line.and_then(|line| line.last()).map(|said| said.trim());
            assert_eq!(said, Setting::takes(name), "{name}: {help}");
        }
    }

    #[test]
    fn the_help_names_every_dialect_and_fits() {
        let help = help(&PROGRAM, &Args::get_args_info());
        let dialects = Dialect::ALL.map(|dialect| dialect.to_string()).join("|");
        assert!(help.contains(&format!("--dialect {dialects}")), "{help}");
        assert!(help.lines().all(|line| line.chars().count() <= 80), "{help}");
        assert!(help.lines().count() <= 110, "{} lines", help.lines().count());
    }
}
