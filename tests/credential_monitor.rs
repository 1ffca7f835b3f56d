//! The credential monitor against whole dialogues, in any pieces.

#[allow(dead_code, reason = "only its mutations are of use here; the codecs' tests use the rest")]
mod fragments;

use std::sync::Arc;

use parking_lot::Mutex;
use socksd::net::watch::Watch;
use socksd::socks::credentials::{CredentialMonitor, POP3_PORT};

const ANOTHER_PORT: u16 = 2525;

/// "C: " begins what the client says, "S: " what the server says; every line gets a CRLF, and
/// neighbouring lines of one side go in one piece, so pipelining is seen as it is written.
fn dialogue(text: &str) -> Vec<(bool, Vec<u8>)> {
    let mut steps: Vec<(bool, Vec<u8>)> = Vec::new();
    for line in text.lines().map(str::trim_start).filter(|line| !line.is_empty()) {
        let (side, words) = line.split_at(3);
        let is_up = match side {
            "C: " => true,
            "S: " => false,
            _ => panic!("neither side says {line:?}"),
        };
        let bytes = [words.as_bytes(), b"\r\n"].concat();
        match steps.last_mut() {
            Some((last, said)) if *last == is_up => said.extend(bytes),
            _ => steps.push((is_up, bytes)),
        }
    }
    steps
}

/// A name and a password.
type Record = (Vec<u8>, Vec<u8>);

/// A monitor and what it has recorded.
struct Watched {
    monitor: CredentialMonitor,
    records: Arc<Mutex<Vec<Record>>>,
    going: bool,
}

impl Watched {
    fn new(port: u16) -> Self {
        let records = Arc::new(Mutex::new(Vec::new()));
        let recorded = Arc::clone(&records);
        let record = move |name: &[u8], password: &[u8]| {
            recorded.lock().push((name.to_vec(), password.to_vec()));
        };
        Self { monitor: CredentialMonitor::new(port, Box::new(record)), records, going: true }
    }

    /// Goes on calling after the end, where the answer must stay the same.
    fn say(&mut self, is_up: bool, bytes: &[u8]) {
        let more = if is_up { self.monitor.up(bytes) } else { self.monitor.down(bytes) };
        assert!(self.going || !more, "it began again after it was done");
        self.going = more;
    }

    /// What was recorded, as "name password", and whether it still watches.
    fn result(&self) -> (Vec<String>, bool) {
        let records = self.records.lock();
        let shown = |(name, password): &Record| {
            format!("{} {}", name.escape_ascii(), password.escape_ascii())
        };
        (records.iter().map(shown).collect(), self.going)
    }
}

/// The same result whole, in pieces of every size, and with each step cut in two anywhere.
#[track_caller]
fn gives(port: u16, steps: &[(bool, Vec<u8>)], records: &[&str], going: bool) {
    let expected = (records.iter().map(ToString::to_string).collect(), going);
    let longest = steps.iter().map(|(_, bytes)| bytes.len()).max().unwrap_or(1);
    for size in 1..=longest {
        let mut watched = Watched::new(port);
        for (is_up, bytes) in steps {
            bytes.chunks(size).for_each(|chunk| watched.say(*is_up, chunk));
        }
        assert_eq!(watched.result(), expected, "in pieces of {size}: {steps:?}");
    }
    for cut_step in 0..steps.len() {
        for cut in 0..=steps[cut_step].1.len() {
            let mut watched = Watched::new(port);
            for (at, (is_up, bytes)) in steps.iter().enumerate() {
                let (first, second) = bytes.split_at(if at == cut_step { cut } else { 0 });
                watched.say(*is_up, first);
                watched.say(*is_up, second);
            }
            assert_eq!(watched.result(), expected, "step {cut_step} cut at {cut}");
        }
    }
}

/// On both kinds of port.
#[track_caller]
fn finds(text: &str, records: &[&str], going: bool) {
    for port in [POP3_PORT, ANOTHER_PORT] {
        gives(port, &dialogue(text), records, going);
    }
}

