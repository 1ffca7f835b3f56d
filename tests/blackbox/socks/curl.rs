//! curl as a client: somebody else's idea of SOCKS5.

use crate::foreign::is_there;
use crate::harness::server::Server;
use crate::harness::socks::LOOPBACK;
use crate::harness::target::Nobody;
use crate::harness::web::{PAGE, curl, web};

#[track_caller]
fn expect_page(args: &[&str]) {
    let run = curl(args);
    assert_eq!(run.stdout, PAGE, "{} {}", run.status, run.stderr);
    assert!(run.status.success());
}

#[test]
fn by_address_and_by_name() {
    if !is_there(&["curl", "--version"]) {
        return;
    }
    let server = Server::open();
    let (proxy, web) = (server.socks.to_string(), web());
    expect_page(&["--socks5", &proxy, &format!("http://{web}/")]);
    expect_page(&["--socks5-hostname", &proxy, &format!("http://localhost:{}/", web.port())]);
}

#[test]
fn with_a_user_and_a_password() {
    if !is_there(&["curl", "--version"]) {
        return;
    }
    let server = Server::start(&["-u", "ana:1234"]);
    let (proxy, web) = (server.socks.to_string(), web());
    let url = format!("http://localhost:{}/", web.port());
    expect_page(&["--socks5", &proxy, "--proxy-user", "ana:1234", &format!("http://{web}/")]);
    expect_page(&["--socks5-hostname", &proxy, "--proxy-user", "ana:1234", &url]);
    let wrong = curl(&["--socks5-hostname", &proxy, "--proxy-user", "ana:wrong", &url]);
    assert!(!wrong.status.success() && wrong.stdout.is_empty(), "{}", wrong.stdout);
    let without = curl(&["--socks5-hostname", &proxy, &url]);
    assert!(!without.status.success() && without.stdout.is_empty(), "{}", without.stdout);
}

#[test]
fn a_refused_connection_is_reported() {
    if !is_there(&["curl", "--version"]) {
        return;
    }
    let server = Server::open();
    let nobody = Nobody::on(LOOPBACK);
    let url = format!("http://{}/", nobody.address());
    let run = curl(&["--socks5-hostname", &server.socks.to_string(), &url]);
    assert_eq!(run.status.code(), Some(97), "CURLE_PROXY: {}", run.stderr);
}
