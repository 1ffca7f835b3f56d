//! The command line of socksd: raw arguments become a validated [`Config`].

use std::collections::BTreeSet;
use std::fmt::Display;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use argh::FromArgs;

use crate::core::{BufferSize, Maildir, Name, Password, Secret, Settings, latin1};
use crate::manage::{DIALECTS, Dialect, Secrets};
use crate::server::Config;
use crate::socks::service::Options;
use crate::state::StateFile;
use crate::token::Mint;

/// A SOCKS5 proxy that can be managed while it runs.
///
/// Started without anything it serves SOCKS5 on 127.0.0.1:1080 and is managed
/// over SHOES on 127.0.0.1:8080, with an admin password printed at the start.
#[derive(FromArgs)]
#[argh(help_triggers("-h", "--help"))]
pub struct Args {
    /// address of the SOCKS5 listener (127.0.0.1)
    #[argh(option, short = 'l', default = "LOOPBACK", arg_name = "addr")]
    listen: IpAddr,
    /// port of the SOCKS5 listener (1080; 0: any free port)
    #[argh(option, short = 'p', default = "1080")]
    port: u16,
    /// address of the SHOES listener (127.0.0.1)
    #[argh(option, short = 'L', default = "LOOPBACK", arg_name = "addr")]
    shoes_listen: IpAddr,
    /// port of the SHOES listener (8080; 0: any free port)
    #[argh(option, short = 'P', default = "8080", arg_name = "port")]
    shoes_port: u16,
    /// address of the datagram listener (off); needs SOCKSD_DATAGRAM_TOKEN in the
    /// environment, a number or 0x and 8 hexadecimal digits
    #[argh(option, arg_name = "addr:port")]
    datagram: Option<SocketAddr>,
    /// address of the json listener (off); needs SOCKSD_JWT_SECRET in the
    /// environment, at least 16 octets
    #[argh(option, arg_name = "addr:port")]
    json: Option<SocketAddr>,
    /// a user of the proxy, NAME:PASS; may be given again
    #[argh(option, short = 'u', arg_name = "name:pass")]
    user: Vec<String>,
    /// an admin, NAME:PASS; may be given again
    #[argh(option, short = 'U', arg_name = "name:pass")]
    admin: Vec<String>,
    /// address and port of the monitor listener (off)
    #[argh(option, arg_name = "addr:port")]
    monitor: Option<SocketAddr>,
    /// address and port of the oneshot listener (off); the token of the first
    /// admin is in SOCKSD_ONESHOT_TOKEN
    #[argh(option, arg_name = "addr:port")]
    oneshot: Option<SocketAddr>,
    /// address and port of the POP3 listener (none); needs --maildir and a user
    #[argh(option, arg_name = "addr:port")]
    pop3: Option<SocketAddr>,
    /// address and port for Prometheus and health checks (none); one that others
    /// can reach needs SOCKSD_HTTP_TOKEN in the environment
    #[argh(option, arg_name = "addr:port")]
    http: Option<SocketAddr>,
    /// folder of the mailboxes: DIR/NAME/cur and new
    #[argh(option, arg_name = "dir", from_str_fn(maildir))]
    maildir: Option<PathBuf>,
    /// file in which users, admins and settings survive a restart; once it exists,
    /// it wins over -u, -U and the options for settings that an admin has changed
    #[argh(option, arg_name = "file")]
    state: Option<PathBuf>,
    /// leave the credential monitor off although there is a log for it
    #[argh(switch, short = 'N')]
    no_credential_monitor: bool,
    /// print the version
    #[argh(switch, short = 'v')]
    pub version: bool,
    /// client connections at once (500)
    #[argh(option, arg_name = "n", default = "500")]
    max_connections: u32,
    /// client connections at once of one user (0: no limit)
    #[argh(option, arg_name = "n")]
    max_per_user: Option<u32>,
    /// client connections at once from one address (0: no limit)
    #[argh(option, arg_name = "n")]
    max_per_address: Option<u32>,
    /// seconds without a byte after which a connection is ended (3600)
    #[argh(option, arg_name = "secs", default = "secs(3600)", from_str_fn(seconds))]
    timeout: Duration,
    /// the same for a connection of which one side has finished (600)
    #[argh(option, arg_name = "secs", default = "secs(600)", from_str_fn(seconds))]
    half_closed_timeout: Duration,
    /// seconds for a whole handshake or management login (10)
    #[argh(option, arg_name = "secs", default = "secs(10)", from_str_fn(seconds))]
    handshake_timeout: Duration,
    /// seconds for name look-up and connecting to a target (10)
    #[argh(option, arg_name = "secs", default = "secs(10)", from_str_fn(seconds))]
    connect_timeout: Duration,
    /// seconds for which BIND waits for its peer (120)
    #[argh(option, arg_name = "secs", default = "secs(120)", from_str_fn(seconds))]
    bind_timeout: Duration,
    /// seconds for which open connections may finish after a stop (10)
    #[argh(option, arg_name = "secs", default = "secs(10)", from_str_fn(seconds))]
    grace: Duration,
    /// octets of a relay buffer, 512-65535 (grows with the traffic)
    #[argh(option, arg_name = "n", from_str_fn(buffer_size))]
    buffer_size: Option<BufferSize>,
    /// address in replies to UDP ASSOCIATE, where clients can't reach the one
    /// they are connected to
    #[argh(option, arg_name = "ip")]
    udp_advertise: Option<IpAddr>,
    /// ports for datagrams of clients, FIRST-LAST (any free one)
    #[argh(option, arg_name = "a-b", from_str_fn(port_range))]
    udp_ports: Option<(u16, u16)>,
    /// file for credentials that the monitor sees accepted; switches it on
    #[argh(option, arg_name = "file")]
    credentials_log: Option<PathBuf>,
    /// file for one line per connection
    #[argh(option, arg_name = "file")]
    access_log: Option<PathBuf>,
    /// what to do instead of serving
    #[argh(subcommand)]
    pub command: Option<Command>,
}

