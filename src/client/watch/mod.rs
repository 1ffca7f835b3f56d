//! `socksctl watch`: the server live, on a screen or as lines.
//!
//! ```text
//! terminal          lines       the thin loops: a screen with keys, or one line a look
//! view   keys                   what is drawn; what a key means
//! app                           what the screen is about: all that keys and looks change
//! board  list  history          rates; order, filter and selection; the last minutes
//! source                        one conversation, and another one when it has broken
//! sample                        one look at the server
//! ```
//!
//! All but the loops and the source are pure: values in, values out.

mod app;
mod board;
mod history;
mod keys;
mod lines;
mod list;
mod sample;
mod source;
mod terminal;
mod view;

use std::env;
use std::io::{self, IsTerminal};
use std::time::Duration;

use super::args::Output;
use super::{ClientError, Credentials, Dialect};

/// The server to look at, and how to be let in.
#[derive(Debug, Clone)]
pub struct Whom {
    /// The dialect to speak.
    pub dialect: Dialect,
    /// `HOST:PORT`.
    pub server: String,
    /// What the dialect wants to be shown.
    pub credentials: Credentials,
    /// How long connecting may take, and then each answer.
    pub patience: Duration,
}

/// How often to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// From one look to the next.
    pub interval: Duration,
    /// How many looks there are; `None`: until somebody ends it.
    pub count: Option<u64>,
}

/// Watches until somebody ends it: on a screen where there is a terminal and
/// people are to read it, otherwise as lines.
///
/// # Errors
/// What [`connect`](super::connect) and [`Client::say`](super::Client::say) say
/// about the first look; later only that the server does not let us in any more, or that
/// a line can't be written. A server that is gone is waited for.
pub fn run(whom: Whom, pace: Pace, output: Output) -> Result<(), ClientError> {
    let capable = env::var_os("TERM").is_none_or(|name| name != "dumb");
    if output == Output::Text && io::stdout().is_terminal() && capable {
        terminal::watch(whom, pace)
    } else {
        lines::watch(whom, pace, output)
    }
}
