//! The administrator's tool.
#![forbid(unsafe_code)]

use std::env;
use std::process::ExitCode;

use socksd::client::args::{self, Args, Output};
use socksd::client::watch::{self, Whom};
use socksd::client::{self, ClientError, render};
use socksd::printed::{failed, misuse, shown};

fn main() -> ExitCode {
    let arguments = match args::arguments(env::args_os().skip(1)) {
        Ok(arguments) => arguments,
        Err(error) => return fail(&error, Output::Text),
    };
    let args = match Args::parse(&arguments) {
        Ok(args) => args,
        Err(early) if early.status.is_ok() => return show(&Args::help(&early.output)),
        Err(early) => {
            let why = format!("{}; see socksctl --help", misuse(&early.output));
            let error = ClientError::Usage(why);
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
    shown("socksctl", text)
}

fn fail(error: &ClientError, output: Output) -> ExitCode {
    failed(&render::error(error, output), error.exit_code())
}
