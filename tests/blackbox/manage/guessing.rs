//! Ten failed logins from an address are free, then it has to wait.

use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use crate::harness::clock::until;
use crate::harness::peer::Peer;
use crate::harness::server::Server;
use crate::harness::shoes::{Admin, login};
use crate::harness::socks::can_log_in;

fn fail_at_shoes(server: &Server) {
    let mut peer = Peer::connect(server.shoes);
    peer.send(&login(b"admin", b"wrong"));
    peer.expect(&[0x01, 0x03]);
    peer.expect_eof();
}

fn fail_at_socks(server: &Server) {
    assert!(!can_log_in(server, "ana", "wrong"));
}

/// Fails eleven times and tries the right password: whether it was let in, or
/// `None` if it was and that took so long that the refusal may have been over.
fn right_password_after_eleven(server: &Server, fail: impl Fn(u32)) -> Option<bool> {
    right_password_after_one_more_than(10, server, fail)
}

fn right_password_after_one_more_than(
    free: u32,
    server: &Server,
    fail: impl Fn(u32),
) -> Option<bool> {
    (0..free).for_each(&fail);
    let last = Instant::now();
    fail(free);
    let let_in = can_log_in(server, "ana", "1234");
    (!let_in || last.elapsed() < Duration::from_millis(900)).then_some(let_in)
}

/// The refusals of later failures are longer, so the pauses grow as well.
#[track_caller]
fn expect_let_in_later(server: &Server) {
    let let_in = [1100, 2200, 4400, 8800].iter().any(|pause| {
        // The clock itself is what is being waited for.
        thread::sleep(Duration::from_millis(*pause));
        can_log_in(server, "ana", "1234")
    });
    assert!(let_in, "still refused");
}

#[test]
fn after_eleven_failures_the_right_password_has_to_wait() {
    for _ in 0..5 {
        let server = Server::start(&["-u", "ana:1234"]);
        if let Some(let_in) = right_password_after_eleven(&server, |_| fail_at_socks(&server)) {
            assert!(!let_in, "the right password was let in at once");
            return expect_let_in_later(&server);
        }
    }
    panic!("this machine is too busy to log in twice within a second");
}

#[test]
fn failures_at_every_service_count_together() {
    for _ in 0..5 {
        let server = Server::start(&["-u", "ana:1234"]);
        let fail = |number: u32| match number % 2 {
            0 => fail_at_socks(&server),
            _ => fail_at_shoes(&server),
        };
        if let Some(let_in) = right_password_after_eleven(&server, fail) {
            return assert!(!let_in, "the right password was let in at once");
        }
    }
    panic!("this machine is too busy to log in twice within a second");
}

#[test]
fn ten_failures_are_free_and_a_success_clears_them() {
    let server = Server::start(&["-u", "ana:1234"]);
    for _ in 0..3 {
        (0..10).for_each(|_| fail_at_socks(&server));
        assert!(can_log_in(&server, "ana", "1234"));
    }
    (0..10).for_each(|_| fail_at_shoes(&server));
    Admin::of(&server);
    (0..10).for_each(|_| fail_at_socks(&server));
    assert!(can_log_in(&server, "ana", "1234"));
}

/// Who has an account must not get at an admin's password the faster for it.
#[test]
fn a_user_that_logs_in_in_between_clears_no_guesses_at_admins() {
    for _ in 0..5 {
        let server = Server::start(&["-u", "ana:1234"]);
        let fail = |number: u32| {
            fail_at_shoes(&server);
            assert!(number % 4 != 3 || can_log_in(&server, "ana", "1234"));
        };
        if let Some(let_in) = right_password_after_eleven(&server, fail) {
            return assert!(!let_in, "eleven guesses were not slowed down");
        }
    }
    panic!("this machine is too busy to log in twice within a second");
}

/// Whoever waits has no effect on others, nor on what is open.
#[cfg(all(target_os = "linux", feature = "native"))]
#[test]
fn another_address_does_not_wait() {
    use crate::harness::socks::{OFFER_LOGIN, login};
    let server = Server::start(&["-u", "ana:1234"]);
    (0..14).for_each(|_| fail_at_socks(&server));
    let mut other = Peer::connect_from([127, 0, 0, 2].into(), server.socks);
    other.send(&[OFFER_LOGIN.as_slice(), &login("ana", "1234")].concat());
    other.expect(&[0x05, 0x02, 0x01, 0x00]);
}

#[test]
fn how_many_are_free_is_an_option() {
    for _ in 0..5 {
        let server = Server::start(&["-u", "ana:1234", "--login-failures", "2"]);
        (0..2).for_each(|_| fail_at_socks(&server));
        assert!(can_log_in(&server, "ana", "1234"));
        let fail = |_| fail_at_socks(&server);
        if let Some(let_in) = right_password_after_one_more_than(2, &server, fail) {
            return assert!(!let_in, "the right password was let in at once");
        }
    }
    panic!("this machine is too busy to log in twice within a second");
}

/// A refusal that is over at once, although each is twice as long as the one before.
#[test]
fn how_long_a_refusal_is_at_most_is_an_option() {
    let brief = ["--login-failures", "0", "--login-refusal", "0.001"];
    let server = Server::start(&[["-u", "ana:1234"].as_slice(), &brief].concat());
    (0..20).for_each(|_| fail_at_socks(&server));
    until("it is over", || can_log_in(&server, "ana", "1234"));
}

#[test]
fn how_many_requests_json_takes_is_an_option() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_socksd"));
    command.args(["-p", "0", "-P", "0", "-U", "admin:secret", "--json", "127.0.0.1:0"]);
    command.args(["--json-requests", "3"]).env("SOCKSD_JWT_SECRET", "sixteen octets!!");
    let mut server = Server::launch(command);
    let mut peer = Peer::connect(server.listener("json"));
    let answer = |peer: &mut Peer| {
        let length = peer.receive(4);
        let length = u32::from_be_bytes(length.try_into().expect("four octets"));
        String::from_utf8(peer.receive(length as usize)).expect("text")
    };
    assert!(answer(&mut peer).contains("hello"));
    let ping = br#"{"v":1,"t":"req","id":"1","act":"PING"}"#;
    let ping = [&(ping.len() as u32).to_be_bytes(), ping.as_slice()].concat();
    for expected in ["AUTH_REQUIRED", "AUTH_REQUIRED", "AUTH_REQUIRED", "RATE_LIMITED"] {
        peer.send(&ping);
        let said = answer(&mut peer);
        assert!(said.contains(expected), "{expected}: {said}");
    }
}
