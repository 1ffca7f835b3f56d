//! Meaning: users, admins, settings, rules, metrics and open connections, and the one
//! vocabulary in which they are managed.
//!
//! ```
//! use socksd::core::{Command, Core, Credential, Name, Outcome, Password, Start};
//!
//! let (core, _stop) = Core::new(Start::default()).unwrap();
//! core.install_admin(Name::new(b"root")?, Password::new(b"secret")?).unwrap();
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
mod changes;
mod cidr;
mod clock;
mod command;
mod connection;
mod connections;
mod counters;
mod entry;
mod guessing;
mod history;
mod limits;
mod lines;
mod live;
mod login;
mod managed;
mod metrics;
mod phc;
pub mod rules;
mod settings;
mod states;
mod targets;
mod text;
mod thresholds;
mod token;
mod totals;
mod users;
mod verifier;

use std::io;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant, SystemTime};

use crossbeam_channel::{Receiver, Sender};
use parking_lot::{Mutex, RwLock};

pub use account::{BadAccount, MAX_LENGTH, Name, Password};
pub use admins::AdminSecrets;
pub use caller::Caller;
pub use cidr::{BadCidr, Cidr};
pub use clock::{Date, HttpDate, Utc};
pub use command::{Command, Denied, Outcome};
pub use connection::Connection;
pub use connections::{Connections, Limits};
pub use counters::{BUCKETS, Details, MOST_USERS, Timings, UserTotals, Who};
pub use entry::{ANONYMOUS, ConnectionId, ConnectionView, End, NOBODY};
pub use guessing::origin;
pub use history::{History, STEP, Sample};
pub use limits::{
    BadUserLimit, Halted, Pace, Standing, Standings, USER_LIMIT_NAMES, Used, UserDetail, UserLimit,
    UserLimits, Way,
};
pub use lines::Lines;
pub use login::{Client, ClientRefused, Credential, LoginRefused};
pub use managed::{Snapshot, Store, StoredAdmin, StoredUser};
pub use metrics::Metrics;
pub use phc::{BadPhc, Phc};
pub use rules::{
    Asker, BadRules, Destination, NotAdmitted, RuleChange, RuleList, Rules, SafeDefault,
    UnknownList,
};
pub use settings::{
    BadSetting, BufferSize, LONGEST_TIMEOUT_SECS, Maildir, NAMES as SETTING_NAMES, PageSize,
    Setting, Settings, timeout,
};
pub use states::{Ended, State};
pub use targets::TargetTotals;
pub use text::{JsonLine, Latin1, Printable, latin1};
pub use thresholds::{FIRST_REFUSAL, FREE_FAILURES, Thresholds};
pub use token::{Token, TokenHash};
pub use users::NewUser;
pub use verifier::Secret;

use access::CredentialLine;
use admins::Admin;
use guessing::Guessing;
use managed::Managed;
use verifier::Verifier;

/// What a [`Core`] begins with.
#[derive(Default)]
pub struct Start {
    /// The settings, until an admin changes them.
    pub settings: Settings,
    /// From where on peers are slowed down.
    pub thresholds: Thresholds,
    /// What was stored before; it wins over the settings.
    pub stored: Snapshot,
    /// Stores every change before it is acknowledged; without it changes live in
    /// memory only.
    pub store: Option<Store>,
    /// Takes the lines of the access log.
    pub access_log: Option<Lines>,
    /// Takes the lines of the credentials log.
    pub credentials_log: Option<Lines>,
}

/// A limit is reached; the refusal has been counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OverLimit;

/// The handle to all of it; clones are the same core.
#[derive(Clone)]
pub struct Core(Arc<Inner>);

struct Inner {
    /// Replaced as a whole, so readers never wait for a change to be stored.
    managed: RwLock<Arc<Managed>>,
    /// Held from the copy to the publication: one change at a time.
    changing: Mutex<()>,
    store: Option<Store>,
    verifier: Verifier,
    connections: Arc<Connections>,
    thresholds: Thresholds,
    guessing: Guessing,
    /// Of senders who may not be where they say.
    unproved_guessing: Guessing,
    failed_logins: AtomicU64,
    /// What the server protects, once it listens.
    safe_default: OnceLock<SafeDefault>,
    denials: rules::Denials,
    credentials_log: Option<Lines>,
    started: Instant,
    stop: Sender<()>,
}