/// Dialogues whose last line accepts a login, and that login as "name password".
const LOGINS: [(&str, &str); 12] = [
    ("S: +OK ready\nC: USER ada\nS: +OK\nC: PASS open sesame\nS: +OK", "ada open sesame"),
    ("S: +OK\nC: user Ada\nS: +OK\nC: pAsS  x \nS: +OK", "Ada  x "),
    ("S: +OK\nC: USER ada\nC: PASS x\nC: STAT\nS: +OK\nS: +OK", "ada x"),
    ("C: USER ada\nC: PASS x\nS: +OK\nS: +OK\nS: +OK", "ada x"),
    (
        "S: +OK\nC: CAPA\nC: USER ada\nC: PASS x\nC: STAT\nS: +OK\nS: USER\nS: +OK no answer\n\
         S: -ERR no answer\nS: ..\nS: .\nS: +OK\nS: +OK",
        "ada x",
    ),
    (
        "S: +OK\nC: CAPA\nS: -ERR\nC: AUTH\nS: +OK\nS: PLAIN\nS: .\nC: FOO\nS: -ERR\nC: NOOP\n\
         S: +OK\nC: LIST\nS: -ERR\nC: USER ada\nS: +OK\nC: PASS x\nS: +OK",
        "ada x",
    ),
    (
        "S: +OK\nC: USER ada\nS: +OK\nC: PASS no\nS: -ERR\nC: USER bob\nS: +OK\nC: PASS yes\nS: +OK",
        "bob yes",
    ),
    (
        "S: +OK\nC: USER ada\nC: PASS no\nC: USER bob\nC: PASS yes\nS: +OK\nS: -ERR\nS: +OK\nS: +OK",
        "bob yes",
    ),
    ("S: +OK\nC: AUTH PLAIN AGFkYQBzZXNhbWU=\nS: +OK", "ada sesame"),
    ("S: +OK\nC: auth plain\nS: + \nC: AGFkYQBzZXNhbWU=\nS: +OK", "ada sesame"),
    (
        "S: +OK\nC: AUTH PLAIN AGFkYQBubw==\nS: -ERR\nC: AUTH PLAIN\nS: + \nC: *\nS: -ERR\n\
         C: AUTH PLAIN\nS: -ERR\nC: AUTH PLAIN\nC: Ym9iAGFkYQBzZXNhbWU=\nS: +\nS: +OK",
        "ada sesame",
    ),
    (
        "S: +OK\nC: AUTH CRAM-MD5\nS: + PDE=\nC: PASS x\nS: + PDI=\nC: cGFzcw==\nS: -ERR\n\
         C: USER ada\nS: +OK\nC: PASS x\nS: +OK",
        "ada x",
    ),
];

#[test]
fn accepted_logins_are_recorded_in_any_pieces() {
    for (text, record) in LOGINS {
        finds(text, &[record], false);
        finds(&format!("{text} welcome\nS: +OK 0 0\nC: USER eve\nS: +OK"), &[record], false);
    }
}

#[test]
fn nothing_is_recorded_before_the_server_has_accepted_it() {
    for (text, record) in LOGINS {
        let (before, acceptance) = text.rsplit_once('\n').expect("several lines");
        assert_eq!(acceptance, "S: +OK");
        let mut watched = Watched::new(ANOTHER_PORT);
        dialogue(before).iter().for_each(|(is_up, said)| watched.say(*is_up, said));
        watched.say(false, b"+OK\r");
        assert_eq!(watched.result(), (vec![], true), "{text}");
        watched.say(false, b"\n");
        assert_eq!(watched.result(), (vec![record.to_string()], false), "{text}");
    }
}

