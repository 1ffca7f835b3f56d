//! The server: arguments become a configuration, which is started and served
//! until a signal or an admin stops it.

use std::env;
use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Duration;

use argh::FromArgs;
use socksd::args::Args;
use socksd::manage::Secrets;
use socksd::server::{Config, Server, StartError};
use socksd::welcome::Welcome;
use socksd::{logger, net};

/// How long the last lines of the log may take to be read.
const LAST_WORDS: Duration = Duration::from_secs(1);

fn main() -> ExitCode {
    let words = env::args_os().skip(1).map(OsString::into_string);
    let Ok(words) = words.collect::<Result<Vec<String>, _>>() else {
        return fail("an argument is not valid Unicode text, write it in UTF-8", 2);
    };
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let args = match Args::from_args(&["socksd"], &words) {
        Ok(args) => args,
        Err(exit) if exit.status.is_ok() => return show(exit.output.trim_end()),
        Err(exit) => return fail(exit.output.trim_end(), 2),
    };
    if args.version {
        return show(concat!("socksd ", env!("CARGO_PKG_VERSION")));
    }
    if let Some(command) = &args.command {
        return command.run();
    }
    match args.into_config().map(serve) {
        Ok(Ok(())) => ExitCode::SUCCESS,
        Ok(Err(error)) => fail(&error.to_string(), 1),
        Err(usage) => fail(&usage, 2),
    }
}

fn show(text: &str) -> ExitCode {
    let shown = writeln!(io::stdout(), "{text}");
    if shown.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn fail(why: &str, code: u8) -> ExitCode {
    // Without a standard error the code has to say it.
    let _ = writeln!(io::stderr(), "socksd: {why}");
    ExitCode::from(code)
}

fn serve(config: Config) -> Result<(), StartError> {
    let log = logger::install()?;
    let served = serve_until_stopped(config);
    log.flush(LAST_WORDS);
    served
}

fn serve_until_stopped(mut config: Config) -> Result<(), StartError> {
    net::raise_descriptor_limit();
    config.secrets = Secrets::from_env()?.or(config.secrets);
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
