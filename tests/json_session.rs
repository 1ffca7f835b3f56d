//! The json conversation: what opens a session, limits it and ends it.

#[allow(dead_code, reason = "the tests of the actions need the rest")]
mod json_talk;

use std::time::Instant;

use json_talk::{EPOCH, EVERYTHING, Fake, PEER, Talk, framed, key, request, token};
use serde_json::{Value, json};
use socksd::core::FIRST_REFUSAL;
use socksd::manage::JsonSession;
use socksd::net::session::{Next, Session};

#[test]
fn authentication_opens_a_session() {
    let mut talk = Talk::new();
    assert!(!talk.session.admitted());
    let answer = talk.ask("AUTH", json!({"token": token(&["PING", "GET_OS_INFO"], 60)}));
    let expected = json!({
        "v": 1, "t": "res", "id": "1", "act": "AUTH",
        "data": {"sessionId": "sess_0000000000000abc", "scopes": ["GET_OS_INFO", "PING"]},
    });
    assert_eq!(answer, expected);
    assert_eq!(talk.ask("PING", json!(null))["data"], json!({"timestamp": EPOCH}));
    assert_eq!(talk.ask("QUIT", json!(null))["data"], json!({"message": "Goodbye"}));
    assert!(talk.closed());
}

#[test]
fn before_it_nothing_else_is_answered() {
    let mut talk = Talk::new();
    for act in ["PING", "QUIT", "GET_OS_INFO", "GET_METRICS", "ADD_USER", "NONSENSE", "auth"] {
        assert_eq!(talk.ask(act, json!(null))["code"], "AUTH_REQUIRED", "{act}");
        assert!(!talk.closed());
    }
    talk.ask("AUTH", json!({"token": token(&[], 60)}));
    assert_eq!(talk.ask("PING", json!({}))["t"], "res");
}

#[test]
fn a_token_that_does_not_do_closes() {
    for (data, code) in [
        (json!(null), "UNAUTHORIZED"),
        (json!({}), "UNAUTHORIZED"),
        (json!({"token": null}), "UNAUTHORIZED"),
        (json!({"token": 7}), "UNAUTHORIZED"),
        (json!([token(&[], 60)]), "UNAUTHORIZED"),
        (json!({"token": ""}), "INVALID_TOKEN"),
        (json!({"token": "a.b.c"}), "INVALID_TOKEN"),
        (json!({"token": format!("{}x", token(&[], 60))}), "INVALID_TOKEN"),
        (json!({"token": token(&[], 0)}), "TOKEN_EXPIRED"),
    ] {
        let mut talk = Talk::new();
        assert_eq!(talk.ask("AUTH", data)["code"], code);
        assert!(talk.closed() && !talk.session.admitted());
        assert_eq!(talk.core.metrics().failed_logins, 1);
        talk.say(&request("2", "AUTH", json!({"token": token(&[], 60)})));
        assert!(talk.closed() && talk.said.is_empty(), "it is over");
    }
}

#[test]
fn guessing_is_slowed_down_also_for_a_right_token() {
    let talk = Talk::new();
    let mut last = Instant::now();
    for _ in 0..11 {
        last = Instant::now();
        let mut again = Talk::new();
        again.core = talk.core.clone();
        let host = Box::new(Fake { time: again.time.clone(), samples: 0 });
        again.session = JsonSession::new(talk.core.clone(), key(), PEER, host);
        again.advance();
        again.heard();
        assert_eq!(again.ask("AUTH", json!({"token": "x"}))["code"], "INVALID_TOKEN");
    }
    let host = Box::new(Fake { time: talk.time.clone(), samples: 0 });
    let session = JsonSession::new(talk.core.clone(), key(), PEER, host);
    let mut refused = Talk { session, ..talk };
    refused.advance();
    refused.heard();
    let answer = refused.ask("AUTH", json!({"token": token(&[], 60)}));
    // By the clock of the machine, which may have stood still for the second that it lasts.
    if answer["code"] != "INVALID_TOKEN" {
        return assert!(last.elapsed() >= FIRST_REFUSAL, "{answer}");
    }
    assert!(refused.closed());
}

