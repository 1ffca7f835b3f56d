//! The SOCKS-MONITOR codecs against the lines of its specification.

mod fragments;

use std::net::IpAddr;

use fragments::{holds_for_any_bytes, is_golden, mutate, survives_every_split};
use proptest::prelude::*;
use socksd::wire::Decoded;
use socksd::wire::monitor::{
    LINE_MAX, LineTooLong, Refusal, Reply, Request, Row, Stats, Totals, check_banner, decode_line,
    split_credentials,
};

fn config(parameter: &str, value: &[u8]) -> Request {
    Request::Config { parameter: parameter.into(), value: value.to_vec() }
}

fn encoded(encode: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut out = Vec::new();
    encode(&mut out);
    out
}

/// A line, understood.
fn decode(bytes: &[u8]) -> Decoded<Result<Request, Refusal>, LineTooLong> {
    Ok(decode_line(bytes, LINE_MAX)?.map(|(line, used)| (Request::parse(line), used)))
}

/// Every request with its line, as we write it.
fn requests() -> Vec<(&'static [u8], Request)> {
    vec![
        (b"STATS\n", Request::Stats),
        (b"CONNECTIONS\n", Request::Connections { list: false }),
        (b"CONNECTIONS list\n", Request::Connections { list: true }),
        (b"USERS\n", Request::Users),
        (b"CONFIG timeout 1\n", config("timeout", b"1")),
        (b"CONFIG max_connections 1000\n", config("max_connections", b"1000")),
        (b"CONFIG x \xff\0\n", config("x", b"\xff\0")),
        (b"QUIT\n", Request::Quit),
    ]
}

/// Requests with replies and their lines.
fn replies() -> Vec<(Request, &'static str, Reply)> {
    let stats = Stats {
        connections: 1,
        bytes: u64::MAX,
        users: 2,
        concurrent: 3,
        max_concurrent: 4,
        uptime: 85,
    };
    let totals = Totals { current: 1, max: 2, allowed: 500 };
    let users = ["ana:127.0.0.1", "ana:::1", "bea:192.0.2.7"];
    let users = users.iter().map(|user| user.split_once(':').unwrap());
    let users = users.map(|(name, from)| (name.to_string(), from.parse().unwrap())).collect();
    let set = Reply::Set { parameter: "timeout".into(), value: "1".into() };
    vec![
        (
            Request::Stats,
            "OK connections:1 bytes:18446744073709551615 users:2 concurrent:3 max_concurrent:4 \
             uptime:85",
            Reply::Stats(stats),
        ),
        (
            Request::Connections { list: false },
            "OK current:1 max:2 allowed:500",
            Reply::Connections(totals, vec![]),
        ),
        (
            Request::Connections { list: true },
            "OK current:1 max:2 allowed:500 \
             id:7,user:ana,client:[::1]:5000,target:example.org:80,state:open,bytes:99,age:3 \
             id:8,user:-,client:192.0.2.7:1,target:-,state:handshake,bytes:0,age:0",
            Reply::Connections(
                totals,
                vec![
                    row(7, "ana", "[::1]:5000", "example.org:80", "open", (99, 3)),
                    row(8, "-", "192.0.2.7:1", "-", "handshake", (0, 0)),
                ],
            ),
        ),
        (Request::Users, "OK No active users", Reply::Users(vec![])),
        (Request::Users, "OK ana:127.0.0.1 ana:::1 bea:192.0.2.7", Reply::Users(users)),
        (config("timeout", b"1"), "OK timeout set to 1", set),
        (Request::Stats, "ERR Unknown command: x", Reply::Refused("Unknown command: x".into())),
    ]
}

fn row(
    id: u64,
    user: &str,
    client: &str,
    target: &str,
    state: &str,
    (bytes, age): (u64, u64),
) -> Row {
    let [user, client, target, state] = [user, client, target, state].map(String::from);
    Row { id, user, client, target, state, bytes, age }
}

