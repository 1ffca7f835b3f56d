//! What socksd can be told to do instead of serving.

use std::process::ExitCode;

use argh::{ArgsInfo, FromArgs};

use super::check::Check;
use super::documents::{Completions, Man};
use crate::hash::HashPassword;
use crate::health::HealthCheck;
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
    /// Does it.
    pub fn run(&self) -> ExitCode {
        match self {
            Self::Token(mint) => mint.print(),
            Self::HashPassword(hash) => hash.print(),
            Self::Check(check) => check.print(),
            Self::HealthCheck(check) => check.print(),
            Self::Man(man) => man.print(),
            Self::Completions(completions) => completions.print(),
        }
    }
}
