//! Replays `tests/golden/<dialect>.txt` against the dialects, and `socks5.txt`. The files are for
//! people; the format is explained at the top of `shoes.txt`.

use std::fs;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::time::Instant;

use socksd::core::{
    AdminSecrets, Command, Core, Credential, Name, Password, Setting, Start, Token, latin1,
};
use socksd::manage::{
    Conversation, DIALECTS, Dialect, JwtKey, Responder, Secrets, SharedToken, Transport,
};
use socksd::net::session::{Input, Next, Session};
use socksd::socks::handshake::{Handshake, LONGEST_INPUT};

/// One `==` section of a file.
#[derive(Default)]
struct Transcript {
    title: String,
    given: Vec<String>,
    turns: Vec<Turn>,
    closes: bool,
}

/// What the client sends and what is answered before more is sent.
#[derive(Default)]
struct Turn {
    sent: Vec<u8>,
    /// `None` is an octet that differs each time.
    answer: Vec<Option<u8>>,
}

fn transcripts(dialect: &Dialect) -> Vec<Transcript> {
    let path = golden(dialect);
    let text = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let mut all: Vec<Transcript> = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let at = format!("{}:{}: {line}", path.display(), number + 1);
        if let Some(title) = line.strip_prefix("== ") {
            all.push(Transcript { title: title.into(), ..Transcript::default() });
        } else if !line.trim().is_empty() && !line.starts_with('#') {
            let current = all.last_mut().unwrap_or_else(|| panic!("{at}: before any =="));
            read_line(line, current).unwrap_or_else(|why| panic!("{at}: {why}"));
        }
    }
    assert!(!all.is_empty(), "{}: holds no transcript", path.display());
    all
}

fn golden(dialect: &Dialect) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    folder.join(dialect.name).with_extension("txt")
}

fn read_line(line: &str, transcript: &mut Transcript) -> Result<(), String> {
    if transcript.closes {
        return Err("nothing follows a close".into());
    }
    match line.split_once(' ') {
        Some(("given", what)) => transcript.given.push(what.into()),
        Some(("C:", octets)) => {
            let sent: Option<Vec<u8>> = read_octets(octets)?.into_iter().collect();
            let sent = sent.ok_or("?? can't be sent")?;
            transcript.turns.push(Turn { sent, answer: Vec::new() });
        }
        Some(("S:", octets)) if octets.trim() == "close" => transcript.closes = true,
        Some(("S:", octets)) => {
            if transcript.turns.is_empty() {
                // A banner, before the client has said anything.
                transcript.turns.push(Turn::default());
            }
            let turn = transcript.turns.last_mut().ok_or("no turn")?;
            turn.answer.extend(read_octets(octets)?);
        }
        _ => return Err("neither given nor C: nor S:".into()),
    }
    Ok(())
}

/// Hexadecimal octets, `??` for any, and quoted text, up to a `#`.
fn read_octets(text: &str) -> Result<Vec<Option<u8>>, String> {
    let mut octets = Vec::new();
    let mut left = text.chars();
    while let Some(next) = left.next() {
        match next {
            ' ' => {}
            '#' => break,
            '"' => read_quoted(&mut left, &mut octets)?,
            '\'' => {
                let (quoted, rest) = left.as_str().split_once('\'').ok_or("a ' is not closed")?;
                octets.extend(quoted.bytes().map(Some));
                left = rest.chars();
            }
            '?' => match left.next() {
                Some('?') => octets.push(None),
                _ => return Err("one ? is half an octet".into()),
            },
            high => {
                let low = left.next().ok_or("half an octet")?;
                let octet = high.to_digit(16).zip(low.to_digit(16));
                let (high, low) = octet.ok_or_else(|| format!("{high}{low} is no octet"))?;
                octets.push(Some((high * 16 + low) as u8));
            }
        }
    }
    Ok(octets)
}

fn read_quoted(left: &mut std::str::Chars<'_>, octets: &mut Vec<Option<u8>>) -> Result<(), String> {
    loop {
        let octet = match left.next().ok_or("a quote is not closed")? {
            '"' => return Ok(()),
            '\\' => match left.next() {
                Some('n') => b'\n',
                Some('r') => b'\r',
                Some('t') => b'\t',
                Some('0') => 0,
                Some(same @ ('\\' | '"')) => same as u8,
                other => return Err(format!("unknown escape {other:?}")),
            },
            ascii if ascii.is_ascii() => ascii as u8,
            other => return Err(format!("{other} is not ASCII, write its octets")),
        };
        octets.push(Some(octet));
    }
}

/// What differs each time, where both show it.
fn shown(answer: &[u8], expected: &[Option<u8>]) -> (String, String) {
    let any = |at: usize| expected.get(at) == Some(&None);
    let masked = |(at, octet): (usize, &u8)| if any(at) { b'?' } else { *octet };
    let answer: Vec<u8> = answer.iter().enumerate().map(masked).collect();
    let expected: Vec<u8> = expected.iter().map(|octet| octet.unwrap_or(b'?')).collect();
    (answer.escape_ascii().to_string(), expected.escape_ascii().to_string())
}

/// A core that holds what the transcript says.
fn core(transcript: &Transcript) -> Core {
    let (core, _) = Core::new(Start::default()).unwrap();
    let name = |text: &str| Name::new(&latin1(text).unwrap()).unwrap();
    let password = |text: &str| Password::new(&latin1(text).unwrap()).unwrap();
    let token = |text: &str| Token::new(text.as_bytes());
    for given in &transcript.given {
        match given.split_whitespace().collect::<Vec<_>>()[..] {
            // Not the core's: see `secrets`.
            ["token", _] => {}
            ["admin", admin, secret] => core.install_admin(name(admin), password(secret)).unwrap(),
            ["admin", admin, "token", text] => {
                let secrets = AdminSecrets { password: None, token: token(text) };
                core.install_admin(name(admin), secrets).unwrap();
            }
            ["user", user, secret] => core.install_user(name(user), password(secret)).unwrap(),
            [setting, value] => {
                let setting = Setting::parse(setting, value).unwrap();
                let proof = Credential::Checked(Ok(("test".into(), None)));
                let caller = core.log_in("test", proof, [127, 0, 0, 1].into()).unwrap();
                core.apply(&caller, Command::SetConfig(setting)).unwrap();
            }
            _ => panic!("given {given}: neither an account nor a setting"),
        }
    }
    core
}

/// The secrets that the transcript says, and the one of all JWTs.
fn secrets(transcript: &Transcript) -> Secrets {
    let token = transcript.given.iter().find_map(|given| given.strip_prefix("token "));
    let token = token.map(|text| SharedToken::parse(text.as_bytes()).expect("a token"));
    let jwt = JwtKey::new(b"the secret of the golden transcripts");
    // One for the first admin, whom no transcript needs: they name their own.
    let oneshot = Token::new(b"0123456789abcdef");
    Secrets { datagram: token, jwt, oneshot, http: None }
}

/// The dialects, and the handshake of SOCKS5 as if it were one.
fn rows() -> impl Iterator<Item = Dialect> {
    let transport = Transport::Tcp(|core, _| {
        let core = core.clone();
        Ok(Box::new(move |from| Box::new(Socks5::new(&core, from)) as Conversation))
    });
    let socks5 = Dialect { name: "socks5", longest_input: LONGEST_INPUT, transport };
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