/// What can be done instead of serving.
#[derive(FromArgs)]
#[argh(subcommand)]
pub enum Command {
    /// Prints a token.
    Token(Mint),
}

/// A name and a password.
type Account = (Name, Secret);

const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

impl Args {
    /// The configuration. Its secrets don't come from the command line.
    ///
    /// # Errors
    /// A sentence when an account can't be one. Accounts are looked at here, and
    /// not by argh, which would show the password in its error.
    pub fn into_config(self) -> Result<Config, String> {
        let (users, admins) = (accounts("-u", &self.user)?, accounts("-U", &self.admin)?);
        let dialects = self.dialects();
        let settings = Settings {
            timeout: self.timeout,
            max_connections: self.max_connections,
            max_per_user: self.max_per_user.filter(|most| *most > 0),
            max_per_address: self.max_per_address.filter(|most| *most > 0),
            buffer_size: self.buffer_size,
            maildir: self.maildir,
            spoofing: self.credentials_log.is_some() && !self.no_credential_monitor,
            ..Settings::default()
        };
        Ok(Config {
            socks: SocketAddr::new(self.listen, self.port),
            dialects,
            pop3: self.pop3,
            http: self.http,
            secrets: Secrets::default(),
            state: self.state.as_deref().map(StateFile::new),
            stored: None,
            users,
            admins,
            settings,
            options: Options {
                handshake_timeout: self.handshake_timeout,
                connect_timeout: self.connect_timeout,
                bind_timeout: self.bind_timeout,
                udp_advertise: self.udp_advertise,
                udp_ports: self.udp_ports,
            },
            half_closed_timeout: self.half_closed_timeout,
            grace: self.grace,
            access_log: self.access_log,
            credentials_log: self.credentials_log,
        })
    }

    /// The rows of the dialects that have an address.
    fn dialects(&self) -> Vec<(Dialect, SocketAddr)> {
        let address = |dialect: &Dialect| match dialect.name {
            "shoes" => Some(SocketAddr::new(self.shoes_listen, self.shoes_port)),
            "monitor" => self.monitor,
            "oneshot" => self.oneshot,
            "datagram" => self.datagram,
            "json" => self.json,
            _ => None,
        };
        DIALECTS.iter().filter_map(|dialect| Some((*dialect, address(dialect)?))).collect()
    }
}

const fn secs(count: u64) -> Duration {
    Duration::from_secs(count)
}

fn accounts(flag: &str, given: &[String]) -> Result<Vec<Account>, String> {
    let accounts: Vec<Account> =
        given.iter().map(|text| account(flag, text)).collect::<Result<_, _>>()?;
    let mut names = BTreeSet::new();
    match accounts.iter().find(|(name, _)| !names.insert(name)) {
        Some((name, _)) => Err(format!("option {flag}: {name} is given twice, leave one out")),
        None => Ok(accounts),
    }
}

fn account(flag: &str, text: &str) -> Result<Account, String> {
    let Some((name, password)) = text.split_once(':') else {
        return Err(format!("option {flag}: an account needs a colon: NAME:PASS"));
    };
    let shown = name.escape_debug();
    let wrong = |what, error: &dyn Display| {
        format!("option {flag}, account {shown}: the {what} is no good: {error}")
    };
    let octets = latin1(name).map_err(|error| wrong("name", &error))?;
    let name = Name::new(&octets).map_err(|error| wrong("name", &error))?;
    let octets = latin1(password).map_err(|error| wrong("password", &error))?;
    let password = Password::new(&octets).map_err(|error| wrong("password", &error))?;
    Ok((name, password.into()))
}

/// A year: longer makes no sense, and an `Instant` can still add it.
const LONGEST: f64 = 366.0 * 24.0 * 60.0 * 60.0;

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse::<f64>().ok().filter(|seconds| (0.001..=LONGEST).contains(seconds));
    let seconds =
        seconds.ok_or_else(|| format!("{text} is no number of seconds from 0.001 to {LONGEST}"))?;
    Ok(Duration::from_secs_f64(seconds))
}

fn buffer_size(text: &str) -> Result<BufferSize, String> {
    let size = text.parse().ok().and_then(BufferSize::new);
    size.ok_or_else(|| format!("{text} is no number of octets from 512 to 65535"))
}

fn maildir(text: &str) -> Result<PathBuf, String> {
    Maildir::open(Path::new(text)).map(|_| text.into())
}

fn port_range(text: &str) -> Result<(u16, u16), String> {
    let (first, last) = text.split_once('-').ok_or("it needs a dash: FIRST-LAST")?;
    match (first.parse(), last.parse()) {
        (Ok(first), Ok(last)) if 0 < first && first <= last => Ok((first, last)),
        _ => Err(format!("{text} are no ports FIRST-LAST from 1 to 65535")),
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
        assert!(matches!(&config.users[0].1, Secret::Plain(password) if password.matches(b"b:c")));
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
        ];
        for args in bad {
            assert!(parse(&args).is_err(), "{args:?}");
        }
    }
}
