//! The frames and envelopes of the json dialect against the examples of its document.

mod fragments;

use fragments::{holds_for_any_bytes, is_golden, mutate, survives_every_split};
use proptest::prelude::*;
use serde_json::json;
use socksd::wire::json::data::{Account, Auth, Change, Nothing, Window};
use socksd::wire::json::{
    ACTION_MAX, BadRequest, Code, FRAME_MAX, Failure, Frame, FrameTooLong, FromServer, Hello,
    ID_MAX, Request, Response, Scalar,
};
use socksd::wire::{Decoded, shoes};

/// A frame whose payload outlives the bytes.
fn decode(bytes: &[u8]) -> Decoded<Vec<u8>, FrameTooLong> {
    Ok(Frame::decode(bytes)?.map(|(frame, used)| (frame.0.to_vec(), used)))
}

fn framed(payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    Frame(payload).encode(&mut out).unwrap();
    out
}

fn encoded(encode: impl FnOnce(&mut Vec<u8>)) -> String {
    let mut out = Vec::new();
    encode(&mut out);
    let (payload, used) = decode(&out).unwrap().unwrap();
    assert_eq!(used, out.len());
    String::from_utf8(payload).unwrap()
}

fn bad(payload: &[u8]) -> BadRequest {
    Request::parse(payload).expect_err("no request")
}

#[test]
fn frames() {
    for payload in [&b""[..], b"{}", b"\xff", &[b'x'; 1000]] {
        is_golden(&framed(payload), &payload.to_vec(), decode);
    }
    // The document's own example, whose length is told 2 too short there.
    let ping = br#"{"v":1,"t":"req","id":"abc123","act":"PING"}"#;
    let hex =
        "7B2276223A312C2274223A22726571222C226964223A22616263313233222C22616374223A2250494E47227D";
    let octets: String = framed(ping).iter().map(|octet| format!("{octet:02X}")).collect();
    assert_eq!(octets, format!("0000002C{hex}"));
}

#[test]
fn frames_survive_every_split() {
    let payloads = [b"".to_vec(), b"{}".to_vec(), vec![0; 300], b"[1]".to_vec()];
    let stream: Vec<u8> = payloads.iter().flat_map(|payload| framed(payload)).collect();
    survives_every_split(&stream, &payloads, decode);
}

#[test]
fn the_longest_frame_and_one_octet_more() {
    let longest = framed(&vec![b' '; FRAME_MAX]);
    assert_eq!(longest.len(), Frame::LEN_MAX);
    assert_eq!(decode(&longest[..longest.len() - 1]), Ok(None));
    assert_eq!(decode(&longest).unwrap().unwrap().1, Frame::LEN_MAX);
    assert_eq!(decode(&[0, 4, 0, 1]), Err(FrameTooLong { announced: 262_145 }));
    assert_eq!(decode(&[0xff; 4]), Err(FrameTooLong { announced: u32::MAX }));
    assert_eq!(decode(&[0xff; 3]), Ok(None));
}

#[test]
fn messages_of_the_server_stand_as_in_the_document() {
    let hello = encoded(|out| Hello::ours().encode(out));
    assert_eq!(
        hello,
        r#"{"v":1,"t":"hello","data":{"maxFrame":262144,"heartbeat":30000,"protocolVersion":1,"minSupportedVersion":1,"maxSupportedVersion":1,"extensions":["heartbeat"]}}"#
    );
    assert_eq!(FromServer::parse(hello.as_bytes()), Ok(FromServer::Hello(Hello::ours())));

    let (id, action) = ("msg_003".to_owned(), "QUIT".to_owned());
    let response = Response { id, action, data: json!({"message": "Goodbye"}) };
    let text = encoded(|out| response.encode(out));
    assert_eq!(
        text,
        r#"{"v":1,"t":"res","id":"msg_003","act":"QUIT","data":{"message":"Goodbye"}}"#
    );
    assert_eq!(FromServer::parse(text.as_bytes()), Ok(FromServer::Response(response)));

    let failure = Failure {
        id: Some("auth_001".into()),
        action: Some("AUTH".into()),
        code: Code::INVALID_TOKEN,
        message: "Invalid, expired, or revoked token".into(),
        details: None,
    };
    let text = encoded(|out| failure.encode(out));
    assert_eq!(
        text,
        r#"{"v":1,"t":"err","id":"auth_001","act":"AUTH","code":"INVALID_TOKEN","msg":"Invalid, expired, or revoked token"}"#
    );
    assert_eq!(FromServer::parse(text.as_bytes()), Ok(FromServer::Failure(failure.clone())));

    let bare = Failure { id: None, action: None, details: Some(json!({"a": 1})), ..failure };
    let text = encoded(|out| bare.encode(out));
    assert!(!text.contains("null") && !text.contains("\"id\""), "{text}");
    assert_eq!(FromServer::parse(text.as_bytes()), Ok(FromServer::Failure(bare)));
}

