//! The commands of `socksctl`, and what each of them asks.

mod rules;
mod settings;

use std::time::Duration;

use argh::{ArgsInfo, FromArgs};

use rules::{Rules, SetRules};
use settings::{Buffer, Config, LimitUser};

use super::watch::Pace;
use super::{Ask, ClientError, Secret};
use crate::core::{ConnectionId, Name, PageSize, Setting, Token, latin1};
use crate::manual::Shell;

/// A command with its arguments.
#[derive(FromArgs, ArgsInfo)]
#[argh(subcommand)]
pub(super) enum Command {
    Metrics(Metrics),
    Users(Users),
    AddUser(AddUser),
    RemoveUser(RemoveUser),
    LimitUser(LimitUser),
    EditUser(EditUser),
    Buffer(Buffer),
    Spoofing(Spoofing),
    Connections(Connections),
    Watch(Watch),
    Config(Config),
    Settings(Settings),
    Cut(Cut),
    Rules(Rules),
    SetRules(SetRules),
    OsInfo(OsInfo),
    Ping(Ping),
    Stop(Stop),
    Maildir(Maildir),
    Page(Page),
    AddAdmin(AddAdmin),
    RemoveAdmin(RemoveAdmin),
    Completions(Completions),
}

/// connections and bytes
#[derive(FromArgs, ArgsInfo)]
#[argh(subcommand, name = "metrics", help_triggers("-h", "--help"))]
pub(super) struct Metrics {}

/// the users of the proxy; in json also what they use and may use
#[derive(FromArgs, ArgsInfo)]
#[argh(
    subcommand,
    name = "users",
    help_triggers("-h", "--help"),
    note = "In json's table 2.2M/50G is what is used of what may be, in octets. Names longer than\n\
            24 letters are cut off: --output json has them whole, and all numbers exactly."
)]
pub(super) struct Users {}

/// a new user
#[derive(FromArgs, ArgsInfo)]
#[argh(subcommand, name = "add-user", help_triggers("-h", "--help"))]
pub(super) struct AddUser {
    /// its name: no control character, ':' or '/'
    #[argh(positional, from_str_fn(name))]
    name: Name,
    /// its password; left out, it is asked for, or read from standard input
    #[argh(positional)]
    password: Option<String>,
}

/// a user less
#[derive(FromArgs, ArgsInfo)]
#[argh(subcommand, name = "remove-user", help_triggers("-h", "--help"))]
pub(super) struct RemoveUser {
    /// its name
    #[argh(positional, from_str_fn(name))]
    name: Name,
    /// also end what it has open
    #[argh(switch)]
    cut: bool,
}

/// another password for a user
#[derive(FromArgs, ArgsInfo)]
#[argh(subcommand, name = "edit-user", help_triggers("-h", "--help"))]
pub(super) struct EditUser {
    /// its name
    #[argh(positional, from_str_fn(name))]
    name: Name,
    /// the new password; left out, it is asked for, or read from standard input
    #[argh(positional)]
    password: Option<String>,
}

/// says whether credentials are watched for, or changes it
#[derive(FromArgs, ArgsInfo)]
#[argh(subcommand, name = "spoofing", help_triggers("-h", "--help"))]
pub(super) struct Spoofing {
    /// left out, nothing changes
    #[argh(positional, arg_name = "on|off", from_str_fn(switch))]
    switch: Option<bool>,
}

/// the connections that are open now
#[derive(FromArgs, ArgsInfo)]
#[argh(
    subcommand,
    name = "connections",
    help_triggers("-h", "--help"),
    note = "Names longer than 24 letters and targets longer than 40 are cut off: --output json\n\
            has them whole, and all numbers exactly."
)]
pub(super) struct Connections {}

