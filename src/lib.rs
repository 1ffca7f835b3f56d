//! socksd: a SOCKS5 proxy in plain blocking Rust that an administrator can steer
//! while it runs.
//!
//! This page is the architecture. Read the rooms in this order; each explains
//! itself at its top.
//!
//! ```text
//! bin/socksd  bin/socksctl        arguments -> validated configuration -> start
//! run                             from a configuration to the end of the process
//! args  welcome                   the command line, the first words
//! server  token  hash  health     where everything meets; tokens and passwords made
//! socks pop3 manage http client   conversations: what a byte means here
//! logger  net  state              the log, sockets and time, what survives
//! manual  words                   help and completions; the words of a command line
//! core              wire          meaning        |        bytes <-> values
//! ```
//!
//! Imports point downwards only; `tests/layering.rs` fails when one does not.
//!
//! 1. [`wire`]: pure codecs. Every decoder answers "need more", "here is the value
//!    and how many octets it took", or what is wrong.
//! 2. [`core`]: users, admins, settings, rules, metrics and open connections behind one
//!    handle, [`core::Core`], and one vocabulary: [`core::Command`],
//!    [`core::Outcome`], [`core::Denied`]. A dialect can say nothing else.
//! 3. [`net::session`]: a conversation is a state machine, bytes in and bytes out.
//!    [`net::driver`] is the one place that feeds it from a socket.
//! 4. [`socks::handshake`]: the SOCKS5 conversation, then [`socks::connect`],
//!    [`socks::bind`] and [`socks::udp`] for what can be asked.
//! 5. [`net::relay`]: two threads, each copying one direction.
//! 6. [`pop3`]: the mailboxes of the users, from files on disk to the wire.
//! 7. [`manage`]: one file per management dialect, and the table of them.
//!    `examples/sixth_dialect.rs` is a whole one.
//! 8. [`http`]: what a browser and Prometheus may look at.
//! 9. [`state`]: the file in which users, admins and settings survive a restart.
//! 10. [`manual`]: help, manual pages and completions, made from the options.
//! 11. [`server`]: starts all of it, and stops it in the right order.
//!
//! # Invariants
//!
//! - Nothing that a peer sends is trusted past [`wire`]: no index, no `unwrap`, no
//!   allocation of a length that the peer chose.
//! - Success is a value. A [`core::Caller`] or a [`core::Client`] is made by a
//!   login only, and what comes next asks for one.
//! - What a client may reach is asked right before it is used, whatever the request
//!   was called: a datagram goes to a [`core::rules::Allowed`] only.
//! - Counts are guards. A [`core::Connection`] is counted, listed and logged for
//!   exactly as long as it lives.
//! - Locks are held for a few lines and never across I/O; the one lock that is, of
//!   changes being stored, is taken by changes and, every 30 seconds, to store what
//!   the users have used. Who serves a client takes it never.
//! - Nothing waits in an unbounded queue: what can't be served now is refused now.
//!
//! # Where this differs from what one would expect
//!
//! - Threads of the pool serve one connection after the other, so they are named
//!   `socks-1`, `socks-2` ... and not after a connection.
//! - A relay has no read timeouts. The server's main thread looks at all
//!   connections four times a second, compares their counters, and ends the silent
//!   ones from outside ([`core::Core::sweep`]). So the copying itself costs two
//!   system calls per chunk, and a changed timeout reaches what is already open.
//! - std can't interrupt a connect or a look-up, so a connection is parked outside of
//!   the thread that waits for one ([`net::control::Control::parking`]): whoever ends it
//!   need not wait.
//! - Who has not logged in is not refused where threads are few; the oldest stranger
//!   makes room ([`net::strangers`]).
//! - What a user has used is collected from the counters of its connections, a few
//!   times a second. Only where it has a rate or a quota does a piece ask first
//!   ([`core::Pace`]); where it has none that costs one relaxed load.
//! - A side that breaks has the other one reset, not closed: half an answer must
//!   not look like a whole one.
#![forbid(unsafe_code)]

pub mod args;
pub mod client;
pub mod core;
pub mod hash;
pub mod health;
pub mod http;
pub mod logger;
pub mod manage;
pub mod manual;
pub mod net;
pub mod pop3;
pub mod printed;
pub mod run;
pub mod server;
pub mod socks;
pub mod state;
pub mod token;
pub mod welcome;
pub mod wire;
pub mod words;
