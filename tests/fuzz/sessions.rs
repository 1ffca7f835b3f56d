//! Every conversation, led as the driver does, without a socket.

use std::fmt::Debug;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use socksd::core::{Command, Core, Credential, Name, NewUser, Outcome, Password, Start};
use socksd::http::{HEAD_MAX, HttpSession, Sources};
use socksd::manage::{DIALECTS, Dialect, Host, JsonSession, Transport};
use socksd::net::session::{Input, Next, Session};
use socksd::pop3::session::{LONGEST_INPUT, Pop3Session};
use socksd::socks::handshake::{self, Handshake};
use socksd::wire::json::data::Sample;

use crate::corpus::{self, FROM, Messages};
use crate::fuzz;
use crate::golden_file::{self, Transcript};
use crate::memory::Memory;
use crate::random::Random;

/// The most that one step may say: 16 KiB are enough to be sent, and the longest
/// answer behind that is a list of names.
const MOST_OUTPUT: usize = 200_000;

/// Steps without new input before it is going round in circles: 3600 samples, and more
/// than any list has parts.
const MOST_STEPS: u32 = 100_000;

/// What a conversation has come to.
#[derive(Debug, PartialEq, Eq)]
struct Course {
    said: Vec<u8>,
    ending: String,
    /// What changed beside it.
    left: String,
}

/// Feeds the pieces to a session and says what it answered and how it ended.
fn lead<T: Debug>(
    session: &mut dyn Session<Done = T>,
    longest_input: usize,
    pieces: &[&[u8]],
) -> (Vec<u8>, String) {
    let (mut input, mut said) = (Input::default(), Vec::new());
    let (mut now, mut pieces) = (Instant::now(), Pieces::new(pieces));
    for _ in 0..MOST_STEPS {
        let (held, before) = (input.bytes().len(), said.len());
        let mut output = Vec::new();
        let next = session.advance(&mut input, &mut output, now);
        assert!(output.len() <= MOST_OUTPUT, "{} octets at once", output.len());
        assert!(input.bytes().len() <= held, "more is left than there was");
        said.extend_from_slice(&output);
        match next {
            Next::Write => assert!(said.len() > before, "nothing to write"),
            Next::Close => return (said, "closed".into()),
            Next::Done(value) => {
                let rest = [input.into_rest(), pieces.rest()].concat();
                return (said, format!("{value:?} then {}", rest.escape_ascii()));
            }
            Next::Read { until } => {
                let room = longest_input - input.bytes().len();
                match (until, input.ended() || room == 0) {
                    (_, false) => input.receive(pieces.next(room)),
                    (Some(until), true) => now = now.max(until),
                    (None, true) if input.ended() => return (said, "left".into()),
                    (None, true) => panic!("it reads no more of {longest_input} octets"),
                }
            }
        }
    }
    panic!("no end after {MOST_STEPS} steps");
}

/// What arrives, and in which pieces.
struct Pieces<'a> {
    first: &'a [u8],
    others: std::slice::Iter<'a, &'a [u8]>,
}

impl<'a> Pieces<'a> {
    fn new(pieces: &'a [&'a [u8]]) -> Self {
        Self { first: &[], others: pieces.iter() }
    }

    /// The next piece, or as much of it as there is room for; nothing at the end.
    fn next(&mut self, room: usize) -> &'a [u8] {
        if self.first.is_empty() {
            self.first = self.others.next().copied().unwrap_or_default();
        }
        let (piece, rest) = self.first.split_at(self.first.len().min(room));
        self.first = rest;
        piece
    }

    fn rest(self) -> Vec<u8> {
        [self.first.to_vec(), self.others.copied().flatten().copied().collect()].concat()
    }
}

/// Has `talk` the same result whole and in pieces? Clocks show seconds, which may
/// turn between two runs, so only what differs three times does.
fn same_in_any_pieces(random: &mut Random, bytes: &[u8], mut talk: impl FnMut(&[&[u8]]) -> Course) {
    let pieces = random.pieces(bytes);
    for attempt in 1.. {
        let (expected, split) = (talk(&[bytes]), talk(&pieces));
        if attempt == 3 {
            assert_eq!(expected, split);
        }
        if expected == split {
            return;
        }
    }
}

