//! The directory of users: who may use the proxy and the mailbox.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::account::Name;
use super::clock::Date;
use super::command::Denied;
use super::limits::{Usage, Used, UserLimit, UserLimits};
use super::rules::Rules;
use super::verifier::{Kept, Secret};

/// A user that is known from the start.
#[derive(Debug, Clone)]
pub struct NewUser {
    /// Its name.
    pub name: Name,
    /// Its password.
    pub password: Secret,
    /// What it may use.
    pub limits: UserLimits,
    /// Where it may go.
    pub rules: Rules,
}

impl NewUser {
    /// A user without limits and rules of its own.
    pub fn new(name: Name, password: impl Into<Secret>) -> Self {
        let (limits, rules) = (UserLimits::default(), Rules::default());
        Self { name, password: password.into(), limits, rules }
    }
}

/// What is kept of a user.
#[derive(Debug, Clone)]
pub(super) struct Account {
    pub(super) password: Arc<Kept>,
    pub(super) limits: UserLimits,
    pub(super) rules: Rules,
    /// The same for all copies of the account: what is used is not undone with a
    /// change that can't be stored.
    pub(super) usage: Arc<Usage>,
}

impl Account {
    /// One that has used so much already.
    pub(super) fn new(password: Kept, limits: UserLimits, rules: Rules, used: Used) -> Self {
        let usage = Arc::new(Usage::new(&limits, used));
        Self { password: password.into(), limits, rules, usage }
    }
}

impl From<Kept> for Account {
    /// Without limits and rules.
    fn from(password: Kept) -> Self {
        Self::new(password, UserLimits::default(), Rules::default(), Used::default())
    }
}

/// Users sorted by the octets of their names.
#[derive(Debug, Clone, Default)]
pub(super) struct Users {
    accounts: BTreeMap<Name, Account>,
    /// Set by the first user and never reset: removing the last user must not
    /// open the proxy to everybody.
    pub(super) login_required: bool,
}

impl Users {
    /// All accounts, sorted by their names.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&Name, &Account)> {
        self.accounts.iter()
    }

    /// The account of a user.
    pub(super) fn account(&self, name: &Name) -> Option<&Account> {
        self.accounts.get(name)
    }

    fn account_mut(&mut self, name: &Name) -> Result<&mut Account, Denied> {
        self.accounts.get_mut(name).ok_or_else(|| Denied::UserUnknown(name.clone()))
    }

    /// The password of a user.
    pub(super) fn password(&self, name: &Name) -> Option<&Arc<Kept>> {
        self.accounts.get(name).map(|account| &account.password)
    }

    /// Where a user may go.
    pub(super) fn rules(&self, name: &Name) -> Option<&Rules> {
        self.accounts.get(name).map(|account| &account.rules)
    }

    pub(super) fn set_rules(&mut self, name: &Name, rules: Rules) -> Result<(), Denied> {
        self.account_mut(name)?.rules = rules;
        Ok(())
    }

    /// Whether an account is still the one that [`Self::password`] has found: not
    /// removed, and with no other password.
    pub(super) fn is_current(&self, name: &Name, password: &Arc<Kept>) -> bool {
        self.password(name).is_some_and(|current| Arc::ptr_eq(current, password))
    }

    /// Whether the time of an account is over.
    pub(super) fn is_expired(&self, name: &Name, today: Date) -> bool {
        self.account(name).is_some_and(|account| account.limits.is_expired(today))
    }

    pub(super) fn add(&mut self, name: Name, account: Account, cap: u32) -> Result<(), Denied> {
        if self.accounts.contains_key(&name) {
            return Err(Denied::UserExists(name));
        }
        if self.accounts.len() >= cap as usize {
            return Err(Denied::UsersFull(cap));
        }
        self.login_required = true;
        self.accounts.insert(name, account);
        Ok(())
    }

    pub(super) fn edit(&mut self, name: &Name, password: Kept) -> Result<(), Denied> {
        self.account_mut(name)?.password = password.into();
        Ok(())
    }

    pub(super) fn limit(&mut self, name: &Name, limit: UserLimit) -> Result<(), Denied> {
        self.account_mut(name)?.limits.change(limit);
        Ok(())
    }

    pub(super) fn remove(&mut self, name: Name) -> Result<(), Denied> {
        match self.accounts.remove(&name) {
            Some(_) => Ok(()),
            None => Err(Denied::UserUnknown(name)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::account::Password;
    use super::super::verifier::Verifier;
    use super::*;

    fn name(text: &str) -> Name {
        Name::new(text.as_bytes()).unwrap()
    }

    fn password(text: &str) -> Kept {
        let verifier = Verifier::new(false).unwrap();
        verifier.keep(Password::new(text.as_bytes()).unwrap().into()).unwrap()
    }

    #[test]
    fn removing_the_last_user_does_not_open_the_proxy() {
        let mut users = Users::default();
        assert!(!users.login_required);
        users.add(name("ana"), password("a").into(), 2).unwrap();
        users.remove(name("ana")).unwrap();
        assert!(users.login_required);
        assert!(users.password(&name("ana")).is_none());
    }

    #[test]
    fn an_account_is_not_the_one_that_takes_its_place() {
        let mut users = Users::default();
        let ana = name("ana");
        users.add(ana.clone(), password("a").into(), 9).unwrap();
        let before = users.password(&ana).unwrap().clone();
        assert!(users.is_current(&ana, &before) && !users.is_current(&name("bea"), &before));
        users.edit(&ana, password("a")).unwrap();
        assert!(!users.is_current(&ana, &before));
        users.remove(ana.clone()).unwrap();
        assert!(!users.is_current(&ana, &before));
        users.add(ana.clone(), password("a").into(), 9).unwrap();
        assert!(!users.is_current(&ana, &before));
    }

    #[test]
    fn exists_wins_over_full() {
        let mut users = Users::default();
        users.add(name("ana"), password("a").into(), 1).unwrap();
        let again = users.add(name("ana"), password("b").into(), 1);
        assert!(matches!(again, Err(Denied::UserExists(_))));
        let full = users.add(name("bea"), password("b").into(), 1);
        assert!(matches!(full, Err(Denied::UsersFull(1))));
        assert!(matches!(users.edit(&name("bea"), password("b")), Err(Denied::UserUnknown(_))));
    }
}
