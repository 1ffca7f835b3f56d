//! A web page to fetch, and curl to fetch it with.

use std::io::Write;
use std::net::SocketAddr;
use std::process::Command;

use super::server::{Run, run};
use super::target::Target;

pub const PAGE: &str = "<p>It works.</p>";

/// An HTTP server with one page, complete with its length.
pub fn web() -> SocketAddr {
    Target::listen().serve(|peer| {
        let mut request = Vec::new();
        let mut buffer = [0; 1024];
        while !request.ends_with(b"\r\n\r\n") {
            match peer.read(&mut buffer) {
                Ok(count) if count > 0 => request.extend_from_slice(&buffer[..count]),
                _ => return,
            }
        }
        let length = PAGE.len();
        let page = format!(
            "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{PAGE}"
        );
        let _ = (&peer.stream).write_all(page.as_bytes());
    })
}

/// Runs curl; whoever calls this has seen that it is there.
#[track_caller]
pub fn curl(args: &[&str]) -> Run {
    let mut command = Command::new("curl");
    command.args(["--silent", "--show-error", "--max-time", "15", "--noproxy", ""]).args(args);
    run(command)
}
