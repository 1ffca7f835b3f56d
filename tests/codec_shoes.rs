//! The SHOES codecs against the bytes of its specification.

mod fragments;

use fragments::{holds_for_any_bytes, is_golden, mutate, read_stream, survives_every_split};
use proptest::prelude::*;
use socksd::wire::shoes::{
    Login, LoginError, LoginStatus, Request, RequestError, Response, ResponseError, Status,
};

fn encoded(encode: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut out = Vec::new();
    encode(&mut out);
    out
}

/// Every request of section 3 with its octets.
fn requests() -> Vec<(&'static [u8], Request)> {
    let (name, password) = (b"ada".to_vec(), b"\xe9t\xe9".to_vec());
    let add = Request::AddUser { name: name.clone(), password: password.clone() };
    let remove = Request::RemoveUser { name: name.clone() };
    let edit = Request::EditUser { name, password };
    vec![
        (b"\x00\x00", Request::Metrics),
        (b"\x00\x01", Request::ListUsers),
        (b"\x00\x02", Request::SpoofingStatus),
        (b"\x01\x00\x03ada\x03\xe9t\xe9", add),
        (b"\x01\x01\x03ada", remove),
        (b"\x01\x02\x03ada\x03\xe9t\xe9", edit),
        (b"\x01\x03\x10\x01", Request::BufferSize(4097)),
        (b"\x01\x04\x00", Request::Spoofing(0)),
        (b"\x01\x04\x01", Request::Spoofing(1)),
        (b"\x01\x04\xff", Request::Spoofing(255)),
    ]
}

/// Requests with a successful response of section 4 and its octets.
fn responses() -> Vec<(Request, &'static [u8], Response)> {
    let metrics = Response::Metrics { historic: 0x0102_0304, current: 5, bytes: u32::MAX };
    let users = vec![b"ada".to_vec(), b"bob".to_vec()];
    vec![
        (Request::Metrics, b"\x00\x01\x02\x03\x04\x00\x00\x00\x05\xff\xff\xff\xff", metrics),
        (Request::ListUsers, b"\x00\x02\x03ada\x03bob", Response::Users(users)),
        (Request::ListUsers, b"\x00\x00", Response::Users(vec![])),
        (Request::SpoofingStatus, b"\x00\x00", Response::Spoofing(false)),
        (Request::SpoofingStatus, b"\x00\x01", Response::Spoofing(true)),
        (Request::BufferSize(4096), b"\x00", Response::Done),
        (Request::Spoofing(1), b"\x00", Response::Done),
    ]
}

#[test]
fn logins() {
    let long = [vec![1, 255], vec![b'u'; 255], vec![255], vec![0; 255]].concat();
    for (bytes, username, password) in [
        (&b"\x01\x05admin\x06secret"[..], &b"admin"[..], &b"secret"[..]),
        (b"\x01\x00\x00", b"", b""),
        (b"\x01\x01\xe9\x00", b"\xe9", b""),
        (&long, &[b'u'; 255], &[0; 255]),
    ] {
        let login = Login { username: username.to_vec(), password: password.to_vec() };
        is_golden(bytes, &login, Login::decode);
        assert_eq!(encoded(|out| login.encode(out)), bytes);
    }
    assert_eq!(Login::decode(b"\x05"), Err(LoginError::Version(5)));
}

#[test]
fn login_statuses() {
    for (status, bytes) in [
        (LoginStatus::OK, b"\x01\x00"),
        (LoginStatus::FAILURE, b"\x01\x01"),
        (LoginStatus::BAD_VERSION, b"\x01\x02"),
        (LoginStatus::BAD_CREDENTIALS, b"\x01\x03"),
        (LoginStatus(0x99), b"\x01\x99"),
    ] {
        assert_eq!(encoded(|out| status.encode(out)), bytes);
        is_golden(bytes, &status, LoginStatus::decode);
    }
}

#[test]
fn every_request() {
    for (bytes, request) in requests() {
        is_golden(bytes, &request, Request::decode);
        assert_eq!(encoded(|out| request.encode(out)), bytes);
    }
}

#[test]
fn pipelined_requests_survive_every_split() {
    let (stream, values): (Vec<_>, Vec<_>) = requests().into_iter().unzip();
    survives_every_split(&stream.concat(), &values, Request::decode);
}

#[test]
fn a_wrong_request_behind_a_right_one_is_told_when_its_turn_comes() {
    let bytes = b"\x00\x00\x07";
    let (_, used) = Request::decode(bytes).unwrap().unwrap();
    let error = RequestError::Family(7);
    assert_eq!(Request::decode(&bytes[used..]), Err(error));
    assert_eq!(Request::decode(b"\x01\x05"), Err(RequestError::Command(5)));
}

#[test]
fn every_response() {
    for (request, bytes, response) in responses() {
        is_golden(bytes, &response, |bytes| Response::decode(&request, bytes));
        assert_eq!(encoded(|out| response.encode(out)), bytes);
    }
}

