//! The POP3 conversation in memory: transcripts, any splits, and what must never
//! happen.

mod admission;
#[path = "../fragments/mod.rs"]
#[allow(dead_code, reason = "only its mutations are of use here; the codecs' tests use the rest")]
mod fragments;
mod maildirs;
mod memory;
mod server;

use std::time::Instant;

use memory::Memory;
use socksd::core::{
    Command, Connection, Core, Credential, Name, NewUser, Password, Settings, Start,
};
use socksd::net::session::{Input, Next, Session};
use socksd::pop3::session::Pop3Session;

const LOGIN: &[u8] = b"USER ana\r\nPASS 1234\r\n";

fn core() -> Core {
    let (core, _) = Core::new(Start { settings: Settings::default(), ..Start::default() }).unwrap();
    let (ana, password) = (Name::new(b"ana").unwrap(), Password::new(b"1234").unwrap());
    core.install_user(NewUser::new(ana, password)).unwrap();
    core
}

fn connect(core: &Core) -> Connection {
    core.admit("pop3", "192.0.2.7:4711".parse().unwrap()).unwrap()
}

/// A conversation as the driver leads it, without a socket.
struct Talk<'a> {
    session: Pop3Session<'a>,
    input: Input,
    /// What each advance has said.
    said: Vec<Vec<u8>>,
    closed: bool,
}

impl<'a> Talk<'a> {
    fn new(core: &'a Core, connection: &'a Connection, memory: &'a Memory) -> Self {
        let session = Pop3Session::new(core, connection, memory);
        let (input, said) = (Input::default(), Vec::new());
        let mut talk = Self { session, input, said, closed: false };
        talk.advance();
        talk
    }

    fn feed(&mut self, octets: &[u8]) {
        if !self.closed {
            self.input.receive(octets);
            self.advance();
        }
    }

    fn advance(&mut self) {
        loop {
            let mut output = Vec::new();
            let next = self.session.advance(&mut self.input, &mut output, Instant::now());
            self.said.push(output);
            match next {
                Next::Write => continue,
                Next::Read { .. } => return,
                Next::Close | Next::Done(()) => return self.closed = true,
            }
        }
    }

    fn take(&mut self) -> String {
        let said = std::mem::take(&mut self.said).concat();
        String::from_utf8(said).unwrap()
    }
}

#[derive(Default)]
struct Transcript {
    title: String,
    messages: Vec<(String, Vec<u8>)>,
    /// What is sent, and what is answered to it; first comes the greeting.
    turns: Vec<(String, String)>,
    closes: bool,
    left: Option<Vec<String>>,
}

fn transcripts() -> Vec<Transcript> {
    let mut all: Vec<Transcript> = Vec::new();
    for line in include_str!("transcripts.txt").lines() {
        if let Some(title) = line.strip_prefix("== ") {
            all.push(Transcript { title: title.into(), ..Transcript::default() });
        } else if !line.is_empty() && !line.starts_with('#') {
            take_line(line, all.last_mut().expect("a == before all else"));
        }
    }
    assert!(!all.is_empty());
    all
}

fn take_line(line: &str, transcript: &mut Transcript) {
    let (kind, rest) = line.split_once(' ').unwrap_or((line, ""));
    match kind {
        "message" => {
            let (id, file) = rest.split_once(' ').expect("a unique-id and a file");
            let file = file.replace("\\n", "\n").replace("\\r", "\r");
            transcript.messages.push((id.into(), file.into_bytes()));
        }
        "left" => transcript.left = Some(rest.split_whitespace().map(str::to_owned).collect()),
        "S:" if rest == "close" => transcript.closes = true,
        "C:" => transcript.turns.push((format!("{rest}\r\n"), String::new())),
        "S:" => {
            if transcript.turns.is_empty() {
                transcript.turns.push(Default::default());
            }
            let (_, answer) = transcript.turns.last_mut().unwrap();
            answer.push_str(&format!("{rest}\r\n"));
        }
        other => panic!("{other:?} begins no line"),
    }
}

#[test]
fn turn_by_turn() {
    for transcript in transcripts() {
        println!("{}", transcript.title);
        let (core, memory) = (core(), Memory::holding(transcript.messages.clone()));
        let connection = connect(&core);
        let mut talk = Talk::new(&core, &connection, &memory);
        for (sent, answer) in &transcript.turns {
            assert!(!talk.closed, "closed before {sent:?}");
            if !sent.is_empty() {
                talk.feed(sent.as_bytes());
            }
            assert_eq!(&talk.take(), answer, "to {sent:?}");
        }
        assert_eq!(talk.closed, transcript.closes);
        drop(talk);
        if let Some(left) = transcript.left {
            assert_eq!(memory.left(), left);
        }
    }
}

