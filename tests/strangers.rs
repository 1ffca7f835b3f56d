//! Whoever connects and proves nothing keeps nobody else out.

#[allow(dead_code, reason = "the other tests use the rest")]
mod served;

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use served::{Served, to_the_end, until};

const ALL: &str = "-u ana:1234 --monitor 127.0.0.1:0 --oneshot 127.0.0.1:0 --json 127.0.0.1:0 \
                   --http 127.0.0.1:0 --pop3 127.0.0.1:0 --maildir / --handshake-timeout 600";

/// Far more silent connections than the service has threads.
fn silence(served: &Served, listener: &str) -> Vec<TcpStream> {
    (0..150).map(|_| served.connect(listener)).collect()
}

/// Whether the server has ended a connection; what it has said before is read.
fn is_ended(mut stream: &TcpStream) -> bool {
    stream.set_nonblocking(true).unwrap();
    match stream.read(&mut [0; 64]) {
        Ok(count) => count == 0,
        Err(error) => error.kind() != ErrorKind::WouldBlock,
    }
}

fn ask(served: &Served, listener: &str, asked: &[u8]) -> Vec<u8> {
    let mut stream = served.connect(listener);
    stream.write_all(asked).unwrap();
    to_the_end(&mut stream)
}

#[test]
fn silence_keeps_no_admin_out() {
    let served = Served::start(ALL, Some("0123456789abcdef"));
    for dialect in ["shoes", "monitor", "oneshot", "json"] {
        let silent = silence(&served, dialect);
        let mut left = 0;
        until("the oldest are ended", || {
            left = silent.iter().filter(|stream| !is_ended(stream)).count();
            left <= 96
        });
        assert!(left > 0, "who need not make room stays");
        // From the same address: the newest comes in.
        let heard = ask(&served, "shoes", b"\x01\x04root\x06secret\xff\xff");
        assert_eq!(heard, [1, 0, 2], "beside {dialect}");
    }
}

#[test]
fn who_has_logged_in_makes_room_for_nobody() {
    let served = Served::start(ALL, Some("0123456789abcdef"));
    let mut admin = served.connect("shoes");
    admin.write_all(b"\x01\x04root\x06secret").unwrap();
    admin.read_exact(&mut [0; 2]).unwrap();
    let _silent = silence(&served, "shoes");
    admin.write_all(b"\xff\xff").unwrap();
    assert_eq!(to_the_end(&mut admin), [2]);
}

#[test]
fn who_finds_no_thread_is_told_so() {
    let served = Served::start(ALL, Some("0123456789abcdef"));
    let admin = || {
        let mut admin = served.connect("shoes");
        admin.write_all(b"\x01\x04root\x06secret").unwrap();
        admin.read_exact(&mut [0; 2]).unwrap();
        admin
    };
    let mut admins: Vec<_> = (0..256).map(|_| admin()).collect();
    let text = |answer: Vec<u8>| String::from_utf8_lossy(&answer).into_owned();
    // Whatever they have sent, however much it is: the answer, and then the end.
    let asked = [&b"\x01\x04root\x06secret\xff\xff"[..], &[0x55; 100_000]].concat();
    assert_eq!(ask(&served, "shoes", &asked), [0x01, 0x01]);
    assert_eq!(ask(&served, "oneshot", &asked), [0x06, 0x00, 0x01, 0x00]);
    let told = text(ask(&served, "monitor", &asked));
    assert_eq!(told, "ERR too many connections, try again later\n");
    let told = text(ask(&served, "json", &asked));
    assert!(told.contains(r#""code":"INTERNAL_ERROR""#), "{told}");
    // The others were not disturbed, and whose place is free again is taken.
    admins[0].write_all(b"\xff\xff").unwrap();
    assert_eq!(to_the_end(&mut admins.swap_remove(0)), [2]);
    until("there is room again", || {
        ask(&served, "shoes", b"\x01\x04root\x06secret\xff\xff") == [0x01, 0x00, 0x02]
    });
}

#[test]
fn silence_keeps_nobody_from_http() {
    let served = Served::start(ALL, Some("0123456789abcdef"));
    let _silent = silence(&served, "http");
    let heard = ask(&served, "http", b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert!(heard.starts_with(b"HTTP/1.1 200 "), "{}", heard.escape_ascii());
}

#[test]
fn silence_keeps_nobody_from_a_mailbox_or_the_proxy() {
    let served = Served::start(&format!("{ALL} --max-connections 100"), Some("0123456789abcdef"));
    let _silent = silence(&served, "pop3");
    until("all have come and few are left", || {
        let metrics = served.core().metrics();
        metrics.historic + metrics.refused >= 150 && metrics.current <= 96
    });
    let heard = ask(&served, "pop3", b"QUIT\r\n");
    assert!(heard.starts_with(b"+OK "), "{}", heard.escape_ascii());
    served.through(Some(("ana", "1234")), served::echo());
}

/// Its answers fill all buffers, and nothing it does takes them out again.
#[test]
fn a_stranger_that_reads_nothing_is_ended_in_time() {
    let words = ALL.replace("--handshake-timeout 600", "--handshake-timeout 1");
    let served = Served::start(&words, Some("0123456789abcdef"));
    let mut stream = served.connect("json");
    stream.set_write_timeout(Some(Duration::from_secs(10))).unwrap();
    let asked = b"\0\0\0\x01x".repeat(1000);
    let error = loop {
        if let Err(error) = stream.write_all(&asked) {
            break error;
        }
    };
    assert_ne!(error.kind(), ErrorKind::WouldBlock, "it still waits");
}

/// A mailbox has no such deadline, but it makes room like everybody.
#[test]
fn strangers_that_read_nothing_make_room_in_a_mailbox() {
    let served = Served::start(ALL, Some("0123456789abcdef"));
    let stuffed = |_| {
        let mut stream = served.connect("pop3");
        stream.set_write_timeout(Some(Duration::from_millis(20))).unwrap();
        // Its answers fill all buffers, and then nobody reads its questions.
        while stream.write_all(&b"CAPA\r\n".repeat(10_000)).is_ok() {}
        stream
    };
    let _stuffed: Vec<TcpStream> = (0..100).map(stuffed).collect();
    until("some had to go", || served.core().metrics().current <= 96);
    let heard = ask(&served, "pop3", b"QUIT\r\n");
    assert!(heard.starts_with(b"+OK "), "{}", heard.escape_ascii());
}
