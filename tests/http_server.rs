//! The HTTP listener over real sockets, judged by Prometheus' own tool too.

mod foreign;
mod served;

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::thread;

use served::{Served, echo, to_the_end, try_start, until};
use socksd::core::{Name, NewUser, Password};

const ON: &str = "--http 127.0.0.1:0";

/// Sends these octets, and gives the head and the body of the answer.
#[track_caller]
fn ask(served: &Served, request: &[u8]) -> (String, String) {
    let mut stream = served.connect("http");
    stream.write_all(request).unwrap();
    let answer = String::from_utf8(to_the_end(&mut stream)).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").expect("a whole head");
    (head.to_owned(), body.to_owned())
}

#[track_caller]
fn get(served: &Served, path: &str, more: &str) -> (String, String) {
    ask(served, format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{more}\r\n").as_bytes())
}

/// The value of a sample, named with its labels.
#[track_caller]
fn sample(served: &Served, name: &str) -> f64 {
    let (head, body) = get(served, "/metrics", "");
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
    let line = body.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("no {name} in:\n{body}")).parse().unwrap()
}

#[test]
fn it_is_off_unless_it_is_asked_for() {
    let server = try_start("", None).unwrap();
    assert!(server.listeners().all(|(name, _)| name != "http"));
}

#[test]
fn others_need_a_token() {
    let error = try_start("--http 0.0.0.0:0", None).err().expect("a refusal").to_string();
    assert!(error.contains("SOCKSD_HTTP_TOKEN"), "{error}");
}

#[test]
fn a_health_check_is_answered() {
    let served = Served::start(ON, None);
    let (head, body) = get(&served, "/healthz", "");
    assert_eq!(body, "ok\n");
    for field in [
        "HTTP/1.1 200 OK\r\n",
        "Content-Type: text/plain; charset=utf-8\r\n",
        "Content-Length: 3\r\n",
        "Cache-Control: no-store\r\n",
        "Content-Security-Policy: default-src 'none'",
        "\r\nConnection: close",
        "\r\nDate: ",
        " GMT\r\n",
    ] {
        assert!(head.contains(field), "{field} in {head}");
    }
}

#[test]
fn a_head_has_no_body_but_its_length() {
    let served = Served::start(ON, None);
    let (head, body) = ask(&served, b"HEAD /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n") && head.contains("Content-Length: 3\r\n"));
    assert_eq!(body, "");
    for refused in ["\r\nHEAD / HTTP/2.0\r\n\r\n", "HEAD / HTTP/1.1\r\n\r\n"] {
        let (head, body) = ask(&served, refused.as_bytes());
        assert!(!head.starts_with("HTTP/1.1 200") && body.is_empty(), "{head}");
    }
}

#[test]
fn a_request_may_come_octet_by_octet() {
    let served = Served::start(ON, None);
    let mut stream = served.connect("http");
    for octet in b"GET /healthz HTTP/1.0\r\n\r\n" {
        stream.write_all(&[*octet]).unwrap();
    }
    assert!(String::from_utf8(to_the_end(&mut stream)).unwrap().ends_with("\r\n\r\nok\n"));
}

#[test]
fn what_is_not_served_is_told() {
    let served = Served::start(ON, None);
    let long = format!("GET / HTTP/1.1\r\nHost: localhost\r\nCookie: {}\r\n\r\n", "a".repeat(9000));
    let cases = [
        ("GET /nothing HTTP/1.1\r\nHost: localhost\r\n\r\n", "404 Not Found"),
        ("GET /metrics HTTP/1.1\r\nHost: evil.example\r\n\r\n", "421 Misdirected Request"),
        ("GET / HTTP/1.1\r\n\r\n", "400 Bad Request"),
        ("nonsense\r\n\r\n", "400 Bad Request"),
        ("GET / HTTP/3.0\r\nHost: localhost\r\n\r\n", "505 HTTP Version Not Supported"),
        ("GET /live.json?sort=x HTTP/1.1\r\nHost: localhost\r\n\r\n", "400 Bad Request"),
        ("POST / HTTP/1.1\r\nHost: localhost\r\n\r\n", "405 Method Not Allowed"),
        ("DELETE / HTTP/1.1\r\nHost: localhost\r\n\r\n", "405 Method Not Allowed"),
        (&long, "431 Request Header Fields Too Large"),
    ];
    for (request, expected) in cases {
        let (head, body) = ask(&served, request.as_bytes());
        assert!(head.starts_with(&format!("HTTP/1.1 {expected}\r\n")), "{request:.60}: {head}");
        assert_eq!(body, format!("{expected}\n"));
        assert_eq!(head.contains("\r\nAllow: GET, HEAD\r\n"), expected.starts_with("405"));
    }
}

