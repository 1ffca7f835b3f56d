//! The passive credential monitor: POP3 logins seen in relayed traffic.
//!
//! It reads along with both directions of one connection and records a name and a password once
//! the server has answered `+OK` to that very login; then, or as soon as it can't follow any
//! more, it is done. It only sees slices of what passes, so it can't change anything.
//!
//! # Following the dialogue
//!
//! A client may send several commands before the first answer. What a line of the client means
//! can depend on the answer before it (behind `AUTH PLAIN` it is a password after `+`, a command
//! after `-ERR`). So the client's lines wait as they are, and each is read when the server
//! answers it:
//!
//! ```text
//! up:    USER ada | PASS sesame | STAT        wait, oldest first
//! down:  +OK                                  answers USER: ada it is
//!        -ERR                                 answers PASS: wrong
//! ```
//!
//! # When it looks at all
//!
//! On port 110 always. On any other port when the server greets with `+OK`; any other first octet
//! ends the watching. A client that speaks before the greeting there is watched on only while it
//! begins like POP3 (see `OPENINGS`): a POP3 client waits for the greeting, but one that
//! doesn't may overtake it; HTTP or TLS are out with their first octet or two.
//!
//! # What it holds
//!
//! Per watched connection at most [`UNANSWERED_MAX`] octets of the client, one line of the server
//! and one name: under 12 KiB at the worst, with what buffers reserve as they grow; a few hundred
//! octets as a rule; nothing once it is done.

use std::ops::ControlFlow::{self, Break, Continue};

use parking_lot::Mutex;

use crate::net::watch::Watch;
use crate::wire::pop3::{Command, LINE_LEN_MAX, Plain, Status, decode_line};
use crate::wire::{FIELD_MAX, base64};

/// The port of POP3 (IANA).
pub const POP3_PORT: u16 = 110;

/// The most octets of commands that may wait for their answers. That is some hundred commands in
/// one go; who sends more does not log in that way.
pub const UNANSWERED_MAX: usize = 4096;

/// The commands with which a client can begin before it has logged in.
const OPENINGS: [&[u8]; 6] = [b"CAPA", b"USER", b"AUTH", b"APOP", b"STLS", b"QUIT"];

/// Takes the name and the password of an accepted login, each 0 to 255 octets of anything. It is
/// called on a thread of the relay, before the acceptance is passed on: it must not block.
pub type Record = Box<dyn Fn(&[u8], &[u8]) + Send + Sync>;

/// Watches one relayed connection for one accepted POP3 login.
pub struct CredentialMonitor {
    /// `None` once there is nothing more to see.
    dialogue: Mutex<Option<Dialogue>>,
    record: Record,
}

impl CredentialMonitor {
    /// A monitor for a connection to `destination_port`. `record` is called at most once.
    pub fn new(destination_port: u16, record: Record) -> Self {
        let dialogue = Dialogue::new(destination_port == POP3_PORT);
        Self { dialogue: Mutex::new(Some(dialogue)), record }
    }

    fn step(&self, follow: impl FnOnce(&mut Dialogue) -> Seen) -> bool {
        let mut watched = self.dialogue.lock();
        let Some(dialogue) = watched.as_mut() else { return false };
        let Break(login) = follow(dialogue) else { return true };
        *watched = None;
        drop(watched);
        if let Some(Login { name, password }) = login {
            (self.record)(&name, &password);
        }
        false
    }
}

impl Watch for CredentialMonitor {
    fn up(&self, bytes: &[u8]) -> bool {
        self.step(|dialogue| dialogue.up(bytes))
    }

    fn down(&self, bytes: &[u8]) -> bool {
        self.step(|dialogue| dialogue.down(bytes))
    }
}

struct Login {
    name: Vec<u8>,
    password: Vec<u8>,
}

/// Whether to go on, or else what has been found.
type Seen = ControlFlow<Option<Login>>;

/// Not POP3, no longer readable, or logged in by other means.
const DONE: Seen = Break(None);

/// What the server's next line is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Expected {
    Greeting,
    /// The answer to the oldest command that waits.
    Answer,
    /// The answer to the oldest line that waits, which is the client's response within `AUTH`.
    AnswerToResponse {
        plain: bool,
    },
    /// Another line of a long answer, or the "." behind it.
    Body,
}

