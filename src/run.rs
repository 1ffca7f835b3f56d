//! From a validated configuration to the end of the process.

use std::io::{self, Write};
use std::time::Duration;

use crate::manage::Secrets;
use crate::server::{Config, Server, StartError};
use crate::welcome::Welcome;
use crate::{logger, net};

/// How long the last lines of the log may take to be read.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Serves until a signal or an admin stops it, with a log on standard error.
///
/// # Errors
/// [`StartError`] says what to change.
pub fn serve(config: Config) -> Result<(), StartError> {
    let log = logger::install()?;
    let served = serve_until_stopped(config);
    log.flush(LAST_WORDS);
    served
}

fn serve_until_stopped(mut config: Config) -> Result<(), StartError> {
    net::raise_descriptor_limit();
    config.secrets = Secrets::from_env()?.or(config.secrets);
    config.lock()?;
    config.restore()?;
    let welcome = Welcome::prepare(&mut config)?;
    let server = Server::start(config)?;
    let core = server.core().clone();
    ctrlc::set_handler(move || core.stop()).map_err(io::Error::other)?;
    // Nobody may be reading, which is no reason not to serve.
    let _ = io::stdout().write_all(welcome.text(server.listeners()).as_bytes());
    server.run();
    Ok(())
}