#[test]
fn pipelined_and_split_anywhere() {
    for transcript in transcripts() {
        println!("{}", transcript.title);
        let sent: String = transcript.turns.iter().map(|(sent, _)| sent.as_str()).collect();
        let answers: String = transcript.turns.iter().map(|(_, said)| said.as_str()).collect();
        let check = |parts: &mut dyn Iterator<Item = &[u8]>, how: &str| {
            let (core, memory) = (core(), Memory::holding(transcript.messages.clone()));
            let connection = connect(&core);
            let mut talk = Talk::new(&core, &connection, &memory);
            parts.filter(|part| !part.is_empty()).for_each(|part| talk.feed(part));
            assert_eq!((talk.take(), talk.closed), (answers.clone(), transcript.closes), "{how}");
            if let Some(left) = &transcript.left {
                assert_eq!(&memory.left(), left, "{how}");
            }
        };
        let sent = sent.as_bytes();
        for size in 1..=sent.len() {
            check(&mut sent.chunks(size), &format!("in parts of {size}"));
        }
        for cut in 0..=sent.len() {
            let (first, second) = sent.split_at(cut);
            check(&mut [first, second].into_iter(), &format!("cut at {cut}"));
        }
    }
}

/// Feeds the octets and then, unless it is closed, the client's end.
fn talk_to_the_end(memory: &Memory, octets: &[u8]) -> String {
    let core = core();
    let connection = connect(&core);
    let mut talk = Talk::new(&core, &connection, memory);
    talk.feed(octets);
    talk.feed(b"");
    talk.take()
}

fn one_message() -> Memory {
    Memory::holding([("1.a".to_owned(), b"a: b\n\nc\n".to_vec())])
}

#[test]
fn only_a_whole_quit_deletes() {
    for (rest, left) in [("", 1), ("QUIT", 1), ("QUIT\r", 1), ("QUIT now\r\n", 1), ("QUIT\n", 0)] {
        let memory = one_message();
        talk_to_the_end(&memory, &[LOGIN, b"DELE 1\r\n", rest.as_bytes()].concat());
        assert_eq!(memory.left().len(), left, "{rest:?}");
    }
}

#[test]
fn answers_are_on_their_way_before_anything_is_removed() {
    let (core, memory) = (core(), one_message());
    let connection = connect(&core);
    let mut session = Pop3Session::new(&core, &connection, &memory);
    let mut input = Input::default();
    input.receive(&[LOGIN, b"RETR 1\r\nDELE 1\r\nQUIT\r\n"].concat());
    let mut output = Vec::new();
    assert_eq!(session.advance(&mut input, &mut output, Instant::now()), Next::Write);
    assert!(output.ends_with(b"is deleted at QUIT\r\n"));
    assert_eq!(memory.left().len(), 1);
    output.clear();
    assert_eq!(session.advance(&mut input, &mut output, Instant::now()), Next::Close);
    assert_eq!(output, b"+OK goodbye\r\n");
    assert_eq!(memory.left().len(), 0);
}

#[test]
fn a_cut_session_deletes_nothing_even_if_its_quit_had_come() {
    let (core, memory) = (core(), one_message());
    let connection = connect(&core);
    let mut talk = Talk::new(&core, &connection, &memory);
    talk.feed(&[LOGIN, b"DELE 1\r\n"].concat());
    let proof = Credential::Checked(Ok(("test".into(), None)));
    let caller = core.log_in("test", proof, [127, 0, 0, 1].into()).unwrap();
    core.apply(&caller, Command::CutConnection(connection.id())).unwrap();
    talk.feed(b"QUIT\r\n");
    assert!(talk.closed);
    assert_eq!(memory.left().len(), 1);
}

#[test]
fn a_mailbox_has_one_session() {
    let (core, memory) = (core(), one_message());
    let (one, other) = (connect(&core), connect(&core));
    let mut first = Talk::new(&core, &one, &memory);
    first.feed(LOGIN);
    let mut second = Talk::new(&core, &other, &memory);
    second.take();
    second.feed(LOGIN);
    assert!(second.take().ends_with("-ERR [IN-USE] another session has the mailbox open\r\n"));
    assert!(!second.closed && !second.session.admitted());
    first.feed(b"QUIT\r\n");
    second.feed(LOGIN);
    assert!(second.take().ends_with("+OK 1 messages\r\n"));
    assert!(second.session.admitted());
}

