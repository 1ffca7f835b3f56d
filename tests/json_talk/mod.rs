//! A json conversation with a clock and a machine of its own: no socket, no waiting.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use socksd::core::{Core, Start};
use socksd::manage::{Host, JsonSession, JwtKey};
use socksd::net::session::{Input, Next, Session};
use socksd::wire::json::Frame;
use socksd::wire::json::data::Sample;

pub const PEER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 7));
/// The wall clock at the start, in milliseconds.
pub const EPOCH: u64 = 1_000_000_000_000;
pub const EVERYTHING: &[&str] = &[
    "GET_OS_INFO",
    "GET_METRICS",
    "LIST_USERS",
    "ADD_USER",
    "REMOVE_USER",
    "EDIT_USER",
    "LIST_CONNECTIONS",
    "CUT_CONNECTION",
    "GET_CONFIG",
    "SET_CONFIG",
    "GET_RULES",
    "SET_RULES",
];

/// A machine whose time is set, and whose samples are numbered.
pub struct Fake {
    pub time: Arc<AtomicU64>,
    pub samples: u64,
}

impl Host for Fake {
    fn time(&self) -> u64 {
        self.time.load(Ordering::Relaxed)
    }

    fn random(&self) -> std::io::Result<u64> {
        Ok(0xabc)
    }

    fn uptime(&self) -> u64 {
        77
    }

    fn watch(&mut self) {
        self.samples = 0;
    }

    fn sample(&mut self) -> Sample {
        self.samples += 1;
        Sample { cpu: 0.5, mem: self.samples, time: self.time() }
    }
}

/// A conversation, the moment that it takes for now, and what it has said.
pub struct Talk {
    pub core: Core,
    pub session: JsonSession,
    pub input: Input,
    pub start: Instant,
    pub time: Arc<AtomicU64>,
    pub next: Next<()>,
    pub said: Vec<Value>,
}

pub fn key() -> JwtKey {
    JwtKey::new(b"0123456789abcdef0123456789abcdef").unwrap()
}

/// A token that ends after so many seconds.
pub fn token(scopes: &[&str], seconds: u64) -> String {
    let scopes: BTreeSet<String> = scopes.iter().copied().map(String::from).collect();
    let now = EPOCH / 1000;
    key().mint("ana", &scopes, now, now + seconds).unwrap()
}

pub fn request(id: &str, act: &str, data: Value) -> Value {
    json!({"v": 1, "t": "req", "id": id, "act": act, "data": data})
}

pub fn framed(payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    Frame(payload).encode(&mut out).unwrap();
    out
}

impl Talk {
    pub fn new() -> Self {
        let (core, _) = Core::new(Start::default()).unwrap();
        let time = Arc::new(AtomicU64::new(EPOCH));
        let host = Box::new(Fake { time: time.clone(), samples: 0 });
        let session = JsonSession::new(core.clone(), key(), PEER, host);
        let (input, start) = (Input::default(), Instant::now());
        let next = Next::READ;
        let mut talk = Self { core, session, input, start, time, next, said: Vec::new() };
        talk.advance();
        let hello = talk.heard();
        assert_eq!(hello["t"], "hello");
        talk
    }

    /// With a session that has these scopes for an hour.
    pub fn opened(scopes: &[&str]) -> Self {
        let mut talk = Self::new();
        let answer = talk.ask("AUTH", json!({"token": token(scopes, 3600)}));
        assert_eq!(answer["data"]["sessionId"], "sess_0000000000000abc");
        assert!(talk.session.admitted());
        talk
    }

    pub fn now(&self) -> Instant {
        self.start + Duration::from_millis(self.time.load(Ordering::Relaxed) - EPOCH)
    }

    pub fn advance(&mut self) {
        loop {
            let mut output = Vec::new();
            let now = self.now();
            self.next = self.session.advance(&mut self.input, &mut output, now);
            let mut left = &output[..];
            while let Some((Frame(payload), used)) = Frame::decode(left).unwrap() {
                self.said.push(serde_json::from_slice(payload).unwrap());
                left = &left[used..];
            }
            assert!(left.is_empty(), "half a frame was said");
            if self.next != Next::Write {
                return;
            }
        }
    }

    pub fn send(&mut self, octets: &[u8]) {
        self.input.receive(octets);
        self.advance();
    }

    pub fn say(&mut self, message: &Value) {
        self.send(&framed(message.to_string().as_bytes()));
    }

    pub fn ask(&mut self, act: &str, data: Value) -> Value {
        self.say(&request("1", act, data));
        let answer = self.heard();
        assert_eq!((&answer["id"], &answer["act"]), (&json!("1"), &json!(act)));
        answer
    }

    /// The one message said since the last look.
    pub fn heard(&mut self) -> Value {
        let mut said = std::mem::take(&mut self.said);
        assert_eq!(said.len(), 1, "{said:?}");
        said.remove(0)
    }

    /// The code of the one error said since the last look.
    pub fn refused(&mut self) -> Value {
        let said = self.heard();
        assert_eq!((&said["v"], &said["t"]), (&json!(1), &json!("err")), "{said}");
        assert!(said["msg"].as_str().is_some_and(|msg| !msg.is_empty()));
        said["code"].clone()
    }

    /// Lets time pass as the driver does: the session is called when it asked to be.
    pub fn pass(&mut self, milliseconds: u64) {
        let end = self.now() + Duration::from_millis(milliseconds);
        while let Next::Read { until: Some(until) } = self.next {
            if until > end || self.closed() {
                break;
            }
            self.set(until.max(self.now()));
            self.advance();
        }
        self.set(end);
    }

    /// Rounded up: the clock of the machine has milliseconds only.
    pub fn set(&mut self, moment: Instant) {
        let passed = (moment - self.start).as_micros().div_ceil(1000);
        self.time.store(EPOCH + passed as u64, Ordering::Relaxed);
    }

    pub fn closed(&self) -> bool {
        self.next == Next::Close
    }
}