/// Users and settings, as an admin reads them.
fn state(core: &Core) -> String {
    let proof = Credential::Checked(Ok(("test".into(), None)));
    let caller = core.log_in("test", proof, [127, 0, 0, 1].into()).expect("a proof");
    let Ok(Outcome::Users(users)) = core.apply(&caller, Command::ListUsers) else {
        panic!("no users");
    };
    format!("{users:?} {:?}", core.settings())
}

pub fn fuzz_dialects() {
    for dialect in DIALECTS {
        let transcripts = golden_file::transcripts(dialect);
        let seeds: Vec<Messages> = transcripts.iter().map(corpus::sent).collect();
        let seeds: Vec<Messages> =
            seeds.into_iter().filter(|messages| !messages.is_empty()).collect();
        fuzz(&format!("{} conversation", dialect.name), |random, input| {
            let transcript = random.pick(&transcripts);
            let messages = corpus::conversation(random, &seeds, |random, message, other| {
                random.mutate(message, other);
                if dialect.name == "json" && !random.one_in(4) {
                    set_length(message);
                }
            });
            *input = messages.concat();
            if let Transport::Udp(_) = dialect.transport {
                return respond(dialect, transcript, &messages);
            }
            same_in_any_pieces(random, input, |pieces| talk(dialect, transcript, pieces));
        });
    }
}

/// Makes the first four octets say how many come behind them.
fn set_length(frame: &mut [u8]) {
    let length = u32::try_from(frame.len().saturating_sub(4)).expect("a short frame");
    if let Some(prefix) = frame.first_chunk_mut::<4>() {
        *prefix = length.to_be_bytes();
    }
}

fn talk(dialect: &Dialect, transcript: &Transcript, pieces: &[&[u8]]) -> Course {
    let (core, secrets) = (golden_file::core(transcript), golden_file::secrets(transcript));
    let Transport::Tcp(start) = dialect.transport else { panic!("no stream") };
    let mut session = match dialect.name {
        "json" => {
            let (key, host) = (secrets.jwt().expect("a key"), Box::<Fake>::default());
            Box::new(JsonSession::new(core.clone(), key, FROM, host))
        }
        _ => start(&core, &secrets).expect("all secrets")(FROM),
    };
    let (said, ending) = lead(session.as_mut(), dialect.longest_input, pieces);
    Course { said, ending, left: state(&core) }
}

/// Datagrams, one after the other.
fn respond(dialect: &Dialect, transcript: &Transcript, datagrams: &Messages) {
    let Transport::Udp(start) = dialect.transport else { panic!("no datagrams") };
    let core = golden_file::core(transcript);
    let secrets = golden_file::secrets(transcript);
    let Ok(mut respond) = start(&core, &secrets) else { return };
    for datagram in datagrams {
        let Some(reply) = respond(datagram, FROM) else {
            assert!(datagram.len() < 10, "no reply to a whole header");
            continue;
        };
        assert!((7..=65_507).contains(&reply.len()), "{} octets", reply.len());
        assert!(reply[1] == 0 || reply.len() == 7, "an error with data");
        assert_eq!(reply[2..7], datagram[1..6], "TYPE CMD ID");
    }
}

/// A machine of which every run sees the same.
#[derive(Default)]
struct Fake(Arc<AtomicU64>);

impl Host for Fake {
    fn time(&self) -> u64 {
        1_000_000_000_000
    }

    fn random(&self) -> std::io::Result<u64> {
        Ok(7)
    }

    fn uptime(&self) -> u64 {
        77
    }

    fn watch(&mut self) {
        self.0.store(0, Ordering::Relaxed);
    }

    fn sample(&mut self) -> Sample {
        let mem = self.0.fetch_add(1, Ordering::Relaxed);
        Sample { cpu: 0.5, mem, time: self.time() }
    }
}

fn core_with_ana() -> Core {
    let (core, _) = Core::new(Start::default()).expect("random bytes");
    let (ana, password) = (Name::new(b"ana").expect("a name"), Password::new(b"1234"));
    core.install_user(NewUser::new(ana, password.expect("a password"))).expect("room for a user");
    core
}

