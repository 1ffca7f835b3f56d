//! "Password spoofing" of SHOES, that is the passive monitor of POP3 logins: it
//! writes down what a server has accepted, and never touches the traffic.

use crate::harness::file::{Scratch, is_date};
use crate::harness::peer::Peer;
use crate::harness::server::Server;
use crate::harness::shoes::{Admin, spoofing};
use crate::harness::socks::{CONNECT, logged_in, name, through};
use crate::harness::target::Target;

/// A mail client and its server, with the proxy between them. Whatever one says
/// arrives at the other before the next word, so every call is a read of its own.
struct Mail {
    client: Peer,
    server: Peer,
    port: u16,
}

impl Mail {
    #[track_caller]
    fn open(proxy: &Server) -> Self {
        let target = Target::listen();
        let client = through(proxy, target.address());
        let mut mail = Self { client, server: target.accept(), port: target.address().port() };
        mail.answer(b"+OK POP3 ready <1896.697170952@example.org>\r\n");
        mail
    }

    #[track_caller]
    fn say(&mut self, octets: &[u8]) {
        self.client.send(octets);
        self.server.expect(octets);
    }

    #[track_caller]
    fn answer(&mut self, octets: &[u8]) {
        self.server.send(octets);
        self.client.expect(octets);
    }

    #[track_caller]
    fn log_in(&mut self, name: &str, password: &str) {
        self.say(format!("USER {name}\r\n").as_bytes());
        self.answer(b"+OK\r\n");
        self.say(format!("PASS {password}\r\n").as_bytes());
        self.answer(b"+OK welcome\r\n");
    }

    fn record(&self, name: &str, password: &str) -> Vec<String> {
        let port = self.port.to_string();
        ["anonymous", "P", "POP3", "127.0.0.1", &port, name, password].map(str::to_owned).to_vec()
    }
}

fn watching(log: &Scratch) -> Server {
    Server::start(&["--credentials-log", log.path()])
}

/// A login that the monitor must see: then it has seen everything before it.
#[track_caller]
fn expect_only(log: &Scratch, proxy: &Server, mut expected: Vec<Vec<String>>) {
    let mut last = Mail::open(proxy);
    last.log_in("last", "one");
    expected.push(last.record("last", "one"));
    let records = log.records(expected.len());
    for record in &records {
        assert!(is_date(&record[0]), "{record:?}");
    }
    let records: Vec<_> = records.iter().map(|record| &record[1..]).collect();
    assert_eq!(records, expected);
}

#[test]
fn user_and_pass() {
    let log = Scratch::new("credentials");
    let proxy = watching(&log);
    let mut mail = Mail::open(&proxy);
    mail.say(b"CAPA\r\n");
    mail.answer(b"+OK list follows\r\nUSER\r\nSASL PLAIN\r\n.\r\n");
    mail.log_in("alice", "s3cret with spaces");
    mail.say(b"STAT\r\n");
    mail.answer(b"+OK 0 0\r\n");
    let expected = mail.record("alice", "s3cret with spaces");
    expect_only(&log, &proxy, vec![expected]);
}

#[test]
fn the_case_of_a_command_does_not_matter() {
    let log = Scratch::new("credentials");
    let proxy = watching(&log);
    let mut mail = Mail::open(&proxy);
    mail.say(b"user alice\r\n");
    mail.answer(b"+OK\r\n");
    mail.say(b"pAsS S3cret\r\n");
    mail.answer(b"+OK\r\n");
    let expected = mail.record("alice", "S3cret");
    expect_only(&log, &proxy, vec![expected]);
}

#[test]
fn pipelined_commands() {
    let log = Scratch::new("credentials");
    let proxy = watching(&log);
    let mut mail = Mail::open(&proxy);
    mail.say(b"USER alice\r\nPASS s3cret\r\nSTAT\r\n");
    mail.answer(b"+OK\r\n+OK\r\n+OK 0 0\r\n");
    let expected = mail.record("alice", "s3cret");
    expect_only(&log, &proxy, vec![expected]);
}

