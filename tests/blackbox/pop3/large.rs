//! A message of 100 MB, with the memory of a buffer.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::net::SocketAddr;

use crate::harness::clock::DEADLINE;
use crate::harness::pop3::{Mail, Maildir};

const LINES: u64 = 1_400_000;

fn text(n: u64) -> String {
    let dot = if n.is_multiple_of(100) { "." } else { "" };
    format!("{dot}{n:010} {}", "x".repeat(60))
}

/// Logs in; from then on the server may take its time to read all of it.
#[track_caller]
fn open(address: SocketAddr) -> Mail {
    let mail = Mail::open(address);
    mail.0.stream.set_read_timeout(Some(6 * DEADLINE)).expect("a read timeout");
    mail
}

fn write_message(maildir: &Maildir) -> u64 {
    fs::create_dir_all(maildir.file("new")).expect("a mailbox");
    let mut file = BufWriter::new(File::create(maildir.file("new/1.a")).expect("a message"));
    let mut size = 0;
    for n in 0..LINES {
        let line = text(n);
        size += line.len() as u64 + 2;
        writeln!(file, "{line}").expect("writing a message");
    }
    file.flush().expect("writing a message");
    size
}

#[test]
fn a_message_of_100_mb_is_streamed() {
    let maildir = Maildir::new();
    let size = write_message(&maildir);
    assert!(size > 100_000_000);
    let (server, address) = maildir.serve(&[]);
    let mut mail = open(address);
    let before = server.peak_memory();
    assert_eq!(mail.ask("STAT"), format!("1 {size}"));
    mail.ask("RETR 1");
    let mut lines = BufReader::new(&mail.0.stream);
    let mut line = String::new();
    for n in 0..LINES {
        line.clear();
        lines.read_line(&mut line).expect("a line");
        let expected = text(n);
        let stuffed = if expected.starts_with('.') { "." } else { "" };
        assert!(
            line.strip_suffix("\r\n").and_then(|line| line.strip_prefix(stuffed))
                == Some(expected.as_str()),
            "{line:?} instead of {expected:?}"
        );
    }
    line.clear();
    lines.read_line(&mut line).expect("the end");
    assert_eq!(line, ".\r\n");
    let grown = server.peak_memory() - before;
    assert!(grown < 4 << 20, "{grown} octets more were resident");
    mail.quit();
}

/// While a client takes its time, nothing piles up either.
#[test]
fn a_client_that_does_not_read_costs_no_memory() {
    let maildir = Maildir::new();
    write_message(&maildir);
    let (server, address) = maildir.serve(&[]);
    let mut mail = open(address);
    let before = server.peak_memory();
    let all = "RETR 1\r\n".repeat(100);
    mail.0.send(all.as_bytes());
    mail.0.receive(1_000_000);
    drop(mail);
    Mail::greeted(address).quit();
    let grown = server.peak_memory() - before;
    assert!(grown < 4 << 20, "{grown} octets more were resident");
}
