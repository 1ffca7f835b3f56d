//! The command line of socksd: raw arguments become a validated [`Config`].

mod check;
mod commands;
mod documents;
mod explained;
mod file;
mod format;
mod manual;
mod over;
mod settings;
mod values;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use argh::{ArgsInfo, FromArgs};
use log::LevelFilter;

pub use commands::Command;
use file::File;
use over::joined;
use settings::settings;
use values::{
    accounts, buffer_size, count, ip, listener, maildir, path, port_number, port_range, positive,
    seconds,
};

use crate::core::{BufferSize, Cidr, Maildir, Name, NewUser, Secret};
use crate::logger::{Format, Logging, level};
use crate::manage::{DIALECTS, Dialect, Secrets};
use crate::manual::help_for;
use crate::net::sources::Sources;
use crate::server::Config;
use crate::socks::service::Options;
use crate::state::StateFile;

/// A SOCKS5 proxy that can be managed while it runs.
#[derive(FromArgs, ArgsInfo)]
#[argh(help_triggers("-h", "--help"))]
pub struct Args {
    /// address of the SOCKS5 listener (127.0.0.1)
    #[argh(option, short = 'l', arg_name = "ip", from_str_fn(ip))]
    listen: Option<IpAddr>,
    /// port of the SOCKS5 listener (1080)
    #[argh(option, short = 'p', from_str_fn(port_number))]
    port: Option<u16>,
    /// address of the SHOES listener (127.0.0.1)
    #[argh(option, short = 'L', arg_name = "ip", from_str_fn(ip))]
    shoes_listen: Option<IpAddr>,
    /// port of the SHOES listener (8080)
    #[argh(option, short = 'P', arg_name = "port", from_str_fn(port_number))]
    shoes_port: Option<u16>,
    /// the dialect datagram (off); needs its token
    #[argh(option, arg_name = "addr:port", from_str_fn(listener))]
    datagram: Option<SocketAddr>,
    /// the dialect json (off); needs its secret
    #[argh(option, arg_name = "addr:port", from_str_fn(listener))]
    json: Option<SocketAddr>,
    /// a user of the proxy; may be given again
    #[argh(option, short = 'u', arg_name = "name:pass")]
    user: Vec<String>,
    /// an admin; may be given again (one is made up)
    #[argh(option, short = 'U', arg_name = "name:pass")]
    admin: Vec<String>,
    /// the dialect monitor (off)
    #[argh(option, arg_name = "addr:port", from_str_fn(listener))]
    monitor: Option<SocketAddr>,
    /// the dialect oneshot (off); needs a token
    #[argh(option, arg_name = "addr:port", from_str_fn(listener))]
    oneshot: Option<SocketAddr>,
    /// mailboxes of the users (off); needs --maildir
    #[argh(option, arg_name = "addr:port", from_str_fn(listener))]
    pop3: Option<SocketAddr>,
    /// the live page, /metrics and /healthz (off); needs a
    /// token where others can reach it
    #[argh(option, arg_name = "addr:port", from_str_fn(listener))]
    http: Option<SocketAddr>,
    /// mailboxes for --pop3: DIR/NAME/cur and new
    #[argh(option, arg_name = "dir", from_str_fn(maildir))]
    maildir: Option<Maildir>,
    /// keeps users, admins and settings (memory only);
    /// once it exists it wins over -u and -U
    #[argh(option, arg_name = "file", from_str_fn(path))]
    state: Option<PathBuf>,
    /// leave it off although there is a file
    #[argh(switch, short = 'N')]
    no_credential_monitor: bool,
    /// show the version
    #[argh(switch, short = 'v')]
    pub version: bool,
    /// client connections at once (500)
    #[argh(option, arg_name = "n", from_str_fn(count))]
    max_connections: Option<u32>,
    /// the same of one user (0: no limit)
    #[argh(option, arg_name = "n", from_str_fn(count))]
    max_per_user: Option<u32>,
    /// the same from one address (0: no limit)
    #[argh(option, arg_name = "n", from_str_fn(count))]
    max_per_address: Option<u32>,
    /// new ones a second from one address (0: no limit)
    #[argh(option, arg_name = "n", from_str_fn(count))]
    max_new_per_address: Option<u32>,
    /// failed logins of one address that cost nothing (10)
    #[argh(option, arg_name = "n", from_str_fn(count))]
    login_failures: Option<u32>,
    /// for how long they count (120)
    #[argh(option, arg_name = "secs", from_str_fn(seconds))]
    login_window: Option<Duration>,
    /// the longest time an address is refused for more (900)
    #[argh(option, arg_name = "secs", from_str_fn(seconds))]
    login_refusal: Option<Duration>,
    /// requests of a json connection in ten seconds (100)
    #[argh(option, arg_name = "n", from_str_fn(positive))]
    json_requests: Option<NonZeroU32>,
    /// silence in both directions that ends it (3600)
    #[argh(option, arg_name = "secs", from_str_fn(seconds))]
    timeout: Option<Duration>,
    /// the same when one side has finished (600)
    #[argh(option, arg_name = "secs", from_str_fn(seconds))]
    half_closed_timeout: Option<Duration>,
    /// a whole handshake or management login (10)
    #[argh(option, arg_name = "secs", from_str_fn(seconds))]
    handshake_timeout: Option<Duration>,
    /// name look-up and connecting to a target (10)
    #[argh(option, arg_name = "secs", from_str_fn(seconds))]
    connect_timeout: Option<Duration>,
    /// BIND waiting for its peer (120)
    #[argh(option, arg_name = "secs", from_str_fn(seconds))]
    bind_timeout: Option<Duration>,
    /// for open connections to finish at the end (10)
    #[argh(option, arg_name = "secs", from_str_fn(seconds))]
    grace: Option<Duration>,
    /// octets for a relay, 512-65535 (as traffic needs)
    #[argh(option, arg_name = "n", from_str_fn(buffer_size))]
    buffer_size: Option<BufferSize>,
    /// address told to UDP clients (the one they reached)
    #[argh(option, arg_name = "ip", from_str_fn(ip))]
    udp_advertise: Option<IpAddr>,
    /// ports for their datagrams, FIRST-LAST (any)
    #[argh(option, arg_name = "a-b", from_str_fn(port_range))]
    udp_ports: Option<(u16, u16)>,
    /// address from which traffic to targets leaves; may be
    /// given for IPv4 and for IPv6 (as routed)
    #[argh(option, arg_name = "ip", from_str_fn(ip))]
    bind_out: Vec<IpAddr>,
    /// proxies that tell the client's address in the PROXY
    /// protocol; may be given again (none)
    #[argh(option, arg_name = "cidr")]
    proxy_from: Vec<Cidr>,
    /// POP3 logins seen passing; switches the monitor on
    #[argh(option, arg_name = "file", from_str_fn(path))]
    credentials_log: Option<PathBuf>,
    /// one line for each connection (none)
    #[argh(option, arg_name = "file", from_str_fn(path))]
    access_log: Option<PathBuf>,
    /// how events are written to standard error (text)
    #[argh(option, arg_name = "text|json|journal")]
    log_format: Option<Format>,
    /// the least grave that is written (info)
    #[argh(option, arg_name = "error|warn|info", from_str_fn(level))]
    log_level: Option<LevelFilter>,
    /// options, accounts, rules, secrets; the command line wins
    #[argh(option, arg_name = "file.toml", from_str_fn(path))]
    config: Option<PathBuf>,
    /// what to do instead of serving
    #[argh(subcommand)]
    pub command: Option<Command>,
}

