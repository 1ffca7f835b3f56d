//! `socksd hash-password`: makes a password for a file.

use argh::{ArgsInfo, FromArgs};

use crate::client::prompt;
use crate::core::{Password, Phc};
use crate::printed::Failure;

/// reads a password, prints its argon2id hash
#[derive(FromArgs, ArgsInfo)]
#[argh(subcommand, name = "hash-password", help_triggers("-h", "--help"))]
pub struct HashPassword {}

impl HashPassword {
    /// The hash.
    ///
    /// # Errors
    /// Why there is none.
    pub fn run(&self) -> Result<String, Failure> {
        let typed = prompt::password("password: ")?;
        let password = Password::new(typed.as_bytes())?;
        let hash = Phc::of(&password).map_err(|error| format!("hashing failed: {error}"))?;
        Ok(hash.to_string())
    }
}