/// shows rates, graphs and connections live
#[derive(FromArgs, ArgsInfo)]
#[argh(
    subcommand,
    name = "watch",
    help_triggers("-h", "--help"),
    note = "On a terminal ? shows the keys. Elsewhere, and with --output json, each look is a line:
    time=2026-11-21T14:03:22Z state=ok current=1 ... why=-
  Its keys are always the same, in the same order: time state current max_current
  historic active_users refused failed_logins bytes bytes_up bytes_down rate rate_up
  rate_down uptime why. What is not known is - (null in JSON); a + behind a number means
  or more. With state=lost the server did not answer, and why says so, in quotes. Rates
  are octets a second since the line before.",
    example = "{command_name} --interval 10 --count 6 | cat"
)]
pub(super) struct Watch {
    /// how often to look, 0.5 to 3600 (default 1)
    #[argh(option, default = "Duration::from_secs(1)", from_str_fn(interval), arg_name = "secs")]
    interval: Duration,
    /// ends after so many looks; left out, it goes on
    #[argh(option, from_str_fn(looks), arg_name = "n")]
    count: Option<u64>,
}

/// the settings
#[derive(FromArgs, ArgsInfo)]
#[argh(subcommand, name = "settings", help_triggers("-h", "--help"))]
pub(super) struct Settings {}

/// ends a connection, or all of a user
#[derive(FromArgs, ArgsInfo)]
#[argh(subcommand, name = "cut", help_triggers("-h", "--help"))]
pub(super) struct Cut {
    /// its number, as connections tells it
    #[argh(positional, from_str_fn(connection))]
    id: Option<u64>,
    /// all connections of this user instead
    #[argh(option, from_str_fn(name), arg_name = "name")]
    user: Option<Name>,
}

/// how the server's machine is doing
#[derive(FromArgs, ArgsInfo)]
#[argh(subcommand, name = "os-info", help_triggers("-h", "--help"))]
pub(super) struct OsInfo {
    /// for how many seconds to look, 1 to 3600 (default 1)
    #[argh(positional, default = "1", from_str_fn(window))]
    seconds: u32,
}

/// whether anybody is there
#[derive(FromArgs, ArgsInfo)]
#[argh(subcommand, name = "ping", help_triggers("-h", "--help"))]
pub(super) struct Ping {}

/// shuts the server down
#[derive(FromArgs, ArgsInfo)]
#[argh(subcommand, name = "stop", help_triggers("-h", "--help"))]
pub(super) struct Stop {}

/// another folder for the mailboxes
#[derive(FromArgs, ArgsInfo)]
#[argh(subcommand, name = "maildir", help_triggers("-h", "--help"))]
pub(super) struct Maildir {
    /// its path on the server
    #[argh(positional)]
    folder: String,
}

/// the page size of the user list, or changes it
#[derive(FromArgs, ArgsInfo)]
#[argh(subcommand, name = "page-size", help_triggers("-h", "--help"))]
pub(super) struct Page {
    /// names, 1 to 200; left out, nothing changes
    #[argh(positional, from_str_fn(page_size))]
    size: Option<PageSize>,
}

/// a new admin
#[derive(FromArgs, ArgsInfo)]
#[argh(subcommand, name = "add-admin", help_triggers("-h", "--help"))]
pub(super) struct AddAdmin {
    /// its name
    #[argh(positional, from_str_fn(name))]
    name: Name,
    /// its token: 16 printable ASCII characters
    #[argh(positional)]
    token: String,
}

/// an admin less
#[derive(FromArgs, ArgsInfo)]
#[argh(subcommand, name = "remove-admin", help_triggers("-h", "--help"))]
pub(super) struct RemoveAdmin {
    /// its name
    #[argh(positional, from_str_fn(name))]
    name: Name,
}

/// prints a completion script for a shell
#[derive(FromArgs, ArgsInfo)]
#[argh(subcommand, name = "completions", help_triggers("-h", "--help"))]
pub(super) struct Completions {
    /// which shell
    #[argh(positional, arg_name = "bash|zsh|fish")]
    pub(super) shell: Shell,
}

