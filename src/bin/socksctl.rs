//! The administrator's tool.
#![forbid(unsafe_code)]

use std::env;
use std::io::{self, Write};
use std::process::ExitCode;

use socksd::client::args::{self, Args, Output};
use socksd::client::watch::{self, Whom};
use socksd::client::{self, ClientError, render};

fn main() -> ExitCode {
    let arguments = match args::arguments(env::args_os().skip(1)) {
        Ok(arguments) => arguments,
        Err(error) => return fail(&error, Output::Text),
    };
    let args = match Args::parse(&arguments) {
        Ok(args) => args,
        Err(early) if early.status.is_ok() => return show(&Args::help(&early.output)),
        Err(early) => {
            // Some of argh's messages have several lines.
            let why = early.output.split_whitespace().collect::<Vec<_>>().join(" ");
            let error = ClientError::Usage(format!("{why}; see socksctl --help"));
            return fail(&error, Output::wanted(&arguments));
        }
    };
    match run(&args) {
        Ok(Some(text)) => show(&text),
        Ok(None) => ExitCode::SUCCESS,
        Err(error) => fail(&error, args.output),
    }
}

/// The answer, or nothing when all has been shown as it came.
fn run(args: &Args) -> Result<Option<String>, ClientError> {
    if let Some(text) = args.answer() {
        return Ok(Some(text));
    }
    let ask = args.ask()?;
    let credentials = args.credentials()?;
    let (dialect, server, patience) = (args.dialect, args.server(), args.timeout);
    if let Some(pace) = args.pace() {
        let whom = Whom { dialect, server, credentials, patience };
        return watch::run(whom, pace, args.output).map(|()| None);
    }
    let mut server = client::connect(dialect, &server, &credentials, patience)?;
    Ok(Some(render::answer(&ask, &server.say(&ask)?, args.output)))
}

fn show(text: &str) -> ExitCode {
    // Nobody is there to be told that nobody reads.
    let _ = writeln!(io::stdout(), "{}", text.trim_end());
    ExitCode::SUCCESS
}

fn fail(error: &ClientError, output: Output) -> ExitCode {
    eprintln!("{}", render::error(error, output));
    ExitCode::from(error.exit_code())
}
