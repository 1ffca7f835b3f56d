//! The server: arguments become a configuration, which is started and served
//! until a signal or an admin stops it.

use std::env;
use std::ffi::OsString;
use std::process::ExitCode;

use argh::{ArgsInfo, FromArgs};
use socksd::args::Args;
use socksd::manual::help_as_option;
use socksd::printed::{failed, misuse, shown};
use socksd::run::{refuse, serve};
use socksd::words::apart;

fn main() -> ExitCode {
    let words = env::args_os().skip(1).map(OsString::into_string);
    let Ok(mut words) = words.collect::<Result<Vec<String>, _>>() else {
        return fail("an argument is not valid Unicode text, write it in UTF-8", 2);
    };
    help_as_option(&mut words);
    let words = apart(&Args::get_args_info(), words).concat();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let args = match Args::from_args(&["socksd"], &words) {
        Ok(args) => args,
        Err(exit) if exit.status.is_ok() => return show(&Args::help(&exit.output)),
        Err(exit) => {
            let why = format!("{}; see socksd --help", misuse(&exit.output));
            return refuse(&why, Args::log_format(&words));
        }
    };
    if args.version {
        return show(concat!("socksd ", env!("CARGO_PKG_VERSION")));
    }
    if let Some(command) = &args.command {
        return command.run().map_or_else(|error| fail(&error.why, error.code), |text| show(&text));
    }
    let refuse = |why: String| refuse(&why, Args::log_format(&words));
    args.into_config().map_or_else(refuse, serve)
}

fn show(text: &str) -> ExitCode {
    shown("socksd", text)
}

fn fail(why: &str, code: u8) -> ExitCode {
    failed(&format!("socksd: {why}"), code)
}
