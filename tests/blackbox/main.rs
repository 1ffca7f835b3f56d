//! The programs from outside: only their command lines, sockets, logs and exit
//! codes, over loopback and on free ports. Every test has a process of its own.

#[path = "../foreign/mod.rs"]
mod foreign;
#[path = "../harness/mod.rs"]
#[allow(dead_code, reason = "the soak and the faults use the rest")]
mod harness;

mod socks {
    mod bind;
    #[cfg(all(target_os = "linux", feature = "native"))]
    mod bind_out;
    mod connect;
    mod curl;
    mod deadlines;
    mod failures;
    mod handshake;
    #[cfg(all(target_os = "linux", feature = "native"))]
    mod haproxy;
    mod limits;
    mod login;
    mod proxied;
    mod relay;
    #[cfg(target_os = "linux")]
    mod shortage;
    mod udp;
    mod udp_rejects;
}

mod manage {
    mod access_log;
    mod changes;
    mod config;
    mod credentials;
    mod guessing;
    mod ignored;
    mod kill;
    mod log;
    mod metrics;
    mod refused;
    mod shoes;
    mod shoes_login;
    #[cfg(unix)]
    mod shutdown;
    mod socksctl;
    mod start;
    mod state;
    mod user_limits;
    #[cfg(unix)]
    mod watch;
    mod watch_lines;
}

mod rules {
    mod changes;
    mod clients;
    mod config;
    mod datagrams;
    mod ruled;
    mod safe_default;
    mod targets;
}

/// The names of a maildir hold colons, which not every system allows.
#[cfg(unix)]
mod pop3 {
    mod clients;
    #[cfg(target_os = "linux")]
    mod large;
    mod limits;
    mod maildir;
    mod session;
    mod start;
}
