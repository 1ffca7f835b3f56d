//! The actions of the json dialect: what they do and what they answer.

#[allow(dead_code, reason = "the tests of the session need the rest")]
mod json_talk;

use json_talk::{EPOCH, EVERYTHING, PEER, Talk, request, token};
use serde_json::{Value, json};
use socksd::core::{Name, NewUser, Password};
use socksd::net::session::Next;

#[test]
fn samples_come_one_a_second_and_others_are_answered_meanwhile() {
    let mut talk = Talk::opened(&["GET_OS_INFO"]);
    talk.say(&request("slow", "GET_OS_INFO", json!({"seconds": 3})));
    talk.pass(1500);
    talk.say(&request("quick", "GET_OS_INFO", json!({"seconds": 1})));
    assert_eq!(talk.ask("PING", json!(null))["t"], "res");
    talk.pass(999);
    assert!(talk.said.is_empty());
    talk.pass(1);
    let quick = talk.heard();
    let data = json!({
        "uptimeSeconds": 77,
        "os": std::env::consts::OS,
        "samples": [{"cpu": 0.5, "mem": 2, "time": EPOCH + 2000}],
    });
    assert_eq!((&quick["id"], &quick["data"]), (&json!("quick"), &data));
    talk.pass(500);
    let slow = talk.heard();
    assert_eq!((&slow["id"], &slow["act"]), (&json!("slow"), &json!("GET_OS_INFO")));
    let times: Vec<u64> = slow["data"]["samples"]
        .as_array()
        .unwrap()
        .iter()
        .map(|sample| sample["time"].as_u64().unwrap() - EPOCH)
        .collect();
    assert_eq!(times, [1000, 2000, 3000]);
    // The next one begins anew.
    talk.pass(10_000);
    talk.say(&request("1", "GET_OS_INFO", json!({"seconds": 1})));
    talk.pass(1000);
    assert_eq!(talk.heard()["data"]["samples"][0]["mem"], 1);
}

#[test]
fn the_window_is_a_minute_and_up_to_an_hour() {
    let mut talk = Talk::opened(&["GET_OS_INFO"]);
    for wrong in [json!(0), json!(3601), json!(-1), json!(1.5), json!("60"), json!([1])] {
        let answer = talk.ask("GET_OS_INFO", json!({"seconds": wrong}));
        assert_eq!(answer["code"], "BAD_REQUEST", "{wrong}");
    }
    talk.say(&request("1", "GET_OS_INFO", json!(null)));
    talk.pass(59_999);
    assert!(talk.said.is_empty());
    talk.pass(1);
    assert_eq!(talk.heard()["data"]["samples"].as_array().unwrap().len(), 60);
    // An hour is longer than an idle session may be: it is not idle.
    talk.ask("AUTH", json!({"token": token(&["GET_OS_INFO"], 7200)}));
    talk.say(&request("1", "GET_OS_INFO", json!({"seconds": 3600})));
    talk.pass(3_600_000);
    let answer = talk.heard();
    assert_eq!(answer["data"]["samples"].as_array().unwrap().len(), 3600);
    assert!(!talk.closed());
}

#[test]
fn eight_requests_are_in_flight_and_the_ninth_waits() {
    let mut talk = Talk::opened(&["GET_OS_INFO"]);
    for id in 1..=8 {
        talk.say(&request(&id.to_string(), "GET_OS_INFO", json!({"seconds": id})));
    }
    talk.say(&request("ping", "PING", json!(null)));
    assert!(talk.said.is_empty(), "it is not read while eight wait");
    talk.pass(1000);
    let ids: Vec<Value> = talk.said.drain(..).map(|said| said["id"].clone()).collect();
    assert_eq!(ids, ["1", "ping"]);
    talk.pass(7000);
    let ids: Vec<Value> = talk.said.drain(..).map(|said| said["id"].clone()).collect();
    assert_eq!(ids, ["2", "3", "4", "5", "6", "7", "8"]);
}

#[test]
fn who_half_closes_is_answered_within_a_minute() {
    let mut talk = Talk::opened(&["GET_OS_INFO"]);
    talk.say(&request("short", "GET_OS_INFO", json!({"seconds": 2})));
    talk.say(&request("long", "GET_OS_INFO", json!({"seconds": 3600})));
    talk.send(b"");
    talk.pass(2000);
    assert_eq!(talk.heard()["id"], "short");
    talk.pass(58_000);
    let long = talk.heard();
    assert_eq!(long["data"]["samples"].as_array().unwrap().len(), 60);
    assert_eq!(talk.next, Next::READ, "nothing is left to wait for");
}

