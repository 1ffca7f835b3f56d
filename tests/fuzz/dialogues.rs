//! The credential monitor: what it sees does not depend on the pieces.

use std::sync::Arc;

use parking_lot::Mutex;
use socksd::net::watch::Watch;
use socksd::socks::credentials::{CredentialMonitor, POP3_PORT};

use crate::corpus;
use crate::fuzz;
use crate::random::Random;

/// What the server and the client say in turns.
const DIALOGUES: [&[&str]; 5] = [
    &["+OK ready\r\n", "USER ada\r\n", "+OK\r\n", "PASS sesame\r\n", "+OK welcome\r\n"],
    &["+OK\r\n", "CAPA\r\nUSER ada\r\nPASS x\r\nSTAT\r\n", "+OK\r\nUSER\r\n.\r\n+OK\r\n+OK\r\n"],
    &["+OK\r\n", "AUTH PLAIN AGFkYQBzZXNhbWU=\r\n", "+OK\r\n"],
    &["+OK\r\n", "AUTH PLAIN\r\n", "+ \r\n", "AGFkYQBzZXNhbWU=\r\n", "+OK\r\n"],
    &[
        "+OK\r\n",
        "STLS\r\nUSER a\r\n",
        "-ERR no\r\n+OK\r\n",
        "PASS b\r\n",
        "-ERR\r\n",
        "PASS c\r\n",
    ],
];

pub fn fuzz_all() {
    let seeds: Vec<corpus::Messages> = DIALOGUES
        .iter()
        .map(|turns| turns.iter().map(|said| said.as_bytes().to_vec()).collect())
        .collect();
    for (target, port) in [("credentials, port 110", POP3_PORT), ("credentials", 2525)] {
        fuzz(target, |random, input| {
            let turns = corpus::conversation(random, &seeds, Random::mutate);
            *input = turns.join(&b'|');
            let whole = watch(port, turns.iter().map(|said| vec![&said[..]]));
            let pieces: Vec<Vec<&[u8]>> = turns.iter().map(|said| random.pieces(said)).collect();
            assert_eq!(watch(port, pieces.into_iter()), whole);
            assert!(whole.0.len() <= 1, "one connection, one login");
            assert!(whole.0.is_empty() || !whole.1, "it goes on behind a login");
        });
    }
}

/// A name and a password.
type Login = (Vec<u8>, Vec<u8>);

/// The logins seen in turns, of which the server has the first, and whether it still
/// watches.
fn watch<'a>(port: u16, turns: impl Iterator<Item = Vec<&'a [u8]>>) -> (Vec<Login>, bool) {
    let logins = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&logins);
    let record = move |name: &[u8], password: &[u8]| {
        assert!(name.len() <= 255 && password.len() <= 255);
        seen.lock().push((name.to_vec(), password.to_vec()));
    };
    let monitor = CredentialMonitor::new(port, Box::new(record));
    let mut going = true;
    for (turn, pieces) in turns.enumerate() {
        for piece in pieces {
            let more = if turn % 2 == 1 { monitor.up(piece) } else { monitor.down(piece) };
            assert!(going || !more, "it began again after it was done");
            going = more;
        }
    }
    let logins = logins.lock().clone();
    (logins, going)
}
