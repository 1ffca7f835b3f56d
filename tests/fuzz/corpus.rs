//! What is mutated: messages as the specifications print them.

use std::net::IpAddr;

use socksd::manage::{DIALECTS, Dialect};

use crate::golden_file::{Transcript, transcripts};
use crate::random::Random;

/// Where the peers of all conversations come from.
pub const FROM: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 7));

/// The messages of a client, one after the other.
pub type Messages = Vec<Vec<u8>>;

/// A conversation like one of `seeds`: messages are dropped, doubled, moved, taken
/// from another one, and changed by `change`.
pub fn conversation(
    random: &mut Random,
    seeds: &[Messages],
    change: impl Fn(&mut Random, &mut Vec<u8>, &[u8]),
) -> Messages {
    let mut messages = random.pick(seeds).clone();
    let other = random.pick(seeds);
    for _ in 0..random.below(4) {
        let at = random.below(messages.len() + 1);
        match random.below(4) {
            0 if at < messages.len() => drop(messages.remove(at)),
            1 if at < messages.len() => messages.insert(at, messages[at].clone()),
            2 if at < messages.len() => {
                let with = random.below(messages.len());
                messages.swap(at, with);
            }
            _ => messages.insert(at, random.pick(other).clone()),
        }
    }
    for _ in 0..random.below(3) {
        let at = random.below(messages.len().max(1));
        let from = random.pick(other).clone();
        if let Some(message) = messages.get_mut(at) {
            change(random, message, &from);
        }
    }
    messages
}

/// What the client of a transcript sends.
pub fn sent(transcript: &Transcript) -> Messages {
    transcript.turns.iter().map(|turn| turn.sent.clone()).collect()
}

/// All messages of all transcripts, of both sides.
pub fn golden(name: &str) -> Messages {
    let dialect = dialect(name);
    let turns = transcripts(dialect).into_iter().flat_map(|transcript| transcript.turns);
    let both = turns.flat_map(|turn| {
        [turn.sent, turn.answer.into_iter().map(|octet| octet.unwrap_or(b'0')).collect()]
    });
    both.filter(|message| !message.is_empty()).collect()
}

pub fn dialect(name: &str) -> &'static Dialect {
    DIALECTS.iter().find(|dialect| dialect.name == name).expect("a dialect")
}

/// What the clients of `tests/pop3_session/transcripts.txt` send, a line each.
pub fn pop3() -> Vec<Messages> {
    let text = include_str!("../pop3_session/transcripts.txt");
    let sections = text.split("\n== ").skip(1);
    let lines = |section: &str| -> Messages {
        let sent = section.lines().filter_map(|line| line.strip_prefix("C: "));
        sent.map(|line| format!("{line}\r\n").into_bytes()).collect()
    };
    sections.map(lines).filter(|messages| !messages.is_empty()).collect()
}

/// What the servers of the same transcripts answer.
pub fn pop3_answers() -> Messages {
    let text = include_str!("../pop3_session/transcripts.txt");
    let answers = text.lines().filter_map(|line| line.strip_prefix("S: "));
    answers.map(|line| format!("{line}\r\n").into_bytes()).collect()
}

/// Handshakes of RFC 1928 and RFC 1929.
pub fn socks() -> Vec<Messages> {
    let (offer, login) = (b"\x05\x02\x00\x02".to_vec(), b"\x01\x03ana\x041234".to_vec());
    let requests = [
        b"\x05\x01\x00\x01\x7f\x00\x00\x01\x00\x50".to_vec(),
        b"\x05\x02\x00\x03\x0bexample.org\x01\xbb".to_vec(),
        b"\x05\x03\x00\x04\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x17\0\0".to_vec(),
        [&b"\x05\x01\x00\x03\xff"[..], &[b'n'; 255], b"\x00\x50GET / HTTP/1.1"].concat(),
    ];
    let open = |request: &Vec<u8>| vec![offer.clone(), request.clone()];
    let closed = |request: &Vec<u8>| vec![offer.clone(), login.clone(), request.clone()];
    requests.iter().map(open).chain(requests.iter().map(closed)).collect()
}

/// Headers of the PROXY protocol, and the octets of a handshake behind one of them.
pub fn headers() -> Messages {
    let binary = |version_family: &[u8; 2], block: &[u8]| {
        let length = u16::try_from(block.len()).expect("a short block").to_be_bytes();
        [b"\r\n\r\n\0\r\nQUIT\n", &version_family[..], &length, block].concat()
    };
    let v4 = b"\xc0\x00\x02\x07\xc6\x33\x64\x01\xdc\x04\x04\x38";
    let v6 = [&[0x20, 1, 0xd, 0xb8], &[0; 27][..], &[7, 0xdc, 4, 4, 0x38]].concat();
    let vectors = b"\x01\x00\x02h2\x04\x00\x04\0\0\0\0\x03\x00\x04\0\0\0\0";
    vec![
        b"PROXY TCP4 192.0.2.7 198.51.100.1 56324 1080\r\n".to_vec(),
        b"PROXY TCP6 2001:db8::7 ::ffff:192.0.2.7 56324 1080\r\n\x05\x01\x00".to_vec(),
        b"PROXY UNKNOWN\r\n".to_vec(),
        binary(b"\x21\x11", v4),
        binary(b"\x21\x11", &[&v4[..], &vectors[..12]].concat()),
        binary(b"\x21\x11", &[&v4[..], vectors].concat()),
        binary(b"\x21\x21", &v6),
        binary(b"\x21\x31", &[b'/'; 216]),
        binary(b"\x20\x00", b""),
    ]
}

/// Messages of both sides of SOCKS5, and datagrams.
pub fn socks_messages() -> Messages {
    let mut messages = socks().concat();
    messages.extend([
        b"\x05\x00".to_vec(),
        b"\x01\x00".to_vec(),
        b"\x05\x00\x00\x01\x7f\x00\x00\x01\x04\x38".to_vec(),
        b"\0\0\0\x01\x7f\x00\x00\x01\x00\x35question".to_vec(),
        b"\0\0\x01\x03\x0bexample.org\x00\x35question".to_vec(),
    ]);
    messages
}

/// Requests of a browser and of Prometheus: a head, and a body where there is one.
pub fn http() -> Vec<Messages> {
    let get = |path: &str| {
        format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer x\r\n\r\n")
    };
    let body = r#"{"connection":1,"name":"root","password":"secret"}"#;
    let post = format!(
        "POST /cut HTTP/1.1\r\nHost: localhost\r\nOrigin: http://localhost\r\nSec-Fetch-Site: \
         same-origin\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    let paths = ["/", "/live.json?find=%61na&sort=down&order=desc", "/healthz", "/page.css"];
    let mut seeds: Vec<Messages> = paths.iter().map(|path| vec![get(path).into_bytes()]).collect();
    seeds.push(vec![post.into_bytes(), body.as_bytes().to_vec()]);
    seeds
}
