//! The oneshot codecs against the octets of its specification.

mod fragments;

use fragments::{holds_for_any_bytes, is_golden, mutate, survives_every_split};
use proptest::prelude::*;
use socksd::wire::oneshot::{
    Counter, DATA_MAX, Opening, Request, RequestError, Response, ResponseError, Status,
};

fn encoded(request: &Request) -> Vec<u8> {
    let mut out = Vec::new();
    request.encode(&mut out).expect("its data fit");
    out
}

fn response_octets(response: Response) -> Vec<u8> {
    let mut out = Vec::new();
    response.encode(&mut out);
    out
}

/// Every configuration with its octets.
fn configurations() -> Vec<(&'static [u8], Request)> {
    let (name, token) = (b"ana".to_vec(), b"0123456789abcdef".to_vec());
    vec![
        // The document's own example, its DLEN corrected from 17 to the 11 octets it shows.
        (b"\x01\x00\x00\x0bpath/a/algo", Request::Maildir(b"path/a/algo".to_vec())),
        (b"\x01\x01\x00\x044096", Request::BufferSize(b"4096".to_vec())),
        (
            b"\x01\x02\x00\x14ana\x000123456789abcdef",
            Request::AddAdmin { name: name.clone(), token },
        ),
        (b"\x01\x03\x00\x03ana", Request::RemoveAdmin { name: name.clone() }),
        (
            b"\x01\x04\x00\x08ana\x001234",
            Request::AddUser { name: name.clone(), password: b"1234".to_vec() },
        ),
        (
            b"\x01\x04\x00\x04a\x00\x00b",
            Request::AddUser { name: b"a".into(), password: b"\0b".into() },
        ),
        (b"\x01\x05\x00\x03ana", Request::RemoveUser { name }),
        (b"\x01\x05\x00\x00", Request::RemoveUser { name: Vec::new() }),
    ]
}

const COUNTERS: [(u8, Counter); 3] =
    [(0, Counter::Historic), (1, Counter::Current), (2, Counter::Bytes)];

#[test]
fn an_opening_is_a_version_and_a_token() {
    let opening = Opening { token: *b"123456789abcdef1" };
    is_golden(b"\x01123456789abcdef1", &opening, Opening::decode);
    let mut out = Vec::new();
    opening.encode(&mut out);
    assert_eq!(out, b"\x01123456789abcdef1");
    assert_eq!(out.len(), Opening::LEN);
    assert!(!format!("{opening:?}").contains("123"));
    for version in (0..=255).filter(|version| *version != 1) {
        assert_eq!(Opening::decode(&[version]), Err(RequestError::Version(version)));
    }
}

#[test]
fn a_get_is_whole_with_its_target() {
    for (target, counter) in COUNTERS {
        let request = Request::Get(counter);
        is_golden(&[0, target], &request, Request::decode);
        assert_eq!(encoded(&request), [0, target, 0, 1, 0]);
    }
}

#[test]
fn every_configuration() {
    for (bytes, request) in configurations() {
        is_golden(bytes, &request, Request::decode);
        assert_eq!(encoded(&request), bytes);
    }
    let (stream, values): (Vec<_>, Vec<_>) = configurations().into_iter().unzip();
    survives_every_split(&stream.concat(), &values, Request::decode);
}

#[test]
fn errors_come_with_the_octet_that_deserves_them() {
    for kind in 2..=255 {
        assert_eq!(Request::decode(&[kind]), Err(RequestError::Type(kind)));
    }
    for target in 3..=255 {
        assert_eq!(Request::decode(&[0, target]), Err(RequestError::Target(target)));
    }
    for target in 6..=255 {
        assert_eq!(Request::decode(&[1, target]), Err(RequestError::Target(target)));
    }
    for target in [2, 4] {
        for data in [&b""[..], b"ana", b"ana\0", b"\0x", b"\0"] {
            let length = data.len() as u8;
            let bytes = [&[1, target, 0, length], data].concat();
            assert_eq!(Request::decode(&bytes), Err(RequestError::Data), "{data:?}");
            if let Some((_, shorter)) = bytes.split_last() {
                assert_eq!(Request::decode(shorter), Ok(None), "{data:?}");
            }
        }
    }
}

#[test]
fn all_that_a_length_can_say_fits() {
    let longest = Request::Maildir(vec![b'/'; DATA_MAX]);
    let bytes = encoded(&longest);
    assert_eq!(bytes.len(), Request::LEN_MAX);
    assert_eq!(Request::decode(&bytes[..bytes.len() - 1]), Ok(None));
    assert_eq!(Request::decode(&bytes), Ok(Some((longest, bytes.len()))));
    let mut out = Vec::new();
    assert_eq!(Request::Maildir(vec![b'/'; DATA_MAX + 1]).encode(&mut out), None);
    assert!(out.is_empty());
}

