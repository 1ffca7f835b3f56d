//! Every decoder of `wire/`, and what reads a line or a text that they give.

use std::fmt::Debug;

use socksd::core::rules::{Destination, Rule, RuleList};
use socksd::core::{Name, Password, Setting, latin1};
use socksd::wire::{
    Decoded, base64, datagram, json, monitor, oneshot, pop3, proxy_protocol, shoes, socks5,
};

use crate::corpus::{self, Messages};
use crate::fragments::holds_for_any_bytes;
use crate::fuzz;
use crate::random::Random;

pub fn fuzz_all() {
    socks5();
    shoes();
    monitor();
    oneshot();
    datagrams();
    json();
    pop3();
    rules();
    proxy_protocol();
}

/// Feeds mutated messages to `probe`.
fn feed(target: &str, seeds: &Messages, mut probe: impl FnMut(&[u8], &mut Random)) {
    fuzz(target, |random, input| {
        input.clone_from(random.pick(seeds));
        let other = random.pick(seeds);
        random.mutate(input, other);
        probe(input, random);
    });
}

/// A decoder of a stream: its answers are final, and the same in any pieces.
fn stream<T, E>(target: &str, seeds: &Messages, decode: impl Fn(&[u8]) -> Decoded<T, E>)
where
    T: Debug + PartialEq,
    E: Debug + PartialEq,
{
    feed(target, seeds, |bytes, random| {
        holds_for_any_bytes(bytes, &decode);
        let whole = read_all([bytes], &decode);
        assert_eq!(read_all(random.pieces(bytes), &decode), whole);
    });
}

/// All messages up to the first error, that error, and how much was taken.
fn read_all<'a, T, E>(
    pieces: impl IntoIterator<Item = &'a [u8]>,
    decode: impl Fn(&[u8]) -> Decoded<T, E>,
) -> (Vec<T>, Option<E>, usize) {
    let (mut received, mut taken, mut values) = (Vec::new(), 0, Vec::new());
    for piece in pieces {
        received.extend_from_slice(piece);
        loop {
            match decode(&received[taken..]) {
                Ok(None) => break,
                Ok(Some((value, used))) => {
                    assert!((1..=received.len() - taken).contains(&used), "{used} taken");
                    values.push(value);
                    taken += used;
                }
                Err(error) => return (values, Some(error), taken),
            }
        }
    }
    (values, None, taken)
}

fn socks5() {
    use socks5::{DatagramHeader, Greeting, Host, Login, LoginStatus, MethodSelection};
    let seeds = corpus::socks_messages();
    stream("socks5 greeting", &seeds, Greeting::decode);
    stream("socks5 method", &seeds, MethodSelection::decode);
    stream("socks5 login", &seeds, Login::decode);
    stream("socks5 login status", &seeds, LoginStatus::decode);
    stream("socks5 request", &seeds, socks5::Request::decode);
    stream("socks5 reply", &seeds, socks5::Reply::decode);
    feed("socks5 datagram", &seeds, |bytes, _| {
        if let Ok((header, used)) = DatagramHeader::decode(bytes) {
            assert!(used <= bytes.len(), "{used} taken");
            let mut again = Vec::new();
            header.encode(&mut again);
            assert_eq!(DatagramHeader::decode(&again), Ok((header, used)));
        }
        // What passes for a name has nothing in it that a resolver could stumble over.
        if let Ok(name) = Host::parse_name(bytes) {
            assert!(name.len() <= bytes.len() && !name.contains('\0'));
        }
    });
}

fn shoes() {
    use shoes::{Login, LoginStatus, Request, Response};
    let seeds = corpus::golden("shoes");
    stream("shoes login", &seeds, Login::decode);
    stream("shoes login status", &seeds, LoginStatus::decode);
    stream("shoes request", &seeds, Request::decode);
    let asked = [Request::Metrics, Request::ListUsers, Request::SpoofingStatus];
    for request in asked.into_iter().chain([Request::Spoofing(1)]) {
        let decode = |bytes: &[u8]| Response::decode(&request, bytes);
        stream(&format!("shoes response to {request:?}"), &seeds, decode);
    }
}

fn monitor() {
    use monitor::{LINE_MAX, Reply, Request, check_banner, decode_line, split_credentials};
    let seeds = corpus::golden("monitor");
    stream("monitor line", &seeds, |bytes| owned(decode_line(bytes, LINE_MAX)));
    let asked = ["STATS", "USERS", "CONNECTIONS", "CONNECTIONS list", "CONFIG timeout 1"];
    let asked = asked.map(|line| Request::parse(line.as_bytes()).expect("a request"));
    feed("monitor texts", &seeds, |line, _| {
        if let Ok(request) = Request::parse(line) {
            let mut again = Vec::new();
            request.encode(&mut again);
            assert!(again.len() <= line.len() + 2, "it has grown to {}", again.len());
        }
        if let Some((name, password)) = split_credentials(line) {
            assert_eq!(name.len() + 1 + password.len(), line.len());
        }
        // Only what they say is of interest, and that they say it.
        let _ = check_banner(line).map_err(|refusal| refusal.to_string());
        let text = String::from_utf8_lossy(line);
        asked.iter().for_each(|request| drop(Reply::parse(request, &text)));
        let mut words = text.splitn(2, ' ');
        if let (Some(name), Some(value)) = (words.next(), words.next()) {
            drop(Setting::parse(name, value));
        }
        for octets in [Some(line.to_vec()), latin1(&text).ok()].into_iter().flatten() {
            let longest = octets.len() <= 255;
            assert!(longest || (Name::new(&octets).is_err() && Password::new(&octets).is_err()));
        }
    });
}

