//! What the core does about the limits of its users.

use std::sync::atomic::Ordering;
use std::time::SystemTime;

use super::account::Name;
use super::clock::Date;
use super::command::{Denied, Outcome};
use super::connections::Connection;
use super::states::Ended;
use super::text::Printable;
use super::usage::Used;
use super::user_limits::{UserLimit, UserLimits};
use super::{Client, Core, LoginRefused, OverLimit};

/// A user as an admin sees it. Octets are what the proxy has relayed; its mailbox
/// doesn't count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserDetail {
    /// Its name.
    pub name: Name,
    /// What it may use.
    pub limits: UserLimits,
    /// Connections that it has open, to its mailbox too.
    pub connections: u32,
    /// Octets from its clients, since the start or since it was added.
    pub bytes_up: u64,
    /// Octets to them.
    pub bytes_down: u64,
    /// What counts against its quotas.
    pub used: Used,
}

impl Core {
    /// Has the octets of a connection count for its client's rates and quotas. To be
    /// called once the client is admitted, by a service that has them asked for
    /// ([`Connection::pace`]).
    ///
    /// # Errors
    /// [`OverLimit`] when a quota is used up.
    pub fn meter(&self, connection: &Connection) -> Result<(), OverLimit> {
        connection.meter();
        let Some(usage) = connection.entry().metered() else { return Ok(()) };
        if usage.verdict(today(), true) == Some(Ended::Quota) {
            self.0.connections.refuse();
            return Err(OverLimit);
        }
        Ok(())
    }

    /// Refuses a user whose time is over. It is told what a wrong password is told,
    /// but it has not guessed.
    pub(super) fn refuse_expired(
        &self,
        service: &str,
        client: &Client,
        from: std::net::IpAddr,
    ) -> Result<(), LoginRefused> {
        if !self.is_expired(client) {
            return Ok(());
        }
        self.0.failed_logins.fetch_add(1, Ordering::Relaxed);
        let name = client.name().map(Name::as_bytes).unwrap_or_default();
        let address = from.to_canonical();
        log::warn!("user-expired service={service} address={address} user={}", Printable(name));
        Err(LoginRefused)
    }

    /// Whether a user's time is over.
    pub(super) fn is_expired(&self, client: &Client) -> bool {
        let managed = self.managed();
        let account = client.name().and_then(|name| managed.users.account(name));
        account.is_some_and(|account| account.limits.is_expired(today()))
    }

    pub(super) fn describe_users(&self) -> Vec<UserDetail> {
        self.0.connections.collect();
        let (managed, today) = (self.managed(), today());
        let detail = |(name, account): (&Name, &super::users::Account)| {
            let report = account.usage.report(today);
            UserDetail {
                name: name.clone(),
                limits: account.limits.clone(),
                connections: self.0.connections.open_of(name),
                bytes_up: report.up,
                bytes_down: report.down,
                used: report.used,
            }
        };
        managed.users.iter().map(detail).collect()
    }

    pub(super) fn limit_user(&self, name: &Name, limit: UserLimit) -> Result<(), Denied> {
        self.change(|managed| managed.users.limit(name, limit))?;
        // When two change at once, whoever comes here last reads the last.
        let _changing = self.0.changing.lock();
        if let Some(account) = self.managed().users.account(name) {
            account.usage.obey(&account.limits);
        }
        // An expiry or a quota may be over already.
        self.0.connections.hold_to_limits(today());
        Ok(())
    }

    /// Ends what a user has open, removed or not.
    pub(super) fn cut_user(&self, name: Name) -> Result<Outcome, Denied> {
        let count = self.cut_connections_of(&name);
        if count == 0 && self.managed().users.account(&name).is_none() {
            return Err(Denied::UserUnknown(name));
        }
        Ok(Outcome::Cut(count))
    }

    pub(super) fn remove_user(&self, name: Name, cut: bool) -> Result<Outcome, Denied> {
        self.change(|managed| managed.users.remove(name.clone()))?;
        Ok(if cut { Outcome::Cut(self.cut_connections_of(&name)) } else { Outcome::Done })
    }

    fn cut_connections_of(&self, name: &Name) -> usize {
        self.0.connections.cut(Ended::Cut, |open| open.is_of(name))
    }

    /// Stores what the users have used, if that has changed. Between two calls of
    /// this, changes store it as well.
    pub fn save_usage(&self) {
        self.0.connections.collect();
        let _changing = self.0.changing.lock();
        let managed = self.managed();
        if managed.users.iter().all(|(_, account)| account.usage.is_stored()) {
            return;
        }
        // It has been logged, and the next time is soon.
        let _ = self.store(&managed);
    }
}

/// The day on which limits are held: that of the clock that can be set.
pub(super) fn today() -> Date {
    Date::of(SystemTime::now())
}
