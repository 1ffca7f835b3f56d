//! What a server is started with, and why it may not start.

mod ignored;

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use crossbeam_channel::Receiver;

use crate::core::{
    AdminSecrets, Core, Denied, Lines, Name, NewUser, Secret, Setting, Settings, Snapshot, Start,
    Store, Thresholds,
};
use crate::http;
use crate::logger::Logging;
use crate::manage::{Dialect, SecretError, Secrets, Transport};
use crate::net::{self, sources::Sources};
use crate::pop3;
use crate::socks::service::{self, Options};
use crate::state::{StateError, StateFile};

pub use ignored::Ignored;

/// Everything that a server is started with.
pub struct Config {
    /// Where SOCKS5 clients connect.
    pub socks: SocketAddr,
    /// The dialects and where they listen: rows of [`DIALECTS`](crate::manage::DIALECTS),
    /// or of one's own.
    pub dialects: Vec<(Dialect, SocketAddr)>,
    /// Where POP3 clients connect, if there are mailboxes for them.
    pub pop3: Option<SocketAddr>,
    /// Where Prometheus and health checks connect, if anywhere.
    pub http: Option<SocketAddr>,
    /// What dialects without accounts need.
    pub secrets: Secrets,
    /// What goes to the log of the process, and how.
    pub logging: Logging,
    /// What is to be said in the log about all this.
    pub warnings: Vec<String>,
    /// Where changes survive a restart; without it they live in memory only.
    pub state: Option<StateFile>,
    /// What it holds, see [`Config::restore`].
    pub stored: Option<Snapshot>,
    /// The users at the start, unless a state has been stored.
    pub users: Vec<NewUser>,
    /// The admins at the start, unless a state has been stored; at least one.
    pub admins: Vec<(Name, Secret)>,
    /// What admins may change later, and have not in the state.
    pub settings: Settings,
    /// Those of the settings that somebody has asked for.
    pub given: Vec<Setting>,
    /// From where on peers are slowed down.
    pub thresholds: Thresholds,
    /// What stays.
    pub options: Options,
    /// A half-closed relay may be silent for this long at most.
    pub half_closed_timeout: Duration,
    /// How long open connections may go on after a stop.
    pub grace: Duration,
    /// The file of the access log.
    pub access_log: Option<PathBuf>,
    /// The file of the credentials log; without it, standard output.
    pub credentials_log: Option<PathBuf>,
}

impl Config {
    /// Keeps other servers from the state file, before it is read.
    ///
    /// # Errors
    /// [`StartError::State`].
    pub fn lock(&mut self) -> Result<(), StartError> {
        self.state.as_mut().map_or(Ok(()), |file| Ok(file.lock()?))
    }

    /// Reads what is in the state file, once. From then on the file wins: accounts
    /// that are given besides it would undo their removal. See [`Self::ignored`].
    ///
    /// # Errors
    /// [`StartError::State`].
    pub fn restore(&mut self) -> Result<(), StartError> {
        let Some(file) = self.state.as_ref().filter(|_| self.stored.is_none()) else {
            return Ok(());
        };
        self.stored = file.read()?;
        Ok(())
    }

    /// What is given besides the state, and has no effect since that wins: it differs,
    /// or is not there. Plain passwords are compared with their hashes, which takes
    /// some 15 ms each.
    pub fn ignored(&self) -> Vec<Ignored> {
        self.stored.as_ref().map_or_else(Vec::new, |stored| ignored::of(self, stored))
    }

    /// What can be told to be wrong before anything is opened.
    ///
    /// # Errors
    /// [`StartError::OpenProxy`], [`StartError::OpenHttp`], [`StartError::SamePort`],
    /// [`StartError::User`], [`StartError::Pop3`] and [`StartError::NoBindOut`].
    pub fn check(&self) -> Result<(), StartError> {
        if !self.socks.ip().to_canonical().is_loopback() && !self.login_required() {
            return Err(StartError::OpenProxy(self.socks));
        }
        let others = |address: &SocketAddr| !address.ip().to_canonical().is_loopback();
        if let (Some(address), None) = (self.http.filter(others), &self.secrets.http) {
            return Err(StartError::OpenHttp(address));
        }
        if self.options.bind_out != Sources::ANY && !net::CONNECTS_FROM {
            return Err(StartError::NoBindOut);
        }
        let most = self.settings.max_users;
        if self.stored.is_none() && self.users.len() > most as usize {
            return Err(StartError::User(Denied::UsersFull(most)));
        }
        self.check_ports()?;
        self.check_pop3()
    }