struct Dialogue {
    /// Whether the port says so already.
    is_pop3: bool,
    expected: Expected,
    /// What the client has sent and the server has not answered.
    unanswered: Vec<u8>,
    /// The beginning of a line of the server.
    begun: Vec<u8>,
    /// The argument of the last `USER`, if it was accepted and isn't too long.
    name: Option<Vec<u8>>,
}

impl Dialogue {
    fn new(is_pop3: bool) -> Self {
        let (unanswered, begun) = (Vec::new(), Vec::new());
        Self { is_pop3, expected: Expected::Greeting, unanswered, begun, name: None }
    }

    fn up(&mut self, bytes: &[u8]) -> Seen {
        if self.unanswered.len() + bytes.len() > UNANSWERED_MAX {
            return DONE;
        }
        let begun = self.unanswered.rsplit(|&octet| octet == b'\n').next().unwrap_or_default();
        let before_begun = self.unanswered.len() - begun.len();
        self.unanswered.extend_from_slice(bytes);
        let greeted = self.expected != Expected::Greeting;
        if !self.is_pop3 && !greeted && !begins_like_pop3(&self.unanswered) {
            return DONE;
        }
        let grown = self.unanswered.get(before_begun..).unwrap_or_default();
        if has_too_long_line(grown) { DONE } else { Continue(()) }
    }

    fn down(&mut self, bytes: &[u8]) -> Seen {
        for piece in bytes.split_inclusive(|&octet| octet == b'\n') {
            if self.begun.len() + piece.len() > LINE_LEN_MAX {
                return DONE;
            }
            let mut line = std::mem::take(&mut self.begun);
            line.extend_from_slice(piece);
            if self.expected == Expected::Greeting && !self.may_greet(&line) {
                return DONE;
            }
            match decode_line(&line) {
                Ok(Some((line, _))) => self.server_line(line)?,
                Ok(None) => self.begun = line,
                Err(_) => return DONE,
            }
        }
        Continue(())
    }

    /// RFC 1939, section 4: the greeting "can be any positive response". The first POP3 (RFC 1081)
    /// had "any string terminated by CRLF", so on its own port the words don't matter.
    fn may_greet(&self, begun: &[u8]) -> bool {
        self.is_pop3 || begun.iter().zip(b"+OK").all(|(got, wanted)| got == wanted)
    }

    fn server_line(&mut self, line: &[u8]) -> Seen {
        let response_to_plain = match self.expected {
            Expected::Greeting => {
                // Less than "+OK" may be a beginning, but is no greeting.
                let positive = self.is_pop3 || Status::parse(line) == Some(Status::Ok);
                self.expected = Expected::Answer;
                return if positive { Continue(()) } else { DONE };
            }
            Expected::Body => {
                if line == b"." {
                    self.expected = Expected::Answer;
                }
                return Continue(());
            }
            Expected::Answer => None,
            Expected::AnswerToResponse { plain } => Some(plain),
        };
        // An answer to nothing (say, a farewell), or none at all: there is no following that.
        let (Some(status), Some(sent)) = (Status::parse(line), self.next_unanswered()) else {
            return DONE;
        };
        match response_to_plain {
            Some(plain) => self.response_answered(plain, &sent, status),
            None => self.command_answered(Command::parse(&sent), status),
        }
    }

    /// The oldest whole line of the client that has no answer yet.
    fn next_unanswered(&mut self) -> Option<Vec<u8>> {
        let (line, used) = decode_line(&self.unanswered).ok()??;
        let line = line.to_vec();
        self.unanswered.drain(..used);
        Some(line)
    }

    fn command_answered(&mut self, command: Command<'_>, status: Status) -> Seen {
        match (command, status) {
            (Command::Auth { .. }, Status::Continue) => {
                self.expected = Expected::AnswerToResponse { plain: command.is_plain() };
            }
            (_, Status::Continue) => return DONE,
            (Command::User(name), _) => {
                let accepted = status == Status::Ok && name.len() <= FIELD_MAX;
                self.name = accepted.then(|| name.to_vec());
            }
            (_, Status::Err) => {}
            (Command::Pass(password), Status::Ok) => {
                return Break(self.name.take().and_then(|name| login(&name, password)));
            }
            (Command::Auth { initial_response, .. }, Status::Ok) => {
                let response = initial_response.filter(|_| command.is_plain());
                return Break(response.and_then(login_of_plain));
            }
            (Command::Other { .. }, Status::Ok) => {
                // Behind STLS all is encrypted; APOP has logged in without telling the password;
                // behind QUIT comes nothing.
                if ["STLS", "APOP", "QUIT"].iter().any(|verb| command.is(verb)) {
                    return DONE;
                }
                if command.has_long_answer() {
                    self.expected = Expected::Body;
                }
            }
        }
        Continue(())
    }

