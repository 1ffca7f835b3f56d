//! A headless Chromium, driven over WebDriver (W3C) by its own driver.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::foreign;
use crate::served::DEADLINE;

/// How WebDriver names an element.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// Keys, as WebDriver writes them.
pub const TAB: char = '\u{e004}';
pub const ENTER: char = '\u{e007}';
pub const ESCAPE: char = '\u{e00c}';

/// A browser with a profile of its own; it ends with the test.
pub struct Browser {
    port: u16,
    session: String,
    driver: Child,
    profile: PathBuf,
    /// Kept open, so that the driver can go on talking.
    _talk: BufReader<ChildStdout>,
}

impl Browser {
    /// Nothing where there is none (see `foreign`).
    pub fn start() -> Option<Self> {
        // Debian has them in the packages chromium and chromium-driver.
        if !foreign::is_there(&["chromium", "--version"])
            || !foreign::is_there(&["chromedriver", "--version"])
        {
            return None;
        }
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name =
            format!("socksd-page-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let profile = std::env::temp_dir().join(name);
        // It picks a port for IPv4 and wants the same for IPv6, where it may be taken.
        let started = (0..5).find_map(|_| start_driver());
        let (driver, port, talk) = started.expect("a driver that listens");
        let mut browser = Self { port, session: String::new(), driver, profile, _talk: talk };
        browser.open_session();
        Some(browser)
    }

    fn open_session(&mut self) {
        let arguments = [
            "--headless=new".to_owned(),
            // A sandbox can't be had as root, and /dev/shm is small in a container.
            "--no-sandbox".to_owned(),
            "--disable-dev-shm-usage".to_owned(),
            "--disable-gpu".to_owned(),
            "--no-proxy-server".to_owned(),
            "--window-size=1280,1000".to_owned(),
            format!("--user-data-dir={}", self.profile.display()),
        ];
        let wanted = json!({ "capabilities": { "alwaysMatch": {
            "browserName": "chrome",
            "goog:loggingPrefs": { "browser": "ALL" },
            "goog:chromeOptions": { "args": arguments },
        }}});
        let opened = call(self.port, "POST", "/session", &wanted).unwrap();
        self.session = opened["sessionId"].as_str().unwrap().to_owned();
    }

    #[track_caller]
    fn ask(&self, method: &str, path: &str, body: Value) -> Value {
        let path = format!("/session/{}{path}", self.session);
        call(self.port, method, &path, &body).unwrap_or_else(|why| panic!("{method} {path}: {why}"))
    }

    #[track_caller]
    pub fn go(&self, url: &str) {
        self.ask("POST", "/url", json!({ "url": url }));
    }

    /// What a function with this body returns in the page.
    #[track_caller]
    pub fn run(&self, script: &str) -> Value {
        self.ask("POST", "/execute/sync", json!({ "script": script, "args": [] }))
    }

    /// As [`Self::run`], for a function that calls its last argument when it is done.
    #[track_caller]
    pub fn run_async(&self, script: &str) -> Value {
        self.ask("POST", "/execute/async", json!({ "script": script, "args": [] }))
    }

    /// The text of the first element that matches.
    #[track_caller]
    pub fn text(&self, selector: &str) -> String {
        let script = format!("return document.querySelector({}).textContent", json!(selector));
        self.run(&script).as_str().unwrap().to_owned()
    }

    /// Waits until the text of an element is right.
    #[track_caller]
    pub fn until_text(&self, selector: &str, right: impl Fn(&str) -> bool) {
        let start = Instant::now();
        loop {
            let text = self.text(selector);
            if right(&text) {
                return;
            }
            assert!(start.elapsed() < DEADLINE, "{selector} still shows {text:?}");
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Presses these keys one after the other, wherever the focus is.
    #[track_caller]
    pub fn press(&self, keys: &str) {
        let key = |kind: &str, key: char| json!({ "type": kind, "value": key.to_string() });
        let actions: Vec<Value> =
            keys.chars().flat_map(|it| [key("keyDown", it), key("keyUp", it)]).collect();
        let actions = json!([{ "type": "key", "id": "keyboard", "actions": actions }]);
        self.ask("POST", "/actions", json!({ "actions": actions }));
    }

    /// The role and the name of the element that has the focus, as a screen reader is
    /// told.
    #[track_caller]
    pub fn focused(&self) -> (String, String) {
        let element = self.ask("GET", "/element/active", Value::Null);
        let id = element[ELEMENT].as_str().unwrap();
        let told = |what: &str| {
            let told = self.ask("GET", &format!("/element/{id}/computed{what}"), Value::Null);
            told.as_str().unwrap().to_owned()
        };
        (told("role"), told("label"))
    }

    /// Presses Tab until the focus is where it should be.
    #[track_caller]
    pub fn tab_to(&self, right: impl Fn(&str, &str) -> bool) {
        let mut passed = Vec::new();
        for _ in 0..60 {
            self.press(&TAB.to_string());
            let (role, label) = self.focused();
            if right(&role, &label) {
                return;
            }
            passed.push((role, label));
        }
        panic!("not among {passed:?}");
    }

    /// Moves the pointer over an element.
    #[track_caller]
    pub fn point_at(&self, selector: &str) {
        let script = format!(
            "const found = document.querySelector({});
             found.scrollIntoView({{ block: 'center' }}); return found",
            json!(selector)
        );
        let over = json!({ "type": "pointerMove", "duration": 0, "x": 0, "y": 0,
                           "origin": self.run(&script) });
        let actions = json!([{ "type": "pointer", "id": "mouse", "actions": [over] }]);
        self.ask("POST", "/actions", json!({ "actions": actions }));
    }

    /// A command of Chromium's own protocol.
    #[track_caller]
    pub fn chromium(&self, command: &str, parameters: Value) -> Value {
        let body = json!({ "cmd": command, "params": parameters });
        self.ask("POST", "/goog/cdp/execute", body)
    }

    /// A window of this size, in CSS pixels.
    #[track_caller]
    pub fn resize(&self, width: u32, height: u32, mobile: bool) {
        let scale = if mobile { 2 } else { 1 };
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": scale, "mobile": mobile });
        self.chromium("Emulation.setDeviceMetricsOverride", size);
    }

    /// `dark` or `light`.
    #[track_caller]
    pub fn prefer(&self, scheme: &str) {
        let features = json!([{ "name": "prefers-color-scheme", "value": scheme }]);
        self.chromium("Emulation.setEmulatedMedia", json!({ "features": features }));
    }

    /// What the console has said since it was last asked: errors of scripts, of
    /// loading, and breaches of the Content-Security-Policy.
    #[track_caller]
    pub fn complaints(&self) -> Vec<String> {
        let said = self.ask("POST", "/se/log", json!({ "type": "browser" }));
        let said = said.as_array().unwrap().iter();
        said.map(|entry| entry["message"].as_str().unwrap().to_owned()).collect()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let path = format!("/session/{}", self.session);
        let _ = call(self.port, "DELETE", &path, &Value::Null);
        let _ = self.driver.kill();
        let _ = self.driver.wait();
        let _ = fs::remove_dir_all(&self.profile);
    }
}

/// The driver, where it listens, and what it says further.
fn start_driver() -> Option<(Child, u16, BufReader<ChildStdout>)> {
    const BEFORE: &str = "started successfully on port ";
    let mut command = Command::new("chromedriver");
    command.arg("--port=0").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut driver = command.spawn().unwrap();
    let mut talk = BufReader::new(driver.stdout.take().unwrap());
    let port = talk.by_ref().lines().map_while(Result::ok).find_map(|line| {
        let (_, port) = line.split_once(BEFORE)?;
        port.trim_end_matches('.').parse().ok()
    });
    if port.is_none() {
        driver.wait().unwrap();
    }
    Some((driver, port?, talk))
}

/// One command to the driver, over a connection of its own.
fn call(port: u16, method: &str, path: &str, body: &Value) -> Result<Value, String> {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).map_err(|e| e.to_string())?;
    // To start a browser on a busy machine may take long.
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\
         Content-Type: application/json; charset=utf-8\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).map_err(|error| error.to_string())?;
    stream.write_all(body.as_bytes()).map_err(|error| error.to_string())?;
    let answer = read_answer(&mut BufReader::new(stream)).map_err(|error| error.to_string())?;
    let mut answer: Value = serde_json::from_slice(&answer).map_err(|error| error.to_string())?;
    let value = answer["value"].take();
    match value.get("error") {
        Some(error) => Err(format!("{error}: {}", value["message"])),
        None => Ok(value),
    }
}

/// The body of an answer, as long as its head says.
fn read_answer(stream: &mut impl BufRead) -> std::io::Result<Vec<u8>> {
    let mut length = 0;
    loop {
        let mut line = String::new();
        stream.read_line(&mut line)?;
        if line.trim_end().is_empty() {
            break;
        }
        let field = line.to_ascii_lowercase();
        if let Some(value) = field.strip_prefix("content-length:") {
            length = value.trim().parse().map_err(std::io::Error::other)?;
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    Ok(body)
}
