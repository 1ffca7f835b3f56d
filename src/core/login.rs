//! Who is let in: admins, users, and whoever needs no login.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use super::Core;
use super::account::Name;
use super::caller::Caller;
use super::connection::Connection;
use super::guessing::{Guessing, Whose};
use super::limits::today;
use super::managed::Managed;
use super::text::Latin1;
use super::verifier::Kept;

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
    /// As [`Self::Checked`], from an address that anybody may have forged (UDP): who
    /// it proves to be. What fails counts against such senders alone, and is logged
    /// by whoever asks.
    Unproved(Option<String>),
}

/// A login was not accepted. Whether the secret was wrong or the address is
/// refused for guessing is not for the peer to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LoginRefused;

/// Why a client whose login was right may not open something all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientRefused {
    /// It has as many connections open as it may; the refusal has been counted.
    OverLimit,
    /// Since its login it has been removed or given another password, or has expired;
    /// without one, one has become required.
    NotWelcome,
}

/// A client that may use a managed service: made by [`Core::log_in_user`] or
/// [`Core::open_access`] only.
#[derive(Debug, Clone)]
pub struct Client(Option<(Name, Arc<Kept>)>);

impl Client {
    /// Its name; `None` with open access.
    pub fn name(&self) -> Option<&Name> {
        self.0.as_ref().map(|(name, _)| name)
    }
}

impl Core {
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
        let guessing = match &credential {
            Credential::Unproved(_) => &self.0.unproved_guessing,
            _ => &self.0.guessing,
        };
        let caller = match credential {
            Credential::Password { name, password } => {
                self.attempt(service, name, from, Whose::Admins, || {
                    let name = Name::new(name).ok();
                    let managed = self.managed();
                    let kept = name.as_ref().and_then(|name| managed.admins.password(name));
                    let right = self.0.verifier.verify(kept, password);
                    name.filter(|_| right).as_ref().map(Caller::admin)
                })
            }
            Credential::Token(token) => self.attempt(service, b"-", from, Whose::Admins, || {
                Some(Caller::admin(&self.managed().admins.check_token(token)?))
            }),
            Credential::Checked(proof) => {
                let claimed = proof.as_ref().map_or_else(|name| name.to_vec(), |_| Vec::new());
                self.attempt(service, &claimed, from, Whose::Admins, || {
                    let (name, scopes) = proof.ok()?;
                    Some(match scopes {
                        Some(scopes) => Caller::limited(name, scopes),
                        None => Caller::unlimited(name),
                    })
                })
            }
            Credential::Unproved(holder) => self
                .judge(guessing, from, Whose::Admins, || holder.map(Caller::unlimited))
                .ok_or(LoginRefused),
        }?;
        // Whose scopes end somewhere may want to guess the secret of who may do more.
        let whose = if caller.may_do_everything() { Whose::Admins } else { Whose::Users };
        guessing.succeeded(from, whose);
        Ok(caller)
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
        let client = self.attempt(service, name, from, Whose::Users, || {
            let name = Name::new(name).ok();
            let managed = self.managed();
            let kept = name.as_ref().and_then(|name| managed.users.password(name));
            let right = self.0.verifier.verify(kept.map(|kept| &**kept), password);
            let kept = kept.filter(|_| right).cloned();
            name.zip(kept).map(|found| Client(Some(found)))
        })?;
        self.refuse_expired(service, &client, from)?;
        self.0.guessing.succeeded(from, Whose::Users);
        Ok(client)
    }

    /// Lets a client in without a login, unless one is required.
    pub fn open_access(&self) -> Option<Client> {
        (!self.0.managed.read().users.login_required).then_some(Client(None))
    }

    pub(super) fn attempt<T>(
        &self,
        service: &str,
        name: &[u8],
        from: IpAddr,
        whose: Whose,
        check: impl FnOnce() -> Option<T>,
    ) -> Result<T, LoginRefused> {
        self.judge(&self.0.guessing, from, whose, check).ok_or_else(|| {
            let address = from.to_canonical();
            log::warn!(service, address:%, user:% = Latin1(name); "auth-failed");
            LoginRefused
        })
    }

    fn judge<T>(
        &self,
        guessing: &Guessing,
        from: IpAddr,
        whose: Whose,
        check: impl FnOnce() -> Option<T>,
    ) -> Option<T> {
        let now = Instant::now();
        if guessing.refused_for(from, now).is_none() {
            if let Some(who) = check() {
                return Some(who);
            }
            guessing.failed(from, whose, now);
        }
        self.0.failed_logins.fetch_add(1, Ordering::Relaxed);
        None
    }

    /// Counts a connection for its client, now that it is known.
    ///
    /// # Errors
    /// [`ClientRefused`] says why not. Then the connection is to be closed: it may be
    /// counted already.
    pub fn admit_client(
        &self,
        connection: &Connection,
        client: &Client,
    ) -> Result<(), ClientRefused> {
        let managed = self.managed();
        let account = client.name().and_then(|name| managed.users.account(name));
        if let Some(account) = account {
            connection.belongs_to(&account.usage);
        }
        let own = account.and_then(|account| account.limits.max_connections).map(u32::from);
        let most = managed.settings.max_per_user.into_iter().chain(own).min();
        if !connection.admit_user(client.name(), most) {
            return Err(ClientRefused::OverLimit);
        }
        // Asked behind the counting: who is removed in between is seen here or found
        // among those to be cut.
        if self.still_welcome(client) { Ok(()) } else { Err(ClientRefused::NotWelcome) }
    }

    /// Whether a client may still open something new: since its login it has not
    /// been removed or given another password, and has not expired; without one, none
    /// has become required.
    pub(super) fn still_welcome(&self, client: &Client) -> bool {
        self.managed().welcomes(client)
    }
}

impl Managed {
    /// See [`Core::still_welcome`].
    pub(super) fn welcomes(&self, client: &Client) -> bool {
        match &client.0 {
            Some((name, password)) => {
                self.users.is_current(name, password) && !self.users.is_expired(name, today())
            }
            None => !self.users.login_required,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::core::{FIRST_REFUSAL, FREE_FAILURES, Password, Start};

    const FROM: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 7));

    /// Whether an admin is let in after guesses with successes of this kind in between,
    /// and how long after the last guess.
    fn let_in_after_guesses(between: fn() -> Credential<'static>) -> (bool, Duration) {
        let (core, _) = Core::new(Start::default()).unwrap();
        core.install_admin(Name::new(b"root").unwrap(), Password::new(b"right").unwrap()).unwrap();
        let log_in = |password| {
            core.log_in("test", Credential::Password { name: b"root", password }, FROM).is_ok()
        };
        let mut last = Instant::now();
        for _ in 0..=FREE_FAILURES {
            last = Instant::now();
            assert!(!log_in(b"wrong"));
            let _ = core.log_in("test", between(), FROM);
        }
        (log_in(b"right"), last.elapsed())
    }

    #[test]
    fn who_may_do_less_than_an_admin_is_slowed_down_when_guessing() {
        assert!(let_in_after_guesses(|| Credential::Checked(Ok(("all".into(), None)))).0);
        let some = || Credential::Checked(Ok(("some".into(), Some(["PING".into()].into()))));
        let (let_in, after) = let_in_after_guesses(some);
        // A machine that stood still for the second that it lasts sees the end of it.
        assert!(!let_in || after >= FIRST_REFUSAL);
    }
}
