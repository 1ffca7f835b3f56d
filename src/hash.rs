//! `socksd hash-password`: makes a password for a file.

use std::io::{self, Write};
use std::process::ExitCode;

use argh::{ArgsInfo, FromArgs};

use crate::client::prompt;
use crate::core::{Password, Phc};

/// reads a password, prints its argon2id hash
#[derive(FromArgs, ArgsInfo)]
#[argh(subcommand, name = "hash-password", help_triggers("-h", "--help"))]
pub struct HashPassword {}

impl HashPassword {
    /// Prints the hash, or why there is none.
    pub fn print(&self) -> ExitCode {
        let printed = hash().and_then(|phc| {
            writeln!(io::stdout(), "{phc}").map_err(|error| format!("can't print it: {error}"))
        });
        match printed {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                // Without a standard error the code has to say it.
                let _ = writeln!(io::stderr(), "socksd: {error}");
                ExitCode::FAILURE
            }
        }
    }
}

fn hash() -> Result<Phc, String> {
    let typed = prompt::password("password: ").map_err(|error| error.to_string())?;
    let password = Password::new(typed.as_bytes()).map_err(|error| error.to_string())?;
    Phc::of(&password).map_err(|error| format!("hashing failed: {error}"))
}
