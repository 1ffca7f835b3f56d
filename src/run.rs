//! From a validated configuration to the end of the process.

use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Duration;

use crate::logger::{Format, Logging};
use crate::manage::Secrets;
use crate::printed::failed;
use crate::server::{Config, Server, StartError};
use crate::welcome::Welcome;
use crate::{logger, net};

/// How long the last lines of the log may take to be read.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Serves until a signal or an admin stops it, with a log on standard error. When it
/// can't start the code is [`StartError::code`], and standard error says what to change.
pub fn serve(config: Config) -> ExitCode {
    let format = config.logging.format;
    let log = match logger::install(config.logging) {
        Ok(log) => log,
        Err(error) => return failed(&format!("socksd: {}", StartError::from(error)), 1),
    };
    let served = serve_until_stopped(config);
    // What was said on the way comes before why it ended.
    log.flush(LAST_WORDS);
    let code = served.map_or_else(
        |error| not_started(&error.to_string(), error.code(), format),
        |()| ExitCode::SUCCESS,
    );
    log.flush(LAST_WORDS);
    code
}

/// Says that there is no configuration to start with, in the format of the log; the
/// code is 2.
pub fn refuse(why: &str, format: Format) -> ExitCode {
    let Ok(log) = logger::install(Logging { format, ..Logging::default() }) else {
        return not_started(why, 2, Format::Text);
    };
    let code = not_started(why, 2, format);
    log.flush(LAST_WORDS);
    code
}

/// People get a sentence, and who reads the log with a program an event.
fn not_started(error: &str, code: u8, format: Format) -> ExitCode {
    if format == Format::Text {
        return failed(&format!("socksd: {error}"), code);
    }
    log::error!(error; "not-started");
    ExitCode::from(code)
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