#[test]
fn another_token_replaces_the_first() {
    let mut talk = Talk::opened(&["GET_METRICS"]);
    assert_eq!(talk.ask("GET_METRICS", json!(null))["t"], "res");
    talk.ask("AUTH", json!({"token": token(&["LIST_USERS"], 7200)}));
    assert_eq!(talk.ask("GET_METRICS", json!(null))["code"], "FORBIDDEN");
    talk.pass(60 * 60 * 1000 / 4);
    assert_eq!(talk.ask("LIST_USERS", json!(null))["t"], "res");
    assert_eq!(talk.ask("AUTH", json!({"token": "wrong"}))["code"], "INVALID_TOKEN");
    assert!(talk.closed());
}

#[test]
fn a_scope_that_is_missing_is_named() {
    let mut talk = Talk::opened(&["PING", "QUIT"]);
    let answer = talk.ask("GET_OS_INFO", json!({"seconds": "wrong as well"}));
    let expected = json!({
        "v": 1, "t": "err", "id": "1", "act": "GET_OS_INFO", "code": "FORBIDDEN",
        "msg": "Required scope: GET_OS_INFO",
        "details": {
            "requiredScope": "GET_OS_INFO",
            "userScopes": ["PING", "QUIT"],
            "suggestion": "Contact admin for scope assignment",
        },
    });
    assert_eq!(answer, expected);
    for act in EVERYTHING {
        let answer = talk.ask(act, json!(null));
        assert_eq!(answer["code"], "FORBIDDEN");
        assert_eq!(answer["details"]["requiredScope"], json!(act));
    }
    assert_eq!(talk.ask("NONSENSE", json!(null))["code"], "UNKNOWN_ACTION");
    assert_eq!(talk.ask("ping", json!(null))["code"], "UNKNOWN_ACTION");
    assert!(!talk.closed());
    let mut nothing = Talk::opened(&[]);
    assert_eq!(nothing.ask("PING", json!(null))["t"], "res");
    assert_eq!(nothing.ask("QUIT", json!(null))["t"], "res");
}

#[test]
fn what_is_no_request_is_answered_and_the_next_one_too() {
    for mut talk in [Talk::new(), Talk::opened(&[])] {
        for payload in ["", "nonsense", "{}", "[]", "\u{0}", r#"{"v":1,"t":"req","act":"PING"}"#] {
            talk.send(&framed(payload.as_bytes()));
            let answer = talk.said[0].clone();
            assert_eq!(talk.refused(), "BAD_REQUEST", "{payload}");
            assert!(answer.get("id").is_none(), "{answer}");
        }
        talk.send(&framed(b"\xff\xfe"));
        assert_eq!(talk.refused(), "BAD_REQUEST");
        talk.say(&json!({"v": 9, "t": "req", "id": "7", "act": "PING"}));
        assert_eq!(talk.said[0]["id"], "7");
        assert_eq!(talk.refused(), "BAD_REQUEST");
        assert!(!talk.closed());
    }
}

#[test]
fn a_frame_that_is_too_long_closes_without_being_read() {
    for mut talk in [Talk::new(), Talk::opened(&[])] {
        talk.send(&[0, 4, 0]);
        assert!(talk.said.is_empty());
        talk.send(&[1]);
        assert_eq!(talk.refused(), "PAYLOAD_TOO_LARGE");
        assert!(talk.closed());
        talk.say(&request("1", "PING", json!(null)));
        assert!(talk.closed() && talk.said.is_empty());
    }
}