impl Command {
    /// What it asks. `secret` makes a user's password of what was given, or gets it
    /// from elsewhere.
    pub(super) fn ask(
        &self,
        secret: impl Fn(&Name, Option<&str>) -> Result<Secret, ClientError>,
    ) -> Result<Ask, ClientError> {
        Ok(match self {
            Self::Metrics(_) => Ask::Metrics,
            Self::Users(_) => Ask::Users,
            Self::AddUser(AddUser { name, password }) => {
                let password = secret(name, password.as_deref())?;
                Ask::AddUser { name: name.clone(), password }
            }
            Self::EditUser(EditUser { name, password }) => {
                let password = secret(name, password.as_deref())?;
                Ask::EditUser { name: name.clone(), password }
            }
            Self::RemoveUser(command) => {
                Ask::RemoveUser { name: command.name.clone(), cut: command.cut }
            }
            Self::LimitUser(command) => command.ask()?,
            Self::Buffer(command) => command.ask(),
            Self::Spoofing(Spoofing { switch: None }) => Ask::Spoofing,
            Self::Spoofing(Spoofing { switch: Some(on) }) => Ask::Configure(Setting::Spoofing(*on)),
            Self::Connections(_) => Ask::Connections,
            // Again and again, and what else the dialect can say.
            Self::Watch(_) => Ask::Metrics,
            Self::Config(command) => command.ask()?,
            Self::Settings(_) => Ask::Settings,
            Self::Cut(command) => command.ask()?,
            Self::Rules(command) => command.ask(),
            Self::SetRules(command) => command.ask()?,
            Self::OsInfo(command) => Ask::OsInfo { seconds: command.seconds },
            Self::Ping(_) => Ask::Ping,
            Self::Stop(_) => Ask::Stop,
            Self::Maildir(command) => Ask::Maildir(command.folder.clone()),
            Self::Page(Page { size: None }) => Ask::PageSize,
            Self::Page(Page { size: Some(size) }) => Ask::Configure(Setting::PageSize(*size)),
            Self::AddAdmin(command) => command.ask()?,
            Self::RemoveAdmin(command) => Ask::RemoveAdmin { name: command.name.clone() },
            Self::Completions(_) => {
                return Err(ClientError::Usage("completions asks no server".into()));
            }
        })
    }
}

impl Command {
    /// How often it is to be asked, if more than once.
    pub(super) fn pace(&self) -> Option<Pace> {
        match self {
            Self::Watch(Watch { interval, count }) => {
                Some(Pace { interval: *interval, count: *count })
            }
            _ => None,
        }
    }
}

impl Cut {
    fn ask(&self) -> Result<Ask, ClientError> {
        match (self.id, &self.user) {
            (Some(id), None) => Ok(Ask::Cut(ConnectionId(id))),
            (None, Some(user)) => Ok(Ask::CutUser(user.clone())),
            _ => Err(ClientError::Usage("cut what? use cut ID or cut --user NAME".into())),
        }
    }
}

impl AddAdmin {
    fn ask(&self) -> Result<Ask, ClientError> {
        let octets = self.token.as_bytes();
        let token = Token::new(octets).and_then(|_| Secret::new(octets).ok());
        let token = token.ok_or_else(|| {
            let why = "the token can't be used: write 16 printable ASCII characters";
            ClientError::Usage(why.into())
        })?;
        Ok(Ask::AddAdmin { name: self.name.clone(), token })
    }
}

fn name(text: &str) -> Result<Name, String> {
    Name::new(&latin1(text)?).map_err(|why| why.to_string())
}

fn connection(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| "use the number that connections shows".into())
}

fn page_size(text: &str) -> Result<PageSize, String> {
    let size = text.parse().ok().and_then(PageSize::new);
    size.ok_or_else(|| format!("use a number from 1 to {}", PageSize::MAX))
}

fn window(text: &str) -> Result<u32, String> {
    let seconds = text.parse().ok().filter(|seconds| (1..=3600).contains(seconds));
    seconds.ok_or_else(|| "use a number from 1 to 3600".into())
}

fn interval(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().ok().filter(|seconds| (0.5..=3600.0).contains(seconds));
    seconds.map(Duration::from_secs_f64).ok_or_else(|| "use a number from 0.5 to 3600".into())
}

fn looks(text: &str) -> Result<u64, String> {
    let count = text.parse().ok().filter(|count| *count > 0);
    count.ok_or_else(|| "use a number from 1".into())
}

fn switch(text: &str) -> Result<bool, String> {
    match text {
        "on" => Ok(true),
        "off" => Ok(false),
        _ => Err("use on or off".into()),
    }
}
