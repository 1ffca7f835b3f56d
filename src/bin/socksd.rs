//! The server: arguments become a configuration, which is started and served
//! until a signal or an admin stops it.

use std::env;
use std::io::{self, Write};
use std::process::ExitCode;

use argh::FromArgs;
use socksd::args::{Args, Command};
use socksd::manage::Secrets;
use socksd::server::{Config, Server, StartError};
use socksd::welcome::Welcome;
use socksd::{logger, net};

fn main() -> ExitCode {
    let words: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let args = match Args::from_args(&["socksd"], &words) {
        Ok(args) => args,
        Err(exit) if exit.status.is_ok() => {
            println!("{}", exit.output.trim_end());
            return ExitCode::SUCCESS;
        }
        Err(exit) => {
            eprintln!("socksd: {}", exit.output.trim_end());
            return ExitCode::from(2);
        }
    };
    if args.version {
        println!("socksd {}", env!("CARGO_PKG_VERSION"));
        return ExitCode::SUCCESS;
    }
    logger::install();
    if let Some(Command::Token(mint)) = &args.command {
        return mint.print();
    }
    let (error, code) = match args.into_config().map(serve) {
        Ok(Ok(())) => return ExitCode::SUCCESS,
        Ok(Err(error)) => (error.to_string(), 1),
        Err(usage) => (usage, 2),
    };
    eprintln!("socksd: {error}");
    ExitCode::from(code)
}

fn serve(mut config: Config) -> Result<(), StartError> {
    net::raise_descriptor_limit();
    config.secrets = Secrets::from_env()?;
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