#[test]
fn failures_record_nothing_and_are_watched_on() {
    for text in [
        "S: +OK\nC: USER ada\nS: +OK\nC: PASS x\nS: -ERR [AUTH] no",
        "S: +OK\nC: USER ada\nC: PASS x\nS: -ERR\nS: -ERR",
        "S: +OK\nC: AUTH PLAIN AGFkYQBzZXNhbWU=\nS: -ERR",
        "S: +OK\nC: AUTH PLAIN\nS: + \nC: *\nS: -ERR",
        "S: +OK\nC: AUTH PLAIN\nS: + \nC: AGFkYQBzZXNhbWU=\nS: -ERR",
        "S: +OK\nC: STLS\nS: -ERR",
        "S: +OK\nC: CAPA\nS: +OK\nS: +OK\nS: +OK\nC: USER ada\nC: PASS x",
        "S: +OK\nC: USER ada\nC: PASS x",
        "S: +OK",
        "C: USER ada\nC: PASS x",
    ] {
        finds(text, &[], true);
    }
}

#[test]
fn what_cannot_be_followed_ends_the_watching() {
    for text in [
        // Encrypted from here.
        "S: +OK\nC: STLS\nS: +OK\nC: USER ada\nC: PASS x\nS: +OK\nS: +OK",
        // Logged in without a password that we could read.
        "S: +OK <1@host>\nC: APOP ada c4c9334bac560ecc979e58001b3e22fb\nS: +OK",
        "S: +OK\nC: AUTH CRAM-MD5\nS: + PDE=\nC: AGFkYQBzZXNhbWU=\nS: +OK",
        "S: +OK\nC: AUTH CRAM-MD5 AGFkYQBzZXNhbWU=\nS: +OK",
        "S: +OK\nC: PASS x\nS: +OK",
        "S: +OK\nC: USER ada\nS: -ERR\nC: PASS x\nS: +OK",
        "S: +OK\nC: AUTH PLAIN AGFkYQBzZXNhbWU\nS: +OK",
        "S: +OK\nC: AUTH PLAIN =\nS: +OK",
        "S: +OK\nC: AUTH PLAIN\nS: +OK",
        "S: +OK\nC: QUIT\nS: +OK bye",
        // No dialogue of commands and answers.
        "S: +OK\nS: -ERR idle for too long",
        "S: +OK\nC: USER ada\nS: hello",
        "S: +OK\nC: USER ada\nS: + go on",
    ] {
        finds(text, &[], false);
    }
}

#[test]
fn another_protocol_is_left_alone_at_its_first_octets() {
    for greeting in ["220 mail ESMTP", "* OK IMAP4", "+PONG", "-ERR", "+O", "\n", "SSH-2.0-x"] {
        let mut watched = Watched::new(ANOTHER_PORT);
        watched.say(false, format!("{greeting}\r\n").as_bytes());
        assert!(!watched.going, "{greeting:?}");
        assert!(!watched.monitor.up(b"USER ada\r\nPASS x\r\n"));
    }
    for (text, first) in [("GET / HTTP/1.1\r\n\r\n", 1), ("\x16\x03\x01", 1), ("a1 LOGIN x y", 2)] {
        for (size, port) in [(1, ANOTHER_PORT), (first, ANOTHER_PORT), (first, POP3_PORT)] {
            let mut watched = Watched::new(port);
            text.as_bytes()[..first].chunks(size).for_each(|chunk| watched.say(true, chunk));
            assert_eq!(watched.going, port == POP3_PORT, "{text:?}");
        }
    }
    let mut watched = Watched::new(ANOTHER_PORT);
    watched.say(false, b"+");
    watched.say(false, b"O");
    assert!(watched.going, "it may still become a greeting");
    watched.say(false, b"X");
    assert!(!watched.going);
}

#[test]
fn on_its_own_port_any_line_greets() {
    let text = "S: ready\nC: USER ada\nS: +OK\nC: PASS x\nS: +OK";
    gives(POP3_PORT, &dialogue(text), &["ada x"], false);
    gives(ANOTHER_PORT, &dialogue(text), &[], false);
}

#[test]
fn bare_line_feeds_are_line_ends() {
    let steps = [(false, "+OK\n"), (true, "USER ada\nPASS x\n"), (false, "+OK\n+OK\n")]
        .map(|(is_up, said)| (is_up, said.as_bytes().to_vec()));
    gives(ANOTHER_PORT, &steps, &["ada x"], false);
}

