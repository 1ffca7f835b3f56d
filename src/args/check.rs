//! `socksd check FILE`: what a configuration file means, or what is wrong with it.

use argh::{ArgsInfo, FromArgs};

use super::Args;
use super::explained::explained;
use crate::core::{Core, Start};
use crate::manage::{Secrets, Transport};
use crate::printed::{Failure, misuse};
use crate::server::{Config, StartError};

/// says what a configuration means or what is wrong
#[derive(FromArgs, ArgsInfo)]
#[argh(subcommand, name = "check", help_triggers("-h", "--help"))]
pub struct Check {
    /// the file
    #[argh(positional)]
    file: String,
}

impl Check {
    /// What the file means.
    ///
    /// # Errors
    /// Why it can't be used; the code is that of a start.
    pub fn run(&self) -> Result<String, Failure> {
        let wrong = |why| Failure { why, code: 2 };
        let mut config = self.config().map_err(wrong)?;
        let defaults = Args::from_args(&["socksd"], &[]).map_err(|exit| wrong(exit.output))?;
        let defaults = defaults.into_config().map_err(wrong)?;
        could_start(&mut config).map_err(|error| Failure {
            why: format!("{}: {error}", self.file),
            code: error.code(),
        })?;
        Ok(explained(&config, &defaults))
    }

    fn config(&self) -> Result<Config, String> {
        let args = Args::from_args(&["socksd"], &["--config", &self.file]);
        args.map_err(|exit| misuse(&exit.output))?.into_config()
    }
}

/// All that can be told without a listener.
fn could_start(config: &mut Config) -> Result<(), StartError> {
    let given = std::mem::take(&mut config.secrets);
    config.secrets = Secrets::from_env()?.or(given);
    config.restore()?;
    config.check()?;
    let stored = config.stored.clone().unwrap_or_default();
    let (scratch, _) = Core::new(Start { stored, ..Start::default() })?;
    for (dialect, _) in &config.dialects {
        match dialect.transport {
            Transport::Tcp(start) => drop(start(&scratch, &config.secrets)?),
            Transport::Udp(start) => drop(start(&scratch, &config.secrets)?),
        }
    }
    Ok(())
}