#[test]
fn a_long_message_is_made_piece_by_piece() {
    for line in [&b"x\n"[..], b"\n", b".\n", &[b'x'; 1000]] {
        let file = line.repeat(5_000_000 / line.len());
        let memory = Memory::holding([("1.a".to_owned(), file)]);
        let (core, connection);
        core = self::core();
        connection = connect(&core);
        let mut talk = Talk::new(&core, &connection, &memory);
        talk.feed(&[LOGIN, b"RETR 1\r\nSTAT\r\n"].concat());
        let longest = talk.said.iter().map(Vec::len).max().unwrap();
        assert!(longest < 200_000, "{longest} octets at once");
        let all = talk.take();
        assert!(all.contains("\r\n.\r\n+OK 1 "), "its end and the next answer");
    }
}

#[test]
fn a_long_list_is_made_piece_by_piece() {
    let message = |n| (format!("{n:0>60}"), b"x\n".to_vec());
    let memory = Memory::holding((1..=5000).map(message));
    let (core, connection);
    core = self::core();
    connection = connect(&core);
    let mut talk = Talk::new(&core, &connection, &memory);
    talk.feed(&[LOGIN, b"UIDL\r\nLIST\r\n"].concat());
    let longest = talk.said.iter().map(Vec::len).max().unwrap();
    assert!(longest < 40_000, "{longest} octets at once");
    let all = talk.take();
    assert_eq!(all.matches("\r\n").count(), 3 + 5002 + 5002);
    assert!(all.ends_with("\r\n5000 3\r\n.\r\n"));
}

#[test]
fn a_message_that_breaks_off_has_no_end() {
    let mut memory = Memory::holding([("1.a".to_owned(), b"a: b\n".repeat(10))]);
    memory.breaks_after = Some(10);
    let all = talk_to_the_end(&memory, &[LOGIN, b"DELE 1\r\nRSET\r\nRETR 1\r\nQUIT\r\n"].concat());
    assert!(all.ends_with("+OK the message follows\r\na: b\r\na: b\r\n"), "{all:?}");
}

#[test]
fn messages_may_vanish() {
    let messages = (1..=3).map(|n| (format!("{n}.a"), b"x\n".to_vec()));
    let memory = Memory::holding(messages);
    let (core, connection);
    core = self::core();
    connection = connect(&core);
    let mut talk = Talk::new(&core, &connection, &memory);
    talk.feed(LOGIN);
    memory.messages.lock()[1].1 = None;
    talk.take();
    talk.feed(b"RETR 2\r\nTOP 2 0\r\nLIST 2\r\nSTAT\r\nLIST\r\nUIDL\r\nDELE 2\r\nQUIT\r\n");
    let gone = "-ERR message 2 is not in the mailbox any more\r\n".repeat(3);
    let expected = format!(
        "{gone}+OK 2 6\r\n+OK message numbers and their sizes follow\r\n1 3\r\n3 3\r\n.\r\n\
         +OK message numbers and their unique-ids follow\r\n1 1.a\r\n3 3.a\r\n.\r\n\
         +OK message 2 is deleted at QUIT\r\n+OK goodbye\r\n"
    );
    assert_eq!(talk.take(), expected);
}

#[test]
fn a_line_that_never_ends_ends_the_session() {
    let memory = one_message();
    for before in [&b""[..], LOGIN] {
        let all = talk_to_the_end(&memory, &[before, &[b'x'; 1025]].concat());
        assert!(all.ends_with("-ERR the POP3 line is over 1024 octets long\r\n"), "{all}");
    }
    let all = talk_to_the_end(&memory, &[&[b'x'; 1024][..], b"\r\nQUIT\r\n"].concat());
    assert!(all.ends_with("-ERR there is no such command\r\n+OK goodbye\r\n"), "{all}");
}

#[test]
fn mutated_sessions_never_panic_and_delete_only_at_a_quit() {
    let goldens: Vec<Vec<u8>> = transcripts()
        .iter()
        .map(|transcript| transcript.turns.iter().map(|(sent, _)| sent.as_str()).collect())
        .map(|sent: String| sent.into_bytes())
        .collect();
    let mut deleted = 0;
    fragments::mutate(0x1939_0995, 5_000, &goldens, |bytes| {
        let messages = (1..=3).map(|n| (format!("{n}.a"), b"a: b\n\n.x".to_vec()));
        let memory = Memory::holding(messages);
        let (core, connection);
        core = self::core();
        connection = connect(&core);
        let mut talk = Talk::new(&core, &connection, &memory);
        bytes.chunks(1 + bytes.len() % 17).for_each(|chunk| talk.feed(chunk));
        talk.feed(b"");
        if memory.left().len() < 3 {
            deleted += 1;
            assert!(talk.closed);
            assert!(talk.said.concat().ends_with(b"+OK goodbye\r\n"));
        }
    });
    assert!(deleted > 100, "{deleted}: the mutations hardly ever get as far as a QUIT");
}
