//! The json dialect over real sockets, with tokens of `socksd token` and of PyJWT.

mod foreign;

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::process::{Command, Output};
use std::thread::{self, JoinHandle};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use argh::FromArgs;
use foreign::is_there;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use socksd::args::Args;
use socksd::core::Core;
use socksd::manage::{JwtKey, Secrets};
use socksd::server::Server;
use socksd::wire::json::{FRAME_MAX, Frame};

const SECRET: &str = "a secret for tests, of 32 octets";
/// Far more than anything here takes.
const PATIENCE: Duration = Duration::from_secs(30);

/// A server in this process, stopped at the end.
struct Running {
    core: Core,
    json: SocketAddr,
    thread: Option<JoinHandle<()>>,
}

impl Running {
    fn start() -> Self {
        Self::with("")
    }

    fn with(more: &str) -> Self {
        let line = format!("-p 0 -P 0 --json 127.0.0.1:0 -U root:secret -u ana:1234 {more}");
        let words: Vec<&str> = line.split_whitespace().collect();
        let args = Args::from_args(&["test"], &words).map_err(|exit| exit.output).unwrap();
        let mut config = args.into_config().unwrap();
        config.secrets = Secrets { jwt: JwtKey::new(SECRET.as_bytes()), ..Secrets::default() };
        let server = Server::start(config).unwrap();
        let (_, json) = server.listeners().find(|(name, _)| *name == "json").unwrap();
        let core = server.core().clone();
        let thread = Some(thread::spawn(move || server.run()));
        Self { core, json, thread }
    }

    fn connect(&self) -> Client {
        let stream = TcpStream::connect(self.json).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut client = Client { stream };
        assert_eq!(client.hear()["t"], "hello");
        client
    }

    /// With a session that has these scopes.
    fn open(&self, scopes: &str) -> Client {
        self.try_open(&minted(scopes)).expect("a session")
    }

    /// `None` when the token is refused, or the connection ends before that.
    fn try_open(&self, token: &str) -> Option<Client> {
        let mut client = self.connect();
        client.stream.write_all(&request("1", "AUTH", json!({"token": token}))).ok()?;
        let answer = client.try_hear().ok()?;
        (answer["t"] == "res").then_some(client)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.core.stop();
        self.core.stop();
        let ended = self.thread.take().map(JoinHandle::join);
        assert!(thread::panicking() || matches!(ended, Some(Ok(()))));
    }
}

struct Client {
    stream: TcpStream,
}

/// A whole frame.
fn request(id: &str, act: &str, data: Value) -> Vec<u8> {
    let request = json!({"v": 1, "t": "req", "id": id, "act": act, "data": data});
    let mut out = Vec::new();
    Frame(request.to_string().as_bytes()).encode(&mut out).unwrap();
    out
}

impl Client {
    fn send(&mut self, payload: &[u8]) {
        let mut out = Vec::new();
        Frame(payload).encode(&mut out).unwrap();
        self.stream.write_all(&out).unwrap();
    }

    fn say(&mut self, id: &str, act: &str, data: Value) {
        self.stream.write_all(&request(id, act, data)).unwrap();
    }

    fn hear(&mut self) -> Value {
        self.try_hear().unwrap()
    }

    fn try_hear(&mut self) -> io::Result<Value> {
        let mut length = [0; 4];
        self.stream.read_exact(&mut length)?;
        let mut payload = vec![0; u32::from_be_bytes(length) as usize];
        self.stream.read_exact(&mut payload)?;
        Ok(serde_json::from_slice(&payload).unwrap())
    }

    fn ask(&mut self, act: &str, data: Value) -> Value {
        self.say("1", act, data);
        let answer = self.hear();
        assert_eq!((&answer["id"], &answer["act"]), (&json!("1"), &json!(act)));
        answer
    }

    /// The server has closed, and in order.
    fn is_closed(&mut self) {
        assert_eq!(self.stream.read(&mut [0]).unwrap(), 0);
    }
}

fn socksd(words: &[&str], secret: Option<&str>) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_socksd"));
    command.args(words).env_remove("SOCKSD_JWT_SECRET");
    if let Some(secret) = secret {
        command.env("SOCKSD_JWT_SECRET", secret);
    }
    command.output().unwrap()
}