fn oneshot() {
    use oneshot::{Counter, Opening, Request, Response};
    let seeds = corpus::golden("oneshot");
    stream("oneshot opening", &seeds, Opening::decode);
    stream("oneshot request", &seeds, Request::decode);
    for request in [Request::Get(Counter::Bytes), Request::BufferSize(b"512".to_vec())] {
        let decode = |bytes: &[u8]| Response::decode(&request, bytes);
        stream(&format!("oneshot response to {request:?}"), &seeds, decode);
    }
}

fn datagrams() {
    use datagram::{Header, Reply, Request, Response, parse_token};
    let seeds = corpus::golden("datagram");
    feed("datagram request", &seeds, |bytes, _| {
        let Some((header, data)) = Header::decode(bytes) else { return };
        assert!(data.len() < bytes.len());
        if let Ok(request) = Request::decode(header.kind, header.command, data) {
            assert_eq!(request.code(), (header.kind, header.command));
        }
        let _ = parse_token(&String::from_utf8_lossy(bytes));
    });
    let asked = [Request::Users { page: 1 }, Request::Historic, Request::Current, Request::Bytes];
    feed("datagram reply", &seeds, |bytes, _| {
        let data = Reply::decode(bytes).map_or(bytes, |_| bytes.get(7..).unwrap_or_default());
        for request in asked.iter().chain([&Request::PageSize, &Request::Stop]) {
            drop(Response::decode(request, data));
        }
    });
}

fn json() {
    use json::{Frame, FromServer, Request, data};
    let seeds = corpus::golden("json");
    stream("json frame", &seeds, |bytes| {
        let frame = Frame::decode(bytes);
        frame.map(|whole| whole.map(|(frame, used)| (frame.0.to_vec(), used)))
    });
    let payloads = seeds.iter().map(|frame| frame[4..].to_vec()).collect();
    feed("json payload", &payloads, |payload, _| {
        drop(FromServer::parse(payload));
        let Ok(request) = Request::parse(payload) else { return };
        drop(request.data::<data::Auth>());
        drop(request.data::<data::Window>());
        drop(request.data::<data::Account>());
        drop(request.data::<data::Removal>());
        drop(request.data::<data::UsersAfter>());
        drop(request.data::<data::ConnectionsAfter>());
        drop(request.data::<data::Cut>());
        drop(request.data::<data::Limitation>());
        drop(request.data::<data::Change>());
        drop(request.data::<data::RuleList>());
        drop(request.data::<data::NewRules>());
    });
}

fn pop3() {
    use pop3::{Command, Plain, Request, Status, decode_line};
    let seeds = [corpus::pop3().concat(), corpus::pop3_answers()].concat();
    stream("pop3 line", &seeds, |bytes| owned(decode_line(bytes)));
    feed("pop3 texts", &seeds, |line, _| {
        let command = Command::parse(line);
        assert!(command.verb().len() <= line.len());
        let _ = (command.is_plain(), command.has_long_answer(), Status::parse(line));
        drop(Request::parse(line).map_err(|error| error.to_string()));
    });
    let texts = ["AGFuYQAxMjM0", "YW5hAGFuYQAxMjM0", "QUFB", "QQ==", ""];
    let texts = texts.map(|text| text.as_bytes().to_vec()).to_vec();
    feed("base64", &texts, |text, _| {
        let Ok(octets) = base64::decode(text) else { return };
        assert_eq!(octets.len().div_ceil(3) * 4, text.len());
        if let Some(plain) = Plain::parse(&octets) {
            let parts = plain.authzid.len() + plain.authcid.len() + plain.passwd.len();
            assert_eq!(parts + 2, octets.len());
        }
    });
}

/// A rule reads as it shows, and any of them can be asked.
fn rules() {
    let seeds = [
        "allow *",
        "deny *:25,80-443",
        "deny 10.0.0.0/8:1-1023",
        "allow [2001:db8::]/32:80-443",
        "allow [::ffff:10.0.0.0]/104",
        "deny *.example.net:443",
        "deny xn--bcher-kva.example.",
        "allow 0x7f.1",
    ];
    let seeds: Messages = seeds.map(|text| text.as_bytes().to_vec()).to_vec();
    let address = "10.1.2.3:80".parse().expect("an address");
    feed("rules", &seeds, |bytes, _| {
        let text = String::from_utf8_lossy(bytes);
        drop(RuleList::parse(bytes));
        match text.parse::<Rule>() {
            Ok(rule) => {
                let shown = rule.to_string();
                assert!(shown.is_ascii() && shown.len() <= text.len() + 16, "{shown}");
                assert_eq!(shown.parse(), Ok(rule.clone()), "{shown}");
                assert!(
                    rule.ports.contain(80) || !rule.matches(&Destination { name: None, address })
                );
            }
            Err(why) => assert!(!why.to_string().contains(char::is_control)),
        }
        // A name is what a client sends.
        for rule in ["deny example.net", "deny *.example.net"] {
            let rule: Rule = rule.parse().expect("a rule");
            rule.matches(&Destination { name: Some(&text), address });
        }
    });
}

fn proxy_protocol() {
    let seeds = corpus::headers();
    stream("proxy protocol", &seeds, proxy_protocol::Header::decode);
}

fn owned<E>(decoded: Decoded<&[u8], E>) -> Decoded<Vec<u8>, E> {
    decoded.map(|whole| whole.map(|(line, used)| (line.to_vec(), used)))
}