/// A name and a password.
type Account = (Name, Secret);

const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const HALF_CLOSED_TIMEOUT: Duration = Duration::from_secs(600);
const GRACE: Duration = Duration::from_secs(10);

impl Args {
    /// The help that was asked for, where argh's own is `usage`.
    pub fn help(usage: &str) -> String {
        help_for(&manual::PROGRAM, &Self::get_args_info(), usage)
    }

    /// The configuration, of the file that is named and of the command line, which
    /// wins. Its secrets are those of the file.
    ///
    /// # Errors
    /// A sentence when the file can't be used or an account can't be one. Accounts
    /// are looked at here, and not by argh, which would show the password in its
    /// error.
    pub fn into_config(self) -> Result<Config, String> {
        let users = accounts("-u", &self.user)?;
        let users = users.into_iter().map(|(name, secret)| NewUser::new(name, secret)).collect();
        let admins = accounts("-U", &self.admin)?;
        let Some(path) = &self.config else {
            return self.configure(users, admins);
        };
        let file = File::read(path)?;
        let users = joined(users, file.users, |user| &user.name);
        let admins = joined(admins, file.admins, |(name, _)| name);
        let mut config = self.over(file.args).configure(users, admins)?;
        config.secrets = file.secrets;
        for rules in file.rules {
            config.settings.change(rules.clone());
            config.given.push(rules);
        }
        config.warnings = file.warnings;
        Ok(config)
    }