#[test]
fn auth_plain_in_one_line() {
    let log = Scratch::new("credentials");
    let proxy = watching(&log);
    let mut mail = Mail::open(&proxy);
    // NUL alice NUL s3cret
    mail.say(b"AUTH PLAIN AGFsaWNlAHMzY3JldA==\r\n");
    mail.answer(b"+OK\r\n");
    let expected = mail.record("alice", "s3cret");
    expect_only(&log, &proxy, vec![expected]);
}

#[test]
fn auth_plain_in_two_lines() {
    let log = Scratch::new("credentials");
    let proxy = watching(&log);
    let mut mail = Mail::open(&proxy);
    mail.say(b"AUTH PLAIN\r\n");
    mail.answer(b"+ \r\n");
    mail.say(b"AGFsaWNlAHMzY3JldA==\r\n");
    mail.answer(b"+OK\r\n");
    let expected = mail.record("alice", "s3cret");
    expect_only(&log, &proxy, vec![expected]);
}

#[test]
fn lines_split_anywhere() {
    let log = Scratch::new("credentials");
    let proxy = watching(&log);
    let mut expected = Vec::new();
    let lines: [(&[u8], &[u8]); 2] = [
        (b"USER alice\r\nPASS s3cret\r\n", b"+OK\r\n+OK\r\n"),
        (b"AUTH PLAIN AGFsaWNlAHMzY3JldA==\r\n", b"+OK in\r\n"),
    ];
    for (line, answer) in lines {
        for split in 1..line.len() {
            let mut mail = Mail::open(&proxy);
            mail.say(&line[..split]);
            mail.say(&line[split..]);
            let (first, second) = answer.split_at(split % answer.len());
            mail.answer(first);
            mail.answer(second);
            expected.push(mail.record("alice", "s3cret"));
        }
    }
    expect_only(&log, &proxy, expected);
}

#[test]
fn one_octet_at_a_time_in_both_directions() {
    let log = Scratch::new("credentials");
    let proxy = watching(&log);
    let target = Target::listen();
    let client = through(&proxy, target.address());
    let mut mail = Mail { client, server: target.accept(), port: target.address().port() };
    b"+OK ready\r\n".iter().for_each(|octet| mail.answer(&[*octet]));
    let steps: [(&[u8], &[u8]); 3] = [
        (b"USER alice\r\n", b"+OK\r\n"),
        (b"PASS wrong\r\n", b"-ERR\r\n"),
        (b"AUTH PLAIN\r\n", b"+ \r\n"),
    ];
    for (command, answer) in steps {
        command.iter().for_each(|octet| mail.say(&[*octet]));
        answer.iter().for_each(|octet| mail.answer(&[*octet]));
    }
    b"AGFsaWNlAHMzY3JldA==\r\n".iter().for_each(|octet| mail.say(&[*octet]));
    b"+OK\r\n".iter().for_each(|octet| mail.answer(&[*octet]));
    let expected = mail.record("alice", "s3cret");
    expect_only(&log, &proxy, vec![expected]);
}

#[test]
fn a_rejected_login_is_not_recorded() {
    let log = Scratch::new("credentials");
    let proxy = watching(&log);
    let mut mail = Mail::open(&proxy);
    mail.say(b"USER alice\r\n");
    mail.answer(b"+OK\r\n");
    mail.say(b"PASS wrong\r\n");
    mail.answer(b"-ERR [AUTH] no\r\n");
    mail.say(b"AUTH PLAIN AGFsaWNlAHMzY3JldA==\r\n");
    mail.answer(b"-ERR no\r\n");
    mail.say(b"NOOP\r\n");
    mail.answer(b"+OK\r\n");
    mail.log_in("alice", "right");
    let expected = mail.record("alice", "right");
    expect_only(&log, &proxy, vec![expected]);
}

#[test]
fn a_login_that_is_never_answered_is_not_recorded() {
    let log = Scratch::new("credentials");
    let proxy = watching(&log);
    let mut mail = Mail::open(&proxy);
    mail.say(b"USER alice\r\nPASS s3cret\r\n");
    mail.answer(b"+OK\r\n");
    drop(mail);
    expect_only(&log, &proxy, Vec::new());
}

