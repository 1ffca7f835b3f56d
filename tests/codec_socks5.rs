//! The SOCKS5 codecs against the bytes of RFC 1928 and RFC 1929.

mod fragments;

use std::net::{Ipv4Addr, Ipv6Addr};

use fragments::{holds_for_any_bytes, is_golden, mutate, read_stream, survives_every_split};
use proptest::prelude::*;
use socksd::wire::Decoded;
use socksd::wire::socks5::{
    Address, Command, DatagramHeader, Greeting, Host, Login, LoginStatus, Method, MethodSelection,
    Reply, ReplyCode, Request, Socks5Error,
};

fn v4() -> Host {
    Host::V4(Ipv4Addr::new(192, 0, 2, 33))
}

fn v6() -> Host {
    Host::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0x17))
}

fn name() -> Host {
    Host::Name(b"example.org".to_vec())
}

fn encoded(encode: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut out = Vec::new();
    encode(&mut out);
    out
}

/// Every kind of host with its octets on the wire, ATYP first.
fn hosts() -> [(Host, Vec<u8>); 4] {
    let v6_octets = b"\x04\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x17";
    [
        (v4(), b"\x01\xc0\x00\x02\x21".to_vec()),
        (v6(), v6_octets.to_vec()),
        (name(), b"\x03\x0bexample.org".to_vec()),
        (Host::Name(Vec::new()), b"\x03\x00".to_vec()),
    ]
}

/// `before`, each of [`hosts`], port 443; and the address that it is.
fn with_each_host(before: &[u8]) -> impl Iterator<Item = (Vec<u8>, Address)> {
    hosts().into_iter().map(move |(host, octets)| {
        let bytes = [before, &octets, b"\x01\xbb"].concat();
        (bytes, Address { host, port: 443 })
    })
}

#[test]
fn greetings() {
    let both = Greeting::new(&[Method::NO_AUTHENTICATION, Method::USERNAME_PASSWORD]);
    is_golden(b"\x05\x02\x00\x02", &both, Greeting::decode);
    assert_eq!(encoded(|out| both.encode(out)), b"\x05\x02\x00\x02");
    is_golden(b"\x05\x00", &Greeting::new(&[]), Greeting::decode);

    let every: Vec<Method> = (0..255).map(Method).collect();
    let bytes = encoded(|out| Greeting::new(&every).encode(out));
    assert_eq!(bytes.len(), Greeting::LEN_MAX);
    is_golden(&bytes, &Greeting::new(&every), Greeting::decode);
}

#[test]
fn method_selections() {
    for (method, bytes) in [
        (Method::NO_AUTHENTICATION, b"\x05\x00"),
        (Method::USERNAME_PASSWORD, b"\x05\x02"),
        (Method::NO_ACCEPTABLE, b"\x05\xff"),
        (Method(0x42), b"\x05\x42"),
    ] {
        let selection = MethodSelection(method);
        assert_eq!(encoded(|out| selection.encode(out)), bytes);
        is_golden(bytes, &selection, MethodSelection::decode);
    }
}

#[test]
fn logins() {
    let long = [vec![1, 255], vec![b'u'; 255], vec![255], vec![0; 255]].concat();
    for (bytes, username, password) in [
        (&b"\x01\x03ada\x06secret"[..], &b"ada"[..], &b"secret"[..]),
        (b"\x01\x00\x00", b"", b""),
        (b"\x01\x01\x00\x02\xff\x0a", b"\x00", b"\xff\n"),
        (&long, &[b'u'; 255], &[0; 255]),
    ] {
        let login = Login { username: username.to_vec(), password: password.to_vec() };
        is_golden(bytes, &login, Login::decode);
        assert_eq!(encoded(|out| login.encode(out)), bytes);
    }
}

#[test]
fn login_statuses() {
    for (status, bytes) in [
        (LoginStatus::SUCCESS, b"\x01\x00"),
        (LoginStatus::FAILURE, b"\x01\x01"),
        (LoginStatus(0xff), b"\x01\xff"),
    ] {
        assert_eq!(encoded(|out| status.encode(out)), bytes);
        is_golden(bytes, &status, LoginStatus::decode);
    }
}