#[test]
fn with_a_token_nothing_else_opens() {
    let server = {
        let words = ["-p", "0", "-P", "0", "-U", "root:secret", "--http", "0.0.0.0:0"];
        let args = <socksd::args::Args as argh::FromArgs>::from_args(&["socksd"], &words);
        let mut config = args.unwrap().into_config().unwrap();
        config.secrets.http = Some(Password::new(b"sixteen octets!!").unwrap());
        socksd::server::Server::start(config).unwrap()
    };
    let served = Served::of(server);
    // "x:sixteen octets!!" and "sixteen octets!!:x".
    let right = "Authorization: Basic eDpzaXh0ZWVuIG9jdGV0cyEh\r\n";
    let turned = "Authorization: Basic c2l4dGVlbiBvY3RldHMhITp4\r\n";
    for shown in [right, "authorization: bearer sixteen octets!!\r\n"] {
        let (head, _) = get(&served, "/metrics", shown);
        assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{shown}: {head}");
    }
    for shown in ["", turned, "Authorization: Bearer wrong\r\n", "Authorization: Basic !\r\n"] {
        let (head, _) = get(&served, "/metrics", shown);
        assert!(head.starts_with("HTTP/1.1 401 Unauthorized\r\n"), "{shown}: {head}");
        assert!(head.contains("\r\nWWW-Authenticate: Basic "), "{head}");
    }
    assert_eq!(served.core().metrics().failed_logins, 3);
    assert_eq!(get(&served, "/healthz", "").1, "ok\n");
}

#[test]
fn the_counters_follow_what_happens() {
    let served = Served::start(&format!("{ON} -u ana:1234"), None);
    let ana = Some(("ana", "1234"));
    let mut stream = served.through(ana, echo());
    stream.write_all(b"hello").unwrap();
    stream.read_exact(&mut [0; 5]).unwrap();
    assert_eq!(sample(&served, "socksd_connections"), 1.);
    // Octets are counted a moment after they have been sent.
    let up = "socksd_bytes_total{direction=\"up\"}";
    let down = "socksd_user_bytes_total{user=\"ana\",direction=\"down\"}";
    for way in [up, down] {
        until("the octets of an open connection", || sample(&served, way) == 5.);
    }
    assert_eq!(sample(&served, "socksd_first_byte_seconds_count"), 1.);
    drop(stream);
    until("its end", || sample(&served, "socksd_connections") == 0.);
    assert_eq!(sample(&served, down), 5.);
    assert!(served.try_through(Some(("ana", "wrong")), echo()).is_err());
    let failed = "socksd_handshake_failures_total{reason=\"login-failed\"}";
    until("the failure", || sample(&served, failed) == 1.);
    // The near end of a connection: nobody listens there, and the port stays taken.
    let far = TcpListener::bind("127.0.0.1:0").unwrap();
    let near = TcpStream::connect(far.local_addr().unwrap()).unwrap();
    assert!(served.try_through(ana, near.local_addr().unwrap()).is_err());
    assert_eq!(sample(&served, "socksd_replies_total{code=\"5\"}"), 1.);
    assert_eq!(sample(&served, "socksd_replies_total{code=\"0\"}"), 1.);
    assert_eq!(sample(&served, "socksd_connect_seconds_count"), 1.);
    assert_eq!(sample(&served, "socksd_auth_failures_total"), 1.);
    assert_eq!(sample(&served, "socksd_user_connections_total{user=\"ana\"}"), 2.);
    let (_, page) = get(&served, "/metrics", "");
    assert!(!page.contains("socksd_user_quota_bytes{"), "ana has none");
    let name = Name::new(b"bob").unwrap();
    let mut bob = NewUser::new(name, Password::new(b"x").unwrap());
    bob.limits.quota_day = 700.try_into().ok();
    served.core().install_user(bob).unwrap();
    let of_bob = "{user=\"bob\",period=\"day\"}";
    assert_eq!(sample(&served, &format!("socksd_user_quota_bytes{of_bob}")), 700.);
    assert_eq!(sample(&served, &format!("socksd_user_quota_used_bytes{of_bob}")), 0.);
    assert_eq!(sample(&served, "socksd_accept_errors_total{listener=\"socks\"}"), 0.);
    // The one that answers, once those are back that have answered before.
    let busy = "socksd_pool_threads_in_use{pool=\"http\"}";
    until("one thread", || sample(&served, busy) == 1.);
}

#[test]
fn a_refused_connection_has_a_reason() {
    let served = Served::start(&format!("{ON} --max-connections 1"), None);
    let _only = served.through(None, echo());
    assert!(served.try_through(None, echo()).is_err());
    assert_eq!(sample(&served, "socksd_connections_refused_total{reason=\"limit\"}"), 1.);
    assert_eq!(sample(&served, "socksd_connections_refused_total{reason=\"rule\"}"), 0.);
}

