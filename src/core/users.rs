//! The directory of users: who may use the proxy and the mailbox.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::account::Name;
use super::command::Denied;
use super::verifier::Kept;

/// Users sorted by the octets of their names.
#[derive(Debug, Clone, Default)]
pub(super) struct Users {
    accounts: BTreeMap<Name, Arc<Kept>>,
    /// Set by the first user and never reset: removing the last user must not
    /// open the proxy to everybody.
    pub(super) login_required: bool,
}

impl Users {
    /// All accounts, sorted by their names.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&Name, &Kept)> {
        self.accounts.iter().map(|(name, kept)| (name, &**kept))
    }

    /// The password of a user.
    pub(super) fn get(&self, name: &Name) -> Option<&Arc<Kept>> {
        self.accounts.get(name)
    }

    /// Whether an account is still the one that [`Self::get`] has found: not
    /// removed, and with no other password.
    pub(super) fn is_current(&self, name: &Name, password: &Arc<Kept>) -> bool {
        self.get(name).is_some_and(|current| Arc::ptr_eq(current, password))
    }

    pub(super) fn add(&mut self, name: Name, password: Kept, cap: u32) -> Result<(), Denied> {
        if self.accounts.contains_key(&name) {
            return Err(Denied::UserExists(name));
        }
        if self.accounts.len() >= cap as usize {
            return Err(Denied::UsersFull(cap));
        }
        self.login_required = true;
        self.accounts.insert(name, password.into());
        Ok(())
    }

    pub(super) fn edit(&mut self, name: Name, password: Kept) -> Result<(), Denied> {
        match self.accounts.get_mut(&name) {
            Some(current) => {
                *current = password.into();
                Ok(())
            }
            None => Err(Denied::UserUnknown(name)),
        }
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
        users.add(name("ana"), password("a"), 2).unwrap();
        users.remove(name("ana")).unwrap();
        assert!(users.login_required);
        assert!(users.get(&name("ana")).is_none());
    }

    #[test]
    fn an_account_is_not_the_one_that_takes_its_place() {
        let mut users = Users::default();
        let ana = name("ana");
        users.add(ana.clone(), password("a"), 9).unwrap();
        let before = users.get(&ana).unwrap().clone();
        assert!(users.is_current(&ana, &before) && !users.is_current(&name("bea"), &before));
        users.edit(ana.clone(), password("a")).unwrap();
        assert!(!users.is_current(&ana, &before));
        users.remove(ana.clone()).unwrap();
        assert!(!users.is_current(&ana, &before));
        users.add(ana.clone(), password("a"), 9).unwrap();
        assert!(!users.is_current(&ana, &before));
    }

    #[test]
    fn exists_wins_over_full() {
        let mut users = Users::default();
        users.add(name("ana"), password("a"), 1).unwrap();
        let again = users.add(name("ana"), password("b"), 1);
        assert!(matches!(again, Err(Denied::UserExists(_))));
        let full = users.add(name("bea"), password("b"), 1);
        assert!(matches!(full, Err(Denied::UsersFull(1))));
        assert!(matches!(users.edit(name("bea"), password("b")), Err(Denied::UserUnknown(_))));
    }
}
