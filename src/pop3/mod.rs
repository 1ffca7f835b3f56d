//! The POP3 server (RFC 1939, 2449, 3206, 5034): users of the proxy fetch the mail
//! in `maildir/<user>/{cur,new,tmp}`.
//!
//! ```text
//! service      admits a connection and has its session held
//! session      AUTHORIZATION, and which request is answered in which state
//! transaction  TRANSACTION and UPDATE: the messages as one session sees them
//! message      a file's octets -> CRLF, dot-stuffing, sizes
//! mailboxes    what a session needs of a mailbox: a trait, so that tests have theirs
//! maildir      the mailboxes on disk, with  lock  uid  sizes
//! ```
//!
//! # Decisions
//!
//! - **A user without a folder has an empty mailbox**, and none is made: a folder
//!   made here would belong to this server and not to the program that delivers.
//!   A maildir that is missing altogether is an error, though: to a client an
//!   empty mailbox means that everything is gone.
//! - **Nothing outside the maildir is served.** Links are not followed, neither a
//!   message nor a folder in the user's place, nor `cur` or `new`.
//! - **Sizes are measured**, not taken from file names (`S=`, `W=`), which anybody
//!   may have made up. They are remembered per message while the file's length and
//!   date stay the same.
//! - **The order** is that of the arrival times with which Maildir names begin,
//!   then of the names; names without a time come last.
//! - **Silence** ends a session after the timeout of the settings, but never before
//!   the ten minutes of RFC 1939, section 3, and after those before the login.

pub mod lock;
pub mod mailboxes;
pub mod maildir;
pub mod message;
mod reach;
pub mod service;
pub mod session;
mod sizes;
mod transaction;
pub mod uid;