#[test]
fn every_request() {
    for (bytes, request) in requests() {
        is_golden(bytes, &Ok(request.clone()), decode);
        assert_eq!(encoded(|out| request.encode(out)), bytes);
    }
    is_golden(b"\n", &Err(Refusal::EmptyCommand), decode);
    is_golden(b"STAST\r\n", &Err(Refusal::UnknownCommand(b"STAST".to_vec())), decode);
}

#[test]
fn pipelined_requests_survive_every_split() {
    let (stream, values): (Vec<_>, Vec<_>) =
        requests().into_iter().map(|(bytes, request)| (bytes, Ok(request))).unzip();
    survives_every_split(&stream.concat(), &values, decode);
}

#[test]
fn every_reply() {
    for (request, line, reply) in replies() {
        assert_eq!(encoded(|out| reply.encode(out)), [line.as_bytes(), b"\n"].concat());
        assert_eq!(Reply::parse(&request, line), Ok(reply));
    }
}

#[test]
fn what_is_cut_or_added_is_another_reply_or_none() {
    for (request, line, reply) in replies() {
        for cut in 0..line.len() {
            assert_ne!(Reply::parse(&request, &line[..cut]).as_ref(), Ok(&reply), "{cut}");
        }
    }
    for (request, line) in [
        (Request::Quit, "OK"),
        (Request::Quit, "OK x"),
        (Request::Stats, "OK connections:1"),
        (
            Request::Stats,
            "OK connections:-1 bytes:0 users:0 concurrent:0 max_concurrent:0 uptime:0",
        ),
        (
            Request::Stats,
            "OK connections:1 bytes:0 users:0 concurrent:0 max_concurrent:0 uptime:0 more:1",
        ),
        (
            Request::Connections { list: false },
            "OK current:1 max:2 allowed:5 id:7,user:a,client:a,target:t,state:s,bytes:9,age:3",
        ),
        (Request::Users, "OK ana"),
        (Request::Users, "OK ana:somewhere"),
        (config("timeout", b"1"), "OK timeout is 1"),
        (config("timeout", b"1"), "timeout set to 1"),
    ] {
        assert!(Reply::parse(&request, line).is_err(), "{line}");
    }
}

#[test]
fn refusals_are_literal_and_stay_on_their_line() {
    for (refusal, text) in [
        (Refusal::InvalidBanner, "Invalid banner"),
        (Refusal::UnsupportedVersion(b"2.0".to_vec()), "Unsupported version: 2.0"),
        (Refusal::LineTooLong, "Line too long"),
        (Refusal::EmptyCommand, "Empty command"),
        (Refusal::InvalidName, "Invalid name"),
        (Refusal::UnknownCommand(b"STAST".to_vec()), "Unknown command: STAST"),
        (Refusal::Usage("CONFIG <param> <value>"), "Usage: CONFIG <param> <value>"),
        (Refusal::UnknownParameter("speed".into()), "Unknown config parameter: speed"),
        (
            Refusal::InvalidValue { parameter: "timeout".into(), value: b"x".to_vec() },
            "Invalid timeout value: x",
        ),
        (
            Refusal::UnsupportedVersion(b"\r\0\x1b[2J\\\xc3\xb1\x7f".to_vec()),
            "Unsupported version: \\x0d\\x00\\x1b[2J\\x5c\\xc3\\xb1\\x7f",
        ),
    ] {
        assert_eq!(refusal.to_string(), text);
    }
}

#[test]
fn no_name_ends_a_word_of_a_list_early() {
    let users = Reply::Users(vec![("a b,c\n".into(), IpAddr::from([127, 0, 0, 1]))]);
    assert_eq!(users.to_string(), "OK a\\x20b\\x2cc\\x0a:127.0.0.1");
    let rows = vec![row(1, "a b,c", "x", "a,b c:80", "open", (0, 0))];
    let list = Reply::Connections(Totals { current: 1, max: 1, allowed: 1 }, rows);
    assert_eq!(
        list.to_string(),
        "OK current:1 max:1 allowed:1 \
         id:1,user:a\\x20b\\x2cc,client:x,target:a\\x2cb\\x20c:80,state:open,bytes:0,age:0"
    );
}