/// A token of `socksd token`.
fn minted(scopes: &str) -> String {
    let words = ["token", "--scopes", scopes, "--ttl", "1h", "--subject", "ana"];
    let output = socksd(&words, Some(SECRET));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim_end().into()
}

/// What Python prints, with PyJWT at hand as `jwt`.
fn python(script: &str) -> String {
    let script = format!("import jwt, sys, time\nsecret = {SECRET:?}\n{script}");
    let output = Command::new("python3").arg("-c").arg(script).output().expect("install python3");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim_end().into()
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as u64
}

#[test]
fn the_session_of_the_document() {
    let server = Running::start();
    let stream = TcpStream::connect(server.json).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut client = Client { stream };
    let hello = client.hear();
    assert_eq!((&hello["v"], &hello["t"]), (&json!(1), &json!("hello")));
    assert_eq!(
        (&hello["data"]["maxFrame"], &hello["data"]["heartbeat"]),
        (&json!(262_144), &json!(30_000))
    );
    let answer = client.ask("AUTH", json!({"token": minted("GET_OS_INFO,PING,QUIT")}));
    let id = answer["data"]["sessionId"].as_str().unwrap();
    assert!(id.starts_with("sess_") && id.len() == 21, "{id}");
    assert_eq!(answer["data"]["scopes"], json!(["GET_OS_INFO", "PING", "QUIT"]));
    let before = now();
    let timestamp = client.ask("PING", json!(null))["data"]["timestamp"].as_u64().unwrap();
    assert!((before..=now()).contains(&timestamp));
    assert_eq!(client.ask("QUIT", json!(null))["data"], json!({"message": "Goodbye"}));
    client.is_closed();
}

#[test]
fn two_sessions_have_two_names() {
    let server = Running::start();
    let token = minted("PING");
    let ids = [(); 2].map(|()| {
        server.connect().ask("AUTH", json!({"token": token}))["data"]["sessionId"].clone()
    });
    assert_ne!(ids[0], ids[1]);
}

#[test]
fn tokens_of_pyjwt_open_sessions() {
    if !is_there(&["python3", "-c", "import jwt"]) {
        return;
    }
    let server = Running::start();
    for (claims, scopes) in [
        ("'sub': 'ana', 'scopes': ['PING', 'LIST_USERS']", json!(["LIST_USERS", "PING"])),
        ("'scope': 'PING LIST_USERS', 'iat': int(time.time())", json!(["LIST_USERS", "PING"])),
        ("'sub': 'ana'", json!([])),
    ] {
        let token = python(&format!(
            "print(jwt.encode({{{claims}, 'exp': time.time() + 60}}, secret, algorithm='HS256'))"
        ));
        let answer = server.connect().ask("AUTH", json!({"token": token}));
        assert_eq!(answer["data"]["scopes"], scopes, "{answer}");
    }
}

#[test]
fn wrong_tokens_of_pyjwt_open_none() {
    if !is_there(&["python3", "-c", "import jwt"]) {
        return;
    }
    let server = Running::start();
    for (arguments, code) in [
        ("{'exp': time.time() + 60}, secret + '!', algorithm='HS256'", "INVALID_TOKEN"),
        ("{'exp': time.time() + 60}, None, algorithm='none'", "INVALID_TOKEN"),
        ("{'exp': time.time() + 60}, secret, algorithm='HS384'", "INVALID_TOKEN"),
        ("{'exp': time.time() + 60}, secret, algorithm='HS512'", "INVALID_TOKEN"),
        ("{'sub': 'ana'}, secret, algorithm='HS256'", "INVALID_TOKEN"),
        (
            "{'exp': time.time() + 60, 'nbf': time.time() + 50}, secret, algorithm='HS256'",
            "INVALID_TOKEN",
        ),
        ("{'exp': time.time() - 1}, secret, algorithm='HS256'", "TOKEN_EXPIRED"),
    ] {
        let token = python(&format!("print(jwt.encode({arguments}))"));
        let mut client = server.connect();
        let answer = client.ask("AUTH", json!({"token": token}));
        assert_eq!(answer["code"], code, "{arguments}: {answer}");
        client.is_closed();
    }
}

