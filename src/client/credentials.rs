//! What a server is shown to be let in.

use std::fmt;

use super::Login;

/// A login or a token: which one, the dialect says
/// ([`Dialect::takes_token`](super::Dialect::takes_token)).
#[derive(Debug, Clone)]
pub enum Credentials {
    /// An admin's name and password.
    Login(Login),
    /// A secret that needs no name.
    Token(Token),
}

/// A token as it is written; each dialect has its own form. It never shows in
/// `Debug`.
#[derive(Clone)]
pub struct Token(String);

impl Token {
    /// A token of any form.
    pub fn new(text: &str) -> Self {
        Self(text.into())
    }

    /// What was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(..)")
    }
}
