//! HAProxy in front of the server: somebody else's idea of the PROXY protocol, with the
//! configuration that `examples/deploy/` has.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::process::{Child, Command, Stdio};

use crate::foreign::is_there;
use crate::harness::clock::until;
use crate::harness::file::Scratch;
use crate::harness::peer::Peer;
use crate::harness::server::{Server, run};
use crate::harness::shoes::Admin;
use crate::harness::socks::{LOOPBACK, try_on};
use crate::harness::target::echo;

const EXAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/deploy/haproxy.cfg");
const CLIENT: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 5);

/// A running HAProxy.
struct Proxy {
    child: Child,
    address: SocketAddr,
    _configuration: Scratch,
}

impl Proxy {
    /// The example on a free port, which it inherits, in front of `server`.
    fn start(server: SocketAddr, header: &str) -> Self {
        let listener = TcpListener::bind((LOOPBACK, 0)).expect("a free port");
        let address = listener.local_addr().expect("its address");
        // A check that comes late says how busy the machine is, and not that the server is down.
        let server = format!("server one {server} {header} check inter 50ms fall 1000");
        let text = fs::read_to_string(EXAMPLE).expect("the example");
        let changed = text
            .replace("bind :1080", "bind fd@0")
            .replace("server one 127.0.0.1:1081 send-proxy-v2 check", &server);
        assert!(changed.contains(&server) && changed.contains("fd@0"), "the example: {changed}");
        let configuration = Scratch::new("cfg");
        fs::write(configuration.path(), changed).expect("a configuration");
        let mut command = Command::new("haproxy");
        command.args(["-db", "-f", configuration.path()]);
        command.stdin(Stdio::from(OwnedFd::from(listener)));
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().expect("starting haproxy");
        Self { child, address, _configuration: configuration }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn the_example_is_right() {
    if !is_there(&["haproxy", "-v"]) {
        return;
    }
    let mut command = Command::new("haproxy");
    command.args(["-c", "-f", EXAMPLE]);
    let checked = run(command);
    assert!(checked.status.success(), "{} {}", checked.stdout, checked.stderr);
    assert!(!checked.stderr.contains("WARNING"), "{}", checked.stderr);
}

#[test]
fn the_access_log_names_the_client_and_no_check() {
    if !is_there(&["haproxy", "-v"]) {
        return;
    }
    for header in ["send-proxy", "send-proxy-v2", "send-proxy-v2 proxy-v2-options crc32c,unique-id"]
    {
        let log = Scratch::new("log");
        let mut server = Server::start(&["--access-log", log.path(), "--proxy-from", "127.0.0.1"]);
        let proxy = Proxy::start(server.socks, header);
        let mut client = Peer::connect_from(CLIENT, proxy.address);
        let port = client.local().port().to_string();
        client = try_on(client, None, echo()).expect("a connection through both");
        client.expect_echo(&vec![0x55; 100_000]);
        client.finish();
        client.expect_eof();
        let record = &log.records(1)[0];
        assert_eq!(record[3..5], ["127.0.0.5", &port], "{header}");
        assert_eq!(record[8..10], ["100000", "100000"]);
        // Some checks later there is still that one line, and nothing to complain about.
        let mut admin = Admin::of(&server);
        let before = admin.metrics().historic;
        until("checks come and go", || {
            let now = admin.metrics();
            now.historic >= before + 3 && now.current == 0
        });
        let said = server.whole_log();
        assert!(!said.contains("proxy-protocol-error"), "{said}");
        assert_eq!(log.text().lines().count(), 1, "{header}: {}", log.text());
    }
}

#[test]
fn limits_hold_for_each_client() {
    if !is_there(&["haproxy", "-v"]) {
        return;
    }
    let server = Server::start(&["--proxy-from", "127.0.0.1", "--max-per-address", "1"]);
    let proxy = Proxy::start(server.socks, "send-proxy-v2");
    let address = echo();
    let come = |host| {
        let client = Peer::connect_from(Ipv4Addr::new(127, 0, 0, host), proxy.address);
        try_on(client, None, address)
    };
    let first = come(5).expect("one is within the limit");
    assert!(come(5).is_none());
    let _other = come(6).expect("the limit is each client's own");
    drop(first);
    until("there is room again", || come(5).is_some());
}
