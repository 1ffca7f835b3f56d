//! The end of a connection whose last words must arrive.

use std::io::{ErrorKind, Read};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

use super::native;

/// How long a peer may take to read the last reply and leave.
const PATIENCE: Duration = Duration::from_secs(2);

/// Octets thrown away while waiting for that.
const MOST: usize = 1024 * 1024;

/// Closes so that what was written reaches the peer: closing a socket with
/// unread octets in it would send a reset, and a reset throws away what the peer
/// has not read yet. So: shut down the write side, drain briefly, then let the
/// caller close.
pub fn close_gracefully(mut stream: &TcpStream) {
    let end = Instant::now() + PATIENCE;
    if stream.shutdown(Shutdown::Write).is_err() {
        return;
    }
    let mut sink = [0; 2048];
    let mut drained = 0;
    while drained < MOST {
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() || stream.set_read_timeout(Some(left)).is_err() {
            return;
        }
        match stream.read(&mut sink) {
            Ok(0) => return,
            Ok(count) => drained += count,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(_) => return,
        }
    }
}

/// Ends a connection whose threads may be blocked in it. Unless it is `orderly` the
/// peer sees a reset and never an end, at once where the system can do that.
/// Elsewhere shutting down the reading alone wakes readers without a word to the
/// peer, and the reset follows when the last thread lets go; who is still stuck in
/// a write is freed by the second call, which comes `again`.
pub(super) fn end(stream: &TcpStream, orderly: bool, again: bool) {
    if !orderly {
        if native::reset(stream) {
            return;
        }
        native::reset_on_close(stream);
    }
    let how = if orderly || again { Shutdown::Both } else { Shutdown::Read };
    let _ = stream.shutdown(how);
}