#[test]
fn every_response() {
    let get = Request::Get(Counter::Historic);
    let set = Request::Maildir(b"x".to_vec());
    for (bytes, number) in [
        (&b"\x00\x00\x04\x01\x02\x03\x04"[..], 0x0102_0304),
        // The document's own example.
        (b"\x00\x00\x02\x01\x00", 0x100),
        (b"\x00\x00\x01\xff", 255),
    ] {
        is_golden(bytes, &Response::Count(number), |bytes| Response::decode(&get, bytes));
    }
    assert_eq!(response_octets(Response::Count(u32::MAX)), b"\x00\x00\x04\xff\xff\xff\xff");
    for length in [0, 5, 0xffff_u16] {
        let [high, low] = length.to_be_bytes();
        assert_eq!(Response::decode(&get, &[0, high, low]), Err(ResponseError(length)));
    }
    is_golden(b"\x00", &Response::Done, |bytes| Response::decode(&set, bytes));
    assert_eq!(response_octets(Response::Done), b"\x00\x00\x01\x00");
    for status in 1..=255 {
        let failed = Response::Failed(Status(status));
        for request in [&get, &set] {
            is_golden(&[status], &failed, |bytes| Response::decode(request, bytes));
        }
        assert_eq!(response_octets(failed), [status, 0, 1, 0]);
    }
}

#[test]
fn debug_shows_no_secret() {
    let (name, secret) = (b"ana".to_vec(), b"s3cret".to_vec());
    for request in [
        Request::AddAdmin { name: name.clone(), token: secret.clone() },
        Request::AddUser { name, password: secret },
    ] {
        let shown = format!("{request:?}");
        assert!(shown.contains("ana") && !shown.contains("s3cret"), "{shown}");
    }
}

#[test]
fn mutations_never_panic_nor_consume_what_is_not_there() {
    let mut golden =
        vec![b"\x01123456789abcdef1".to_vec(), b"\x00\x00\x04\x01\x02\x03\x04".to_vec()];
    golden.extend(COUNTERS.map(|(target, _)| vec![0, target, 0, 1, 0]));
    golden.extend(configurations().into_iter().map(|(bytes, _)| bytes.to_vec()));
    mutate(0x5eed_0150, 40_000, &golden, |bytes| {
        holds_for_any_bytes(bytes, Opening::decode);
        // An error about the data comes with their last octet.
        if !matches!(Request::decode(bytes), Err(RequestError::Data)) {
            holds_for_any_bytes(bytes, Request::decode);
        }
        for request in [Request::Get(Counter::Bytes), Request::Maildir(Vec::new())] {
            holds_for_any_bytes(bytes, |bytes| Response::decode(&request, bytes));
        }
        match Request::decode(bytes) {
            Ok(Some((Request::Get(_), used))) => assert_eq!(used, 2),
            Ok(Some((request, used))) => assert_eq!(encoded(&request), bytes[..used]),
            _ => {}
        }
    });
}

fn any_data() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), 0..=300)
}

/// A name and a secret as a pair can hold them.
fn any_pair() -> impl Strategy<Value = (Vec<u8>, Vec<u8>)> {
    let name = prop::collection::vec(1..=255_u8, 1..=255);
    (name, prop::collection::vec(any::<u8>(), 1..=255))
}

fn any_configuration() -> impl Strategy<Value = Request> {
    prop_oneof![
        any_data().prop_map(Request::Maildir),
        any_data().prop_map(Request::BufferSize),
        any_pair().prop_map(|(name, token)| Request::AddAdmin { name, token }),
        any_data().prop_map(|name| Request::RemoveAdmin { name }),
        any_pair().prop_map(|(name, password)| Request::AddUser { name, password }),
        any_data().prop_map(|name| Request::RemoveUser { name }),
    ]
}

proptest! {
    #[test]
    fn requests_round_trip(request in any_configuration(), behind in any_data()) {
        let mut bytes = encoded(&request);
        let length = bytes.len();
        bytes.extend(behind);
        prop_assert_eq!(Request::decode(&bytes), Ok(Some((request, length))));
    }

    #[test]
    fn counts_round_trip(number: u32, behind in any_data()) {
        let mut bytes = response_octets(Response::Count(number));
        prop_assert_eq!(bytes.len(), Response::LEN_MAX);
        bytes.extend(behind);
        let decoded = Response::decode(&Request::Get(Counter::Bytes), &bytes);
        prop_assert_eq!(decoded, Ok(Some((Response::Count(number), Response::LEN_MAX))));
    }
}
