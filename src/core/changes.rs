//! How a change is made, and what is there at the start.

use std::io;
use std::sync::Arc;

use super::Core;
use super::account::Name;
use super::admins::{Admin, AdminSecrets};
use super::command::Denied;
use super::limits::Used;
use super::managed::{Managed, StoredUser};
use super::token::{Token, TokenHash};
use super::users::{Account, NewUser};

impl Core {
    /// Makes a change to a copy, stores it and publishes it. What can't be stored
    /// is not published.
    pub(super) fn change(
        &self,
        change: impl FnOnce(&mut Managed) -> Result<(), Denied>,
    ) -> Result<(), Denied> {
        let _changing = self.0.changing.lock();
        let mut managed = Managed::clone(&self.managed());
        change(&mut managed)?;
        self.store(&managed)?;
        *self.0.managed.write() = Arc::new(managed);
        Ok(())
    }

    pub(super) fn store(&self, managed: &Managed) -> Result<(), Denied> {
        let Some(store) = &self.0.store else { return Ok(()) };
        self.0.connections.collect();
        let snapshot = managed.snapshot();
        store(&snapshot).map_err(|error| {
            log::error!(error:%; "change-not-stored");
            error
        })?;
        for StoredUser { name, used, .. } in &snapshot.users {
            if let Some(account) = managed.users.account(name) {
                account.usage.stored(*used);
            }
        }
        Ok(())
    }

    /// As [`Self::change`] at the start, when nothing has been acknowledged yet
    /// that would have to be stored.
    fn install(
        &self,
        install: impl FnOnce(&mut Managed) -> Result<(), Denied>,
    ) -> Result<(), Denied> {
        let _changing = self.0.changing.lock();
        install(Arc::make_mut(&mut self.0.managed.write()))
    }

    /// All of it at this moment.
    pub(super) fn managed(&self) -> Arc<Managed> {
        Arc::clone(&self.0.managed.read())
    }

    pub(super) fn users(&self) -> Vec<Name> {
        self.managed().users.iter().map(|(name, _)| name.clone()).collect()
    }

    /// Puts an admin into the directory at the start; an existing one stays.
    ///
    /// # Errors
    /// When the system has no random bytes.
    pub fn install_admin(&self, name: Name, secrets: impl Into<AdminSecrets>) -> io::Result<()> {
        let admin = Admin::keep(secrets.into(), &self.0.verifier)?;
        // Only an existing name is denied, and then there is nothing to do.
        let _ = self.install(|managed| managed.admins.add(name, admin));
        Ok(())
    }

    /// Whether an admin has a token to log in with.
    pub fn has_token(&self) -> bool {
        self.managed().admins.any_token()
    }

    /// Gives the first admin a token at the start, unless somebody has one.
    ///
    /// # Errors
    /// When the system has no random bytes.
    pub fn install_token(&self, token: &Token) -> io::Result<()> {
        let token = TokenHash::of(token)?;
        let _ = self.install(|managed| {
            managed.admins.add_token(token);
            Ok(())
        });
        Ok(())
    }

    /// Puts a user into the directory at the start.
    ///
    /// # Errors
    /// [`Denied`] when the name exists or the directory is full.
    pub fn install_user(&self, user: NewUser) -> Result<(), Denied> {
        let NewUser { name, password, limits, rules } = user;
        let password = self.0.verifier.keep(password)?;
        let account = Account::new(password, limits, rules, Used::default());
        self.install(|managed| managed.users.add(name, account, managed.settings.max_users))
    }

    /// Stores what has been installed at the start.
    ///
    /// # Errors
    /// [`Denied::NotStored`].
    pub fn save(&self) -> Result<(), Denied> {
        let _changing = self.0.changing.lock();
        self.store(&self.managed())
    }
}
