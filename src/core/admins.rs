//! The directory of admins: who may manage.

use std::collections::BTreeMap;

use parking_lot::RwLock;

use super::account::{Name, Password};
use super::command::Denied;

/// How an admin proves who it is: a password (shoes, monitor), a token
/// (oneshot), or both.
#[derive(Debug, Clone, Default)]
pub struct AdminSecrets {
    /// For the dialects that log in with a name.
    pub password: Option<Password>,
    /// For the dialects whose token also says who it is.
    pub token: Option<Token>,
}

impl From<Password> for AdminSecrets {
    /// A password alone.
    fn from(password: Password) -> Self {
        Self { password: Some(password), token: None }
    }
}

/// A token of exactly 16 printable ASCII characters.
#[derive(Debug, Clone)]
pub struct Token(Password);

impl Token {
    /// Its length, in octets.
    pub const LENGTH: usize = 16;

    /// Accepts the octets of a token; `None` unless they are
    /// [`Self::LENGTH`] printable ASCII characters.
    pub fn new(octets: &[u8]) -> Option<Self> {
        let printable = |octet: &u8| (0x20..0x7f).contains(octet);
        if octets.len() != Self::LENGTH || !octets.iter().all(printable) {
            return None;
        }
        Password::new(octets).ok().map(Self)
    }
}

/// Admins sorted by the octets of their names.
#[derive(Debug)]
pub struct Admins {
    accounts: RwLock<BTreeMap<Name, AdminSecrets>>,
    decoy: Password,
}

impl Admins {
    pub(super) fn new(decoy: Password) -> Self {
        Self { accounts: RwLock::default(), decoy }
    }

    pub(super) fn check_password(&self, name: &[u8], password: &[u8]) -> Option<Name> {
        let name = Name::new(name).ok();
        let accounts = self.accounts.read();
        let found = name.as_ref().and_then(|name| accounts.get(name)?.password.as_ref());
        let matches = found.unwrap_or(&self.decoy).matches(password);
        name.filter(|_| matches && found.is_some())
    }

    /// Compares with every token, found or not, so that the time says nothing.
    pub(super) fn check_token(&self, token: &[u8]) -> Option<Name> {
        let mut owner = None;
        for (name, secrets) in self.accounts.read().iter() {
            let held = secrets.token.as_ref().map_or(&self.decoy, |token| &token.0);
            if held.matches(token) && secrets.token.is_some() {
                owner = Some(name.clone());
            }
        }
        owner
    }

    pub(super) fn add(&self, name: Name, secrets: AdminSecrets) -> Result<(), Denied> {
        let mut accounts = self.accounts.write();
        if accounts.contains_key(&name) {
            return Err(Denied::AdminExists(name));
        }
        accounts.insert(name, secrets);
        Ok(())
    }

    /// Removes an admin, unless nobody could log in any more afterwards.
    pub(super) fn remove(&self, name: Name) -> Result<(), Denied> {
        let mut accounts = self.accounts.write();
        if !accounts.contains_key(&name) {
            return Err(Denied::AdminUnknown(name));
        }
        if accounts.len() == 1 {
            return Err(Denied::LastAdmin(name));
        }
        accounts.remove(&name);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Name {
        Name::new(text.as_bytes()).unwrap()
    }

    fn with_token(text: &str) -> AdminSecrets {
        AdminSecrets { token: Token::new(text.as_bytes()), ..AdminSecrets::default() }
    }

    fn admins() -> Admins {
        Admins::new(Password::new(b"decoydecoydecoy!").unwrap())
    }

    #[test]
    fn the_last_admin_stays() {
        let admins = admins();
        admins.add(name("root"), with_token("0123456789abcdef")).unwrap();
        assert!(matches!(admins.remove(name("root")), Err(Denied::LastAdmin(_))));
        admins.add(name("two"), with_token("fedcba9876543210")).unwrap();
        admins.remove(name("root")).unwrap();
        assert!(matches!(admins.remove(name("two")), Err(Denied::LastAdmin(_))));
        assert!(matches!(admins.remove(name("root")), Err(Denied::AdminUnknown(_))));
    }

    #[test]
    fn a_token_names_its_owner() {
        let admins = admins();
        admins.add(name("root"), with_token("0123456789abcdef")).unwrap();
        admins.add(name("two"), with_token("fedcba9876543210")).unwrap();
        assert_eq!(admins.check_token(b"fedcba9876543210"), Some(name("two")));
        assert!(admins.check_token(b"decoydecoydecoy!").is_none());
        assert!(admins.check_password(b"two", b"fedcba9876543210").is_none());
    }

    #[test]
    fn tokens_are_sixteen_printable_characters() {
        assert!(Token::new(b"0123456789abcdef").is_some());
        assert!(Token::new(b"0123456789abcde").is_none());
        assert!(Token::new(b"0123456789abcde\n").is_none());
    }
}
