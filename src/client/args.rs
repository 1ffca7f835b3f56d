//! The command line of `socksctl`.

use std::env;
use std::ffi::OsString;
use std::time::Duration;

use argh::{ArgsInfo, EarlyExit, FromArgs};

use super::commands::Command;
use super::manual::PROGRAM;
use super::watch::Pace;
use super::{Ask, ClientError, Credentials, Dialect, Login, Secret, Token, prompt};
use crate::manual;
use crate::words::{apart, takes_value};

/// Where socksd listens for SHOES when nothing else is said.
const DEFAULT_SERVER: &str = "127.0.0.1:8080";

/// Reads and changes a running socksd. The login is asked for unless
/// SOCKSCTL_LOGIN or --login gives it, a token likewise.
#[derive(FromArgs, ArgsInfo)]
#[argh(name = "socksctl", help_triggers("-h", "--help"))]
pub struct Args {
    /// the protocol (shoes)
    #[argh(option, default = "Dialect::Shoes", arg_name = "shoes|monitor|datagram|oneshot|json")]
    pub dialect: Dialect,

    /// where it is managed (127.0.0.1:8080)
    #[argh(option, arg_name = "host:port")]
    server: Option<String>,

    /// the admin; SOCKSCTL_LOGIN is not shown to others
    #[argh(option, arg_name = "name:pass")]
    login: Option<String>,

    /// what datagram, oneshot and json want instead of a
    /// login; SOCKSCTL_TOKEN is not shown to others
    #[argh(option, arg_name = "token")]
    token: Option<String>,

    /// answers for people or for programs (text)
    #[argh(option, default = "Output::Text", from_str_fn(output), arg_name = "text|json")]
    pub output: Output,

    /// for how long to wait for the server, 1-3600 (10)
    #[argh(option, default = "Duration::from_secs(10)", from_str_fn(seconds), arg_name = "secs")]
    pub timeout: Duration,

    #[argh(subcommand)]
    command: Command,
}

/// For whom answers are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Output {
    /// People.
    Text,
    /// Programs.
    Json,
}

impl Output {
    /// What a command line asks for that may be wrong otherwise.
    pub fn wanted(arguments: &[String]) -> Self {
        let asks = |pair: &[String]| pair == ["--output", "json"];
        if arguments.windows(2).any(asks) { Self::Json } else { Self::Text }
    }
}

impl Args {
    /// Reads the arguments behind the program's name, as [`arguments`] gives them.
    ///
    /// # Errors
    /// Help that was asked for (its status is `Ok`), or what is wrong.
    pub fn parse(arguments: &[String]) -> Result<Self, EarlyExit> {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        Self::from_args(&["socksctl"], &arguments)
    }

    /// The help that was asked for, where argh's own is `usage`.
    pub fn help(usage: &str) -> String {
        manual::help_for(&PROGRAM, &Self::get_args_info(), usage)
    }

    /// The page of the manual.
    pub fn page() -> String {
        manual::page(&PROGRAM, &Self::get_args_info())
    }

    /// What is answered without any server, if it was that.
    pub fn answer(&self) -> Option<String> {
        let Command::Completions(command) = &self.command else { return None };
        Some(manual::completions(&PROGRAM, &Self::get_args_info(), command.shell))
    }

    /// The server: from its option, the environment, or the default.
    pub fn server(&self) -> String {
        let given = self.server.clone().or_else(|| env::var("SOCKSCTL_SERVER").ok());
        given.unwrap_or_else(|| DEFAULT_SERVER.into())
    }

    /// What the dialect wants to be shown: from its option, the environment, or
    /// asked for.
    ///
    /// # Errors
    /// [`ClientError::Usage`] when there is none, or it can't be one.
    pub fn credentials(&self) -> Result<Credentials, ClientError> {
        let misplaced = |option, wanted| {
            let dialect = self.dialect;
            Err(ClientError::Usage(format!("{dialect} does not take {option}, use {wanted}")))
        };
        match (self.dialect.takes_token(), &self.login, &self.token) {
            (true, Some(_), _) => misplaced("--login", "--token"),
            (false, _, Some(_)) => misplaced("--token", "--login"),
            (true, None, _) => Ok(Credentials::Token(self.token()?)),
            (false, _, None) => Ok(Credentials::Login(self.login()?)),
        }
    }

    fn token(&self) -> Result<Token, ClientError> {
        let given = self.token.clone().or_else(|| env::var("SOCKSCTL_TOKEN").ok());
        given.map_or_else(prompt::token, |text| Ok(Token::new(&text)))
    }

    fn login(&self) -> Result<Login, ClientError> {
        let (given, place) = match &self.login {
            Some(given) => (Some(given.clone()), "--login"),
            None => (env::var("SOCKSCTL_LOGIN").ok(), "SOCKSCTL_LOGIN"),
        };
        match given {
            Some(text) => Login::parse(&text).map_err(|why| usage(place, why)),
            None => prompt::login(),
        }
    }

    /// How often it is to be said, if more than once: see [`super::watch`].
    pub fn pace(&self) -> Option<Pace> {
        self.command.pace()
    }

    /// What is to be said; asks for a new user's password when it was left out.
    ///
    /// # Errors
    /// [`ClientError::Usage`] and [`ClientError::Unsayable`].
    pub fn ask(&self) -> Result<Ask, ClientError> {
        let mut ask = self.command.ask(|name, given| match given {
            Some(text) => Secret::parse(text).map_err(|why| usage("the password", why)),
            None => prompt::new_password(name),
        })?;
        // This dialect can tell more than their names.
        if self.dialect == Dialect::Json && matches!(ask, Ask::Users) {
            ask = Ask::DescribeUsers;
        }
        ClientError::check(self.dialect, &ask)?;
        Ok(ask)
    }
}

