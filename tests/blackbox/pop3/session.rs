//! Sessions over real sockets.

use std::time::{Duration, Instant};

use crate::harness::clock::{eventually, until};
use crate::harness::pop3::{Mail, Maildir};

const MESSAGE: &[u8] = b"From: a\nTo: b\n\n.dot\nend";

fn one_message() -> Maildir {
    Maildir::holding(&[("new/1.a", MESSAGE)])
}

/// Logs in once the mailbox is free.
#[track_caller]
fn open_when_free(address: std::net::SocketAddr) -> Mail {
    eventually("the mailbox to be free", || {
        let mut mail = Mail::greeted(address);
        mail.ask("USER ana");
        mail.say("PASS 1234");
        mail.line().starts_with(b"+OK").then_some(mail)
    })
}

#[test]
fn octet_by_octet_and_all_at_once() {
    let maildir = one_message();
    let (_server, address) = maildir.serve(&[]);
    let sent = b"CAPA\r\nUSER ana\r\nPASS 1234\r\nSTAT\r\nRETR 1\r\nDELE 1\r\nRSET\r\nQUIT\r\n";
    let mut slow = Mail::greeted(address);
    slow.0.send_one_by_one(sent);
    let mut fast = Mail::greeted(address);
    let said = slow.0.receive_to_eof();
    fast.0.send(sent);
    fast.0.finish();
    assert_eq!(fast.0.receive_to_eof(), said);
    let said = String::from_utf8(said).expect("ASCII");
    assert!(said.ends_with("+OK goodbye\r\n"), "{said}");
    assert!(said.contains("\r\nFrom: a\r\nTo: b\r\n\r\n..dot\r\nend\r\n.\r\n"), "{said}");
}

#[test]
fn one_session_per_mailbox() {
    let maildir = one_message();
    let (_server, address) = maildir.serve(&["-u", "bea:1234"]);
    let first = Mail::open(address);
    let mut second = Mail::greeted(address);
    second.ask("USER ana");
    assert!(second.refusal("PASS 1234").starts_with("[IN-USE]"));
    // Another mailbox is free, and the next try may succeed.
    second.ask("USER bea");
    second.ask("PASS 1234");
    first.quit();
    Mail::open(address).quit();
}

#[test]
fn a_quit_deletes_what_was_marked_and_nothing_else() {
    let maildir = Maildir::holding(&[("new/1.a", b"x"), ("new/2.b", b"x"), ("cur/3.c:2,S", b"x")]);
    let (_server, address) = maildir.serve(&[]);
    let mut mail = Mail::open(address);
    mail.ask("DELE 1");
    mail.ask("RSET");
    mail.ask("DELE 2");
    assert!(maildir.has("new/2.b"), "only QUIT deletes");
    mail.quit();
    assert!(maildir.has("new/1.a") && !maildir.has("new/2.b") && maildir.has("cur/3.c:2,S"));
    assert_eq!(Mail::open(address).ask("STAT"), "2 6");
}

#[test]
fn a_lost_connection_deletes_nothing() {
    let maildir = one_message();
    let (_server, address) = maildir.serve(&[]);
    for how in ["end", "reset", "half a line"] {
        let mut mail = open_when_free(address);
        mail.ask("DELE 1");
        match how {
            "end" => drop(mail),
            "reset" => {
                mail.say("NOOP");
                mail.0.reset();
            }
            _ => {
                mail.0.send(b"QUIT");
                mail.0.finish();
                mail.0.expect_eof();
            }
        }
        open_when_free(address).quit();
        assert!(maildir.has("new/1.a"), "{how}");
    }
}

#[test]
fn the_server_that_stops_deletes_nothing() {
    let maildir = one_message();
    let (mut server, address) = maildir.serve(&["--grace", "0.2"]);
    let mut mail = Mail::open(address);
    mail.ask("DELE 1");
    server.terminate();
    mail.0.expect_end();
    assert!(server.wait_for_exit().success());
    assert!(maildir.has("new/1.a"));
}

/// RFC 1939 promises ten minutes before a login as well: people type there.
#[test]
fn who_takes_its_time_to_log_in_is_waited_for() {
    let maildir = one_message();
    let (_server, address) = maildir.serve(&["--handshake-timeout", "0.3", "--timeout", "0.3"]);
    let mut slow = Mail::greeted(address);
    slow.0.expect_silence(Duration::from_millis(1200));
    slow.ask("USER ana");
    slow.0.expect_silence(Duration::from_millis(1200));
    slow.ask("PASS 1234");
    assert_eq!(slow.ask("STAT"), "1 29");
}

#[test]
fn a_short_timeout_is_not_for_pop3() {
    let maildir = one_message();
    let (server, address) = maildir.serve(&["--timeout", "0.3"]);
    let mut mail = Mail::open(address);
    // A relay would be ended: RFC 1939 promises ten minutes.
    mail.0.expect_silence(Duration::from_millis(1200));
    assert_eq!(mail.ask("STAT"), "1 29");
    mail.quit();
    drop(server);
}

#[test]
fn a_wrong_login_is_logged_and_may_be_tried_again() {
    let maildir = one_message();
    let (server, address) = maildir.serve(&[]);
    let mut mail = Mail::greeted(address);
    mail.ask("USER ana");
    assert!(mail.refusal("PASS 12345").starts_with("[AUTH]"));
    until("a line for fail2ban", || {
        server.log().contains("auth-failed service=pop3 address=127.0.0.1 user=ana")
    });
    mail.say("AUTH PLAIN");
    assert_eq!(mail.line(), b"+ ");
    assert_eq!(mail.ask("AGFuYQAxMjM0"), "1 messages");
    mail.quit();
}

#[track_caller]
fn fail(mail: &mut Mail) {
    mail.ask("USER ana");
    assert!(mail.refusal("PASS wrong").starts_with("[AUTH]"));
}

#[test]
fn guessing_is_slowed_down() {
    let maildir = one_message();
    let (_server, address) = maildir.serve(&["--handshake-timeout", "60"]);
    until("the address has to wait", || {
        let mut first = Mail::greeted(address);
        (0..10).for_each(|_| fail(&mut first));
        first.0.expect_eof();
        let mut second = Mail::greeted(address);
        // The eleventh time costs a second, which a busy machine may take for what follows.
        let last = Instant::now();
        fail(&mut second);
        second.ask("USER ana");
        second.say("PASS 1234");
        let refused = second.line().starts_with(b"-ERR [AUTH]");
        assert!(refused || last.elapsed() >= Duration::from_secs(1), "let in at once");
        refused
    });
}

/// Who guesses needs a connection for every ten guesses, and can't fill the log.
#[test]
fn ten_failed_logins_end_a_session() {
    let maildir = Maildir::new();
    let (mut server, address) = maildir.serve(&[]);
    let mut mail = Mail::greeted(address);
    mail.0.send(&b"USER ana\r\nPASS wrong\r\n".repeat(100));
    for _ in 0..10 {
        assert!(mail.line().starts_with(b"+OK"));
        assert!(mail.expect_err().starts_with("[AUTH]"));
    }
    mail.0.expect_eof();
    let logged = server.whole_log().matches("auth-failed").count();
    assert!((1..=10).contains(&logged), "{logged}");
}