#[test]
fn pyjwt_reads_what_we_mint() {
    if !is_there(&["python3", "-c", "import jwt"]) {
        return;
    }
    let token = minted("PING,GET_METRICS");
    let read = python(&format!(
        "c = jwt.decode('{token}', secret, algorithms=['HS256'])\n\
         print(c['sub'], ','.join(c['scopes']), c['exp'] - c['iat'])"
    ));
    assert_eq!(read, "ana GET_METRICS,PING 3600");
}

#[test]
fn without_its_secret_nothing_starts() {
    let serve = ["-p", "0", "-P", "0", "--json", "127.0.0.1:0"];
    let mint = ["token", "--scopes", "PING", "--subject", "ana"];
    for (words, code) in [(&serve[..], 2), (&mint, 1)] {
        for secret in [None, Some(""), Some("fifteen octets!")] {
            let output = socksd(words, secret);
            let error = String::from_utf8(output.stderr).unwrap();
            assert_eq!(output.status.code(), Some(code), "{words:?} {secret:?}");
            assert!(error.contains("SOCKSD_JWT_SECRET") && !error.contains("fifteen"), "{error}");
            assert!(output.stdout.is_empty());
        }
    }
    assert_eq!(socksd(&["token"], Some(SECRET)).status.code(), Some(2));
    assert_eq!(socksd(&["token", "--help"], None).status.code(), Some(0));
}

#[test]
fn samples_are_real_and_come_one_a_second() {
    let server = Running::start();
    let mut client = server.open("GET_OS_INFO");
    let asked = [("slow", "GET_OS_INFO", json!({"seconds": 2})), ("quick", "PING", json!(null))];
    let asked = asked.map(|(id, act, data)| request(id, act, data)).concat();
    // A second that a busy machine sleeps through has no sample: then once more.
    let both = (0..5).find_map(|_| {
        let before = now();
        client.stream.write_all(&asked).unwrap();
        assert_eq!(client.hear()["id"], "quick");
        let answer = client.hear();
        assert_eq!(answer["id"], "slow");
        let samples = answer["data"]["samples"].as_array().unwrap().len();
        (samples == 2).then_some((before, answer))
    });
    let (before, answer) = both.expect("two samples");
    let data = &answer["data"];
    assert_eq!(data["os"], std::env::consts::OS);
    assert!(data["uptimeSeconds"].as_u64().unwrap() > 0);
    let samples = data["samples"].as_array().unwrap();
    let mut last = before;
    for sample in samples {
        assert!((0.0..=1.0).contains(&sample["cpu"].as_f64().unwrap()), "{sample}");
        assert!(sample["mem"].as_u64().unwrap() > 0, "{sample}");
        let time = sample["time"].as_u64().unwrap();
        assert!(time > last && time <= now(), "{sample}");
        last = time;
    }
    // The clock may be set a little meanwhile.
    assert!(last >= before + 1990);
}

#[test]
fn whoever_half_closes_still_gets_the_answer() {
    let server = Running::start();
    let mut client = server.open("GET_OS_INFO");
    client.say("last", "GET_OS_INFO", json!({"seconds": 1}));
    client.stream.shutdown(Shutdown::Write).unwrap();
    assert_eq!(client.hear()["id"], "last");
    client.is_closed();
}

#[test]
fn the_token_ends_a_silent_session() {
    let server = Running::start();
    // A token that is used up before it is shown, on a busy machine, is followed by a longer one.
    let session = (2..9).find_map(|seconds| {
        let ttl = format!("{seconds}s");
        let words = ["token", "--scopes", "PING", "--ttl", &ttl, "--subject", "ana"];
        let token = String::from_utf8(socksd(&words, Some(SECRET)).stdout).unwrap();
        server.try_open(token.trim_end())
    });
    let mut client = session.expect("a session");
    let last = client.hear();
    assert_eq!((&last["code"], last.get("id")), (&json!("TOKEN_EXPIRED"), None));
    client.is_closed();
}

