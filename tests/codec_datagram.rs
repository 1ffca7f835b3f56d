//! The datagram codecs against the bytes of the specification.

#[allow(dead_code, reason = "a datagram is no stream: only the mutations are of use here")]
mod fragments;

use fragments::mutate;
use proptest::prelude::*;
use socksd::wire::datagram::{
    Header, Reply, Request, RequestError, Response, ResponseError, Status, TEXT_MAX,
};

const TOKEN: u32 = 0xdead_beef;
const ID: u16 = 0x0102;

fn encoded(encode: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut out = Vec::new();
    encode(&mut out);
    out
}

/// Every request with its octets.
fn requests() -> Vec<(&'static [u8], Request)> {
    let (name, password) = (b"ada".to_vec(), b"s:\xe9".to_vec());
    vec![
        (b"\x01\x00\x00\x00\x01\x02\xde\xad\xbe\xef\x01", Request::Users { page: 1 }),
        (b"\x01\x00\x00\x00\x01\x02\xde\xad\xbe\xef\xff", Request::Users { page: 255 }),
        (b"\x01\x00\x00\x01\x01\x02\xde\xad\xbe\xef", Request::Historic),
        (b"\x01\x00\x00\x02\x01\x02\xde\xad\xbe\xef", Request::Current),
        (b"\x01\x00\x00\x03\x01\x02\xde\xad\xbe\xef", Request::Bytes),
        (b"\x01\x00\x00\x04\x01\x02\xde\xad\xbe\xef", Request::PageSize),
        (b"\x01\x01\x00\x00\x01\x02\xde\xad\xbe\xef", Request::Stop),
        (
            b"\x01\x01\x00\x01\x01\x02\xde\xad\xbe\xefada:s:\xe9\0",
            Request::AddUser { name: name.clone(), password },
        ),
        (b"\x01\x01\x00\x02\x01\x02\xde\xad\xbe\xefada\0", Request::RemoveUser { name }),
        (b"\x01\x01\x00\x03\x01\x02\xde\xad\xbe\xef\xc8", Request::SetPageSize(200)),
    ]
}

/// Requests with a successful response and the octets of its reply.
fn responses() -> Vec<(Request, &'static [u8], Response)> {
    let users = vec![b"ada".to_vec(), b"\xe9va".to_vec()];
    let page = Request::Users { page: 1 };
    let add = Request::AddUser { name: b"a".to_vec(), password: b"b".to_vec() };
    vec![
        (page.clone(), b"\x01\0\0\0\0\x01\x02ada\n\xe9va\0", Response::Users(users)),
        (page.clone(), b"\x01\0\0\0\0\x01\x02ada\0", Response::Users(vec![b"ada".to_vec()])),
        (page, b"\x01\0\0\0\0\x01\x02\0", Response::Users(vec![])),
        (
            Request::Historic,
            b"\x01\0\0\0\x01\x01\x02\x01\x02\x03\x04\x05\x06\x07\x08",
            Response::Historic(0x0102_0304_0506_0708),
        ),
        (Request::Current, b"\x01\0\0\0\x02\x01\x02\xff\xfe", Response::Current(0xfffe)),
        (
            Request::Bytes,
            b"\x01\0\0\0\x03\x01\x02\xff\xff\xff\xff\xff\xff\xff\xff",
            Response::Bytes(u64::MAX),
        ),
        (Request::PageSize, b"\x01\0\0\0\x04\x01\x02\xc8", Response::PageSize(200)),
        (Request::Stop, b"\x01\0\x01\0\0\x01\x02", Response::Done),
        (add, b"\x01\0\x01\0\x01\x01\x02", Response::Done),
        (Request::RemoveUser { name: b"a".to_vec() }, b"\x01\0\x01\0\x02\x01\x02", Response::Done),
        (Request::SetPageSize(1), b"\x01\0\x01\0\x03\x01\x02", Response::Done),
    ]
}

fn header(request: &Request) -> Header {
    let (kind, command) = request.code();
    Header { version: 1, kind, command, id: ID, token: TOKEN }
}

fn datagram(request: &Request) -> Vec<u8> {
    encoded(|out| {
        header(request).encode(out);
        request.encode(out);
    })
}

/// Reads a whole datagram; `None` when it is too short for a header.
fn read(datagram: &[u8]) -> Option<(Header, Result<Request, RequestError>)> {
    let (header, data) = Header::decode(datagram)?;
    Some((header, Request::decode(header.kind, header.command, data)))
}

#[test]
fn every_request() {
    for (bytes, request) in requests() {
        assert_eq!(datagram(&request), bytes);
        assert_eq!(read(bytes), Some((header(&request), Ok(request))));
    }
}

