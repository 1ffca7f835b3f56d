//! `socksd man` and `socksd completions`.

use argh::{ArgsInfo, FromArgs};

use super::Args;
use super::manual::PROGRAM;
use crate::client;
use crate::manual::{self, Shell};

/// prints a page of the manual, for man(1)
#[derive(FromArgs, ArgsInfo)]
#[argh(subcommand, name = "man", help_triggers("-h", "--help"))]
pub struct Man {
    /// which page (socksd)
    #[argh(positional, arg_name = "socksd|socksctl", from_str_fn(page), default = "Page::Socksd")]
    page: Page,
}

#[derive(Clone, Copy)]
enum Page {
    Socksd,
    Socksctl,
}

fn page(text: &str) -> Result<Page, String> {
    match text {
        "socksd" => Ok(Page::Socksd),
        "socksctl" => Ok(Page::Socksctl),
        _ => Err("use socksd or socksctl".into()),
    }
}

impl Man {
    /// The page.
    pub fn run(&self) -> String {
        match self.page {
            Page::Socksd => manual::page(&PROGRAM, &Args::get_args_info()),
            Page::Socksctl => client::args::Args::page(),
        }
    }
}

/// prints a completion script for a shell
#[derive(FromArgs, ArgsInfo)]
#[argh(subcommand, name = "completions", help_triggers("-h", "--help"))]
pub struct Completions {
    /// which shell
    #[argh(positional, arg_name = "bash|zsh|fish")]
    shell: Shell,
}

impl Completions {
    /// The script.
    pub fn run(&self) -> String {
        manual::completions(&PROGRAM, &Args::get_args_info(), self.shell)
    }
}
