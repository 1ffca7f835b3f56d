//! The directory of admins: who may manage.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::account::{Name, Password};
use super::command::Denied;
use super::token::{Token, TokenHash};
use super::verifier::{Kept, Secret};

/// How an admin proves who it is: a password (shoes, monitor), a token
/// (oneshot), or both.
#[derive(Debug, Clone, Default)]
pub struct AdminSecrets {
    /// For the dialects that log in with a name.
    pub password: Option<Secret>,
    /// For the dialects whose token also says who it is.
    pub token: Option<Token>,
}

impl From<Secret> for AdminSecrets {
    /// A password alone.
    fn from(password: Secret) -> Self {
        Self { password: Some(password), token: None }
    }
}

impl From<Password> for AdminSecrets {
    fn from(password: Password) -> Self {
        Secret::from(password).into()
    }
}

/// What is kept of [`AdminSecrets`].
#[derive(Debug, Clone, Default)]
pub(super) struct Admin {
    pub(super) password: Option<Arc<Kept>>,
    pub(super) token: Option<TokenHash>,
}

/// Admins sorted by the octets of their names.
#[derive(Debug, Clone, Default)]
pub(super) struct Admins {
    accounts: BTreeMap<Name, Admin>,
}

impl Admins {
    /// All admins, sorted by their names.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&Name, &Admin)> {
        self.accounts.iter()
    }

    /// The password of an admin who has one.
    pub(super) fn password(&self, name: &Name) -> Option<&Kept> {
        self.accounts.get(name)?.password.as_deref()
    }

    /// Compares with every token, found or not, so that the time says nothing.
    pub(super) fn check_token(&self, token: &[u8]) -> Option<Name> {
        let mut owner = None;
        for (name, admin) in &self.accounts {
            if admin.token.as_ref().is_some_and(|held| held.matches(token)) {
                owner = Some(name.clone());
            }
        }
        owner
    }

    /// Whether anybody has a token.
    pub(super) fn any_token(&self) -> bool {
        self.accounts.values().any(|admin| admin.token.is_some())
    }

    pub(super) fn add(&mut self, name: Name, admin: Admin) -> Result<(), Denied> {
        if self.accounts.contains_key(&name) {
            return Err(Denied::AdminExists(name));
        }
        self.accounts.insert(name, admin);
        Ok(())
    }

    /// Gives the first admin a token, unless somebody has one.
    pub(super) fn add_token(&mut self, token: TokenHash) {
        if !self.any_token()
            && let Some(mut first) = self.accounts.first_entry()
        {
            first.get_mut().token = Some(token);
        }
    }

    /// Removes an admin, unless nobody could log in any more afterwards.
    pub(super) fn remove(&mut self, name: Name) -> Result<(), Denied> {
        if !self.accounts.contains_key(&name) {
            return Err(Denied::AdminUnknown(name));
        }
        if self.accounts.len() == 1 {
            return Err(Denied::LastAdmin(name));
        }
        self.accounts.remove(&name);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Name {
        Name::new(text.as_bytes()).unwrap()
    }

    fn with_token(text: &str) -> Admin {
        let token = TokenHash::of(&Token::new(text.as_bytes()).unwrap()).unwrap();
        Admin { token: Some(token), password: None }
    }

    #[test]
    fn the_last_admin_stays() {
        let mut admins = Admins::default();
        admins.add(name("root"), with_token("0123456789abcdef")).unwrap();
        assert!(matches!(admins.remove(name("root")), Err(Denied::LastAdmin(_))));
        admins.add(name("two"), with_token("fedcba9876543210")).unwrap();
        admins.remove(name("root")).unwrap();
        assert!(matches!(admins.remove(name("two")), Err(Denied::LastAdmin(_))));
        assert!(matches!(admins.remove(name("root")), Err(Denied::AdminUnknown(_))));
    }

    #[test]
    fn a_token_names_its_owner() {
        let mut admins = Admins::default();
        admins.add(name("root"), with_token("0123456789abcdef")).unwrap();
        admins.add(name("two"), with_token("fedcba9876543210")).unwrap();
        assert_eq!(admins.check_token(b"fedcba9876543210"), Some(name("two")));
        assert!(admins.check_token(b"fedcba987654321").is_none());
        assert!(admins.password(&name("two")).is_none());
    }

    #[test]
    fn a_token_is_given_once() {
        let token = |text: &[u8]| TokenHash::of(&Token::new(text).unwrap()).unwrap();
        let mut admins = Admins::default();
        admins.add(name("bob"), Admin::default()).unwrap();
        admins.add(name("ann"), Admin::default()).unwrap();
        admins.add_token(token(b"0123456789abcdef"));
        admins.add_token(token(b"fedcba9876543210"));
        assert_eq!(admins.check_token(b"0123456789abcdef"), Some(name("ann")));
        assert!(admins.check_token(b"fedcba9876543210").is_none());
    }
}