#[test]
fn the_core_is_managed() {
    let mut talk = Talk::opened(EVERYTHING);
    let done = json!({});
    assert_eq!(talk.ask("ADD_USER", json!({"name": "ñandú", "password": "é"}))["data"], done);
    assert!(talk.core.log_in_user("test", b"\xf1and\xfa", b"\xe9", PEER).is_ok());
    assert_eq!(talk.ask("ADD_USER", json!({"name": "ana", "password": "x"}))["data"], done);
    let users = json!({"users": ["ana", "ñandú"], "more": false});
    assert_eq!(talk.ask("LIST_USERS", json!(null))["data"], users);
    let users = json!({"users": ["ñandú"], "more": false});
    assert_eq!(talk.ask("LIST_USERS", json!({"after": "ana"}))["data"], users);
    assert_eq!(talk.ask("EDIT_USER", json!({"name": "ana", "password": "y"}))["data"], done);
    assert!(talk.core.log_in_user("test", b"ana", b"y", PEER).is_ok());
    assert_eq!(talk.ask("REMOVE_USER", json!({"name": "ana"}))["data"], done);
    assert!(talk.core.log_in_user("test", b"ana", b"y", PEER).is_err());
    for (name, value) in [
        ("timeout", json!(30)),
        ("max_connections", json!(7)),
        ("max_users", json!("9")),
        ("max_per_user", json!(2)),
        ("max_per_address", json!(0)),
        ("max_new_per_address", json!(100)),
        ("buffer_size", json!(512)),
        ("page_size", json!(5)),
        ("spoofing", json!(true)),
    ] {
        assert_eq!(talk.ask("SET_CONFIG", json!({"name": name, "value": value}))["data"], done);
    }
    let config = json!({
        "timeout": 30, "max_connections": 7, "max_per_user": 2, "max_per_address": 0,
        "max_new_per_address": 100, "max_users": 9, "buffer_size": 512, "page_size": 5, "spoofing": true, "maildir": null,
    });
    assert_eq!(talk.ask("GET_CONFIG", json!(null))["data"], config);
    let metrics = talk.ask("GET_METRICS", json!(null))["data"].clone();
    let told: Vec<&String> = metrics.as_object().unwrap().keys().collect();
    assert_eq!(told.len(), 10);
    assert_eq!(metrics["failedLogins"], 1);
}

#[test]
fn rules_are_read_and_replaced() {
    let mut talk = Talk::opened(EVERYTHING);
    let (name, x) = (Name::new(b"\xf1a").unwrap(), Password::new(b"x").unwrap());
    talk.core.install_user(NewUser::new(name, x)).unwrap();
    for list in ["clients", "targets", "user:ña"] {
        let which = json!({"list": list});
        assert_eq!(talk.ask("GET_RULES", which.clone())["data"], json!({"rules": []}));
        let rules = json!(["deny  10.0.0.0/8", "allow *"]);
        let set = talk.ask("SET_RULES", json!({"list": list, "rules": rules}));
        assert_eq!(set["data"], json!({}), "{list}");
        let told = talk.ask("GET_RULES", which.clone())["data"].clone();
        assert_eq!(told, json!({"rules": ["deny 10.0.0.0/8", "allow *"]}), "as they show");
        talk.ask("SET_RULES", json!({"list": list, "rules": []}));
        assert_eq!(talk.ask("GET_RULES", which)["data"], json!({"rules": []}));
    }
}

#[test]
fn connections_are_listed_and_cut() {
    let mut talk = Talk::opened(EVERYTHING);
    let first = talk.core.admit("socks", "192.0.2.1:1000".parse().unwrap()).unwrap();
    first.heads_for("example.org".into(), 80);
    let second = talk.core.admit("socks", "[2001:db8::1]:2".parse().unwrap()).unwrap();
    let mut list = talk.ask("LIST_CONNECTIONS", json!(null))["data"].clone();
    assert!(list["connections"][0]["ageSeconds"].take().is_u64());
    let expected = json!({
        "id": first.id().0, "service": "socks", "user": "-",
        "client": "192.0.2.1:1000", "target": "example.org:80", "state": "handshake",
        "bytesUp": 0, "bytesDown": 0, "ageSeconds": null,
    });
    assert_eq!(list["connections"][0], expected);
    assert_eq!(list["more"], false);
    let rest = talk.ask("LIST_CONNECTIONS", json!({"after": first.id().0}))["data"].clone();
    assert_eq!(rest["connections"][0]["client"], "[2001:db8::1]:2");
    assert_eq!(rest["connections"][0]["target"], json!(null));
    assert_eq!(talk.ask("CUT_CONNECTION", json!({"id": second.id().0}))["data"], json!({}));
    drop(second);
    let answer = talk.ask("CUT_CONNECTION", json!({"id": 999}));
    assert_eq!(answer["details"], json!({"reason": "CONNECTION_UNKNOWN"}));
}

