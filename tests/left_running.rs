//! A server that has not started, or is dropped before it runs, leaves nothing behind.

#[allow(dead_code, reason = "other tests use the rest")]
mod served;

use std::fs;
use std::net::{SocketAddr, TcpListener, UdpSocket};

use served::{try_start, until};
use socksd::server::Server;

const ALL: &str = "--monitor 127.0.0.1:0 --datagram 127.0.0.1:0 --pop3 127.0.0.1:0 \
                   --maildir / -u ana:1234 --http";

/// The threads of this process that a server keeps from its start on; on Linux.
fn threads() -> Vec<String> {
    let tasks = fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let names = tasks.filter_map(|task| fs::read_to_string(task.path().join("comm")).ok());
    let kept = |name: &String| ["accept-", "answer-", "log-"].iter().any(|of| name.starts_with(of));
    names.filter(kept).collect()
}

/// One test, as it looks at the threads of the whole process.
#[test]
fn nothing_is_left_running() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let error = try_start(&format!("{ALL} {}", taken.local_addr().unwrap()), None).err();
    assert!(error.unwrap().to_string().starts_with("listening for http on"));
    until("what was started is gone", || threads().is_empty());

    let server: Server = try_start(&format!("{ALL} 127.0.0.1:0"), None).unwrap();
    // They name themselves.
    until("its threads are there", || threads().len() == 7 || !cfg!(target_os = "linux"));
    let listeners: Vec<(&str, SocketAddr)> = server.listeners().collect();
    drop(server);
    for (name, address) in listeners {
        let free = match name {
            "datagram" => UdpSocket::bind(address).map(drop),
            _ => TcpListener::bind(address).map(drop),
        };
        assert!(free.is_ok(), "{name} still listens on {address}");
    }
    until("its threads are gone", || threads().is_empty());
}