#[test]
fn names_and_passwords_are_octets() {
    let mut watched = Watched::new(ANOTHER_PORT);
    watched.say(false, b"+OK\r\n");
    watched.say(true, b"USER \xe9\0\r\nPASS \xff \r\r\n");
    watched.say(false, b"+OK\r\n+OK\r\n");
    assert_eq!(watched.result(), (vec!["\\xe9\\x00 \\xff \\r".to_string()], false));
}

#[test]
fn names_and_passwords_have_at_most_255_octets() {
    for (name, password, is_recorded) in
        [(255, 255, true), (256, 1, false), (1, 256, false), (1, 0, true)]
    {
        let (name, password) = ("n".repeat(name), "p".repeat(password));
        let record = format!("{name} {password}");
        let records = if is_recorded { &[&*record][..] } else { &[] };
        let text = format!("S: +OK\nC: USER {name}\nS: +OK\nC: PASS {password}\nS: +OK");
        finds(&text, records, false);
    }
}

#[test]
fn a_line_over_1024_octets_ends_the_watching_at_once() {
    for is_up in [true, false] {
        for size in [1, 10, 5000] {
            let mut watched = Watched::new(POP3_PORT);
            watched.say(false, b"+OK\r\n");
            let line = [&b"CAPA "[..], &[b'x'; 1019]].concat();
            line.chunks(size).for_each(|chunk| watched.say(is_up, chunk));
            assert!(watched.going, "{size}");
            watched.say(is_up, b"x");
            assert!(!watched.going, "{size}");
        }
    }
}

#[test]
fn too_many_unanswered_commands_end_the_watching() {
    let mut watched = Watched::new(POP3_PORT);
    watched.say(false, b"+OK\r\n");
    let sent = (0..10_000).take_while(|_| {
        watched.say(true, b"USER ada\r\n");
        watched.going
    });
    assert_eq!(sent.count(), 409, "409 of them fit into 4096 octets");
    watched.say(true, b"PASS x\r\n");
    watched.say(false, &b"+OK\r\n".repeat(411));
    assert_eq!(watched.result(), (vec![], false));
}

#[test]
fn mutated_dialogues_never_panic_and_record_only_what_was_said() {
    // The sides take turns; 01 ends a turn.
    let goldens: Vec<Vec<u8>> = LOGINS
        .iter()
        .map(|(text, _)| {
            let mut steps = dialogue(text);
            if steps[0].0 {
                steps.insert(0, (false, Vec::new()));
            }
            let turns: Vec<Vec<u8>> = steps.into_iter().map(|(_, bytes)| bytes).collect();
            turns.join(&1)
        })
        .collect();
    let mut recorded = 0;
    fragments::mutate(0x5034_4616, 20_000, &goldens, |bytes| {
        let size = 1 + bytes.len() % 17;
        for port in [POP3_PORT, ANOTHER_PORT] {
            let mut watched = Watched::new(port);
            let mut up = Vec::new();
            for (turn, said) in bytes.split(|&octet| octet == 1).enumerate() {
                let is_up = turn % 2 == 1;
                if is_up {
                    up.extend_from_slice(said);
                }
                said.chunks(size).for_each(|chunk| watched.say(is_up, chunk));
            }
            let records = watched.records.lock();
            assert!(records.len() <= 1, "one connection, one login");
            for (name, password) in records.iter() {
                assert!(name.len() <= 255 && password.len() <= 255);
                let said = [b"PASS ", &password[..]].concat();
                let was_said = up.windows(said.len()).any(|w| w.eq_ignore_ascii_case(&said));
                let is_plain = up.windows(10).any(|w| w.eq_ignore_ascii_case(b"AUTH PLAIN"));
                assert!(was_said || is_plain);
                assert!(!watched.going);
            }
            recorded += records.len();
        }
    });
    assert!(recorded > 1000, "{recorded}: the mutations hardly ever get as far as a login");
}
