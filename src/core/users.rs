//! The directory of users: who may use the proxy and the mailbox.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::RwLock;

use super::account::{Name, Password};
use super::command::Denied;

/// Users sorted by the octets of their names.
#[derive(Debug)]
pub struct Users {
    accounts: RwLock<BTreeMap<Name, Password>>,
    /// Set by the first user and never reset: removing the last user must not
    /// open the proxy to everybody.
    required: AtomicBool,
    /// Compared with when a name is unknown, so that it costs as much as a
    /// wrong password.
    decoy: Password,
}

impl Users {
    pub(super) fn new(decoy: Password) -> Self {
        Self { accounts: RwLock::default(), required: AtomicBool::new(false), decoy }
    }

    /// Whether clients have to log in: as soon as a user has ever existed.
    pub fn login_required(&self) -> bool {
        self.required.load(Ordering::Acquire)
    }

    /// All names, sorted.
    pub fn names(&self) -> Vec<Name> {
        self.accounts.read().keys().cloned().collect()
    }

    /// The account that these octets open.
    pub(super) fn check(&self, name: &[u8], password: &[u8]) -> Option<(Name, Password)> {
        let name = Name::new(name).ok();
        let accounts = self.accounts.read();
        let found = name.as_ref().and_then(|name| accounts.get(name));
        let matches = found.unwrap_or(&self.decoy).matches(password);
        let found = found.filter(|_| matches).cloned();
        drop(accounts);
        name.zip(found)
    }

    /// Whether an account is still the one that [`Self::check`] has found: not
    /// removed, and with no other password.
    pub(super) fn is_current(&self, name: &Name, password: &Password) -> bool {
        self.accounts.read().get(name).is_some_and(|current| current.is(password))
    }

    pub(super) fn add(&self, name: Name, password: Password, cap: u32) -> Result<(), Denied> {
        let mut accounts = self.accounts.write();
        if accounts.contains_key(&name) {
            return Err(Denied::UserExists(name));
        }
        if accounts.len() >= cap as usize {
            return Err(Denied::UsersFull(cap));
        }
        self.required.store(true, Ordering::Release);
        accounts.insert(name, password);
        Ok(())
    }

    pub(super) fn edit(&self, name: Name, password: Password) -> Result<(), Denied> {
        match self.accounts.write().get_mut(&name) {
            Some(current) => {
                *current = password;
                Ok(())
            }
            None => Err(Denied::UserUnknown(name)),
        }
    }

    pub(super) fn remove(&self, name: Name) -> Result<(), Denied> {
        match self.accounts.write().remove(&name) {
            Some(_) => Ok(()),
            None => Err(Denied::UserUnknown(name)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Name {
        Name::new(text.as_bytes()).unwrap()
    }

    fn password(text: &str) -> Password {
        Password::new(text.as_bytes()).unwrap()
    }

    #[test]
    fn removing_the_last_user_does_not_open_the_proxy() {
        let users = Users::new(password("decoy"));
        assert!(!users.login_required());
        users.add(name("ana"), password("a"), 2).unwrap();
        users.remove(name("ana")).unwrap();
        assert!(users.login_required());
        assert!(users.check(b"ana", b"a").is_none());
    }

    #[test]
    fn exists_wins_over_full() {
        let users = Users::new(password("decoy"));
        users.add(name("ana"), password("a"), 1).unwrap();
        let again = users.add(name("ana"), password("b"), 1);
        assert!(matches!(again, Err(Denied::UserExists(_))));
        let full = users.add(name("bea"), password("b"), 1);
        assert!(matches!(full, Err(Denied::UsersFull(1))));
    }

    #[test]
    fn a_login_needs_name_and_password() {
        let users = Users::new(password("decoy"));
        users.add(name("ana"), password("a"), 9).unwrap();
        let (found, before) = users.check(b"ana", b"a").unwrap();
        assert_eq!(found, name("ana"));
        assert!(users.is_current(&found, &before));
        assert!(users.check(b"ana", b"b").is_none());
        assert!(users.check(b"bea", b"decoy").is_none());
        users.edit(name("ana"), password("b")).unwrap();
        assert!(users.check(b"ana", b"a").is_none());
        assert!(users.check(b"ana", b"b").is_some());
        assert!(!users.is_current(&found, &before));
        users.remove(name("ana")).unwrap();
        users.add(name("ana"), password("a"), 9).unwrap();
        assert!(!users.is_current(&found, &before));
        assert!(matches!(users.edit(name("bea"), password("b")), Err(Denied::UserUnknown(_))));
    }
}