#[test]
fn mutations_never_panic_nor_consume_what_is_not_there() {
    let mut golden: Vec<Vec<u8>> = vec![b"SoyUnCliente 1.0\n".to_vec(), b"root/secret\n".to_vec()];
    golden.extend(requests().into_iter().map(|(bytes, _)| bytes.to_vec()));
    golden.extend(replies().into_iter().map(|(_, line, _)| line.as_bytes().to_vec()));
    mutate(0x5eed_3043, 40_000, &golden, |bytes| {
        holds_for_any_bytes(bytes, decode);
        holds_for_any_bytes(bytes, |bytes| decode_line(bytes, 10).map(|line| line.map(owned)));
        if let Ok(Some((Err(refusal), _))) = decode(bytes) {
            assert!(refusal.to_string().bytes().all(|octet| (b' '..=b'~').contains(&octet)));
        }
        if let Err(refusal) = check_banner(bytes) {
            assert!(refusal.to_string().bytes().all(|octet| (b' '..=b'~').contains(&octet)));
        }
        if let Some((name, password)) = split_credentials(bytes) {
            assert!(!name.contains(&b'/') && name.len() + 1 + password.len() == bytes.len());
        }
        let text = String::from_utf8_lossy(bytes);
        for (request, ..) in replies() {
            let line = text.lines().next().unwrap_or_default();
            if let Ok(reply) = Reply::parse(&request, line) {
                assert_eq!(reply.to_string().lines().count(), 1, "{reply:?}");
            }
        }
    });
}

fn owned((line, used): (&[u8], usize)) -> (Vec<u8>, usize) {
    (line.to_vec(), used)
}

/// A word of a list: no space, comma or control character.
fn any_word() -> impl Strategy<Value = String> {
    "[a-z\u{e1}-\u{fa}0-9:.\\\\\\[\\]-]{1,20}"
}

fn any_row() -> impl Strategy<Value = Row> {
    let words = [any_word(), any_word(), any_word(), any_word()];
    (any::<u64>(), words, any::<(u64, u64)>()).prop_map(
        |(id, [user, client, target, state], numbers)| {
            row(id, &user, &client, &target, &state, numbers)
        },
    )
}

fn any_answer() -> impl Strategy<Value = (Request, Reply)> {
    prop_oneof![
        any::<[u64; 6]>().prop_map(|numbers| {
            let [connections, bytes, users, concurrent, max_concurrent, uptime] = numbers;
            let stats = Stats { connections, bytes, users, concurrent, max_concurrent, uptime };
            (Request::Stats, Reply::Stats(stats))
        }),
        (any::<[u64; 3]>(), prop::collection::vec(any_row(), 0..5)).prop_map(|(numbers, rows)| {
            let [current, max, allowed] = numbers;
            let totals = Totals { current, max, allowed };
            (Request::Connections { list: true }, Reply::Connections(totals, rows))
        }),
        prop::collection::vec(("[a-z\u{e1}-\u{fa}]{1,20}", any::<IpAddr>()), 0..5)
            .prop_map(|users| (Request::Users, Reply::Users(users))),
        ("[a-z_]{1,20}", "[0-9]{1,20}").prop_map(|(parameter, value)| {
            (config(&parameter, value.as_bytes()), Reply::Set { parameter, value })
        }),
        "[ -~]{0,40}".prop_map(|why| (Request::Users, Reply::Refused(why))),
    ]
}

proptest! {
    #[test]
    fn requests_round_trip(
        parameter in "[a-z0-9_]{1,255}",
        value in prop::collection::vec(33..=255_u8, 1..=255),
        behind in prop::collection::vec(any::<u8>(), 0..50),
    ) {
        let request = config(&parameter, &value);
        let mut bytes = encoded(|out| request.encode(out));
        let length = bytes.len();
        bytes.extend(behind);
        prop_assert_eq!(decode(&bytes), Ok(Some((Ok(request), length))));
    }

    #[test]
    fn replies_round_trip((request, reply) in any_answer()) {
        prop_assert_eq!(Reply::parse(&request, &reply.to_string()), Ok(reply));
    }
}
