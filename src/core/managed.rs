//! All that admins change, as one value: a change is made to a copy, stored, and
//! published whole.

use std::io;
use std::mem::discriminant;
use std::sync::Arc;

use super::account::Name;
use super::admins::{Admin, AdminSecrets, Admins};
use super::command::Denied;
use super::limits::{Used, UserLimits};
use super::phc::Phc;
use super::rules::Rules;
use super::settings::{Setting, Settings};
use super::token::TokenHash;
use super::users::{Account, Users};
use super::verifier::{Secret, Verifier};

/// What has to be stored of the users, the admins and the settings.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// Whether users have to log in although there may be none any more.
    pub login_required: bool,
    /// The users, sorted by their names.
    pub users: Vec<StoredUser>,
    /// The admins, sorted by their names.
    pub admins: Vec<StoredAdmin>,
    /// The settings that admins have changed: one of a kind.
    pub settings: Vec<Setting>,
}

/// A user as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredUser {
    /// Its name.
    pub name: Name,
    /// What its password is compared with.
    pub password: Phc,
    /// What it may use.
    pub limits: UserLimits,
    /// Where it may go.
    pub rules: Rules,
    /// What it has used.
    pub used: Used,
}

/// An admin as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredAdmin {
    /// Its name.
    pub name: Name,
    /// What its password is compared with.
    pub password: Option<Phc>,
    /// What its token is compared with.
    pub token: Option<TokenHash>,
}

/// Stores a [`Snapshot`]; when it comes back, it will be there after a restart.
pub type Store = Box<dyn Fn(&Snapshot) -> io::Result<()> + Send + Sync>;

/// Users, admins and settings at one moment.
#[derive(Debug, Clone, Default)]
pub(super) struct Managed {
    pub(super) users: Users,
    pub(super) admins: Admins,
    pub(super) settings: Settings,
    /// What differs from the settings of the start.
    changed: Vec<Setting>,
}

impl Managed {
    /// These settings, and what was stored: that wins.
    pub(super) fn restore(
        settings: Settings,
        stored: Snapshot,
        verifier: &Verifier,
    ) -> io::Result<Self> {
        let mut managed = Self { settings, ..Self::default() };
        for StoredUser { name, password, limits, rules, used } in stored.users {
            let password = verifier.keep(Secret::Hashed(password))?;
            let account = Account::new(password, limits, rules, used);
            managed.users.add(name, account, u32::MAX).map_err(io::Error::other)?;
        }
        managed.users.login_required |= stored.login_required;
        for StoredAdmin { name, password, token } in stored.admins {
            let password = password.map(|phc| verifier.keep(Secret::Hashed(phc))).transpose()?;
            let admin = Admin { password: password.map(Arc::new), token };
            managed.admins.add(name, admin).map_err(io::Error::other)?;
        }
        for setting in stored.settings {
            managed.set(setting);
        }
        Ok(managed)
    }

    /// Changes a setting, and remembers that it was changed.
    pub(super) fn set(&mut self, setting: Setting) {
        self.changed.retain(|other| discriminant(other) != discriminant(&setting));
        self.changed.push(setting.clone());
        self.settings.change(setting);
    }

    /// What has to be stored. A password without a hash can't be, but where there
    /// is a store every password has one.
    pub(super) fn snapshot(&self) -> Snapshot {
        let users = self.users.iter().filter_map(|(name, account)| {
            let password = account.password.phc()?.clone();
            let (limits, rules) = (account.limits.clone(), account.rules.clone());
            let used = account.usage.used();
            Some(StoredUser { name: name.clone(), password, limits, rules, used })
        });
        let admins = self.admins.iter().map(|(name, admin)| StoredAdmin {
            name: name.clone(),
            password: admin.password.as_ref().and_then(|kept| kept.phc().cloned()),
            token: admin.token,
        });
        Snapshot {
            login_required: self.users.login_required,
            users: users.collect(),
            admins: admins.collect(),
            settings: self.changed.clone(),
        }
    }
}

impl Admin {
    /// What is kept of these secrets.
    pub(super) fn keep(secrets: AdminSecrets, verifier: &Verifier) -> io::Result<Self> {
        let password = secrets.password.map(|secret| verifier.keep(secret)).transpose()?;
        let token = secrets.token.as_ref().map(TokenHash::of).transpose()?;
        Ok(Self { password: password.map(Arc::new), token })
    }
}

impl From<io::Error> for Denied {
    /// The system failed: nothing can be stored.
    fn from(error: io::Error) -> Self {
        Self::NotStored(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_remembered_once_each() {
        let mut managed = Managed::default();
        managed.set(Setting::MaxUsers(7));
        managed.set(Setting::Spoofing(true));
        managed.set(Setting::MaxUsers(9));
        let snapshot = managed.snapshot();
        assert_eq!(snapshot.settings, [Setting::Spoofing(true), Setting::MaxUsers(9)]);
        let verifier = Verifier::new(true).unwrap();
        let restored = Managed::restore(Settings::default(), snapshot.clone(), &verifier).unwrap();
        assert_eq!(restored.settings.max_users, 9);
        assert!(restored.settings.spoofing && restored.snapshot() == snapshot);
    }
}
