//! `kill -9` at any moment, while changes run: no acknowledged change is lost, and
//! the state is always readable.

use std::collections::BTreeSet;
use std::sync::mpsc::{self, Sender};
use std::thread;
use std::time::Duration;

use crate::harness::file::Scratch;
use crate::harness::peer::Peer;
use crate::harness::server::Server;
use crate::harness::shoes::{Admin, add, buffer_size, edit, remove, spoofing};
use crate::harness::socks::can_log_in;

const KILLS: u64 = 200;
/// A user who stays and gets other passwords.
const ANA: &str = "ana";

/// What the state must say.
#[derive(Debug, Clone, PartialEq)]
struct State {
    users: BTreeSet<String>,
    buffer_size: i64,
    spoofing: bool,
    /// Of [`ANA`]; the file does not tell it.
    password: String,
}

impl State {
    /// What there is in the file, whose text must be whole.
    #[track_caller]
    fn of(file: &Scratch, password: &str) -> Self {
        let table: toml::Table = file.text().parse().expect("a readable state");
        let users = table["users"].as_array().expect("users");
        let name = |user: &toml::Value| user["name"].as_str().expect("a name").to_owned();
        let settings = table["settings"].as_table().expect("settings");
        Self {
            users: users.iter().map(name).collect(),
            buffer_size: settings.get("buffer_size").map_or(0, |size| size.as_integer().unwrap()),
            spoofing: settings.get("spoofing").is_some_and(|on| on.as_bool().unwrap()),
            password: password.into(),
        }
    }

    /// The request of a change, and what the state says after it.
    fn changed(&self, number: u64) -> (Vec<u8>, Self) {
        let mut after = self.clone();
        let name = format!("user-{number}");
        let oldest = self.users.iter().find(|user| *user != ANA).cloned();
        let request = match (number % 5, oldest) {
            (0, _) => {
                after.password = number.to_string();
                edit(ANA.as_bytes(), after.password.as_bytes())
            }
            (1, _) => {
                after.users.insert(name.clone());
                add(name.as_bytes(), b"1234")
            }
            (2, Some(oldest)) if self.users.len() > 4 => {
                after.users.remove(&oldest);
                remove(oldest.as_bytes())
            }
            (3, _) => {
                after.spoofing = !self.spoofing;
                spoofing(after.spoofing.into())
            }
            _ => {
                let octets = 512 + u16::try_from(number % 60_000).unwrap();
                after.buffer_size = octets.into();
                buffer_size(octets)
            }
        };
        (request, after)
    }
}

/// Changes until nobody answers, telling of each: what was acknowledged, and what was
/// asked last.
fn change(
    mut peer: Peer,
    mut state: State,
    mut number: u64,
    acknowledged: &Sender<()>,
) -> (State, State, u64) {
    use std::io::{Read, Write};
    loop {
        number += 1;
        let (request, after) = state.changed(number);
        let mut status = [0xff];
        let sent = peer.stream.write_all(&request);
        if sent.and_then(|()| peer.stream.read_exact(&mut status)).is_err() {
            return (state, after, number);
        }
        assert_eq!(status, [0x00], "change {number}");
        state = after;
        acknowledged.send(()).expect("the test goes on");
    }
}

#[test]
fn no_acknowledged_change_is_lost() {
    let file = Scratch::new("toml");
    let arguments = ["--state", file.path(), "-u", "ana:1234"];
    let mut server = Server::start(&arguments);
    let mut state = State::of(&file, "1234");
    assert_eq!(state.users.len(), 1);
    let mut number = 0;
    for kill in 0..KILLS {
        let (peer, before) = (Admin::of(&server).0, state.clone());
        let (acknowledging, acknowledgements) = mpsc::channel();
        let changing = thread::spawn(move || change(peer, before, number, &acknowledging));
        acknowledgements.recv().expect("a first change");
        // Any moment is right; these are spread over those of several changes.
        thread::sleep(Duration::from_micros(kill * 7919 % 60_000));
        server.kill();
        let (acknowledged, asked, last) = changing.join().expect("the changes");
        number = last;
        server = Server::start(&arguments);
        let password = [&acknowledged.password, &asked.password]
            .into_iter()
            .find(|password| can_log_in(&server, ANA, password))
            .expect("the acknowledged password, or the one that was asked for");
        state = State::of(&file, password);
        assert!(state == acknowledged || state == asked, "{state:?} after {acknowledged:?}");
        let users = Admin::of(&server).users();
        assert!(users.iter().map(Vec::as_slice).eq(state.users.iter().map(String::as_bytes)));
    }
}
