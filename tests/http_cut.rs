//! Cutting a connection over HTTP, as a conversation without a socket: who may, and
//! that no split, truncation or other site's page makes a difference.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::{Instant, UNIX_EPOCH};

use socksd::core::{
    Connection, Core, FIRST_REFUSAL, FREE_FAILURES, Name, NewUser, Password, Start,
};
use socksd::http::{BODY_MAX, HttpSession, Sources};
use socksd::net::session::{Input, Next, Session};

const FROM: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// A core with the admin `root`, and connection 1.
fn core() -> (Core, Connection) {
    let (core, _) = Core::new(Start::default()).unwrap();
    let (root, secret) = (Name::new(b"root").unwrap(), Password::new(b"s\xe9cret").unwrap());
    core.install_admin(root, secret).unwrap();
    let connection = core.admit("socks", "192.0.2.7:4711".parse().unwrap()).unwrap();
    (core, connection)
}

/// What a session answers to these pieces, and whether it is over.
fn talk(core: &Core, token: Option<&[u8]>, pieces: &[&[u8]]) -> (String, bool) {
    let sources = Sources {
        core: core.clone(),
        accept_errors: Vec::new(),
        receive_errors: Vec::new(),
        pools: Vec::new(),
    };
    let token = token.map(|token| Password::new(token).unwrap());
    let mut session = HttpSession::new(Arc::new(sources), token, FROM, || UNIX_EPOCH);
    let (mut input, mut output) = (Input::default(), Vec::new());
    let mut over = false;
    for piece in pieces.iter().filter(|piece| !piece.is_empty()) {
        assert!(!over, "more was asked for than is needed");
        input.receive(piece);
        over = session.advance(&mut input, &mut output, Instant::now()) == Next::Close;
    }
    (String::from_utf8(output).unwrap(), over)
}

/// A POST of the page itself, with these fields besides.
fn post(fields: &str, body: &str) -> String {
    format!(
        "POST /cut HTTP/1.1\r\nHost: localhost:9180\r\nOrigin: http://localhost:9180\r\n\
         Sec-Fetch-Site: same-origin\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n{fields}\r\n{body}",
        body.len()
    )
}