    fn response_answered(&mut self, plain: bool, response: &[u8], status: Status) -> Seen {
        match status {
            // Another round of a mechanism that has several.
            Status::Continue => {}
            // Wrong, or cancelled: "if the client wishes to cancel the authentication exchange, it
            // issues a line with a single '*'", and the server "MUST reject" it.
            Status::Err => self.expected = Expected::Answer,
            Status::Ok if plain => return Break(login_of_plain(response)),
            Status::Ok => return DONE,
        }
        Continue(())
    }
}

/// The login, unless one of its parts is longer than a name or a password can be.
fn login(name: &[u8], password: &[u8]) -> Option<Login> {
    let fits = name.len() <= FIELD_MAX && password.len() <= FIELD_MAX;
    fits.then(|| Login { name: name.to_vec(), password: password.to_vec() })
}

/// The login in a response of the mechanism PLAIN.
fn login_of_plain(response: &[u8]) -> Option<Login> {
    let message = base64::decode(response).ok()?;
    let Plain { authcid, passwd, .. } = Plain::parse(&message)?;
    login(authcid, passwd)
}

/// Whether the first word is, or may become, one of [`OPENINGS`].
fn begins_like_pop3(bytes: &[u8]) -> bool {
    let (word, rest) = bytes.split_at_checked(4).unwrap_or((bytes, &[]));
    OPENINGS.iter().filter_map(|opening| opening.get(..word.len())).any(|begun| {
        begun.eq_ignore_ascii_case(word)
            && matches!(rest.first(), None | Some(b' ' | b'\r' | b'\n'))
    })
}

fn has_too_long_line(mut bytes: &[u8]) -> bool {
    loop {
        match decode_line(bytes) {
            Ok(Some((_, used))) => bytes = bytes.get(used..).unwrap_or_default(),
            Ok(None) => return false,
            Err(_) => return true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Everything that the dialogue has reserved.
    fn held(dialogue: &Dialogue) -> usize {
        let name = dialogue.name.as_ref().map_or(0, Vec::capacity);
        dialogue.unanswered.capacity() + dialogue.begun.capacity() + name
    }

    /// Feeds both directions with `chunk` until it gives up; how much it held at most.
    fn most_held(up: &[u8], down: &[u8], chunk: usize) -> usize {
        let mut dialogue = Dialogue::new(true);
        let mut most = 0;
        assert!(dialogue.down(b"+OK\r\n").is_continue());
        for _ in 0..10_000 {
            let going = [up, down].iter().zip([true, false]).all(|(bytes, is_up)| {
                bytes.chunks(chunk).all(|bytes| {
                    let seen = if is_up { dialogue.up(bytes) } else { dialogue.down(bytes) };
                    most = most.max(held(&dialogue));
                    seen.is_continue()
                })
            });
            if !going {
                return most;
            }
        }
        panic!("it never gives up, and holds {most} octets");
    }

    #[test]
    fn what_it_holds_is_bounded() {
        let long_name = [b"USER ".to_vec(), vec![b'n'; 255], b"\r\n".to_vec()].concat();
        for chunk in [1, 1000, 100_000] {
            for (up, down) in [
                (&b"\n"[..], &b""[..]),
                (b"NOOP\r\n", b""),
                (b"no end of line ", b""),
                (&long_name.repeat(2), b"+OK\r\n"),
                (b"", b"+OK no end of line "),
                (b"CAPA\r\nCAPA\r\nCAPA\r\n", b"+OK\r\nSASL PLAIN\r\n.\r\n"),
                (&[b'x'; 70_000], b""),
            ] {
                let most = most_held(up, down, chunk);
                assert!(most < 12 * 1024, "{most} octets in chunks of {chunk}");
            }
        }
    }

    #[test]
    fn a_client_that_speaks_first_must_begin_like_pop3() {
        for bytes in ["", "C", "us", "USER", "user ", "USER ada", "AUTH\r", "capa\n", "STLS\r\n"] {
            assert!(begins_like_pop3(bytes.as_bytes()), "{bytes:?}");
        }
        for bytes in ["G", "\x16\x03", "USERS", "a0", "CAP LS", "SSH-2.0", "\0", "*2", "AUTHX"] {
            assert!(!begins_like_pop3(bytes.as_bytes()), "{bytes:?}");
        }
    }
}