pub fn fuzz_handshakes() {
    let seeds = corpus::socks();
    for (target, open) in [("socks handshake", false), ("socks handshake, open", true)] {
        fuzz(target, |random, input| {
            let messages = corpus::conversation(random, &seeds, Random::mutate);
            *input = messages.concat();
            same_in_any_pieces(random, input, |pieces| {
                let core = match open {
                    true => Core::new(Start::default()).expect("random bytes").0,
                    false => core_with_ana(),
                };
                let connection = core.admit("socks", (FROM, 4711).into()).expect("room");
                let mut session = Handshake::new(&core, &connection);
                let (said, ending) = lead(&mut session, handshake::LONGEST_INPUT, pieces);
                assert!(said.len() <= 2 + 2 + 10, "more than three replies");
                Course { said, ending, left: state(&core) }
            });
        });
    }
}

pub fn fuzz_http() {
    let seeds = corpus::http();
    fuzz("http conversation", |random, input| {
        // Half of them are a right order to cut, which is changed once more.
        let seeds = if random.one_in(2) { &seeds[seeds.len() - 1..] } else { &seeds };
        *input = corpus::conversation(random, seeds, Random::mutate).concat();
        same_in_any_pieces(random, input, |pieces| {
            let core = core_with_ana();
            let (root, secret) = (Name::new(b"root").expect("a name"), Password::new(b"secret"));
            core.install_admin(root, secret.expect("a password")).expect("random bytes");
            let connection = core.admit("socks", (FROM, 4711).into()).expect("room");
            let sources = Sources {
                core: core.clone(),
                accept_errors: vec![],
                receive_errors: vec![],
                pools: vec![],
            };
            let clock = || std::time::UNIX_EPOCH;
            let mut session = HttpSession::new(Arc::new(sources), None, FROM, clock);
            let (said, ending) = lead(&mut session, HEAD_MAX, pieces);
            let left = format!("{} {}", connection.is_ended(), core.metrics().failed_logins);
            let cut = said.starts_with(b"HTTP/1.1 200 ") && said.ends_with(b" is cut.\"}");
            assert_eq!(connection.is_ended(), cut, "cut, and not said so");
            Course { said, ending, left }
        });
    });
}

/// Behind a proxy: the client has the address of the header, or is not served.
pub fn fuzz_proxied_handshakes() {
    let (headers, seeds) = (corpus::headers(), corpus::socks());
    fuzz("socks handshake behind a header", |random, input| {
        input.clone_from(random.pick(&headers));
        if random.one_in(2) {
            let other = random.pick(&headers);
            random.mutate(input, other);
        }
        input.extend(random.pick(&seeds).concat());
        same_in_any_pieces(random, input, |pieces| {
            let core = Core::new(Start::default()).expect("random bytes").0;
            let connection = core.admit_proxied("socks", (FROM, 4711).into()).expect("room");
            let mut session = Handshake::new(&core, &connection);
            let (said, ending) = lead(&mut session, handshake::LONGEST_INPUT, pieces);
            assert!(said.is_empty() || connection.is_identified(), "a word to a stranger");
            Course { said, ending, left: connection.client().to_string() }
        });
    });
}

pub fn fuzz_pop3() {
    let seeds = corpus::pop3();
    fuzz("pop3 conversation", |random, input| {
        let messages = corpus::conversation(random, &seeds, Random::mutate);
        *input = messages.concat();
        // Half of them get in whatever became of their login.
        if random.one_in(2) {
            input.splice(0..0, *b"USER ana\r\nPASS 1234\r\n");
        }
        same_in_any_pieces(random, input, |pieces| {
            let files: [&[u8]; 3] = [b"a: b\n\n.x\n", b"", &b"Subject: x\r\n\r\n.\r\n".repeat(300)];
            let messages = files.iter().enumerate();
            let messages = messages.map(|(n, file)| (format!("{n}.a"), file.to_vec()));
            let (memory, core) = (Memory::holding(messages), core_with_ana());
            let connection = core.admit("pop3", (FROM, 4711).into()).expect("room");
            let mut session = Pop3Session::new(&core, &connection, &memory);
            let (said, ending) = lead(&mut session, LONGEST_INPUT, pieces);
            let left = memory.left();
            if left.len() < 3 {
                // "the server MUST NOT remove any messages" unless QUIT was said.
                assert!(ending == "closed" && said.ends_with(b"+OK goodbye\r\n"), "{left:?}");
            }
            Course { said, ending, left: format!("{left:?} {}", state(&core)) }
        });
    });
}
