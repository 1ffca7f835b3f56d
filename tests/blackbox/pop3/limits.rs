//! POP3 sessions are connections like those of the proxy.

use crate::harness::clock::until;
use crate::harness::pop3::{Mail, Maildir};
use crate::harness::shoes::Admin;

#[test]
fn they_are_counted_live() {
    let maildir = Maildir::holding(&[("new/1.a", &[b'x'; 10_000])]);
    let (server, address) = maildir.serve(&[]);
    let mut admin = Admin::of(&server);
    let before = admin.metrics();
    let mut mail = Mail::open(address);
    let during = admin.metrics();
    assert_eq!((during.historic, during.current), (before.historic + 1, before.current + 1));
    mail.ask_long("RETR 1");
    assert!(admin.metrics().octets >= during.octets + 10_000, "while it is open");
    mail.quit();
    until("the end of the session", || admin.metrics().current == before.current);
}

#[test]
fn what_is_over_the_limit_is_told_and_left() {
    let maildir = Maildir::new();
    let (_server, address) = maildir.serve(&["--max-connections", "1"]);
    let first = Mail::open(address);
    for _ in 0..50 {
        let mut refused = Mail(crate::harness::peer::Peer::connect(address));
        refused.0.send(b"USER ana\r\n");
        assert!(refused.expect_err().starts_with("[SYS/TEMP]"));
        refused.0.expect_eof();
    }
    first.quit();
}

#[test]
fn a_user_has_as_many_as_are_allowed() {
    let maildir = Maildir::new();
    let (server, address) = maildir.serve(&["--max-per-user", "1"]);
    let target = crate::harness::target::echo();
    let proxied = crate::harness::socks::try_through(&server, Some(("ana", "1234")), target);
    assert!(proxied.is_some());
    let mut mail = Mail::greeted(address);
    mail.ask("USER ana");
    assert!(mail.refusal("PASS 1234").starts_with("[SYS/TEMP]"));
    mail.0.expect_eof();
}

#[test]
fn a_removed_user_and_an_added_one() {
    let maildir = Maildir::new();
    let (server, address) = maildir.serve(&[]);
    let mut admin = Admin::of(&server);
    admin.put(&crate::harness::shoes::remove(b"ana"));
    admin.put(&crate::harness::shoes::add(b"bea", b"5678"));
    let mut mail = Mail::greeted(address);
    mail.ask("USER ana");
    mail.refusal("PASS 1234");
    mail.ask("USER bea");
    mail.ask("PASS 5678");
    mail.quit();
}
