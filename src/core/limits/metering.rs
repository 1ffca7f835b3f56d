//! What the core does about the limits of its users.

use std::sync::atomic::Ordering;
use std::time::SystemTime;

use super::usage::Report;
use super::used::Used;
use super::user_limits::{UserLimit, UserLimits};
use crate::core::account::Name;
use crate::core::clock::Date;
use crate::core::command::{Denied, Outcome};
use crate::core::connection::Connection;
use crate::core::states::Ended;
use crate::core::text::Latin1;
use crate::core::users::Account;
use crate::core::{Client, Core, LoginRefused, OverLimit};

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
    pub(in crate::core) fn refuse_expired(
        &self,
        service: &str,
        client: &Client,
        from: std::net::IpAddr,
    ) -> Result<(), LoginRefused> {
        let expired = |name| self.managed().users.is_expired(name, today());
        if !client.name().is_some_and(expired) {
            return Ok(());
        }
        self.0.failed_logins.fetch_add(1, Ordering::Relaxed);
        let name = client.name().map(Name::as_bytes).unwrap_or_default();
        let address = from.to_canonical();
        log::warn!(service, address:%, user:% = Latin1(name); "user-expired");
        Err(LoginRefused)
    }

    /// All users, sorted by their names.
    pub fn describe_users(&self) -> Vec<UserDetail> {
        self.0.connections.collect();
        let (managed, today) = (self.managed(), today());
        let describe = |(name, account): (&Name, &Account)| {
            self.describe_user(name, account, &account.usage.report(today))
        };
        managed.users.iter().map(describe).collect()
    }

    pub(in crate::core) fn describe_user(
        &self,
        name: &Name,
        account: &Account,
        report: &Report,
    ) -> UserDetail {
        UserDetail {
            name: name.clone(),
            limits: account.limits.clone(),
            connections: self.0.connections.open_of(&account.usage),
            bytes_up: report.up,
            bytes_down: report.down,
            used: report.used,
        }
    }

    pub(in crate::core) fn limit_user(&self, name: &Name, limit: UserLimit) -> Result<(), Denied> {
        self.change(|managed| managed.users.limit(name, limit))?;
        // When two change at once, whoever comes here last reads the last.
        let changing = self.0.changing.lock();
        if let Some(account) = self.managed().users.account(name) {
            account.usage.obey(&account.limits);
        }
        drop(changing);
        // An expiry or a quota may be over already.
        self.0.connections.hold_to_limits(today());
        Ok(())
    }

    /// Ends what a user has open, removed or not.
    pub(in crate::core) fn cut_user(&self, name: Name) -> Result<Outcome, Denied> {
        let count = self.cut_connections_of(&name);
        if count == 0 && self.managed().users.account(&name).is_none() {
            return Err(Denied::UserUnknown(name));
        }
        Ok(Outcome::Cut(count))
    }

    pub(in crate::core) fn remove_user(&self, name: Name, cut: bool) -> Result<Outcome, Denied> {
        self.change(|managed| managed.users.remove(name.clone()))?;
        Ok(if cut { Outcome::Cut(self.cut_connections_of(&name)) } else { Outcome::Done })
    }

    fn cut_connections_of(&self, name: &Name) -> usize {
        // Who was cut a moment ago may be in the list still.
        self.0.connections.cut(Ended::Cut, |open| open.is_of(name) && !open.is_ended())
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
pub(in crate::core) fn today() -> Date {
    Date::of(SystemTime::now())
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;
    use std::sync::Arc;
    use std::sync::atomic::AtomicUsize;

    use super::*;
    use crate::core::{
        Caller, Command, Connection, Credential, FREE_FAILURES, NewUser, Password, Snapshot, Start,
        Way,
    };

    const FROM: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 7));

    fn ana() -> Name {
        Name::new(b"ana").unwrap()
    }

    fn filled(start: Start) -> (Core, Caller) {
        let (core, _) = Core::new(start).unwrap();
        let ana = NewUser::new(ana(), Password::new(b"1234").unwrap());
        // It may be in what was stored.
        let _ = core.install_user(ana);
        let proof = Credential::Checked(Ok(("test".into(), None)));
        let caller = core.log_in("test", proof, FROM).unwrap();
        (core, caller)
    }

    fn limit(core: &Core, caller: &Caller, name: &str, value: &str) {
        let limit = UserLimit::parse(name, value).unwrap();
        core.apply(caller, Command::LimitUser { name: ana(), limit }).unwrap();
    }

    fn admitted(core: &Core) -> Result<Connection, OverLimit> {
        let client = core.log_in_user("test", b"ana", b"1234", FROM).unwrap();
        let connection = core.admit("test", (FROM, 4711).into()).unwrap();
        core.admit_client(&connection, &client).map_err(|_| OverLimit)?;
        core.meter(&connection)?;
        Ok(connection)
    }

    fn move_octets(connection: &Connection, octets: usize) -> usize {
        let granted = connection.pace(Way::Down).take(octets).unwrap_or(0);
        connection.down().fetch_add(granted as u64, Ordering::Relaxed);
        granted
    }

    fn detail(core: &Core, caller: &Caller) -> UserDetail {
        match core.apply(caller, Command::DescribeUsers) {
            Ok(Outcome::UserDetails(mut details)) => details.remove(0),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_quota_ends_what_is_open_and_refuses_what_comes() {
        let (core, caller) = filled(Start::default());
        let (first, second) = (admitted(&core).unwrap(), admitted(&core).unwrap());
        assert_eq!(move_octets(&first, 100), 100);
        limit(&core, &caller, "quota_month", "150");
        assert_eq!(move_octets(&second, 100), 50);
        assert_eq!(move_octets(&second, 1), 0);
        assert!(second.is_ended());
        core.sweep(std::time::Duration::from_secs(600));
        assert!(first.is_ended());
        assert_eq!(admitted(&core).err(), Some(OverLimit));
        let used = detail(&core, &caller);
        assert_eq!((used.bytes_up, used.bytes_down, used.connections), (0, 150, 2));
        assert_eq!((used.used.day, used.used.month), (150, 150));
        limit(&core, &caller, "quota_month", "0");
        assert!(admitted(&core).is_ok());
    }

    #[test]
    fn who_comes_again_begins_at_nothing() {
        let (core, caller) = filled(Start::default());
        let before = admitted(&core).unwrap();
        assert_eq!(move_octets(&before, 100), 100);
        let removed = core.apply(&caller, Command::RemoveUser { name: ana(), cut: true });
        assert!(matches!(removed, Ok(Outcome::Cut(1))) && before.is_ended(), "{removed:?}");
        let password = Password::new(b"1234").unwrap();
        core.apply(&caller, Command::AddUser { name: ana(), password }).unwrap();
        assert_eq!(move_octets(&before, 100), 100);
        assert_eq!(detail(&core, &caller).used.month, 0);
        limit(&core, &caller, "max_connections", "1");
        let open = admitted(&core).unwrap();
        assert_eq!(admitted(&core).err(), Some(OverLimit));
        drop(before);
        assert_eq!(detail(&core, &caller).connections, 1);
        drop(open);
        assert_eq!((detail(&core, &caller).connections, core.metrics().active_users), (0, 0));
    }

    #[test]
    fn a_user_is_cut_also_when_it_was_removed() {
        let (core, caller) = filled(Start::default());
        let cut = || core.apply(&caller, Command::CutUser(ana()));
        assert!(matches!(cut(), Ok(Outcome::Cut(0))));
        let open = admitted(&core).unwrap();
        core.apply(&caller, Command::RemoveUser { name: ana(), cut: false }).unwrap();
        assert!(!open.is_ended());
        assert!(matches!(cut(), Ok(Outcome::Cut(1))) && open.is_ended());
        drop(open);
        assert!(matches!(cut(), Err(Denied::UserUnknown(_))));
    }

    #[test]
    fn an_expired_user_is_refused_and_has_not_guessed() {
        let (core, caller) = filled(Start::default());
        let open = admitted(&core).unwrap();
        let client = core.log_in_user("test", b"ana", b"1234", FROM).unwrap();
        limit(&core, &caller, "expires", "1999-12-31");
        assert!(open.is_ended() && !core.still_welcome(&client));
        for _ in 0..2 * FREE_FAILURES {
            assert!(core.log_in_user("test", b"ana", b"1234", FROM).is_err());
        }
        limit(&core, &caller, "expires", "never");
        assert!(core.log_in_user("test", b"ana", b"1234", FROM).is_ok());
    }

    #[test]
    fn a_limit_of_connections_holds_for_new_ones() {
        let (core, caller) = filled(Start::default());
        let open = [admitted(&core).unwrap(), admitted(&core).unwrap()];
        limit(&core, &caller, "max_connections", "1");
        assert_eq!(admitted(&core).err(), Some(OverLimit));
        assert!(open.iter().all(|open| !open.is_ended()));
        drop(open);
        let _one = admitted(&core).unwrap();
        assert_eq!(admitted(&core).err(), Some(OverLimit));
    }

    #[test]
    fn usage_is_stored_when_it_has_changed() {
        let stored = Arc::new(parking_lot::Mutex::new((Snapshot::default(), 0)));
        let store = Arc::clone(&stored);
        let start = Start {
            store: Some(Box::new(move |snapshot| {
                let mut stored = store.lock();
                *stored = (snapshot.clone(), stored.1 + 1);
                Ok(())
            })),
            ..Start::default()
        };
        let (core, caller) = filled(start);
        core.save_usage();
        assert_eq!(stored.lock().1, 0, "nothing has been used");
        move_octets(&admitted(&core).unwrap(), 100);
        core.save_usage();
        core.save_usage();
        let (snapshot, times) = stored.lock().clone();
        assert_eq!((snapshot.users[0].used.day, times), (100, 1));
        // Every change stores it, too, also of what is still open.
        let open = admitted(&core).unwrap();
        move_octets(&open, 100);
        limit(&core, &caller, "quota_day", "300");
        assert_eq!(stored.lock().0.users[0].used.day, 200);
        let (again, caller) = filled(Start { stored: snapshot, ..Start::default() });
        assert_eq!(detail(&again, &caller).used.day, 100);
    }

    #[test]
    fn limits_may_change_while_everything_moves() {
        let (core, caller) = filled(Start::default());
        let over = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    while over.load(Ordering::Relaxed) == 0 {
                        let connection = admitted(&core).unwrap();
                        (0..50).for_each(|_| assert_eq!(move_octets(&connection, 1000), 1000));
                    }
                });
            }
            for (name, value) in [("rate_down", "1GB"), ("quota_day", "1TB"), ("rate_down", "0")] {
                limit(&core, &caller, name, value);
                core.sweep(std::time::Duration::from_secs(600));
            }
            over.store(1, Ordering::Relaxed);
        });
        let detail = detail(&core, &caller);
        let moved = core.metrics().bytes_down;
        assert_eq!((detail.bytes_down, detail.used.day), (moved, moved));
    }
}