#[test]
fn users_and_settings_reach_the_server() {
    let server = Running::start();
    let scopes = "ADD_USER,LIST_USERS,SET_CONFIG,GET_METRICS";
    let mut client = server.open(scopes);
    let answer = client.ask("ADD_USER", json!({"name": "bea", "password": "x"}));
    assert_eq!(answer["data"], json!({}));
    assert!(server.core.log_in_user("test", b"bea", b"x", [127, 0, 0, 1].into()).is_ok());
    let users = client.ask("LIST_USERS", json!(null))["data"]["users"].clone();
    assert_eq!(users, json!(["ana", "bea"]));
    client.ask("SET_CONFIG", json!({"name": "max_connections", "value": 3}));
    assert_eq!(server.core.settings().max_connections, 3);
    assert_eq!(client.ask("GET_METRICS", json!(null))["data"]["current"], 0);
    assert_eq!(client.ask("REMOVE_USER", json!({"name": "bea"}))["code"], "FORBIDDEN");
}

#[test]
fn the_longest_frame_is_read_and_a_longer_one_is_not() {
    let server = Running::start();
    let mut client = server.open("PING");
    let mut padded =
        json!({"v": 1, "t": "req", "id": "1", "act": "PING", "data": null}).to_string();
    padded.push_str(&" ".repeat(FRAME_MAX - padded.len()));
    for _ in 0..2 {
        client.send(padded.as_bytes());
        assert_eq!(client.hear()["t"], "res");
    }
    client.stream.write_all(&(FRAME_MAX as u32 + 1).to_be_bytes()).unwrap();
    assert_eq!(client.hear()["code"], "PAYLOAD_TOO_LARGE");
    client.is_closed();
    // Also when a lot of it is on its way.
    let mut client = server.connect();
    client.stream.write_all(&[0xff; 100_000]).unwrap();
    assert_eq!(client.hear()["code"], "PAYLOAD_TOO_LARGE");
}