/// Whatever is in it, it is told: in a frame, with the id.
#[test]
fn an_answer_that_is_too_long_is_another_answer() {
    let told = |encode: &dyn Fn(&mut Vec<u8>)| {
        let text = encoded(encode);
        let Ok(FromServer::Failure(failure)) = FromServer::parse(text.as_bytes()) else {
            panic!("no error: {text}");
        };
        failure
    };
    let (id, action) = (Some("1".to_owned()), Some("A".to_owned()));
    let data = "x".repeat(FRAME_MAX);
    let response = Response { id: "1".into(), action: "A".into(), data: &data };
    let expected = Failure {
        id: id.clone(),
        action: action.clone(),
        code: Code::INTERNAL_ERROR,
        message: "the answer fits no frame".into(),
        details: None,
    };
    assert_eq!(told(&|out| response.encode(out)), expected);
    let code = Code::BAD_REQUEST;
    let failure = Failure { id, action, code, message: String::new(), details: Some(json!(data)) };
    assert_eq!(told(&|out| failure.encode(out)), expected);
    let failure = Failure { id: Some(data.clone()), ..failure };
    assert_eq!(told(&|out| failure.encode(out)), Failure { id: None, ..expected.clone() });
    let response = Response { id: data.clone(), ..response };
    assert_eq!(told(&|out| response.encode(out)).id, None);
    let mut out = Vec::new();
    let error = Request::encode::<Nothing>(&data, "A", None, &mut out).unwrap_err();
    assert_eq!((error.announced as usize, &out[..]), (FRAME_MAX + 35, &b""[..]));
}

#[test]
fn the_middle_of_a_long_text_is_left_out() {
    for filling in ["x", "\u{e9}", "\u{20ac}", "\u{1f30a}", "\"", "\0"] {
        for before in ["", "b", "be", "bef"] {
            let message = format!("{before}{}, say why", filling.repeat(FRAME_MAX));
            let (code, details) = (Code::BAD_REQUEST, None);
            let failure = Failure { id: None, action: None, code, message, details };
            let text = encoded(|out| failure.encode(out));
            let Ok(FromServer::Failure(told)) = FromServer::parse(text.as_bytes()) else {
                panic!("no error: {text}");
            };
            assert!((1000..=1024).contains(&told.message.len()), "{}", told.message.len());
            assert!(told.message.starts_with(&format!("{before}{filling}")));
            assert!(told.message.contains(&format!("{filling} ... {filling}")));
            assert!(told.message.ends_with(", say why"));
        }
    }
}

#[test]
fn a_client_takes_no_other_messages() {
    for text in [
        "",
        "{}",
        "[]",
        "null",
        r#"{"v":2,"t":"res","id":"1","act":"PING","data":{}}"#,
        r#"{"v":1,"t":"req","id":"1","act":"PING"}"#,
        r#"{"v":1,"t":"res","act":"PING","data":{}}"#,
        r#"{"v":1,"t":"err","id":"1"}"#,
        r#"{"v":1,"t":"hello","data":{}}"#,
    ] {
        assert!(FromServer::parse(text.as_bytes()).is_err(), "{text}");
    }
}