#[test]
fn pipelined_responses_survive_every_split() {
    let all = responses();
    let stream = all.iter().map(|(_, bytes, _)| *bytes).collect::<Vec<_>>();
    let stream = stream.concat();
    for cut in 0..=stream.len() {
        let (first, second) = stream.split_at(cut);
        let mut asked = all.iter().map(|(request, ..)| request).peekable();
        let read = read_stream([first, second], |bytes| {
            let Some(request) = asked.peek() else {
                return Ok(None);
            };
            let decoded = Response::decode(request, bytes)?;
            if decoded.is_some() {
                asked.next();
            }
            Ok::<_, ResponseError>(decoded)
        });
        assert!(read.iter().eq(all.iter().map(|(.., value)| value)), "cut at {cut}");
    }
}

#[test]
fn failures_have_no_body() {
    for (code, status) in [
        (1, Status::FAILURE),
        (2, Status::FAMILY_UNSUPPORTED),
        (3, Status::COMMAND_UNSUPPORTED),
        (4, Status::COMMAND_FAILURE),
        (5, Status::LIMIT_REACHED),
        (0x80, Status(0x80)),
    ] {
        let failed = Response::Failed(status);
        assert_eq!(encoded(|out| failed.encode(out)), [code]);
        for (_, request) in requests() {
            is_golden(&[code], &failed, |bytes| Response::decode(&request, bytes));
        }
    }
}

#[test]
fn mutations_never_panic_nor_consume_what_is_not_there() {
    let mut golden = vec![b"\x01\x05admin\x06secret".to_vec(), b"\x01\x03".to_vec()];
    golden.extend(requests().into_iter().map(|(bytes, _)| bytes.to_vec()));
    golden.extend(responses().into_iter().map(|(_, bytes, _)| bytes.to_vec()));
    mutate(0x5eed_8080, 40_000, &golden, |bytes| {
        holds_for_any_bytes(bytes, Login::decode);
        holds_for_any_bytes(bytes, LoginStatus::decode);
        holds_for_any_bytes(bytes, Request::decode);
        for (request, ..) in responses() {
            holds_for_any_bytes(bytes, |bytes| Response::decode(&request, bytes));
        }
        if let Ok(Some((request, used))) = Request::decode(bytes) {
            assert_eq!(encoded(|out| request.encode(out)), bytes[..used]);
        }
    });
}

fn any_field() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), 0..=255)
}

fn any_request() -> impl Strategy<Value = Request> {
    prop_oneof![
        Just(Request::Metrics),
        Just(Request::ListUsers),
        Just(Request::SpoofingStatus),
        (any_field(), any_field()).prop_map(|(name, password)| Request::AddUser { name, password }),
        any_field().prop_map(|name| Request::RemoveUser { name }),
        (any_field(), any_field())
            .prop_map(|(name, password)| Request::EditUser { name, password }),
        any::<u16>().prop_map(Request::BufferSize),
        any::<u8>().prop_map(Request::Spoofing),
    ]
}

/// A response together with a request that it can answer.
fn any_answer() -> impl Strategy<Value = (Request, Response)> {
    let name = prop::collection::vec(any::<u8>(), 1..=255);
    prop_oneof![
        any::<[u32; 3]>().prop_map(|[historic, current, bytes]| {
            let metrics = Response::Metrics { historic, current, bytes };
            (Request::Metrics, metrics)
        }),
        prop::collection::vec(name, 0..=20)
            .prop_map(|names| (Request::ListUsers, Response::Users(names))),
        any::<bool>().prop_map(|on| (Request::SpoofingStatus, Response::Spoofing(on))),
        any::<u16>().prop_map(|size| (Request::BufferSize(size), Response::Done)),
        (any_request(), 1..=255_u8)
            .prop_map(|(request, code)| (request, Response::Failed(Status(code)))),
    ]
}

proptest! {
    #[test]
    fn logins_round_trip(username in any_field(), password in any_field(), behind in any_field()) {
        let login = Login { username, password };
        let mut bytes = encoded(|out| login.encode(out));
        let length = bytes.len();
        bytes.extend(behind);
        prop_assert_eq!(Login::decode(&bytes), Ok(Some((login, length))));
    }

    #[test]
    fn requests_round_trip(request in any_request(), behind in any_field()) {
        let mut bytes = encoded(|out| request.encode(out));
        let length = bytes.len();
        prop_assert!(length <= Request::LEN_MAX);
        bytes.extend(behind);
        prop_assert_eq!(Request::decode(&bytes), Ok(Some((request, length))));
    }

    #[test]
    fn responses_round_trip((request, response) in any_answer(), behind in any_field()) {
        let mut bytes = encoded(|out| response.encode(out));
        let length = bytes.len();
        bytes.extend(behind);
        prop_assert_eq!(Response::decode(&request, &bytes), Ok(Some((response, length))));
    }
}