#[test]
fn a_server_that_is_no_pop3_server_is_not_watched() {
    let log = Scratch::new("credentials");
    let proxy = watching(&log);
    let target = Target::listen();
    let client = through(&proxy, target.address());
    let mut mail = Mail { client, server: target.accept(), port: 0 };
    mail.answer(b"220 ftp ready\r\n");
    mail.say(b"USER alice\r\nPASS s3cret\r\n");
    mail.answer(b"+OK\r\n+OK\r\n");
    expect_only(&log, &proxy, Vec::new());
}

#[test]
fn switched_off_it_records_nothing() {
    let log = Scratch::new("credentials");
    let proxy = watching(&log);
    let mut admin = Admin::of(&proxy);
    assert_eq!(admin.spoofing(), 0x01, "a credentials log switches it on");
    admin.put(&spoofing(0x00));
    Mail::open(&proxy).log_in("alice", "unseen");
    admin.put(&spoofing(0x01));
    expect_only(&log, &proxy, Vec::new());
}

#[test]
fn it_can_be_kept_off_at_the_start() {
    let log = Scratch::new("credentials");
    let proxy = Server::start(&["--credentials-log", log.path(), "-N"]);
    let mut admin = Admin::of(&proxy);
    assert_eq!(admin.spoofing(), 0x00);
    Mail::open(&proxy).log_in("alice", "unseen");
    admin.put(&spoofing(0x01));
    expect_only(&log, &proxy, Vec::new());
}

#[test]
fn without_a_log_it_is_off() {
    assert_eq!(Admin::of(&Server::open()).spoofing(), 0x00);
}

#[test]
fn the_proxys_user_and_the_name_asked_for_are_recorded() {
    let log = Scratch::new("credentials");
    let proxy = Server::start(&["--credentials-log", log.path(), "-u", "ana:1234"]);
    let target = Target::listen_on(first_address_of_localhost());
    let port = target.address().port();
    let mut client = logged_in(&proxy, "ana", "1234");
    client.ask(CONNECT, &name("localhost", port));
    let mut mail = Mail { client, server: target.accept(), port };
    mail.answer(b"+OK\r\n");
    mail.log_in("alice", "s3cret");
    let record = log.records(1).remove(0);
    let port = port.to_string();
    assert!(is_date(&record[0]));
    assert_eq!(record[1..], ["ana", "P", "POP3", "localhost", &port, "alice", "s3cret"]);
}

fn first_address_of_localhost() -> std::net::IpAddr {
    use std::net::ToSocketAddrs;
    let mut addresses = ("localhost", 0).to_socket_addrs().expect("every machine knows localhost");
    addresses.next().expect("an address").ip()
}

#[test]
fn a_login_cannot_forge_a_line() {
    let log = Scratch::new("credentials");
    let proxy = watching(&log);
    let mut mail = Mail::open(&proxy);
    mail.say(b"USER al\tice\r\n");
    mail.answer(b"+OK\r\n");
    mail.say(b"PASS \x1b[2J\\x\x00\xff\r\n");
    mail.answer(b"+OK\r\n");
    let record = log.records(1).remove(0);
    assert_eq!(record.len(), 8, "{record:?}");
    assert!(!log.text().contains(['\x1b', '\0', '\r']));
}

#[test]
fn captured_credentials_are_in_no_other_log() {
    let (log, access) = (Scratch::new("credentials"), Scratch::new("log"));
    let args = ["--credentials-log", log.path(), "--access-log", access.path()];
    let mut proxy = Server::start(&args);
    let mut mail = Mail::open(&proxy);
    mail.log_in("alice", "kl4bautermann");
    drop(mail);
    access.records(1);
    log.records(1);
    assert!(!access.text().contains("kl4bautermann"));
    assert!(!proxy.whole_log().contains("kl4bautermann"));
}

/// A very long line is no login, and it passes like anything else.
#[test]
fn traffic_that_is_no_login_passes_unharmed() {
    let log = Scratch::new("credentials");
    let proxy = watching(&log);
    let mut mail = Mail::open(&proxy);
    mail.say(&[b"USER ".as_slice(), &[b'x'; 100_000], b"\r\n"].concat());
    mail.answer(b"-ERR too long\r\n");
    mail.say(&(0..=255).cycle().take(10_000).collect::<Vec<u8>>());
    mail.answer(&(0..=255).rev().cycle().take(10_000).collect::<Vec<u8>>());
    expect_only(&log, &proxy, Vec::new());
}
