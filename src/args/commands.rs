//! What socksd can be told to do instead of serving.

use argh::{ArgsInfo, FromArgs};

use super::check::Check;
use super::documents::{Completions, Man};
use crate::hash::HashPassword;
use crate::health::HealthCheck;
use crate::printed::Failure;
use crate::token::Mint;

/// What can be done instead of serving.
#[derive(FromArgs, ArgsInfo)]
#[argh(subcommand)]
pub enum Command {
    /// Prints a token.
    Token(Mint),
    /// Prints the hash of a password.
    HashPassword(HashPassword),
    /// Explains a configuration file.
    Check(Check),
    /// Asks a running server how it is.
    HealthCheck(HealthCheck),
    /// Prints a page of the manual.
    Man(Man),
    /// Prints a completion for a shell.
    Completions(Completions),
}

impl Command {
    /// Does it: what there is to print.
    ///
    /// # Errors
    /// Why it can't be done.
    pub fn run(&self) -> Result<String, Failure> {
        match self {
            Self::Token(mint) => mint.run(),
            Self::HashPassword(hash) => hash.run(),
            Self::Check(check) => check.run(),
            Self::HealthCheck(check) => check.run(),
            Self::Man(man) => Ok(man.run()),
            Self::Completions(completions) => Ok(completions.run()),
        }
    }
}