/// The arguments as [`Args::parse`] wants them: options of every command before
/// the command, each value an argument of its own.
///
/// # Errors
/// [`ClientError::Usage`] when one is not text.
pub fn arguments(given: impl IntoIterator<Item = OsString>) -> Result<Vec<String>, ClientError> {
    let given: Vec<String> = given.into_iter().map(text).collect::<Result<_, _>>()?;
    let program = Args::get_args_info();
    let of_every_command = |words: &Vec<String>| {
        let mut flags = program.flags.iter().filter(|flag| takes_value(flag));
        flags.any(|flag| words.first().is_some_and(|word| word == flag.long))
    };
    let (options, others): (Vec<_>, Vec<_>) =
        apart(&program, given).into_iter().partition(of_every_command);
    let mut others = others.concat();
    manual::help_as_option(&mut others);
    Ok([options.concat(), others].concat())
}

fn text(argument: OsString) -> Result<String, ClientError> {
    argument.into_string().map_err(|_| {
        ClientError::Usage("an argument is not valid Unicode text, write it in UTF-8".into())
    })
}

fn usage(what: &str, why: String) -> ClientError {
    ClientError::Usage(format!("{what} can't be used: {why}"))
}

fn output(text: &str) -> Result<Output, String> {
    match text {
        "text" => Ok(Output::Text),
        "json" => Ok(Output::Json),
        _ => Err("use text or json".into()),
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().ok().filter(|seconds| (1..=3600).contains(seconds));
    seconds.map(Duration::from_secs).ok_or_else(|| "use a number from 1 to 3600".into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::Setting;

    fn arguments_of(line: &str) -> Vec<String> {
        arguments(line.split_whitespace().map(OsString::from)).unwrap()
    }

    fn asked(line: &str) -> Ask {
        let args = Args::parse(&arguments_of(line));
        args.unwrap_or_else(|e| panic!("{line}: {}", e.output))
            .command
            .ask(|_, given| Ok(Secret::parse(given.unwrap()).unwrap()))
            .unwrap()
    }

    #[test]
    fn every_command_parses_to_what_it_says() {
        for (line, command) in [
            ("metrics", "metrics"),
            ("users", "users"),
            ("add-user ana 1234", "add-user"),
            ("remove-user ana", "remove-user"),
            ("edit-user ana 1234", "edit-user"),
            ("buffer-size 4096", "buffer-size"),
            ("spoofing", "spoofing"),
            ("spoofing on", "spoofing"),
            ("remove-user ana --cut", "remove-user --cut"),
            ("limit-user ana rate_down 500kB", "limit-user"),
            ("cut 7", "cut"),
            ("cut --user ana", "cut"),
            ("connections", "connections"),
            ("watch", "metrics"),
            ("watch --interval 0.5 --count 3", "metrics"),
            ("config timeout 30", "config"),
            ("settings", "settings"),
            ("config buffer_size 512", "buffer-size"),
            ("config buffer_size 0", "buffer-size 0"),
            ("buffer-size 0", "buffer-size 0"),
            ("os-info", "os-info"),
            ("ping", "ping"),
            ("stop", "stop"),
            ("maildir /var/mail", "maildir"),
            ("page-size", "page-size"),
            ("page-size 20", "page-size"),
            ("add-admin ana 0123456789abcdef", "add-admin"),
            ("remove-admin ana", "remove-admin"),
        ] {
            assert_eq!(asked(line).command(), command, "{line}");
        }
        assert!(matches!(asked("spoofing off"), Ask::Configure(Setting::Spoofing(false))));
        assert!(matches!(asked("add-user ana -- --login"), Ask::AddUser { .. }));
        assert!(matches!(asked("add-user ana -- --login=x"), Ask::AddUser { .. }));
    }

    #[test]
    fn options_may_stand_anywhere() {
        for line in [
            "--output json --server h:1 users",
            "users --output json --server h:1",
            "--server=h:1 users --output=json",
            "watch --interval=5 --output=json --count 1 --server h:1",
        ] {
            let arguments = arguments_of(line);
            assert_eq!(Output::wanted(&arguments), Output::Json, "{line}");
            let args = Args::parse(&arguments).unwrap_or_else(|e| panic!("{line}: {}", e.output));
            assert_eq!((args.server().as_str(), args.output), ("h:1", Output::Json));
        }
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for line in [
            "",
            "fly",
            "help fly",
            "add-user",
            "add-user a:b x",
            "add-user ana x y",
            "remove-user",
            "cut x",
            "buffer-size 511",
            "buffer-size 65536",
            "buffer-size x",
            "spoofing maybe",
            "page-size 0",
            "page-size 201",
            "--timeout 0 users",
            "watch --interval 0.4",
            "watch --interval 3601",
            "watch --interval NaN",
            "watch --count 0",
            "--dialect ftp users",
            "--output xml users",
            "users --server",
        ] {
            let early = Args::parse(&arguments_of(line)).err().unwrap_or_else(|| panic!("{line}"));
            assert_eq!(early.status, Err(()), "{line}");
        }
        for line in
            ["-h", "--help", "add-user -h", "users --help", "help", "--timeout 9 help users"]
        {
            let early = Args::parse(&arguments_of(line)).err().unwrap_or_else(|| panic!("{line}"));
            assert_eq!(early.status, Ok(()), "{line}");
        }
    }
}