#[test]
fn every_truncation_of_a_request() {
    for (bytes, request) in requests() {
        for length in 0..bytes.len() {
            let cut = read(&bytes[..length]);
            if length < Header::LEN {
                assert_eq!(cut, None, "{request:?} cut to {length}");
                continue;
            }
            let (header, shorter) = cut.expect("a header");
            assert_eq!(header.id, ID);
            // A text without its NUL ends with the datagram, so it only gets shorter.
            match (&request, shorter) {
                (
                    Request::AddUser { name, password },
                    Ok(Request::AddUser { name: n, password: p }),
                ) => {
                    assert_eq!(&n, name);
                    assert!(password.starts_with(&p));
                }
                (Request::AddUser { .. }, Err(error)) => {
                    assert_eq!(error, RequestError::Argument);
                    assert!(!bytes[Header::LEN..length].contains(&b':'));
                }
                (Request::RemoveUser { name }, Ok(Request::RemoveUser { name: n })) => {
                    assert!(name.starts_with(&n));
                }
                (_, other) => assert_eq!(other, Err(RequestError::Argument), "{request:?}"),
            }
        }
    }
}

#[test]
fn what_stands_behind_an_argument_is_ignored() {
    for (bytes, request) in requests() {
        for behind in [&b"\0"[..], b"\0more", b"\xff\xff"] {
            let text = matches!(request, Request::AddUser { .. } | Request::RemoveUser { .. });
            // Behind a text's NUL, that is.
            assert!(!text || bytes.ends_with(b"\0"));
            let (_, longer) = read(&[bytes, behind].concat()).expect("a header");
            assert_eq!(longer.as_ref(), Ok(&request));
        }
    }
}

#[test]
fn types_and_commands_without_a_meaning() {
    for kind in 2..=255 {
        for command in [0, 1, 9, u16::MAX] {
            let error = RequestError::Kind(kind);
            assert_eq!(Request::decode(kind, command, b"1"), Err(error));
        }
    }
    for (kind, known) in [(0, 5), (1, 4)] {
        for command in (known..=0x1ff).chain([0x0100, 0x0200, u16::MAX]) {
            let error = RequestError::Command(command);
            assert_eq!(Request::decode(kind, command, b"1"), Err(error));
        }
    }
}

#[test]
fn texts_have_forty_octets_at_most() {
    let (longest, longer) = ([b'x'; TEXT_MAX], [b'x'; TEXT_MAX + 1]);
    let add =
        |name: &[u8], password: &[u8]| Request::decode(1, 1, &[name, b":", password].concat());
    let both = Request::AddUser { name: longest.to_vec(), password: longest.to_vec() };
    assert_eq!(add(&longest, &longest), Ok(both));
    assert_eq!(add(&longer, b"x"), Err(RequestError::Argument));
    assert_eq!(add(b"x", &longer), Err(RequestError::Argument));
    assert_eq!(Request::decode(1, 2, &longer), Err(RequestError::Argument));
    let remove = Request::RemoveUser { name: longest.to_vec() };
    assert_eq!(Request::decode(1, 2, &longest), Ok(remove.clone()));
    assert_eq!(Request::decode(1, 2, &[&longest[..], b"\0x"].concat()), Ok(remove));
}

#[test]
fn every_response() {
    for (request, bytes, response) in responses() {
        let reply = Reply::to(&header(&request), &Ok(response.clone()));
        assert_eq!(encoded(|out| reply.encode(out)), bytes);
        assert_eq!(Reply::decode(bytes), Some(reply.clone()));
        assert_eq!(Response::decode(&request, &reply.data), Ok(response));
    }
}

#[test]
fn every_truncation_of_a_response() {
    for (request, bytes, _) in responses() {
        for length in 0..bytes.len() {
            let cut = Reply::decode(&bytes[..length]);
            assert_eq!(cut.is_some(), length >= Reply::HEADER_LEN);
            let Some(cut) = cut else { continue };
            let error = Response::decode(&request, &cut.data).expect_err("not whole");
            let list = matches!(request, Request::Users { .. });
            assert_eq!(error == ResponseError::Unterminated, list, "{request:?} {error}");
        }
    }
}