impl Core {
    /// A core, and where requests to stop the server arrive.
    ///
    /// # Errors
    /// When the system has no random bytes, or a stored name is there twice.
    pub fn new(start: Start) -> io::Result<(Self, Receiver<()>)> {
        let verifier = Verifier::new(start.store.is_some())?;
        let managed = Managed::restore(start.settings, start.stored, &verifier)?;
        // Two: the first request drains, the second cuts, more say nothing new.
        let (stop, stops) = crossbeam_channel::bounded(2);
        let inner = Inner {
            managed: RwLock::new(Arc::new(managed)),
            changing: Mutex::new(()),
            store: start.store,
            verifier,
            connections: Arc::new(Connections::new(start.access_log)),
            thresholds: start.thresholds,
            guessing: Guessing::new(start.thresholds),
            unproved_guessing: Guessing::new(start.thresholds),
            failed_logins: AtomicU64::new(0),
            safe_default: OnceLock::new(),
            denials: rules::Denials::default(),
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
            Command::ListUsers => return Ok(Outcome::Users(self.users())),
            Command::ListConnections => {
                return Ok(Outcome::Connections(self.0.connections.list()));
            }
            Command::GetConfig => return Ok(Outcome::Config(Box::new(self.settings()))),
            Command::GetRules(list) => return Ok(Outcome::Rules(self.rules(&list)?)),
            Command::SetRules(change) => self.change(|managed| managed.set_rules(change))?,
            Command::AddUser { name, password } => {
                let account = self.0.verifier.keep(password.into())?.into();
                self.change(|managed| {
                    managed.users.add(name, account, managed.settings.max_users)
                })?;
            }
            Command::EditUser { name, password } => {
                let kept = self.0.verifier.keep(password.into())?;
                self.change(|managed| managed.users.edit(&name, kept))?;
            }
            Command::RemoveUser { name, cut } => return self.remove_user(name, cut),
            Command::DescribeUsers => return Ok(Outcome::UserDetails(self.describe_users())),
            Command::LimitUser { name, limit } => self.limit_user(&name, limit)?,
            Command::CutUser(name) => return self.cut_user(name),
            Command::AddAdmin { name, secrets } => {
                let admin = Admin::keep(secrets, &self.0.verifier)?;
                self.change(|managed| managed.admins.add(name, admin))?;
            }
            Command::RemoveAdmin { name } => self.change(|managed| managed.admins.remove(name))?,
            Command::CutConnection(id) => {
                if self.0.connections.cut(Ended::Cut, |open| open.id == id) == 0 {
                    return Err(Denied::ConnectionUnknown(id));
                }
            }
            Command::SetConfig(setting) => self.change(|managed| {
                managed.set(setting);
                Ok(())
            })?,
            Command::Stop => self.stop(),
        }
        Ok(Outcome::Done)
    }

    /// Counts a client connection in, unless a rule denies it or a limit is reached.
    ///
    /// # Errors
    /// [`NotAdmitted`]: to be refused at once.
    pub fn admit(
        &self,
        service: &'static str,
        from: SocketAddr,
    ) -> Result<Connection, NotAdmitted> {
        if !self.may_come(service, from) {
            self.0.connections.deny();
            return Err(NotAdmitted::ByRule);
        }
        let admitted = self.0.connections.admit(service, from, self.limits());
        admitted.ok_or(NotAdmitted::OverLimit)
    }

    /// As [`Core::admit`], for a connection of a proxy that has yet to say for whom it
    /// is: to be followed by [`Core::identify`], where the rules are asked.
    ///
    /// # Errors
    /// [`OverLimit`]: to be refused at once.
    pub fn admit_proxied(
        &self,
        service: &'static str,
        proxy: SocketAddr,
    ) -> Result<Connection, OverLimit> {
        self.0.connections.admit_proxied(service, proxy, self.limits()).ok_or(OverLimit)
    }

    /// Counts a proxy's connection for the client that it has named; `None`: it is the
    /// proxy's own.
    ///
    /// # Errors
    /// [`NotAdmitted`] when the rules don't want that address, or it has as many open
    /// as it may, or opens them too fast.
    pub fn identify(
        &self,
        connection: &Connection,
        client: Option<SocketAddr>,
    ) -> Result<(), NotAdmitted> {
        let from = client.unwrap_or(connection.client());
        if !self.may_come(connection.service(), from) {
            self.0.connections.deny();
            return Err(NotAdmitted::ByRule);
        }
        let within = connection.identify(client, self.limits());
        if within { Ok(()) } else { Err(NotAdmitted::OverLimit) }
    }

    fn limits(&self) -> Limits {
        let settings = &self.0.managed.read().settings;
        Limits {
            total: settings.max_connections,
            per_address: settings.max_per_address,
            new_per_address: settings.max_new_per_address.and_then(NonZeroU32::new),
        }
    }

    /// From where on peers are slowed down.
    pub fn thresholds(&self) -> Thresholds {
        self.0.thresholds
    }

    /// The settings at this moment.
    pub fn settings(&self) -> Settings {
        self.0.managed.read().settings.clone()
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
            denied: totals.denied,
            failed_logins: self.0.failed_logins.load(Ordering::Relaxed),
            uptime: self.0.started.elapsed(),
        }
    }

    /// What is counted beyond the metrics, at this moment.
    pub fn details(&self) -> Details {
        self.0.connections.details()
    }

    /// Ends what has been silent for too long (see [`Connections::sweep`]), or goes
    /// beyond the limits of its user.
    pub fn sweep(&self, half_closed: Duration) {
        let timeout = self.0.managed.read().settings.timeout;
        self.0.connections.sweep(Instant::now(), limits::today(), timeout, half_closed);
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
        let now = Instant::now();
        let after = |seconds| {
            let (timeout, later) = (Duration::from_secs(1), Duration::from_secs(seconds));
            core.0.connections.sweep(now + later, Date::FIRST, timeout, timeout);
            connection.is_ended()
        };
        // It is silent since a moment beside `now`, which a slow machine moves.
        assert!(!after(500), "in the handshake");
        connection.enter(State::Open);
        assert!(!after(500));
        assert!(after(700));
    }
}
