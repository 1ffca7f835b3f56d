//! Proof of a login: a value that only a successful check makes.

use std::collections::BTreeSet;

use super::account::Name;
use super::command::{Command, Denied};

/// Somebody who may manage the server. [`super::Core::apply`] asks for one, so a
/// dialect can't act before it has checked who is there.
#[derive(Debug, Clone)]
pub struct Caller {
    name: String,
    scopes: Option<BTreeSet<String>>,
}

impl Caller {
    /// An admin: may do everything.
    pub(super) fn admin(name: &Name) -> Self {
        Self::unlimited(name.to_string())
    }

    /// The holder of a secret that stands for no account: may do everything.
    pub(super) fn unlimited(name: String) -> Self {
        Self { name, scopes: None }
    }

    /// A caller whose rights end at these scopes (see [`Command::scope`]).
    pub(super) fn limited(name: String, scopes: BTreeSet<String>) -> Self {
        Self { name, scopes: Some(scopes) }
    }

    /// Who it is, for the log.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it holds a scope.
    pub fn may(&self, scope: &str) -> bool {
        self.scopes.as_ref().is_none_or(|scopes| scopes.contains(scope))
    }

    /// Whether its rights end nowhere.
    pub(super) fn may_do_everything(&self) -> bool {
        self.scopes.is_none()
    }

    pub(super) fn permit(&self, command: &Command) -> Result<(), Denied> {
        let scope = command.scope();
        if self.may(scope) { Ok(()) } else { Err(Denied::Forbidden(scope)) }
    }
}
