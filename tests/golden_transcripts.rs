//! Replays `tests/golden/<dialect>.txt` against the dialects, and `socks5.txt`. The files are for
//! people; the format is explained at the top of `shoes.txt`.

mod golden_file;

use std::fs;
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::time::Instant;

use golden_file::{Transcript, core, golden, secrets, transcripts};
use socksd::core::Core;
use socksd::manage::{Conversation, DIALECTS, Dialect, Responder, Transport};
use socksd::net::session::{Input, Next, Session};
use socksd::socks::handshake::{Handshake, LONGEST_INPUT};

/// What differs each time, where both show it.
fn shown(answer: &[u8], expected: &[Option<u8>]) -> (String, String) {
    let any = |at: usize| expected.get(at) == Some(&None);
    let masked = |(at, octet): (usize, &u8)| if any(at) { b'?' } else { *octet };
    let answer: Vec<u8> = answer.iter().enumerate().map(masked).collect();
    let expected: Vec<u8> = expected.iter().map(|octet| octet.unwrap_or(b'?')).collect();
    (answer.escape_ascii().to_string(), expected.escape_ascii().to_string())
}

/// The dialects, and the handshake of SOCKS5 as if it were one.
fn rows() -> impl Iterator<Item = Dialect> {
    let transport = Transport::Tcp(|core, _| {
        let core = core.clone();
        Ok(Box::new(move |from| Box::new(Socks5::new(&core, from)) as Conversation))
    });
    let (name, longest_input, busy) = ("socks5", LONGEST_INPUT, Vec::new as fn() -> Vec<u8>);
    let socks5 = Dialect { name, longest_input, transport, busy };
    DIALECTS.iter().copied().chain([socks5])
}

struct Socks5(Handshake<'static>);

impl Socks5 {
    fn new(core: &Core, from: IpAddr) -> Self {
        // A transcript's few octets may live until the test ends.
        let core: &'static Core = Box::leak(Box::new(core.clone()));
        let connection = core.admit("socks", (from, 4711).into()).unwrap();
        Self(Handshake::new(core, Box::leak(Box::new(connection))))
    }
}

impl Session for Socks5 {
    type Done = ();

    fn advance(&mut self, input: &mut Input, output: &mut Vec<u8>, now: Instant) -> Next<()> {
        match self.0.advance(input, output, now) {
            Next::Read { until } => Next::Read { until },
            Next::Write => Next::Write,
            Next::Close | Next::Done(_) => Next::Close,
        }
    }
}

/// A conversation as the driver leads it, without a socket.
struct Replay {
    peer: Peer,
    input: Input,
    output: Vec<u8>,
    closed: bool,
}

/// What answers.
enum Peer {
    Stream(Conversation),
    /// Every turn is a datagram.
    Datagrams(Responder),
}

const FROM: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7));

impl Replay {
    fn new(dialect: &Dialect, transcript: &Transcript) -> Self {
        let (core, secrets) = (core(transcript), secrets(transcript));
        let peer = match dialect.transport {
            Transport::Tcp(start) => Peer::Stream(start(&core, &secrets).unwrap()(FROM)),
            Transport::Udp(start) => Peer::Datagrams(start(&core, &secrets).unwrap()),
        };
        let (input, output) = (Input::default(), Vec::new());
        let mut replay = Self { peer, input, output, closed: false };
        replay.advance();
        replay
    }

    fn feed(&mut self, octets: &[u8]) {
        if let Peer::Datagrams(respond) = &mut self.peer {
            self.output.extend(respond(octets, FROM).unwrap_or_default());
        } else if !octets.is_empty() && !self.closed {
            self.input.receive(octets);
            self.advance();
        }
    }

    fn advance(&mut self) {
        let Peer::Stream(conversation) = &mut self.peer else { return };
        loop {
            let next = conversation.advance(&mut self.input, &mut self.output, Instant::now());
            match next {
                Next::Write => continue,
                Next::Read { .. } => return,
                Next::Close | Next::Done(()) => return self.closed = true,
            }
        }
    }
}

fn for_every_transcript(check: impl Fn(&Dialect, &Transcript)) {
    for dialect in rows() {
        for transcript in transcripts(&dialect) {
            println!("{}: {}", dialect.name, transcript.title);
            check(&dialect, &transcript);
        }
    }
}

#[test]
fn turn_by_turn() {
    for_every_transcript(|dialect, transcript| {
        let mut replay = Replay::new(dialect, transcript);
        for turn in &transcript.turns {
            assert!(!replay.closed, "closed before {}", turn.sent.escape_ascii());
            replay.feed(&turn.sent);
            let answer = std::mem::take(&mut replay.output);
            let (answer, expected) = shown(&answer, &turn.answer);
            assert_eq!(answer, expected);
            let held = replay.input.bytes().len();
            assert!(held < dialect.longest_input, "{held} octets are left waiting");
        }
        assert_eq!(replay.closed, transcript.closes);
    });
}

#[test]
fn split_anywhere() {
    for_every_transcript(|dialect, transcript| {
        if let Transport::Udp(_) = dialect.transport {
            // A datagram comes whole or not at all.
            return;
        }
        let sent: Vec<u8> = transcript.turns.iter().flat_map(|t| t.sent.clone()).collect();
        let answers: Vec<Option<u8>> =
            transcript.turns.iter().flat_map(|t| t.answer.clone()).collect();
        let check = |parts: &mut dyn Iterator<Item = &[u8]>, how: &str| {
            let mut replay = Replay::new(dialect, transcript);
            parts.for_each(|part| replay.feed(part));
            let (answer, expected) = shown(&replay.output, &answers);
            assert_eq!((answer, replay.closed), (expected, transcript.closes), "{how}");
        };
        for size in 1..=sent.len() {
            check(&mut sent.chunks(size), &format!("in parts of {size}"));
        }
        for cut in 0..=sent.len() {
            let (first, second) = sent.split_at(cut);
            check(&mut [first, second].into_iter(), &format!("cut at {cut}"));
        }
    });
}

/// A file that no dialect reads would prove nothing.
#[test]
fn every_file_has_its_dialect() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        assert!(
            rows().any(|dialect| golden(&dialect) == path),
            "no dialect reads {}",
            path.display()
        );
    }
}