#[test]
fn the_rate_is_limited_by_a_sliding_window() {
    let mut talk = Talk::opened(&[]);
    for _ in 0..49 {
        assert_eq!(talk.ask("PING", json!(null))["t"], "res");
    }
    talk.pass(4000);
    for _ in 0..25 {
        assert_eq!(talk.ask("NONSENSE", json!(null))["code"], "UNKNOWN_ACTION");
        talk.send(&framed(b""));
        assert_eq!(talk.refused(), "BAD_REQUEST");
    }
    for _ in 0..3 {
        let answer = talk.ask("PING", json!(null));
        assert_eq!(answer["code"], "RATE_LIMITED");
        assert_eq!(answer["details"], json!({"retryAfterMs": 6000}));
    }
    talk.send(&framed(b"nonsense"));
    assert_eq!(talk.refused(), "RATE_LIMITED");
    talk.pass(5999);
    assert_eq!(talk.ask("PING", json!(null))["details"], json!({"retryAfterMs": 1}));
    talk.pass(1);
    for _ in 0..50 {
        assert_eq!(talk.ask("PING", json!(null))["t"], "res");
    }
    assert_eq!(talk.ask("PING", json!(null))["details"], json!({"retryAfterMs": 4000}));
    assert!(!talk.closed());
}

#[test]
fn the_token_ends_the_session() {
    let mut talk = Talk::new();
    talk.ask("AUTH", json!({"token": token(&["GET_OS_INFO"], 60)}));
    talk.say(&request("1", "GET_OS_INFO", json!({"seconds": 3600})));
    talk.pass(59_999);
    assert!(!talk.closed() && talk.said.is_empty());
    talk.pass(1);
    assert!(talk.closed());
    assert!(talk.said[0].get("id").is_none());
    assert_eq!(talk.refused(), "TOKEN_EXPIRED");
}

#[test]
fn silence_ends_the_session() {
    let mut talk = Talk::opened(&[]);
    talk.pass(29 * 60_000);
    assert_eq!(talk.ask("PING", json!(null))["t"], "res");
    talk.ask("AUTH", json!({"token": token(&[], 86_400)}));
    // Half a frame is no word.
    talk.pass(29 * 60_000);
    talk.send(&[0, 0]);
    talk.pass(59_999);
    assert!(!talk.closed());
    talk.pass(1);
    assert!(talk.closed());
    assert_eq!(talk.refused(), "CONNECTION");
    // Before a session the driver's own deadline runs.
    assert_eq!(Talk::new().next, Next::READ);
}

/// What a fresh conversation says to these octets in these parts, and whether it
/// closes.
fn said<'a>(parts: impl Iterator<Item = &'a [u8]>) -> (Vec<Value>, bool) {
    let mut talk = Talk::new();
    for part in parts {
        if !talk.closed() {
            talk.send(part);
        }
    }
    let closed = talk.closed();
    (talk.said, closed)
}

#[test]
fn it_does_not_matter_how_octets_come() {
    let mut stream = Vec::new();
    for message in [
        request("1", "PING", json!(null)),
        request("2", "AUTH", json!({"token": token(EVERYTHING, 60)})),
        request("3", "ADD_USER", json!({"name": "ana", "password": "x"})),
        request("4", "LIST_USERS", json!(null)),
        request("5", "NONSENSE", json!(null)),
    ] {
        stream.extend(framed(message.to_string().as_bytes()));
    }
    stream.extend(framed(b""));
    stream.extend(framed(request("6", "QUIT", json!(null)).to_string().as_bytes()));
    stream.extend(framed(request("7", "PING", json!(null)).to_string().as_bytes()));
    let whole = said([&stream[..]].into_iter());
    assert_eq!((whole.0.len(), whole.1), (7, true));
    assert_eq!(said(stream.chunks(1)), whole, "octet by octet");
    for cut in 1..stream.len() {
        let (first, second) = stream.split_at(cut);
        assert_eq!(said([first, second].into_iter()), whole, "cut at {cut}");
    }
}
