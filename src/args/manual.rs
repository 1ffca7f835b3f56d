//! What socksd says about itself beside its options.

use crate::manual::{Group, Program};

/// The words around the options and commands of socksd.
pub(super) const PROGRAM: Program = Program {
    name: "socksd",
    section: 8,
    date: "2026-11-21",
    summary: "SOCKS5 proxy that can be managed while it runs",
    about: "A SOCKS5 proxy that can be managed while it runs. Without any option it serves \
            this machine on 127.0.0.1:1080, is managed on 127.0.0.1:8080, and prints the \
            password of an admin made up for this run.",
    needs_command: false,
    options: &OPTIONS,
    commands: &[Group {
        title: "Commands instead of serving (more: socksd COMMAND --help)",
        members: &["check", "hash-password", "token", "healthcheck", "man", "completions"],
    }],
    environment: &[
        ("SOCKSD_HTTP_TOKEN", "token of --http, 16 to 255 octets"),
        ("SOCKSD_JWT_SECRET", "signs the tokens of --json, 16 octets or more"),
        ("SOCKSD_DATAGRAM_TOKEN", "token of --datagram: 0x and 8 hex digits, or a number"),
        ("SOCKSD_ONESHOT_TOKEN", "first admin's token at --oneshot, 16 characters"),
    ],
    exit_status: &[
        ("0", "stopped by a signal or an admin, or done"),
        ("1", "it could not start or do what it was told"),
        ("2", "the command line or the configuration is wrong"),
    ],
    examples: &[
        ("socksd -l 0.0.0.0 -u ana:1234 -U root:secret", "Serve others, who have to log in"),
        ("socksd --config /etc/socksd/socksd.toml", "Serve as a file says"),
        ("socksd check /etc/socksd/socksd.toml", "See first what that file means"),
    ],
    values: &[],
    sections: &SECTIONS,
    see_also: "`socksctl`(1), `curl`(1), `systemd.exec`(5). RFC 1928 is SOCKS5, RFC 1929 its \
               login.",
};

const OPTIONS: [Group; 5] = [
    Group {
        title: "Listeners (port 0: any free one)",
        members: &[
            "--listen",
            "--port",
            "--shoes-listen",
            "--shoes-port",
            "--monitor",
            "--datagram",
            "--oneshot",
            "--json",
            "--http",
            "--pop3",
            "--udp-ports",
            "--udp-advertise",
            "--proxy-from",
            "--bind-out",
        ],
    },
    Group {
        title: "Users and files",
        members: &["--user", "--admin", "--config", "--state", "--maildir"],
    },
    Group {
        title: "Limits, and deadlines in seconds (0.001 to a year)",
        members: &[
            "--max-connections",
            "--max-per-user",
            "--max-per-address",
            "--max-new-per-address",
            "--login-failures",
            "--login-window",
            "--login-refusal",
            "--json-requests",
            "--handshake-timeout",
            "--connect-timeout",
            "--bind-timeout",
            "--timeout",
            "--half-closed-timeout",
            "--grace",
            "--buffer-size",
        ],
    },
    Group {
        title: "Logs",
        members: &[
            "--log-format",
            "--log-level",
            "--access-log",
            "--credentials-log",
            "--no-credential-monitor",
        ],
    },
    Group { title: "About", members: &["--help", "--version"] },
];

const SECTIONS: [(&str, &str); 5] = [
    (
        "DESCRIPTION",
        "`socksd` is a SOCKS5 proxy: clients ask it to connect (CONNECT), to wait for a \
         connection (BIND) or to relay datagrams (UDP ASSOCIATE). Users, limits, metrics and \
         open connections can be read and changed while it runs, with `socksctl`(1) or in one \
         of five small protocols, the dialects shoes, monitor, datagram, oneshot and json. Each \
         is a listener of its own. None of them is encrypted: keep them on loopback or inside a \
         tunnel.

A SOCKS5 listener that others can reach is refused as long as there is no user; with one, \
         everybody has to log in. The management always wants a login or a token. More than ten \
         failed logins from an address within two minutes have it refused, for a second first and \
         up to 15 minutes (`--login-failures` and the like).

What it listens on is printed to standard output, a line for each listener:

    listening socks 127.0.0.1:1080",
    ),
    (
        "CONFIGURATION",
        "A file given by `--config` is TOML. It holds any option under its long name, without \
         the dashes, and tables:

    listen = \"0.0.0.0\"
    max-connections = 2000
    [[users]]
    name = \"ana\"
    password = \"$argon2id$...\"    # of: socksd hash-password
    [[admins]]
    name = \"root\"
    password = \"$argon2id$...\"
    [secrets]                     # http, jwt, datagram, oneshot
    http = \"...\"

The command line wins over the file, and the environment over its secrets. `socksd check` says \
         what holds once the server has started with a file (options where they are not the \
         default, and what is ignored because a state wins), or what is wrong with it and in \
         which line, and ends with the status of a start.",
    ),
    (
        "FILES",
        "The file of `--state` keeps users, admins and the settings that an admin has changed. \
         It is replaced as a whole before a change is acknowledged. Once it exists it wins over \
         `-u`, `-U`, the accounts in the configuration and the options for settings that an \
         admin has changed; the log names what is given in vain. Edit it while the server is stopped. \
         One server per file.

The files of `--access-log` and `--credentials-log` are opened once and appended to: rotate them \
         by copying and truncating.

All three can be read by their owner only.",
    ),
    (
        "LOG",
        "Standard error gets a line for each event, in the text format its date, level, name and \
         fields:

    2026-11-21T13:14:15Z info stopping grace=10s open=2

A value that is not one plain word stands in double quotes; in them a backslash escapes. The \
         format json has the same as an object in each line, with the members time, level and \
         event besides the fields. The format journal leaves date and level to \
         `systemd-journald`(8). The README lists the events.",
    ),
    (
        "SIGNALS",
        "SIGTERM, SIGINT and SIGHUP stop it: nothing new is accepted, open connections may finish \
         for `--grace` seconds, the rest is cut. A second signal cuts at once.",
    ),
];

#[cfg(test)]
mod tests {
    use argh::ArgsInfo;

    use super::PROGRAM;
    use crate::args::Args;
    use crate::manual::help;

    #[test]
    fn every_option_and_command_is_in_one_group() {
        PROGRAM.assert_grouped(&Args::get_args_info());
    }

    #[test]
    fn the_help_is_short_enough_to_read() {
        let help = help(&PROGRAM, &Args::get_args_info());
        assert!(help.lines().all(|line| line.chars().count() <= 80), "{help}");
        assert!(help.lines().count() <= 110, "{} lines", help.lines().count());
    }
}