#[test]
fn requests() {
    let window = Window { seconds: Some(60) };
    let text =
        encoded(|out| Request::encode("msg_004", "GET_OS_INFO", Some(&window), out).unwrap());
    assert_eq!(
        text,
        r#"{"v":1,"t":"req","id":"msg_004","act":"GET_OS_INFO","data":{"seconds":60}}"#
    );
    let request = Request::parse(text.as_bytes()).unwrap();
    assert_eq!((request.id.as_str(), request.action.as_str()), ("msg_004", "GET_OS_INFO"));
    assert_eq!(request.data(), Ok(window));

    let bare = encoded(|out| Request::encode::<Nothing>("1", "PING", None, out).unwrap());
    assert_eq!(bare, r#"{"v":1,"t":"req","id":"1","act":"PING"}"#);
}

#[test]
fn null_is_no_data_and_unknown_members_are_skipped() {
    for text in [
        r#"{"v":1,"t":"req","id":"1","act":"PING"}"#,
        r#"{"v":1,"t":"req","id":"1","act":"PING","data":null}"#,
        r#" { "act":"PING", "trace":{"deep":[1,2,{"x":null}]}, "id":"1","t":"req","v":1 } "#,
        r#"{"v":1,"t":"\u0072eq","id":"1","act":"PING","data":{"seconds":null,"unknown":[]}}"#,
    ] {
        let request = Request::parse(text.as_bytes()).unwrap();
        assert_eq!(request.data(), Ok(Window { seconds: None }), "{text}");
    }
}

#[test]
fn data_is_an_object() {
    let given = |data: &str| {
        let text = format!(r#"{{"v":1,"t":"req","id":"1","act":"ADD_USER","data":{data}}}"#);
        Request::parse(text.as_bytes()).unwrap().data::<Account>().map(|a| (a.name.0, a.password.0))
    };
    assert_eq!(given(r#"{"name":"\u00f1","password":"x"}"#), Ok((b"\xf1".to_vec(), b"x".to_vec())));
    for wrong in [
        r#"["a","b"]"#,
        "7",
        "\"text\"",
        "{}",
        r#"{"name":"a"}"#,
        r#"{"name":"a","password":7}"#,
        r#"{"name":"\u0100","password":"x"}"#,
    ] {
        assert!(given(wrong).unwrap_err().starts_with("the data: "), "{wrong}");
    }
}

#[test]
fn what_can_be_read_of_a_wrong_envelope_is_told() {
    let told = |text: &str| {
        let BadRequest { id, action, .. } = bad(text.as_bytes());
        (id, action)
    };
    let (one, ping) = (Some("1".to_owned()), Some("PING".to_owned()));
    for text in [
        r#"{"v":2,"t":"req","id":"1","act":"PING"}"#,
        r#"{"v":"1","t":"req","id":"1","act":"PING"}"#,
        r#"{"t":"req","id":"1","act":"PING"}"#,
        r#"{"v":1,"t":"res","id":"1","act":"PING"}"#,
        r#"{"v":1,"t":7,"id":"1","act":"PING"}"#,
        r#"{"v":1,"id":"1","act":"PING"}"#,
    ] {
        assert_eq!(told(text), (one.clone(), ping.clone()), "{text}");
    }
    for act in ["7", "\"\"", "null", "[\"PING\"]"] {
        let text = format!(r#"{{"v":1,"t":"req","id":"1","act":{act}}}"#);
        assert_eq!(told(&text), (one.clone(), None), "{text}");
    }
    for id in ["7", "\"\"", "null", "{}", "true"] {
        let text = format!(r#"{{"v":1,"t":"req","id":{id},"act":"PING"}}"#);
        assert_eq!(told(&text), (None, ping.clone()), "{text}");
    }
    let long = |id: usize, act: usize| {
        let (id, act) = ("i".repeat(id), "a".repeat(act));
        format!(r#"{{"v":1,"t":"req","id":"{id}","act":"{act}"}}"#)
    };
    assert!(Request::parse(long(ID_MAX, ACTION_MAX).as_bytes()).is_ok());
    assert_eq!(told(&long(ID_MAX + 1, 1)), (None, Some("a".into())));
    assert_eq!(told(&long(1, ACTION_MAX + 1)), (Some("i".into()), None));
}

#[test]
fn what_is_not_json_has_no_id() {
    for payload in [
        &b""[..],
        b" ",
        b"{",
        b"null",
        b"[]",
        b"[1,\"req\",\"1\",\"PING\",null]",
        br#"{"v":1,"t":"req","id":"1","act":"PING"}x"#,
        br#"{"v":1,"t":"req","id":"1","act":"PING",}"#,
        br#"{"v":1,"v":1,"t":"req","id":"1","act":"PING"}"#,
        b"{\"v\":1,\"t\":\"req\",\"id\":\"1\",\"act\":\"PING\",\"x\":\"\xff\"}",
        b"{\"v\":1,\"t\":\"req\",\"id\":\"\xc3\",\"act\":\"PING\"}",
    ] {
        let BadRequest { id, action, why } = bad(payload);
        assert_eq!((id, action), (None, None), "{}", payload.escape_ascii());
        assert!(!why.is_empty());
    }
}

/// The pool's threads have stacks of 256 KiB, and this is a debug build.
fn on_a_small_stack(work: impl FnOnce() + Send + 'static) {
    let thread = std::thread::Builder::new().stack_size(256 * 1024).spawn(work).unwrap();
    thread.join().expect("the work fits the stack");
}

#[test]
fn depth_costs_no_stack() {
    on_a_small_stack(|| {
        for (open, close) in [("[", "]"), (r#"{"a":"#, "}")] {
            let depth = (FRAME_MAX - 100) / (open.len() + close.len());
            let deep = format!("{}0{}", open.repeat(depth), close.repeat(depth));
            let skipped = format!(r#"{{"v":1,"t":"req","id":"1","act":"PING","x":{deep}}}"#);
            let data = format!(r#"{{"v":1,"t":"req","id":"1","act":"PING","data":{deep}}}"#);
            let id = format!(r#"{{"v":1,"t":"req","act":"PING","id":{deep}}}"#);
            assert!(Request::parse(skipped.as_bytes()).is_ok());
            let request = Request::parse(data.as_bytes()).unwrap();
            assert!(request.data::<Account>().is_err());
            assert_eq!(bad(id.as_bytes()).id, None);
            assert!(Request::parse(open.repeat(depth).as_bytes()).is_err());
        }
        for depth in [127, 128, 1000] {
            let deep = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
            let data = format!(r#"{{"token":{deep},"name":"timeout","value":{deep}}}"#);
            let text = format!(r#"{{"v":1,"t":"req","id":"1","act":"X","data":{data}}}"#);
            let request = Request::parse(text.as_bytes()).unwrap();
            assert!(matches!(request.data(), Ok(Auth { token: Some(Scalar::Other) })));
            assert!(matches!(request.data(), Ok(Change { value: Scalar::Other, .. })));
        }
    });
}

/// Requests and answers to be broken.
fn golden() -> Vec<Vec<u8>> {
    let mut all = vec![framed(b""), framed(b"{}")];
    let mut out = Vec::new();
    Request::encode("1", "GET_OS_INFO", Some(&Window { seconds: Some(9) }), &mut out).unwrap();
    all.push(std::mem::take(&mut out));
    Hello::ours().encode(&mut out);
    all.push(std::mem::take(&mut out));
    Response { id: "1".into(), action: "A".into(), data: json!([1, "x"]) }.encode(&mut out);
    all.push(out);
    all
}

#[test]
fn mutations_break_nothing() {
    mutate(0x5eed_1503, 20_000, &golden(), |bytes| {
        holds_for_any_bytes(bytes, decode);
        look_inside(bytes);
        look_inside(bytes.get(Frame::PREFIX..).unwrap_or_default());
    });
}

/// Whatever is understood is understood the same when we say it.
fn look_inside(payload: &[u8]) {
    if let Ok(request) = Request::parse(payload) {
        let window = request.data::<Window>().ok();
        let again = encoded(|out| {
            Request::encode(&request.id, &request.action, window.as_ref(), out).unwrap();
        });
        assert_eq!(Request::parse(again.as_bytes()).unwrap().id, request.id);
    }
    if let Ok(FromServer::Failure(failure)) = FromServer::parse(payload) {
        let again = encoded(|out| failure.encode(out));
        assert_eq!(FromServer::parse(again.as_bytes()), Ok(FromServer::Failure(failure)));
    }
}

#[test]
fn other_protocols_are_no_frames() {
    for foreign in [&b"GET / HTTP/1.1\r\n"[..], b"\x16\x03\x01\x02\x00", b"USER x\r\n"] {
        assert!(decode(foreign).is_err(), "{foreign:?}");
    }
    let mut login = Vec::new();
    shoes::Login { username: b"root".to_vec(), password: b"x".to_vec() }.encode(&mut login);
    assert!(decode(&login).is_err());
}

proptest! {
    #[test]
    fn any_payload_survives_its_frame(payload in prop::collection::vec(any::<u8>(), 0..600)) {
        is_golden(&framed(&payload), &payload, decode);
        look_inside(&payload);
    }

    #[test]
    fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        holds_for_any_bytes(&bytes, decode);
        look_inside(&bytes);
    }

    #[test]
    fn any_text_comes_back(id in "\\PC{1,60}", action in ".{1,60}") {
        let text = encoded(|out| Request::encode::<Nothing>(&id, &action, None, out).unwrap());
        let request = Request::parse(text.as_bytes()).unwrap();
        prop_assert_eq!((&request.id, &request.action), (&id, &action));
    }
}
