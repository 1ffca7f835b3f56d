//! Who may come.

use super::ruled::Ruled;
use crate::harness::clock::until;
use crate::harness::peer::Peer;
use crate::harness::shoes::Admin;
use crate::harness::socks::{OFFER_NONE, through};
use crate::harness::target::echo;

#[test]
fn who_is_not_wanted_is_closed_at_once() {
    let ruled = Ruled::start("[rules]\nclients = [\"deny 127.0.0.0/8\"]", &[]);
    for _ in 0..3 {
        Peer::connect(ruled.server.socks).expect_end();
    }
    until("the log says which rule", || {
        let log = ruled.server.log();
        log.contains("client-denied service=socks address=127.0.0.1 ")
            && log.contains("reason=\"deny 127.0.0.0/8 (rule 1 of clients)\"")
    });
    // Management asks nobody, so that it can be mended.
    assert_eq!(Admin::of(&ruled.server).metrics().historic, 0);
    let metrics = ruled.says(&["metrics", "--output", "json"]);
    assert!(metrics.contains("\"refused\":3"), "{metrics}");
    ruled.set("clients", &["allow 127.0.0.1", "deny *"]);
    through(&ruled.server, echo()).expect_echo(b"wanted");
}

#[test]
fn what_is_open_stays_open() {
    let ruled = Ruled::start("", &[]);
    let mut open = through(&ruled.server, echo());
    ruled.set("clients", &["deny *"]);
    Peer::connect(ruled.server.socks).expect_end();
    open.expect_echo(b"still here");
}

#[cfg(all(target_os = "linux", feature = "native"))]
#[test]
fn others_are_still_welcome() {
    let ruled = Ruled::start("[rules]\nclients = [\"allow 127.0.0.2\", \"deny *\"]", &[]);
    Peer::connect(ruled.server.socks).expect_end();
    let mut wanted = Peer::connect_from([127, 0, 0, 2].into(), ruled.server.socks);
    wanted.send(&OFFER_NONE);
    wanted.expect(&[0x05, 0x00]);
}

#[test]
fn behind_a_proxy_the_client_counts_that_it_names() {
    let config = "proxy-from = [\"127.0.0.1\"]\n\
                  [rules]\nclients = [\"allow 198.51.100.0/24\", \"deny *\"]";
    let ruled = Ruled::start(config, &[]);
    let from = |ip: &str| {
        let mut client = Peer::connect(ruled.server.socks);
        client.send(format!("PROXY TCP4 {ip} 192.0.2.1 4711 1080\r\n").as_bytes());
        client.send(&OFFER_NONE);
        client
    };
    from("198.51.100.7").expect(&[0x05, 0x00]);
    from("203.0.113.1").expect_end();
}

#[cfg(unix)]
#[test]
fn mailboxes_are_for_the_same_clients() {
    use crate::harness::pop3::{Mail, Maildir};
    let maildir = Maildir::new();
    let args = ["--pop3", "127.0.0.1:0", "--maildir", maildir.path(), "-u", "ana:1234"];
    let mut ruled = Ruled::start("[rules]\nclients = [\"deny *\"]", &args);
    let pop3 = ruled.server.listener("pop3");
    Peer::connect(pop3).expect_end();
    ruled.set("clients", &[]);
    Mail::open(pop3).quit();
}