#[test]
fn every_pool_and_every_listener_is_counted() {
    let all = "-u ana:1234 --pop3 127.0.0.1:0 --maildir / --datagram 127.0.0.1:0";
    let served = Served::start(&format!("{ON} {all}"), None);
    for (pool, listener) in [("socks", "socks"), ("manage", "shoes"), ("pop3", "pop3")] {
        let name = format!("socksd_pool_threads_in_use{{pool=\"{pool}\"}}");
        assert_eq!(sample(&served, &name), 0.);
        let _waiting = served.connect(listener);
        until("its thread", || sample(&served, &name) == 1.);
    }
    for listener in ["socks", "shoes", "pop3", "http"] {
        let name = format!("socksd_accept_errors_total{{listener=\"{listener}\"}}");
        assert_eq!(sample(&served, &name), 0.);
    }
    assert_eq!(sample(&served, "socksd_receive_errors_total{listener=\"datagram\"}"), 0.);
}

#[test]
fn the_page_may_load_and_run_nothing_but_itself() {
    let served = Served::start(ON, None);
    for (path, media_type) in [
        ("/", "text/html"),
        ("/page.css", "text/css"),
        ("/page.js", "text/javascript"),
        ("/icon.svg", "image/svg+xml"),
        ("/live.json", "application/json"),
    ] {
        let (head, body) = get(&served, path, "");
        assert!(head.starts_with("HTTP/1.1 200 OK\r\n") && !body.is_empty(), "{path}: {head}");
        assert!(head.contains(&format!("\r\nContent-Type: {media_type}")), "{path}: {head}");
        for field in [
            "Cache-Control: no-store\r\n",
            "Content-Security-Policy: default-src 'none'",
            "frame-ancestors 'none'",
            "X-Content-Type-Options: nosniff\r\n",
            "Referrer-Policy: no-referrer\r\n",
            "Cross-Origin-Resource-Policy: same-origin\r\n",
        ] {
            assert!(head.contains(field), "{path}: {field} in {head}");
        }
        assert!(!head.contains("unsafe"), "{path}: {head}");
    }
}

#[test]
fn what_the_page_shows_is_what_happens() {
    let served = Served::start(&format!("{ON} -u ana:1234 --max-connections 7"), None);
    let mut stream = served.through(Some(("ana", "1234")), echo());
    stream.write_all(b"hello").unwrap();
    stream.read_exact(&mut [0; 5]).unwrap();
    let live = |query: &str| -> serde_json::Value {
        serde_json::from_str(&get(&served, &format!("/live.json?{query}"), "").1).unwrap()
    };
    until("the octets of an open connection", || {
        let metrics = &live("")["metrics"];
        (&metrics["up"], &metrics["down"]) == (&5.into(), &5.into())
    });
    let told = live("");
    let row = &told["connections"]["rows"][0];
    assert_eq!((&row["id"], &row["user"], &row["up"]), (&1.into(), &"ana".into(), &5.into()));
    assert_eq!(told["users"]["rows"][0]["name"], "ana");
    assert_eq!(told["targets"]["rows"][0]["name"], "127.0.0.1");
    assert_eq!(told["targets"]["rows"][0]["down"], 5);
    assert_eq!(told["limits"][0]["value"], 7);
    // The step that runs has it already, or one that has ended meanwhile.
    let steps = told["history"]["up"].as_array().unwrap();
    assert_eq!(steps.iter().map(|up| up.as_u64().unwrap()).sum::<u64>(), 5);
    assert_eq!(live("find=an%61")["connections"]["matching"], 1);
    assert_eq!(live("find=bob")["connections"]["matching"], 0);
    drop(stream);
    until("its end", || live("")["connections"]["matching"] == 0);
    let told = live("");
    assert_eq!(told["targets"]["rows"][0]["up"], 5);
    assert_eq!(told["metrics"]["accepted"], 1);
}

#[test]
fn a_body_that_stays_away_is_not_waited_for() {
    let served = Served::start(&format!("{ON} --handshake-timeout 0.2"), None);
    let mut stream = served.connect("http");
    let head = "POST /cut HTTP/1.1\r\nHost: localhost\r\nOrigin: http://localhost\r\n\
                Content-Type: application/json\r\nContent-Length: 9\r\n\r\n{";
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = Vec::new();
    // An end or a reset, but not an answer and not the deadline of this test.
    if let Err(error) = stream.read_to_end(&mut answer) {
        assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
    }
    assert!(answer.is_empty());
}

#[test]
fn prometheus_finds_nothing_to_complain_about() {
    // Debian has it in the package prometheus.
    if !foreign::is_there(&["promtool", "--version"]) {
        return;
    }
    let served = Served::start(ON, None);
    // A name that would break the format if it were not escaped.
    let name = Name::new(b"a\"} \\n{").unwrap();
    served.core().install_user(NewUser::new(name, Password::new(b"x").unwrap())).unwrap();
    drop(served.through(Some(("a\"} \\n{", "x")), echo()));
    let (_, body) = get(&served, "/metrics", "");
    let mut command = Command::new("promtool");
    command.args(["check", "metrics"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let given = body.clone();
    let writer = thread::spawn(move || stdin.write_all(given.as_bytes()).unwrap());
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success() && said.is_empty(), "{said}\n{body}");
}
