//! Meaning: users, admins, settings, metrics and open connections, and the one
//! vocabulary in which they are managed.
//!
//! ```
//! use socksd::core::{Command, Core, Credential, Name, Outcome, Password, Start};
//!
//! let (core, _stop) = Core::new(Start::default()).unwrap();
//! core.install_admin(Name::new(b"root")?, Password::new(b"secret")?);
//! let from = "192.0.2.7".parse().unwrap();
//! let login = Credential::Password { name: b"root", password: b"secret" };
//! let caller = core.log_in("example", login, from).unwrap();
//! core.apply(&caller, Command::AddUser {
//!     name: Name::new(b"ana")?,
//!     password: Password::new(b"1234")?,
//! }).unwrap();
//! let Outcome::Users(names) = core.apply(&caller, Command::ListUsers).unwrap() else { panic!() };
//! assert_eq!(names[0].to_string(), "ana");
//! # Ok::<(), socksd::core::BadAccount>(())
//! ```

mod access;
mod account;
mod admins;
mod caller;
mod clock;
mod command;
mod connections;
mod counters;
mod guessing;
mod lines;
mod metrics;
mod settings;
mod states;
mod text;
mod users;

use std::collections::BTreeSet;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use crossbeam_channel::{Receiver, Sender};
use parking_lot::RwLock;

pub use access::{AccessLine, CredentialLine};
pub use account::{BadAccount, MAX_LENGTH, Name, Password};
pub use admins::{AdminSecrets, Admins, Token};
pub use caller::Caller;
pub use clock::{HttpDate, Utc};
pub use command::{Command, Denied, Outcome};
pub use connections::{
    ANONYMOUS, Connection, ConnectionId, ConnectionView, Connections, End, Limits, NOBODY,
};
pub use counters::{BUCKETS, Details, MOST_USERS, Timings, UserTotals, Who};
pub use guessing::{FREE_FAILURES, Guessing, LONGEST_REFUSAL, WINDOW};
pub use lines::Lines;
pub use metrics::Metrics;
pub use settings::{
    BadSetting, BufferSize, Maildir, NAMES as SETTING_NAMES, PageSize, Setting, Settings,
};
pub use states::{Ended, State};
pub use text::{Printable, latin1};
pub use users::Users;

/// What a [`Core`] begins with.
#[derive(Default)]
pub struct Start {
    /// The settings, until an admin changes them.
    pub settings: Settings,
    /// Takes the lines of the access log.
    pub access_log: Option<Lines>,
    /// Takes the lines of the credentials log.
    pub credentials_log: Option<Lines>,
}