    fn configure(self, users: Vec<NewUser>, admins: Vec<Account>) -> Result<Config, String> {
        let given = self.given();
        Ok(Config {
            socks: SocketAddr::new(self.listen.unwrap_or(LOOPBACK), self.port.unwrap_or(1080)),
            dialects: self.dialects(),
            pop3: self.pop3,
            http: self.http,
            secrets: Secrets::default(),
            logging: Logging {
                format: self.log_format.unwrap_or_default(),
                level: self.log_level.unwrap_or(LevelFilter::Info),
            },
            warnings: Vec::new(),
            state: self.state.as_deref().map(StateFile::new),
            stored: None,
            users,
            admins,
            settings: settings(&given),
            given,
            thresholds: self.thresholds(),
            options: self.options()?,
            half_closed_timeout: self.half_closed_timeout.unwrap_or(HALF_CLOSED_TIMEOUT),
            grace: self.grace.unwrap_or(GRACE),
            access_log: self.access_log,
            credentials_log: self.credentials_log,
        })
    }

    fn options(&self) -> Result<Options, String> {
        let default = Options::default();
        let bind_out = Sources::new(&self.bind_out);
        Ok(Options {
            handshake_timeout: self.handshake_timeout.unwrap_or(default.handshake_timeout),
            connect_timeout: self.connect_timeout.unwrap_or(default.connect_timeout),
            bind_timeout: self.bind_timeout.unwrap_or(default.bind_timeout),
            udp_advertise: self.udp_advertise,
            udp_ports: self.udp_ports,
            bind_out: bind_out.map_err(|error| format!("option --bind-out: {error}"))?,
            proxy_from: self.proxy_from.clone(),
        })
    }