#[test]
fn what_the_core_denies_has_a_reason() {
    let mut talk = Talk::opened(EVERYTHING);
    let (ana, x) = (Name::new(b"ana").unwrap(), Password::new(b"x").unwrap());
    talk.core.install_user(NewUser::new(ana, x)).unwrap();
    let full = json!({"name": "max_users", "value": 1});
    assert_eq!(talk.ask("SET_CONFIG", full)["t"], "res");
    let rules = |list: &str, rules: &[&str]| json!({"list": list, "rules": rules});
    let account = |name: &str, password: &str| json!({"name": name, "password": password});
    for (act, data, reason) in [
        ("ADD_USER", account("ana", "x"), json!("USER_EXISTS")),
        ("ADD_USER", account("bea", "x"), json!("USERS_FULL")),
        ("ADD_USER", account("a:b", "x"), json!("BAD_NAME")),
        ("ADD_USER", account("", "x"), json!("BAD_NAME")),
        ("ADD_USER", account("cid", ""), json!("BAD_PASSWORD")),
        ("ADD_USER", account("cid", &"x".repeat(256)), json!("BAD_PASSWORD")),
        ("EDIT_USER", account("bea", "x"), json!("USER_UNKNOWN")),
        ("REMOVE_USER", json!({"name": "bea"}), json!("USER_UNKNOWN")),
        ("SET_CONFIG", json!({"name": "speed", "value": 1}), json!("UNKNOWN_SETTING")),
        ("SET_CONFIG", json!({"name": "timeout", "value": 0}), json!("BAD_VALUE")),
        ("GET_RULES", json!({"list": "ana"}), json!("UNKNOWN_LIST")),
        ("GET_RULES", json!({"list": "user:bea"}), json!("USER_UNKNOWN")),
        ("SET_RULES", rules("user:bea", &["deny *"]), json!("USER_UNKNOWN")),
        ("SET_RULES", rules("users", &["deny *"]), json!("UNKNOWN_LIST")),
        ("SET_RULES", rules("targets", &["deny *", "x"]), json!("BAD_RULE")),
        ("SET_RULES", rules("clients", &["deny a.net"]), json!("BAD_RULE")),
        ("SET_RULES", rules("targets", &vec!["deny *"; 1025]), json!("BAD_RULE")),
        ("SET_RULES", json!({"list": "targets"}), json!(null)),
        ("SET_RULES", json!({"list": "targets", "rules": "deny *"}), json!(null)),
        ("GET_RULES", json!(null), json!(null)),
        ("ADD_USER", json!({"name": "€", "password": "x"}), json!(null)),
        ("ADD_USER", json!({"name": "bea"}), json!(null)),
        ("ADD_USER", json!(["bea", "x"]), json!(null)),
        ("REMOVE_USER", json!(null), json!(null)),
        ("CUT_CONNECTION", json!({"id": "1"}), json!(null)),
        ("LIST_USERS", json!({"after": 7}), json!(null)),
    ] {
        let answer = talk.ask(act, data.clone());
        assert_eq!(answer["code"], "BAD_REQUEST", "{act} {data}");
        assert_eq!(answer["details"]["reason"], reason, "{act} {data}");
    }
    assert!(!talk.closed());
}

#[test]
fn many_names_come_in_several_answers() {
    let mut talk = Talk::opened(EVERYTHING);
    talk.ask("SET_CONFIG", json!({"name": "max_users", "value": 5000}));
    for n in 0..1200 {
        let name = Name::new(format!("{n:0>255}").as_bytes()).unwrap();
        talk.core.install_user(NewUser::new(name, Password::new(b"x").unwrap())).unwrap();
    }
    let (mut names, mut after) = (Vec::new(), json!(null));
    loop {
        let list = talk.ask("LIST_USERS", json!({"after": after}))["data"].clone();
        names.extend(list["users"].as_array().unwrap().clone());
        after = names.last().unwrap().clone();
        if list["more"] == false {
            break;
        }
    }
    assert_eq!(names.len(), 1200);
    assert!(names.is_sorted_by_key(|name| name.as_str().unwrap().to_owned()));
}