fn order(connection: u64, password: &str) -> String {
    format!(r#"{{"connection":{connection},"name":"root","password":"{password}"}}"#)
}

fn order_of(user: &str, password: &str) -> String {
    format!(r#"{{"user":"{user}","name":"root","password":"{password}"}}"#)
}

/// A connection of that user, or of somebody without a login.
fn of_user(core: &Core, user: Option<&[u8]>) -> Connection {
    let from = "192.0.2.7:4711".parse().unwrap();
    let connection = core.admit("socks", from).unwrap();
    let client = match user {
        Some(name) => core.log_in_user("test", name, b"1234", from.ip()).unwrap(),
        None => core.open_access().unwrap(),
    };
    core.admit_client(&connection, &client).unwrap();
    connection
}

fn add_user(core: &Core, name: &[u8]) {
    let (name, password) = (Name::new(name).unwrap(), Password::new(b"1234").unwrap());
    core.install_user(NewUser::new(name, password)).unwrap();
}

/// The status and the body of the answer to a whole request.
#[track_caller]
fn answer(core: &Core, request: &str) -> (String, String) {
    let (answer, over) = talk(core, None, &[request.as_bytes()]);
    assert!(over, "it waits for more");
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split("\r\n").next().unwrap().replace("HTTP/1.1 ", ""), body.to_owned())
}

#[test]
fn an_admin_cuts() {
    let (core, connection) = core();
    let (status, body) = answer(&core, &post("", &order(1, "sécret")));
    assert_eq!(status, "200 OK");
    assert_eq!(body, r#"{"done":true,"sentence":"Connection 1 is cut."}"#);
    assert!(connection.is_ended());
    drop(connection);
    let (status, body) = answer(&core, &post("", &order(1, "sécret")));
    assert_eq!(status, "404 Not Found");
    assert_eq!(body, r#"{"done":false,"sentence":"Connection 1 is not open any more."}"#);
}

#[test]
fn an_admin_cuts_all_of_a_user() {
    let (core, stranger) = core();
    let nobody = of_user(&core, None);
    add_user(&core, b"ana");
    // What a name may hold is the same when it comes back as it was told.
    let odd = b"<a> \xf1\x85\\x41";
    add_user(&core, odd);
    let of_ana = [of_user(&core, Some(b"ana")), of_user(&core, Some(b"ana"))];
    let of_odd = of_user(&core, Some(odd));
    let (status, body) = answer(&core, &post("", &order_of("ana", "sécret")));
    assert_eq!(status, "200 OK");
    assert_eq!(body, r#"{"done":true,"sentence":"2 connections of ana are cut."}"#);
    assert!(of_ana.iter().all(Connection::is_ended) && !of_odd.is_ended());
    let (_, body) = answer(&core, &post("", &order_of("<a> ñ\u{85}\\\\x41", "sécret")));
    assert!(body.contains("1 connection of <a> ñ") && body.contains(" is cut."), "{body}");
    assert!(of_odd.is_ended());
    // One whose connections are cut already, one that there is not, and what only looks like a user.
    for name in ["ana", "bob", "anonymous", "-"] {
        let (status, body) = answer(&core, &post("", &order_of(name, "sécret")));
        assert_eq!(status, "404 Not Found", "{name}");
        let sentence = format!("No connection of {name} is open.");
        assert_eq!(body, format!(r#"{{"done":false,"sentence":"{sentence}"}}"#));
    }
    assert!(!nobody.is_ended() && !stranger.is_ended());
    drop(of_ana);
}

#[test]
fn any_split_is_the_same() {
    let request = post("X: y\r\n", &order(1, "sécret"));
    let request = request.as_bytes();
    let (core, connection) = core();
    let whole = talk(&core, None, &[request]);
    assert!(whole.0.starts_with("HTTP/1.1 200 OK\r\n") && whole.1);
    for cut in 0..request.len() {
        let (first, second) = request.split_at(cut);
        assert_eq!(talk(&core, None, &[first, second]), whole, "split at {cut}");
        assert_eq!(talk(&core, None, &[first]), (String::new(), false), "only {cut}");
    }
    let octets: Vec<&[u8]> = request.chunks(1).collect();
    assert_eq!(talk(&core, None, &octets), whole);
    // What comes behind the body is not looked at.
    let more = [request, b"GET /metrics HTTP/1.1\r\n\r\n"].concat();
    assert_eq!(talk(&core, None, &[&more]), whole);
    drop(connection);
}

#[test]
fn wrong_passwords_are_counted_and_slowed_down() {
    let (core, connection) = core();
    let mut last = Instant::now();
    for _ in 0..=FREE_FAILURES {
        last = Instant::now();
        let (status, body) = answer(&core, &post("", &order(1, "wrong")));
        assert_eq!(status, "403 Forbidden");
        assert!(body.contains("password is wrong"), "{body}");
    }
    assert_eq!(core.metrics().failed_logins, u64::from(FREE_FAILURES) + 1);
    let of_all = answer(&core, &post("", &order_of("ana", "sécret"))).0;
    assert!(of_all == "403 Forbidden" || last.elapsed() >= FIRST_REFUSAL, "{of_all}");
    let status = answer(&core, &post("", &order(1, "sécret"))).0;
    assert!(status == "403 Forbidden" || last.elapsed() >= FIRST_REFUSAL, "{status}");
    assert_eq!(connection.is_ended(), status == "200 OK");
}

#[test]
fn nothing_but_the_page_itself_gets_as_far_as_the_password() {
    let (core, connection) = core();
    let right = post("", &order(1, "sécret"));
    let type_ = "Content-Type: application/json";
    for (what, with, status) in [
        ("Origin: http://localhost:9180\r\n", "", "403 Forbidden"),
        ("http://localhost:9180", "http://evil.example", "403 Forbidden"),
        ("http://localhost:9180", "null", "403 Forbidden"),
        ("http://localhost:9180", "http://localhost:9181", "403 Forbidden"),
        ("same-origin", "cross-site", "403 Forbidden"),
        ("same-origin", "none", "403 Forbidden"),
        ("Host: localhost:9180", "Host: evil.example", "421 Misdirected Request"),
        (type_, "Content-Type: text/plain", "415 Unsupported Media Type"),
        (type_, "Content-Type: application/json-patch", "415 Unsupported Media Type"),
        ("Content-Type: application/json\r\n", "", "415 Unsupported Media Type"),
        ("Content-Length", "X-Length", "411 Length Required"),
        ("Content-Length: ", "Content-Length: 99", "413 Content Too Large"),
        ("Content-Length: ", "Transfer-Encoding: chunked\r\nX: ", "411 Length Required"),
        (
            "\r\nContent-Length",
            "\r\nTransfer-Encoding: chunked\r\nContent-Length",
            "400 Bad Request",
        ),
        ("\r\nContent-Length", "\r\nContent-Length: 1\r\nContent-Length", "400 Bad Request"),
        ("\r\nOrigin", "\r\nOrigin: http://localhost:9180\r\nOrigin", "400 Bad Request"),
        ("POST", "GET", "405 Method Not Allowed"),
        ("POST", "PUT", "405 Method Not Allowed"),
        ("POST /cut", "POST /live.json", "405 Method Not Allowed"),
        ("POST /cut", "OPTIONS /cut", "405 Method Not Allowed"),
    ] {
        let request = right.replacen(what, with, 1);
        assert_ne!(request, right);
        assert_eq!(answer(&core, &request).0, status, "{what} -> {with}");
    }
    let expecting = post("Expect: 100-continue\r\n", &order(1, "sécret"));
    assert_eq!(answer(&core, &expecting).0, "417 Expectation Failed");
    assert_eq!(core.metrics().failed_logins, 0);
    assert!(!connection.is_ended());
    // In HTTP/1.0 that means nothing.
    assert_eq!(answer(&core, &expecting.replace("HTTP/1.1", "HTTP/1.0")).0, "200 OK");
    assert!(connection.is_ended());
}

#[test]
fn a_body_that_means_nothing_is_told_so() {
    let (core, connection) = core();
    let right = order(1, "sécret");
    for body in [
        "",
        "{}",
        "[]",
        "{",
        &right.replace("1,", "-1,"),
        &right.replace("1,", "\"1\","),
        &right.replace('}', r#","more":1}"#),
        &right.replace('}', r#","name":"root"}"#),
        &right.replace("\"root\"", "null"),
        &right.replace("1,", "null,"),
        &right.replace("1,", r#"1,"user":"ana","#),
        &right.replace(r#""connection":1"#, r#""user":null"#),
        &right.replace(r#""connection":1"#, r#""user":1"#),
        // No user has such a name.
        &order_of("", "sécret"),
        &order_of("a:b", "sécret"),
        &order_of("€", "sécret"),
        &order_of(&"a".repeat(256), "sécret"),
        &format!("{right}{right}"),
    ] {
        let (status, told) = answer(&core, &post("", body));
        assert_eq!(status, "400 Bad Request", "{body}");
        assert!(told.starts_with(r#"{"done":false,"sentence":"#), "{told}");
    }
    let longest = format!("{right}{}", " ".repeat(BODY_MAX - right.len()));
    assert_eq!(answer(&core, &post("", &longest)).0, "200 OK");
    assert_eq!(answer(&core, &post("", &format!("{longest} "))).0, "413 Content Too Large");
    drop(connection);
}

#[test]
fn where_there_is_a_token_the_password_is_not_enough() {
    let (core, connection) = core();
    let token = Some(b"sixteen octets!!".as_slice());
    let without = post("", &order(1, "sécret"));
    let (told, _) = talk(&core, token, &[without.as_bytes()]);
    assert!(told.starts_with("HTTP/1.1 401 Unauthorized\r\n"), "{told}");
    assert!(!connection.is_ended());
    let with = post("Authorization: Bearer sixteen octets!!\r\n", &order(1, "sécret"));
    let (told, _) = talk(&core, token, &[with.as_bytes()]);
    assert!(told.starts_with("HTTP/1.1 200 OK\r\n"), "{told}");
    assert!(connection.is_ended());
}

#[test]
fn a_right_token_forgives_no_wrong_password() {
    let (core, connection) = core();
    let token = Some(b"sixteen octets!!".as_slice());
    let shown = "Authorization: Bearer sixteen octets!!\r\n";
    let get = format!("GET /live.json HTTP/1.1\r\nHost: x\r\n{shown}\r\n");
    let wrong = post(shown, &order(1, "wrong"));
    for _ in 0..FREE_FAILURES {
        assert!(talk(&core, token, &[get.as_bytes()]).0.starts_with("HTTP/1.1 200 "));
        assert!(talk(&core, token, &[wrong.as_bytes()]).0.starts_with("HTTP/1.1 403 "));
    }
    let last = Instant::now();
    talk(&core, token, &[wrong.as_bytes()]);
    // From now on that address is refused, whatever it shows.
    for asked in [get, post(shown, &order(1, "sécret"))] {
        let (told, _) = talk(&core, token, &[asked.as_bytes()]);
        let refused = told.starts_with("HTTP/1.1 401 ");
        assert!(refused || last.elapsed() >= FIRST_REFUSAL, "{told}");
        assert!(!refused || !connection.is_ended());
    }
}

#[test]
fn a_script_is_refused_without_a_dialog() {
    let (core, _connection) = core();
    let token = Some(b"sixteen octets!!".as_slice());
    let asked = |fields: &str| {
        let head = format!("GET /live.json HTTP/1.1\r\nHost: x\r\n{fields}\r\n");
        talk(&core, token, &[head.as_bytes()]).0
    };
    assert!(asked("").contains("\r\nWWW-Authenticate: Basic realm="));
    assert!(asked("Sec-Fetch-Dest: document\r\n").contains("\r\nWWW-Authenticate: Basic realm="));
    assert!(asked("Sec-Fetch-Dest: empty\r\n").contains("\r\nWWW-Authenticate: Bearer realm="));
}