#[test]
fn failures_carry_no_data_and_the_request_in_their_header() {
    for (code, status) in [
        (1, Status::BAD_VERSION),
        (2, Status::BAD_TOKEN),
        (3, Status::BAD_TYPE),
        (4, Status::BAD_COMMAND),
        (5, Status::BAD_ARGUMENT),
        (6, Status::USERS_FULL),
        (7, Status::USER_EXISTS),
        (8, Status::USER_UNKNOWN),
        (9, Status::FAILURE),
    ] {
        let asked = Header { version: 7, kind: 0x0a, command: 0x0b0c, id: 0x0d0e, token: TOKEN };
        let reply = encoded(|out| Reply::to(&asked, &Err(status)).encode(out));
        assert_eq!(reply, [1, code, 0x0a, 0x0b, 0x0c, 0x0d, 0x0e]);
        assert!(reply.len() < Header::LEN);
    }
}

#[test]
fn mutations_never_panic_and_stay_within_their_bounds() {
    let mut golden: Vec<Vec<u8>> = requests().into_iter().map(|(b, _)| b.to_vec()).collect();
    golden.extend(responses().into_iter().map(|(_, bytes, _)| bytes.to_vec()));
    mutate(0x5eed_da7a, 40_000, &golden, |bytes| {
        if let Some((header, Ok(request))) = read(bytes) {
            let again = datagram(&request);
            let (_, data) = Header::decode(&again).expect("a header");
            assert!(again.len() <= Request::LEN_MAX);
            let (kind, command) = request.code();
            assert_eq!((header.kind, header.command), (kind, command));
            assert_eq!(Request::decode(kind, command, data), Ok(request));
        }
        let Some(reply) = Reply::decode(bytes) else { return };
        assert_eq!(encoded(|out| reply.encode(out)), bytes);
        for (request, ..) in responses() {
            if let Ok(response) = Response::decode(&request, &reply.data) {
                assert_eq!(encoded(|out| response.encode(out)), reply.data);
            }
        }
    });
}

fn any_text() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(1..=255_u8, 1..=TEXT_MAX)
}

fn any_name() -> impl Strategy<Value = Vec<u8>> {
    any_text().prop_map(|text| text.into_iter().filter(|octet| *octet != b':').collect())
}

fn any_request() -> impl Strategy<Value = Request> {
    prop_oneof![
        any::<u8>().prop_map(|page| Request::Users { page }),
        Just(Request::Historic),
        Just(Request::Current),
        Just(Request::Bytes),
        Just(Request::PageSize),
        Just(Request::Stop),
        (any_name(), any_text()).prop_map(|(name, password)| Request::AddUser { name, password }),
        any_name().prop_map(|name| Request::RemoveUser { name }),
        any::<u8>().prop_map(Request::SetPageSize),
    ]
}

/// A response together with a request that it can answer.
fn any_answer() -> impl Strategy<Value = (Request, Response)> {
    let letter = any::<u8>().prop_filter("no LF, no NUL", |octet| !b"\n\0".contains(octet));
    let name = prop::collection::vec(letter, 1..=255);
    prop_oneof![
        (any::<u8>(), prop::collection::vec(name, 0..=20))
            .prop_map(|(page, names)| (Request::Users { page }, Response::Users(names))),
        any::<u64>().prop_map(|count| (Request::Historic, Response::Historic(count))),
        any::<u16>().prop_map(|count| (Request::Current, Response::Current(count))),
        any::<u64>().prop_map(|count| (Request::Bytes, Response::Bytes(count))),
        any::<u8>().prop_map(|size| (Request::PageSize, Response::PageSize(size))),
        any::<u8>().prop_map(|size| (Request::SetPageSize(size), Response::Done)),
    ]
}

proptest! {
    #[test]
    fn requests_round_trip(request in any_request(), id: u16, token: u32) {
        let (kind, command) = request.code();
        let header = Header { version: 1, kind, command, id, token };
        let bytes = encoded(|out| {
            header.encode(out);
            request.encode(out);
        });
        prop_assert!(bytes.len() <= Request::LEN_MAX);
        prop_assert_eq!(read(&bytes), Some((header, Ok(request))));
    }

    #[test]
    fn responses_round_trip((request, response) in any_answer(), id: u16) {
        let asked = Header { id, ..header(&request) };
        let bytes = encoded(|out| Reply::to(&asked, &Ok(response.clone())).encode(out));
        let reply = Reply::decode(&bytes).expect("a header");
        prop_assert_eq!((reply.status, reply.id), (Status::OK, id));
        prop_assert_eq!(Response::decode(&request, &reply.data), Ok(response));
    }

    #[test]
    fn any_bytes_are_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..=300)) {
        prop_assert_eq!(read(&bytes).is_some(), bytes.len() >= Header::LEN);
        prop_assert_eq!(Reply::decode(&bytes).is_some(), bytes.len() >= Reply::HEADER_LEN);
    }
}