/// What somebody shows to be let in to manage.
pub enum Credential<'a> {
    /// An admin's name and password.
    Password {
        /// The name.
        name: &'a [u8],
        /// The password.
        password: &'a [u8],
    },
    /// An admin's token.
    Token(&'a [u8]),
    /// A proof that the dialect itself checks (a shared secret, a signature):
    /// who it proves to be and the scopes it gives (`None`: all), or why not.
    Checked(Result<(String, Option<BTreeSet<String>>), &'a [u8]>),
}

/// A login was not accepted. Whether the secret was wrong or the address is
/// refused for guessing is not for the peer to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LoginRefused;

/// A client that may use a managed service: made by [`Core::log_in_user`] or
/// [`Core::open_access`] only.
#[derive(Debug, Clone)]
pub struct Client(Option<(Name, Password)>);

impl Client {
    /// Its name; `None` with open access.
    pub fn name(&self) -> Option<&Name> {
        self.0.as_ref().map(|(name, _)| name)
    }
}

/// A limit is reached; the refusal has been counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OverLimit;

/// The handle to all of it; clones are the same core.
#[derive(Clone)]
pub struct Core(Arc<Inner>);

struct Inner {
    users: Users,
    admins: Admins,
    settings: RwLock<Settings>,
    connections: Arc<Connections>,
    guessing: Guessing,
    failed_logins: AtomicU64,
    credentials_log: Option<Lines>,
    started: Instant,
    stop: Sender<()>,
}

impl Core {
    /// A core, and where requests to stop the server arrive.
    ///
    /// # Errors
    /// When the system has no random bytes.
    pub fn new(start: Start) -> io::Result<(Self, Receiver<()>)> {
        let mut random = [0; 32];
        getrandom::fill(&mut random).map_err(io::Error::other)?;
        let decoy = Password::new(&random).map_err(io::Error::other)?;
        // Two: the first request drains, the second cuts, more say nothing new.
        let (stop, stops) = crossbeam_channel::bounded(2);
        let inner = Inner {
            users: Users::new(decoy.clone()),
            admins: Admins::new(decoy),
            settings: RwLock::new(start.settings),
            connections: Arc::new(Connections::new(start.access_log)),
            guessing: Guessing::default(),
            failed_logins: AtomicU64::new(0),
            credentials_log: start.credentials_log,
            started: Instant::now(),
            stop,
        };
        Ok((Self(Arc::new(inner)), stops))
    }

    /// Carries out a command.
    ///
    /// # Errors
    /// [`Denied`] says why not; then nothing has changed.
    pub fn apply(&self, caller: &Caller, command: Command) -> Result<Outcome, Denied> {
        caller.permit(&command)?;
        match command {
            Command::GetMetrics => return Ok(Outcome::Metrics(self.metrics())),
            Command::ListUsers => return Ok(Outcome::Users(self.0.users.names())),
            Command::ListConnections => {
                return Ok(Outcome::Connections(self.0.connections.list()));
            }
            Command::GetConfig => return Ok(Outcome::Config(Box::new(self.settings()))),
            Command::AddUser { name, password } => {
                self.0.users.add(name, password, self.settings().max_users)?;
            }
            Command::EditUser { name, password } => self.0.users.edit(name, password)?,
            Command::RemoveUser { name } => self.0.users.remove(name)?,
            Command::AddAdmin { name, secrets } => self.0.admins.add(name, secrets)?,
            Command::RemoveAdmin { name } => self.0.admins.remove(name)?,
            Command::CutConnection(id) => {
                if self.0.connections.cut(Ended::Cut, |open| open.id == id) == 0 {
                    return Err(Denied::ConnectionUnknown(id));
                }
            }
            Command::SetConfig(setting) => self.0.settings.write().change(setting),
            Command::Stop => self.stop(),
        }
        Ok(Outcome::Done)
    }

    /// Puts an admin into the directory at the start; an existing one stays.
    pub fn install_admin(&self, name: Name, secrets: impl Into<AdminSecrets>) {
        // Only an existing name is denied, and then there is nothing to do.
        let _ = self.0.admins.add(name, secrets.into());
    }

    /// Puts a user into the directory at the start.
    ///
    /// # Errors
    /// [`Denied`] when the name exists or the directory is full.
    pub fn install_user(&self, name: Name, password: Password) -> Result<(), Denied> {
        self.0.users.add(name, password, self.settings().max_users)
    }

    /// Checks who wants to manage. Failures are counted and slowed down per
    /// address; `service` is for the log.
    ///
    /// # Errors
    /// [`LoginRefused`], whatever the reason.
    pub fn log_in(
        &self,
        service: &str,
        credential: Credential<'_>,
        from: IpAddr,
    ) -> Result<Caller, LoginRefused> {
        match credential {
            Credential::Password { name, password } => self.attempt(service, name, from, || {
                Some(Caller::admin(&self.0.admins.check_password(name, password)?))
            }),
            Credential::Token(token) => self.attempt(service, b"-", from, || {
                Some(Caller::admin(&self.0.admins.check_token(token)?))
            }),
            Credential::Checked(proof) => {
                let claimed = proof.as_ref().map_or_else(|name| name.to_vec(), |_| Vec::new());
                self.attempt(service, &claimed, from, || {
                    let (name, scopes) = proof.ok()?;
                    Some(match scopes {
                        Some(scopes) => Caller::limited(name, scopes),
                        None => Caller::unlimited(name),
                    })
                })
            }
        }
    }

    /// Checks a user of the proxy or the mailbox.
    ///
    /// # Errors
    /// [`LoginRefused`], whatever the reason.
    pub fn log_in_user(
        &self,
        service: &str,
        name: &[u8],
        password: &[u8],
        from: IpAddr,
    ) -> Result<Client, LoginRefused> {
        self.attempt(service, name, from, || {
            Some(Client(Some(self.0.users.check(name, password)?)))
        })
    }

    /// Lets a client in without a login, unless one is required.
    pub fn open_access(&self) -> Option<Client> {
        (!self.0.users.login_required()).then_some(Client(None))
    }

    fn attempt<T>(
        &self,
        service: &str,
        name: &[u8],
        from: IpAddr,
        check: impl FnOnce() -> Option<T>,
    ) -> Result<T, LoginRefused> {
        let now = Instant::now();
        let guessing = &self.0.guessing;
        if guessing.refused_for(from, now).is_none() {
            if let Some(who) = check() {
                guessing.succeeded(from);
                return Ok(who);
            }
            guessing.failed(from, now);
        }
        self.0.failed_logins.fetch_add(1, Ordering::Relaxed);
        let address = from.to_canonical();
        log::warn!("auth-failed service={service} address={address} user={}", Printable(name));
        Err(LoginRefused)
    }

    /// Counts a client connection in, unless a limit is reached.
    ///
    /// # Errors
    /// [`OverLimit`]: to be refused at once.
    pub fn admit(&self, service: &'static str, from: SocketAddr) -> Result<Connection, OverLimit> {
        let limits = {
            let settings = self.0.settings.read();
            Limits { total: settings.max_connections, per_address: settings.max_per_address }
        };
        self.0.connections.admit(service, from, limits).ok_or(OverLimit)
    }

    /// Counts a connection for its client, now that it is known.
    ///
    /// # Errors
    /// [`OverLimit`] when the client has as many open as it may.
    pub fn admit_client(&self, connection: &Connection, client: &Client) -> Result<(), OverLimit> {
        let most = self.0.settings.read().max_per_user;
        if connection.admit_user(client.name(), most) { Ok(()) } else { Err(OverLimit) }
    }

    /// Whether a client may still open something new: since its login it has not
    /// been removed or given another password; without one, none has become
    /// required.
    pub fn still_welcome(&self, client: &Client) -> bool {
        match &client.0 {
            Some((name, password)) => self.0.users.is_current(name, password),
            None => !self.0.users.login_required(),
        }
    }

    /// The settings at this moment.
    pub fn settings(&self) -> Settings {
        self.0.settings.read().clone()
    }

    /// The counters at this moment.
    pub fn metrics(&self) -> Metrics {
        let totals = self.0.connections.totals();
        Metrics {
            historic: totals.historic,
            current: totals.current,
            max_current: totals.max_current,
            bytes_up: totals.bytes_up,
            bytes_down: totals.bytes_down,
            active_users: totals.active_users,
            refused: totals.refused,
            failed_logins: self.0.failed_logins.load(Ordering::Relaxed),
            uptime: self.0.started.elapsed(),
        }
    }

    /// What is counted beyond the metrics, at this moment.
    pub fn details(&self) -> Details {
        self.0.connections.details()
    }

    /// Ends what has been silent for too long; see [`Connections::sweep`].
    pub fn sweep(&self, half_closed: Duration) {
        let timeout = self.0.settings.read().timeout;
        self.0.connections.sweep(Instant::now(), timeout, half_closed);
    }

    /// Ends everything that is open, because the server stops.
    pub fn cut_all(&self) -> usize {
        self.0.connections.cut(Ended::Shutdown, |_| true)
    }

    /// Asks the server to stop: the first time it drains, the second it cuts.
    pub fn stop(&self) {
        // Full means that it has been asked twice.
        let _ = self.0.stop.try_send(());
    }

    /// Records a login that a watched server has accepted.
    pub fn record_credentials(
        &self,
        user: &str,
        (destination, port): (&str, u16),
        (name, password): (&[u8], &[u8]),
    ) {
        let date = SystemTime::now();
        let line = CredentialLine { date, user, destination, port, name, password };
        if let Some(log) = &self.0.credentials_log {
            log(line.to_string());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Nothing;

    impl End for Nothing {
        fn end(&self, _orderly: bool) {}
    }

    #[test]
    fn silence_is_tolerated_beyond_the_timeout_but_not_for_ever() {
        let (core, _) = Core::new(Start::default()).unwrap();
        let connection = core.admit("test", "192.0.2.7:4711".parse().unwrap()).unwrap();
        connection.attach(Arc::new(Nothing));
        connection.tolerate(Duration::from_secs(600));
        connection.enter(State::Open);
        let now = Instant::now();
        let after = |seconds| {
            let (timeout, later) = (Duration::from_secs(1), Duration::from_secs(seconds));
            core.0.connections.sweep(now + later, timeout, timeout);
            connection.is_ended()
        };
        assert!(!after(599));
        assert!(after(601));
    }
}