#[test]
fn requests() {
    for (code, command) in [
        (1, Command::Connect),
        (2, Command::Bind),
        (3, Command::UdpAssociate),
        (0, Command::Other(0)),
        (0x7e, Command::Other(0x7e)),
    ] {
        for (bytes, destination) in with_each_host(&[5, code, 0]) {
            let request = Request { command, destination };
            is_golden(&bytes, &request, Request::decode);
            assert_eq!(encoded(|out| request.encode(out)), bytes);
        }
    }
}

#[test]
fn replies() {
    for code in [ReplyCode::SUCCEEDED, ReplyCode::TTL_EXPIRED, ReplyCode(0xfe)] {
        for (bytes, bound) in with_each_host(&[5, code.0, 0]) {
            let reply = Reply { code, bound };
            is_golden(&bytes, &reply, Reply::decode);
            assert_eq!(encoded(|out| reply.encode(out)), bytes);
        }
    }
    let refused = b"\x05\x05\x00\x01\0\0\0\0\0\0";
    let failure = Reply::failure(ReplyCode::CONNECTION_REFUSED);
    assert_eq!(encoded(|out| failure.encode(out)), refused);
}

#[test]
fn an_unknown_address_type_is_told_at_its_byte() {
    for unknown in (0..=255).filter(|t| ![1, 3, 4].contains(t)) {
        let bytes = [5, 1, 0, unknown];
        let error = Socks5Error::AddressType(unknown);
        assert_eq!(Request::decode(&bytes), Err(error));
        assert_eq!(Reply::decode(&bytes), Err(error));
        assert_eq!(DatagramHeader::decode(&[0, 0, 0, unknown]), Err(error));
    }
}

#[test]
fn datagrams_and_every_truncation() {
    for frag in [0, 1, 0x80, 0xff] {
        for (header, destination) in with_each_host(&[0, 0, frag]) {
            let value = DatagramHeader { frag, destination };
            assert_eq!(encoded(|out| value.encode(out)), header);
            for cut in 0..header.len() {
                assert_eq!(
                    DatagramHeader::decode(&header[..cut]),
                    Err(Socks5Error::Truncated),
                    "the first {cut} bytes"
                );
            }
            for payload in [&b""[..], b"\x00", b"a query"] {
                let datagram = [&header, payload].concat();
                let decoded = DatagramHeader::decode(&datagram);
                assert_eq!(decoded, Ok((value.clone(), header.len())));
            }
        }
    }
}

#[test]
fn streams_survive_every_split() {
    let requests: Vec<Request> = with_each_host(&[])
        .map(|(_, destination)| Request { command: Command::Connect, destination })
        .collect();
    let stream = encoded(|out| requests.iter().for_each(|request| request.encode(out)));
    survives_every_split(&stream, &requests, Request::decode);

    let login = Login { username: b"ada".to_vec(), password: b"\x01\x05".to_vec() };
    let stream = encoded(|out| [&login, &login].iter().for_each(|login| login.encode(out)));
    survives_every_split(&stream, &[login.clone(), login], Login::decode);
}

/// What a server reads, step by step, as text; behind the request each byte is payload.
fn decode_step(step: usize, bytes: &[u8]) -> Decoded<String, Socks5Error> {
    Ok(match step {
        0 => Greeting::decode(bytes)?.map(|(m, used)| (format!("{m:?}"), used)),
        1 => Login::decode(bytes)?.map(|(m, used)| (format!("{m:?}"), used)),
        2 => Request::decode(bytes)?.map(|(m, used)| (m.destination.to_string(), used)),
        _ => bytes.first().map(|byte| (char::from(*byte).to_string(), 1)),
    })
}

#[test]
fn a_whole_handshake_with_payload_survives_every_split() {
    let stream = b"\x05\x01\x02\x01\x03ada\x02hi\x05\x01\x00\x03\x01a\x00\x50GET /";
    for cut in 0..=stream.len() {
        let (first, second) = stream.split_at(cut);
        let mut step = 0;
        let values = read_stream([first, second], |bytes| {
            let decoded = decode_step(step, bytes)?;
            step += usize::from(decoded.is_some());
            Ok::<_, Socks5Error>(decoded)
        });
        assert!(values[1].contains("ada"), "cut at {cut}");
        assert_eq!(values[2..].concat(), "a:80GET /", "cut at {cut}");
    }
}

