//! The server: arguments become a configuration, which is started and served
//! until a signal or an admin stops it.

use std::env;
use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;

use argh::FromArgs;
use socksd::args::Args;
use socksd::run::serve;

fn main() -> ExitCode {
    let words = env::args_os().skip(1).map(OsString::into_string);
    let Ok(words) = words.collect::<Result<Vec<String>, _>>() else {
        return fail("an argument is not valid Unicode text, write it in UTF-8", 2);
    };
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let args = match Args::from_args(&["socksd"], &words) {
        Ok(args) => args,
        Err(exit) if exit.status.is_ok() => return show(Args::help(&exit.output).trim_end()),
        Err(exit) => return fail(exit.output.trim_end(), 2),
    };
    if args.version {
        return show(concat!("socksd ", env!("CARGO_PKG_VERSION")));
    }
    if let Some(command) = &args.command {
        return command.run();
    }
    args.into_config().map_or_else(|usage| fail(&usage, 2), serve)
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