    /// The rows of the dialects that have an address. One that is forgotten here makes
    /// a test fail.
    fn dialects(&self) -> Vec<(Dialect, SocketAddr)> {
        let address = |dialect: &Dialect| match dialect.name {
            "shoes" => {
                let ip = self.shoes_listen.unwrap_or(LOOPBACK);
                Some(SocketAddr::new(ip, self.shoes_port.unwrap_or(8080)))
            }
            "monitor" => self.monitor,
            "oneshot" => self.oneshot,
            "datagram" => self.datagram,
            "json" => self.json,
            _ => None,
        };
        DIALECTS.iter().filter_map(|dialect| Some((*dialect, address(dialect)?))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(args: &[&str]) -> Result<Config, String> {
        let args = Args::from_args(&["socksd"], args).map_err(|exit| exit.output)?;
        args.into_config()
    }

    fn dialects(config: &Config) -> Vec<String> {
        config.dialects.iter().map(|(dialect, at)| format!("{} {at}", dialect.name)).collect()
    }

    #[test]
    fn nothing_at_all_is_enough() {
        let config = parse(&[]).unwrap();
        assert_eq!(config.socks.to_string(), "127.0.0.1:1080");
        assert_eq!(dialects(&config), ["shoes 127.0.0.1:8080"]);
        assert_eq!(config.settings.max_connections, 500);
        assert!(config.users.is_empty() && config.admins.is_empty());
    }

    #[test]
    fn short_flags_and_repeated_accounts() {
        let line = "-l ::1 -p 0 -L 127.0.0.2 -P 81 -u a:b:c -u d:e -U root:x -N";
        let config = parse(&line.split(' ').collect::<Vec<_>>()).unwrap();
        assert_eq!(config.socks.to_string(), "[::1]:0");
        assert_eq!(config.users.len(), 2);
        assert!(
            matches!(&config.users[0].password, Secret::Plain(password) if password.matches(b"b:c"))
        );
        assert_eq!(config.admins[0].0.as_bytes(), b"root");
    }

    #[test]
    fn other_dialects_listen_where_it_is_said() {
        let line = "-P 0 --monitor 127.0.0.1:0 --oneshot [::1]:9090";
        let config = parse(&line.split(' ').collect::<Vec<_>>()).unwrap();
        let expected = ["shoes 127.0.0.1:0", "monitor 127.0.0.1:0", "oneshot [::1]:9090"];
        assert_eq!(dialects(&config), expected);
    }

    #[test]
    fn other_dialects_are_off_unless_their_address_is_given() {
        let config = parse(&["--datagram", "[::1]:9000"]).unwrap();
        assert_eq!(dialects(&config)[1..], ["datagram [::1]:9000"]);
        assert!(parse(&["--datagram", "9000"]).is_err());
    }

    #[test]
    fn every_dialect_has_an_option() {
        for dialect in DIALECTS.iter().filter(|dialect| dialect.name != "shoes") {
            let config = parse(&[&format!("--{}", dialect.name), "127.0.0.2:9"]).unwrap();
            assert_eq!(dialects(&config)[1..], [format!("{} 127.0.0.2:9", dialect.name)]);
        }
    }

    #[test]
    fn the_monitor_needs_a_log_and_no_switch() {
        assert!(parse(&["--credentials-log", "x"]).unwrap().settings.spoofing);
        assert!(!parse(&["--credentials-log", "x", "-N"]).unwrap().settings.spoofing);
        assert!(!parse(&[]).unwrap().settings.spoofing);
    }

    #[test]
    fn mailboxes_need_a_folder_that_exists() {
        let config = parse(&["--pop3", "[::1]:0", "--maildir", "/"]).unwrap();
        assert_eq!(config.pop3, Some("[::1]:0".parse().unwrap()));
        assert_eq!(config.settings.maildir, Some(PathBuf::from("/")));
        assert!(parse(&["--maildir", "/no/such/folder"]).is_err());
        assert!(parse(&["--pop3", "110"]).is_err());
    }

    #[test]
    fn an_account_is_given_once() {
        let error = parse(&["-U", "ana:1", "-U", "ana:2"]).err().unwrap();
        assert_eq!(error, "option -U: ana is given twice, leave one out");
        assert!(parse(&["-u", "ana:1", "-U", "ana:2"]).is_ok());
    }

    #[test]
    fn a_limit_of_nobody_is_no_limit() {
        let settings = parse(&["--max-per-user", "0", "--max-per-address", "7"]).unwrap().settings;
        assert_eq!((settings.max_per_user, settings.max_per_address), (None, Some(7)));
    }

    #[test]
    fn proxies_and_outgoing_addresses_are_lists() {
        let line = "--bind-out ::1 --bind-out 192.0.2.1 --proxy-from 10.0.0.0/8 --proxy-from ::1";
        let options = parse(&line.split(' ').collect::<Vec<_>>()).unwrap().options;
        let sources: Vec<String> = options.bind_out.iter().map(|ip| ip.to_string()).collect();
        assert_eq!(sources, ["192.0.2.1", "::1"]);
        let proxies: Vec<String> = options.proxy_from.iter().map(Cidr::to_string).collect();
        assert_eq!(proxies, ["10.0.0.0/8", "::1"]);
        let error = parse(&["--bind-out", "192.0.2.1", "--bind-out", "192.0.2.2"]).err().unwrap();
        assert!(error.starts_with("option --bind-out: 192.0.2.2 is the second"), "{error}");
    }

    #[test]
    fn bad_values_are_named() {
        let bad = [
            ["-u", "nocolon"],
            ["-u", ":empty"],
            ["-u", "empty:"],
            ["--timeout", "0"],
            ["--timeout", "-1"],
            ["--timeout", "nan"],
            ["--buffer-size", "511"],
            ["--udp-ports", "9-8"],
            ["--udp-ports", "0-8"],
            ["-l", "localhost:1"],
            ["-p", "65536"],
            ["--monitor", "9090"],
            ["--oneshot", "localhost:1"],
            ["--bind-out", "0.0.0.0"],
            ["--proxy-from", "192.0.2.1/24"],
        ];
        for args in bad {
            assert!(parse(&args).is_err(), "{args:?}");
        }
    }
}