/// On the stacks of the pool, in a debug build.
#[test]
fn depth_and_nonsense_cost_nothing() {
    // It takes its time on a slow machine, and most of it before the login.
    let server = Running::with("--handshake-timeout 600");
    let mut client = server.connect();
    for (open, close) in [("[", "]"), (r#"{"a":"#, "}")] {
        for depth in [100, 127, 128, 129, 30_000] {
            let deep = format!("{}1{}", open.repeat(depth), close.repeat(depth));
            client.send(deep.as_bytes());
            assert_eq!(client.hear()["code"], "BAD_REQUEST");
            client.send(open.repeat(depth).as_bytes());
            assert_eq!(client.hear()["code"], "BAD_REQUEST");
            let text =
                format!(r#"{{"v":1,"t":"req","id":"1","act":"AUTH","data":{{"token":{deep}}}}}"#);
            let mut other = server.connect();
            other.send(text.as_bytes());
            assert_eq!(other.hear()["code"], "UNAUTHORIZED");
            server.core.log_in_user("test", b"ana", b"1234", [127, 0, 0, 1].into()).unwrap();
        }
    }
    for payload in [&b"\xff\xfe"[..], b"\"\xc3\"", b"\0", b"nul", b"{\"v\":1e999}", &[b'"'; 9999]] {
        client.send(payload);
        assert_eq!(client.hear()["code"], "BAD_REQUEST");
    }
    // Nobody else has noticed.
    assert_eq!(client.ask("AUTH", json!({"token": minted("SET_CONFIG")}))["t"], "res");
    let deep = format!("{}{}", "[".repeat(127), "]".repeat(127));
    let text = format!(
        r#"{{"v":1,"t":"req","id":"1","act":"SET_CONFIG","data":{{"name":"timeout","value":{deep}}}}}"#
    );
    client.send(text.as_bytes());
    assert_eq!(client.hear()["details"]["reason"], "BAD_VALUE");
}

#[test]
fn a_token_of_strangers_is_not_looked_into() {
    if !is_there(&["python3", "-c", "import jwt"]) {
        return;
    }
    let server = Running::start();
    let token = python(
        "import base64, json\n\
         deep = '[' * 120 + ']' * 120\n\
         part = lambda t: base64.urlsafe_b64encode(t.encode()).rstrip(b'=').decode()\n\
         print('.'.join([part('{\"alg\":\"HS256\",\"jwk\":%s}' % deep), part('{\"exp\":%s}' % deep), 'x']))",
    );
    let answer = server.connect().ask("AUTH", json!({"token": token}));
    assert_eq!(answer["code"], "INVALID_TOKEN");
}

#[test]
fn requests_in_one_piece_are_answered_in_order_and_limited() {
    let server = Running::start();
    let mut client = server.open("PING");
    let mut all = Vec::new();
    for id in 0..150 {
        let id = id.to_string();
        let request = json!({"v": 1, "t": "req", "id": id, "act": "PING"}).to_string();
        Frame(request.as_bytes()).encode(&mut all).unwrap();
    }
    client.stream.write_all(&all).unwrap();
    for id in 0..150 {
        let answer = client.hear();
        assert_eq!(answer["id"], id.to_string());
        if id < 99 {
            assert_eq!(answer["t"], "res", "{answer}");
        } else {
            assert_eq!(answer["code"], "RATE_LIMITED", "{answer}");
            let wait = answer["details"]["retryAfterMs"].as_u64().unwrap();
            assert!((1..=10_000).contains(&wait), "{wait}");
        }
    }
    // Each connection has its own window.
    assert_eq!(server.open("PING").ask("PING", json!(null))["t"], "res");
}

#[test]
fn strangers_have_a_deadline() {
    let server = Running::with("--handshake-timeout 1");
    let mut client = server.connect();
    let mut octet = [0];
    let ended = client.stream.read(&mut octet);
    let over = |error: io::Error| error.kind() == ErrorKind::ConnectionReset;
    assert!(ended.map_or_else(over, |count| count == 0));
    // On a busy machine that may be too short for a login now and then.
    let token = minted("GET_OS_INFO");
    let mut known = (0..9).find_map(|_| server.try_open(&token)).expect("a session");
    let answer = known.ask("GET_OS_INFO", json!({"seconds": 2}));
    assert_eq!(answer["t"], "res", "no deadline runs in a session");
}

/// What is wrong is told, in a frame, whatever its length.
#[test]
fn the_longest_wrong_value_is_answered() {
    let server = Running::start();
    let mut client = server.open("GET_OS_INFO,REMOVE_USER,SET_CONFIG,SET_RULES");
    for (act, before, filling, after) in [
        ("GET_OS_INFO", r#"{"seconds":""#, "a", r#""}"#),
        ("REMOVE_USER", r#"{"name":"ana","cut":""#, "\u{200b}", r#""}"#),
        ("SET_CONFIG", r#"{"name":"maildir","value":"/"#, r"\u0001", r#""}"#),
        ("SET_RULES", r#"{"list":"targets","rules":["deny *:"#, r#"\""#, r#""]}"#),
    ] {
        let start = format!(r#"{{"v":1,"t":"req","id":"2","act":"{act}","data":{before}"#);
        let most = FRAME_MAX - start.len() - after.len() - 1;
        for octets in [most, 65_000 * filling.len()] {
            let text = filling.repeat(octets.min(most) / filling.len());
            client.send(format!("{start}{text}{after}}}").as_bytes());
            let answer = client.hear();
            assert_eq!((&answer["code"], &answer["id"]), (&json!("BAD_REQUEST"), &json!("2")));
        }
    }
}

/// The answer to AUTH, and to what is forbidden, repeats all of a token's scopes.
#[test]
fn scopes_that_could_not_be_repeated_open_nothing() {
    // So long a token takes its time on a slow machine.
    let server = Running::with("--handshake-timeout 600");
    let token = |words: usize| {
        let letter = |number: usize| char::from(b'#' + (number % 57) as u8);
        let word = |number| [letter(number / 57 / 57), letter(number / 57), letter(number), ' '];
        let scope: String = (0..words).flat_map(word).collect();
        let claims = json!({"sub": "ana", "scope": scope, "exp": now() / 1000 + 60});
        let key = EncodingKey::from_secret(SECRET.as_bytes());
        jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &key).unwrap()
    };
    for words in [48_500, 3_000] {
        let mut client = server.connect();
        assert_eq!(client.ask("AUTH", json!({"token": token(words)}))["code"], "INVALID_TOKEN");
        client.is_closed();
    }
    let mut client = server.connect();
    let answer = client.ask("AUTH", json!({"token": token(1_000)}));
    assert_eq!(answer["data"]["scopes"].as_array().unwrap().len(), 1_000);
    let answer = client.ask("GET_METRICS", json!(null));
    assert_eq!(answer["code"], "FORBIDDEN");
    assert_eq!(answer["details"]["userScopes"].as_array().unwrap().len(), 1_000);
}