    /// Whether each listener can have its port. Those of the other family are not
    /// looked at: whether `::` takes IPv4 along is up to the system.
    fn check_ports(&self) -> Result<(), StartError> {
        let others = [(pop3::session::NAME, self.pop3), (http::NAME, self.http)];
        let others = others.into_iter().filter_map(|(name, address)| Some((name, address?)));
        let tcp = others.chain([(service::NAME, self.socks)]).map(|one| (false, one));
        let dialects = self.dialects.iter().map(|(dialect, address)| {
            (matches!(dialect.transport, Transport::Udp(_)), (dialect.name, *address))
        });
        let mut seen: Vec<(bool, (&'static str, SocketAddr))> = Vec::new();
        for (udp, one) in tcp.chain(dialects) {
            let same = |other: &&(bool, (_, SocketAddr))| other.0 == udp && meet(other.1.1, one.1);
            if let Some((_, other)) = seen.iter().find(same) {
                return Err(StartError::SamePort(*other, one));
            }
            seen.push((udp, one));
        }
        Ok(())
    }

    fn check_pop3(&self) -> Result<(), StartError> {
        if self.pop3.is_none() {
            return Ok(());
        }
        let mut stored = self.stored.iter().flat_map(|stored| &stored.settings);
        let stored = stored.any(|setting| matches!(setting, Setting::Maildir(_)));
        if self.settings.maildir.is_none() && !stored {
            return Err(StartError::Pop3("the folder of the mailboxes: add --maildir DIR"));
        }
        if !self.login_required() {
            let lacks = "a user, to whom a mailbox belongs: add one with -u NAME:PASS";
            return Err(StartError::Pop3(lacks));
        }
        Ok(())
    }

    /// Whether clients will have to log in.
    pub fn login_required(&self) -> bool {
        match &self.stored {
            Some(stored) => stored.login_required || !stored.users.is_empty(),
            None => !self.users.is_empty(),
        }
    }

    /// A core with everybody in it.
    pub(super) fn open_core(
        &mut self,
        access_log: Option<Lines>,
        credentials_log: Option<Lines>,
    ) -> Result<(Core, Receiver<()>), StartError> {
        let (settings, thresholds) = (self.settings.clone(), self.thresholds);
        let store = self
            .state
            .clone()
            .map(|file| -> Store { Box::new(move |snapshot| file.write(snapshot)) });
        if store.is_none() {
            let hint =
                "changes live in memory only, until the server stops: --state FILE keeps them";
            log::info!(hint; "no-state");
        }
        let is_new = self.stored.is_none();
        let stored = self.stored.clone().unwrap_or_default();
        let start = Start { settings, thresholds, stored, store, access_log, credentials_log };
        let (core, stops) = Core::new(start)?;
        let mut token = self.secrets.oneshot.clone();
        if is_new {
            for user in self.users.drain(..) {
                core.install_user(user).map_err(StartError::User)?;
            }
            for (name, password) in self.admins.drain(..) {
                // Only the first admin finds it there.
                let secrets = AdminSecrets { password: Some(password), token: token.take() };
                core.install_admin(name, secrets)?;
            }
        } else if let Some(token) = &token {
            core.install_token(token)?;
        }
        Ok((core, stops))
    }

    /// Stores what a new state begins with. Last, so that a start that failed
    /// leaves none behind.
    pub(super) fn save(&self, core: &Core) -> Result<(), StartError> {
        match &self.state {
            Some(file) if self.stored.is_none() => core
                .save()
                .map_err(|denied| StateError::Write(file.path().into(), denied.to_string()).into()),
            _ => Ok(()),
        }
    }
}

/// Whether only one of two addresses can be listened on.
fn meet(one: SocketAddr, other: SocketAddr) -> bool {
    let (ip, there) = (one.ip().to_canonical(), other.ip().to_canonical());
    let any = (ip.is_unspecified() || there.is_unspecified()) && ip.is_ipv4() == there.is_ipv4();
    // Port 0 is another one each time.
    one.port() == other.port() && one.port() > 0 && (ip == there || any)
}

/// Why a server can't start.
#[derive(Debug)]
pub enum StartError {
    /// Everybody could use the proxy.
    OpenProxy(SocketAddr),
    /// Everybody could read the metrics.
    OpenHttp(SocketAddr),
    /// Two listeners want the same port.
    SamePort((&'static str, SocketAddr), (&'static str, SocketAddr)),
    /// This program can't choose where connections leave from.
    NoBindOut,
    /// That address is not this machine's.
    BindOut(IpAddr, io::Error),
    /// A listener's address can't be had.
    Listen(&'static str, SocketAddr, io::Error),
    /// A log can't be opened.
    Log(PathBuf, io::Error),
    /// A user can't be added.
    User(Denied),
    /// POP3 lacks something.
    Pop3(&'static str),
    /// The state can't be read or written.
    State(StateError),
    /// A dialect's secret is missing or no secret at all.
    Secret(SecretError),
    /// The system lacks something.
    System(io::Error),
}

impl StartError {
    /// The code to exit with: 2 when trying again can't help, as the configuration
    /// is wrong, 1 when the machine is to blame.
    pub fn code(&self) -> u8 {
        match self {
            Self::OpenProxy(_)
            | Self::OpenHttp(_)
            | Self::SamePort(..)
            | Self::NoBindOut
            | Self::User(Denied::UsersFull(_))
            | Self::Pop3(_)
            | Self::State(StateError::Content(..))
            | Self::Secret(_) => 2,
            // Addresses and files come and go.
            Self::BindOut(..)
            | Self::Listen(..)
            | Self::Log(..)
            | Self::User(_)
            | Self::State(_)
            | Self::System(_) => 1,
        }
    }
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OpenProxy(address) => write!(
                f,
                "listening on {address}, which others can reach, without a user would let \
                 everybody through: add one with -u NAME:PASS, or listen on a loopback address"
            ),
            Self::OpenHttp(address) => write!(
                f,
                "serving HTTP on {address}, which others can reach, would show everybody the \
                 metrics: set SOCKSD_HTTP_TOKEN, or use a loopback address"
            ),
            Self::SamePort((one, at), (other, there)) => write!(
                f,
                "{one} on {at} and {other} on {there} can't both have that port: choose another \
                 one for one of them"
            ),
            Self::Listen(service, address, error) => write!(
                f,
                "listening for {service} on {address} failed: {error}; choose another address or port"
            ),
            Self::NoBindOut => f.write_str(
                "binding before connecting needs a Unix and the feature native: leave --bind-out \
                 away, or build with that feature",
            ),
            Self::BindOut(address, error) => write!(
                f,
                "binding to {address} for --bind-out failed: {error}; name an address of this \
                 machine"
            ),
            Self::Log(path, error) => {
                write!(f, "opening the log {} failed: {error}", path.display())
            }
            Self::User(denied) => write!(f, "adding a user failed: {denied}"),
            Self::Pop3(lacks) => write!(f, "serving POP3 needs {lacks}"),
            Self::State(error) => error.fmt(f),
            Self::Secret(error) => error.fmt(f),
            Self::System(error) => write!(f, "starting failed: {error}"),
        }
    }
}

impl std::error::Error for StartError {}

impl From<io::Error> for StartError {
    fn from(error: io::Error) -> Self {
        Self::System(error)
    }
}

impl From<StateError> for StartError {
    fn from(error: StateError) -> Self {
        Self::State(error)
    }
}

impl From<SecretError> for StartError {
    fn from(error: SecretError) -> Self {
        Self::Secret(error)
    }
}
