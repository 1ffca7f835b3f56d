//! The files of `examples/deploy` fit the programs and one another.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

mod foreign;
#[path = "harness/mod.rs"]
#[allow(dead_code, reason = "other tests use the rest")]
mod harness;

use harness::clock::until;
use harness::file::Scratch;
use harness::server::Server;
use harness::shoes::Admin;
use harness::socks::can_log_in;

const SOCKSD: &str = env!("CARGO_BIN_EXE_socksd");

/// What `secrets.env` holds.
const SECRET: &str = "0123456789abcdef0123456789abcdef";

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/deploy").join(name)
}

fn text(name: &str) -> String {
    fs::read_to_string(path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

#[track_caller]
fn output(program: &str, args: &[&str]) -> (bool, String) {
    let mut command = Command::new(program);
    command.args(args).env("SOCKSD_JWT_SECRET", SECRET);
    let output = command.output().unwrap_or_else(|error| panic!("{program}: {error}"));
    let Output { status, stdout, stderr } = output;
    (status.success(), String::from_utf8_lossy(&[stdout, stderr].concat()).into_owned())
}

/// The values of a key of the unit, in their order.
fn unit(key: &str) -> Vec<String> {
    let text = text("socksd.service");
    let values = text.lines().filter_map(|line| line.strip_prefix(key)?.strip_prefix('='));
    let values: Vec<_> = values.map(str::to_owned).collect();
    assert!(!values.is_empty(), "{key} in the unit");
    values
}

/// The value of an option in the configuration, without quotes.
fn option(name: &str) -> String {
    let text = text("socksd.toml");
    let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(" = "));
    let value = value.unwrap_or_else(|| panic!("{name} in the configuration"));
    value.split('#').next().expect("a value").trim().trim_matches('"').to_owned()
}

fn number(text: &str) -> u32 {
    text.parse().unwrap_or_else(|_| panic!("{text} is no number"))
}

#[test]
fn the_configuration_is_fine() {
    let config = path("socksd.toml");
    let (fine, said) = output(SOCKSD, &["check", config.to_str().expect("a name")]);
    assert!(fine && !said.contains("warning"), "{said}");
    for line in [
        "socks: 0.0.0.0:1080",
        "json: 127.0.0.1:8084",
        "http: 127.0.0.1:9180",
        "users: ana, bob",
        "admins: root",
        "limits of ana: rate_down 5000000, quota_month 100000000000",
        "rule: user:bob 1: deny *:22",
    ] {
        assert!(said.lines().any(|said| said == line), "{line}: {said}");
    }
}

#[test]
fn the_configuration_serves_when_its_passwords_are_known() {
    let text = text("socksd.toml");
    let hashes: Vec<&str> = text.lines().filter(|line| line.starts_with("password")).collect();
    assert_eq!(hashes.len(), 3);
    // Ana's, bob's and root's.
    let mut own = text.clone();
    for (hash, password) in hashes.iter().zip(["1234", "5678", "secret"]) {
        own = own.replace(hash, &format!("password = \"{}\"", hashed(password)));
    }
    own = own.replace("name = \"root\"", "name = \"admin\"");
    own = format!("{own}\n[secrets]\njwt = \"{SECRET}\"\n");
    let (config, state, log) = (Scratch::new("toml"), Scratch::new("toml"), Scratch::new("log"));
    fs::write(config.path(), own).expect("writing a configuration");
    let (config, state, log) = (config.path(), state.path(), log.path());
    let places = ["-l", "127.0.0.1", "-p", "0", "-P", "0", "--http", "127.0.0.1:0"];
    let json = ["--json", "127.0.0.1:0"];
    let files = ["--config", config, "--state", state, "--access-log", log];
    let mut server = Server::with_arguments(&[files.as_slice(), &places, &json].concat());
    assert!(can_log_in(&server, "ana", "1234") && can_log_in(&server, "bob", "5678"));
    assert!(!can_log_in(&server, "ana", "5678"));
    until("it logs for the journal", || server.log().starts_with("<4>auth-failed "));
    assert_eq!(Admin::of(&server).users(), [b"ana".to_vec(), b"bob".to_vec()]);
    let address = server.listener("http").to_string();
    assert!(output(SOCKSD, &["healthcheck", &address]).0);
    assert_alerts_know_metrics(&metrics(&address));
}

fn metrics(address: &str) -> String {
    let mut stream = TcpStream::connect(address).expect("a connection");
    let request = format!("GET /metrics HTTP/1.1\r\nHost: {address}\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("a request");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer
}

fn hashed(password: &str) -> String {
    let mut command = Command::new(SOCKSD);
    command.arg("hash-password").stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().expect("starting socksd");
    let line = format!("{password}\n");
    child.stdin.take().expect("a pipe").write_all(line.as_bytes()).expect("a password");
    let output = child.wait_with_output().expect("its output");
    String::from_utf8(output.stdout).expect("text").trim().to_owned()
}

/// Every metric in an alert is one that the server has.
fn assert_alerts_know_metrics(metrics: &str) {
    let rules = text("socksd.rules.yml");
    let words = rules.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let named: Vec<&str> = words.filter(|word| word.starts_with("socksd_")).collect();
    assert!(named.len() > 3, "{rules}");
    for name in named {
        assert!(metrics.contains(&format!("# TYPE {name} ")), "{name}: {metrics}");
    }
}

#[test]
fn the_unit_fits_the_configuration() {
    let command = unit("ExecStart");
    let words: Vec<&str> = command[0].split(' ').collect();
    assert_eq!(words, ["/usr/local/bin/socksd", "--config", "%d/socksd.toml"]);
    assert!(output(SOCKSD, &[&words[1..], &["--version"]].concat()).0, "its options are known");
    assert_eq!(unit("LoadCredential"), ["socksd.toml:/etc/socksd/socksd.toml"]);
    assert!(option("state").starts_with(&format!("/var/lib/{}/", unit("StateDirectory")[0])));
    assert!(option("access-log").starts_with(&format!("/var/log/{}/", unit("LogsDirectory")[0])));
    // What is cut after the grace period needs a moment too.
    assert!(number(&unit("TimeoutStopSec")[0]) >= number(&option("grace")) + 5);
    let connections = number(&option("max-connections"));
    assert!(number(&unit("TasksMax")[0]) >= 2 * connections + 200);
    assert!(number(&unit("LimitNOFILE")[0]) >= 8 * connections);
    let low = ["port", "shoes-port"].iter().any(|name| number(&option(name)) < 1024);
    assert!(!low && unit("CapabilityBoundingSet") == [""], "no capability is needed");
}

#[test]
fn systemd_finds_the_unit_well_formed_and_hardened() {
    if !foreign::is_there(&["systemd-analyze", "--version"]) {
        return;
    }
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("unit");
    fs::create_dir_all(&folder).expect("a folder");
    let path = folder.join("socksd.service");
    let text = text("socksd.service").replace("/usr/local/bin/socksd", SOCKSD);
    fs::write(&path, text).expect("a unit");
    let path = path.to_str().expect("a name");
    let (fine, said) = output("systemd-analyze", &["verify", "--man=no", path]);
    assert!(fine && said.trim().is_empty(), "{said}");
    // In tenths: 1.2 where this was written, and 9.6 for a unit without any of it.
    let args = ["security", "--offline=true", "--no-pager", "--threshold=20", path];
    let (fine, said) = output("systemd-analyze", &args);
    assert!(fine, "{said}");
}

#[test]
fn prometheus_takes_its_files() {
    if !foreign::is_there(&["promtool", "--version"]) {
        return;
    }
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("prometheus");
    fs::create_dir_all(&folder).expect("a folder");
    let file = |name: &str, text: String| {
        let path = folder.join(name);
        fs::write(&path, text).expect("a file");
        path.to_str().expect("a name").to_owned()
    };
    let token = file("socksd.token", "0123456789abcdef".into());
    let config = text("prometheus.yml").replace("/etc/prometheus/socksd.token", &token);
    let config = file("prometheus.yml", config);
    file("socksd.rules.yml", text("socksd.rules.yml"));
    let (fine, said) = output("promtool", &["check", "config", &config]);
    assert!(fine && said.contains("5 rules found"), "{said}");
    let (fine, said) = output("promtool", &["test", "rules", &file("test.yml", ALERTS.into())]);
    assert!(fine, "{said}");
}

/// A server is away; another one fails to accept, for five minutes.
const ALERTS: &str = r#"
rule_files: [socksd.rules.yml]
evaluation_interval: 1m
tests:
  - interval: 1m
    input_series:
      - {series: 'up{job="socksd",instance="a"}', values: "1 0x10"}
      - {series: 'up{job="socksd",instance="b"}', values: "1x10"}
      - {series: 'socksd_accept_errors_total{instance="b",listener="socks"}', values: "0+60x10"}
      - {series: 'socksd_connections_total{instance="b"}', values: "0+60x10"}
      - {series: 'socksd_auth_failures_total{instance="b"}', values: "0+1x10"}
    alert_rule_test:
      - {eval_time: 2m, alertname: SocksdDown, exp_alerts: []}
      - eval_time: 5m
        alertname: SocksdDown
        exp_alerts:
          - exp_labels: {severity: critical, job: socksd, instance: a}
            exp_annotations: {summary: "a does not answer"}
      - eval_time: 9m
        alertname: SocksdCannotAccept
        exp_alerts:
          - exp_labels: {severity: critical, instance: b, listener: socks}
            exp_annotations:
              summary: "b fails to accept at socks: out of descriptors or memory?"
      - {eval_time: 9m, alertname: SocksdRestarted, exp_alerts: []}
      - {eval_time: 9m, alertname: SocksdPasswordsGuessed, exp_alerts: []}
"#;

/// It is not built here, but what it copies exists, and what it runs is understood.
#[test]
fn the_dockerfile_fits_the_tree() {
    let text = text("Dockerfile");
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut copied = 0;
    for line in text.lines().filter_map(|line| line.strip_prefix("COPY ")) {
        let words: Vec<&str> = line.split(' ').collect();
        let (_, sources) = words.split_last().expect("a place to copy to");
        for source in sources.iter().filter(|_| !line.starts_with("--from")) {
            assert!(root.join(source).exists(), "{source}");
            let kept = format!("!{source}");
            assert!(self::text("Dockerfile.dockerignore").lines().any(|line| line == kept));
            copied += 1;
        }
    }
    assert_eq!(copied, 3);
    let words = |instruction: &str| -> Vec<String> {
        let line = text.lines().find_map(|line| line.split_once(instruction)).expect("a line");
        serde_json::from_str(line.1).expect("an array of texts")
    };
    assert_eq!(words("ENTRYPOINT "), ["/usr/local/bin/socksd"]);
    assert_eq!(words(" CMD ").last().expect("a word"), &option("http"));
    assert_eq!(text.lines().last(), Some("CMD [\"--config\", \"/etc/socksd/socksd.toml\"]"));
    assert!(text.contains(&format!("EXPOSE {}\n", option("port"))));
}