#[test]
fn mutations_never_panic_nor_consume_what_is_not_there() {
    let mut golden: Vec<Vec<u8>> = vec![
        b"\x05\x02\x00\x02".to_vec(),
        b"\x05\xff".to_vec(),
        b"\x01\x03ada\x06secret".to_vec(),
        b"\x01\x00".to_vec(),
    ];
    golden.extend(with_each_host(&[5, 1, 0]).map(|(bytes, _)| bytes));
    golden.extend(with_each_host(&[0, 0, 0]).map(|(bytes, _)| bytes));
    mutate(0x5eed_1928, 40_000, &golden, |bytes| {
        holds_for_any_bytes(bytes, Greeting::decode);
        holds_for_any_bytes(bytes, MethodSelection::decode);
        holds_for_any_bytes(bytes, Login::decode);
        holds_for_any_bytes(bytes, LoginStatus::decode);
        holds_for_any_bytes(bytes, Request::decode);
        holds_for_any_bytes(bytes, Reply::decode);
        if let Ok((header, length)) = DatagramHeader::decode(bytes) {
            assert!(length <= bytes.len());
            let again = encoded(|out| header.encode(out));
            assert_eq!(again[2..], bytes[2..length], "RSV apart");
        }
        if let Ok(Some((request, _))) = Request::decode(bytes) {
            let shown = request.destination.to_string();
            assert!(shown.bytes().all(|octet| (b' '..0x7f).contains(&octet)));
        }
    });
}

fn any_address() -> impl Strategy<Value = Address> {
    let host = prop_oneof![
        any::<[u8; 4]>().prop_map(|octets| Host::V4(octets.into())),
        any::<[u8; 16]>().prop_map(|octets| Host::V6(octets.into())),
        prop::collection::vec(any::<u8>(), 0..=255).prop_map(Host::Name),
    ];
    (host, any::<u16>()).prop_map(|(host, port)| Address { host, port })
}

fn any_field() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), 0..=255)
}

proptest! {
    #[test]
    fn greetings_round_trip(methods in any_field(), behind in any_field()) {
        let methods: Vec<Method> = methods.into_iter().map(Method).collect();
        let greeting = Greeting::new(&methods);
        let mut bytes = encoded(|out| greeting.encode(out));
        let length = bytes.len();
        bytes.extend(behind);
        prop_assert_eq!(Greeting::decode(&bytes), Ok(Some((greeting, length))));
    }

    #[test]
    fn logins_round_trip(username in any_field(), password in any_field(), behind in any_field()) {
        let login = Login { username, password };
        let mut bytes = encoded(|out| login.encode(out));
        let length = bytes.len();
        bytes.extend(behind);
        prop_assert_eq!(Login::decode(&bytes), Ok(Some((login, length))));
    }

    #[test]
    fn requests_and_replies_round_trip(
        code in any::<u8>(),
        address in any_address(),
        behind in any_field(),
    ) {
        let request = Request { command: code.into(), destination: address.clone() };
        let reply = Reply { code: ReplyCode(code), bound: address };
        let mut bytes = encoded(|out| request.encode(out));
        prop_assert_eq!(&bytes, &encoded(|out| reply.encode(out)));
        let length = bytes.len();
        bytes.extend(behind);
        prop_assert_eq!(Request::decode(&bytes), Ok(Some((request, length))));
        prop_assert_eq!(Reply::decode(&bytes), Ok(Some((reply, length))));
    }

    #[test]
    fn datagrams_round_trip(
        frag in any::<u8>(),
        destination in any_address(),
        payload in any_field(),
    ) {
        let header = DatagramHeader { frag, destination };
        let mut bytes = encoded(|out| header.encode(out));
        let length = bytes.len();
        bytes.extend(payload);
        prop_assert_eq!(DatagramHeader::decode(&bytes), Ok((header, length)));
    }

    #[test]
    fn names_are_refused_or_can_be_resolved(name in any_field()) {
        if let Ok(text) = Host::parse_name(&name) {
            prop_assert_eq!(text.as_bytes(), &name);
            prop_assert!(!text.is_empty());
            prop_assert!(!text.contains(|c: char| c.is_ascii_control() || c == ' '));
        }
    }
}
