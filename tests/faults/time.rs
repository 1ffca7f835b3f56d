//! Time that stands still or jumps.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::harness::clock::until;
use crate::harness::server::Server;
use crate::harness::shoes::Admin;
use crate::harness::socks::{CONNECT, greeted, ip, through};
use crate::harness::target::echo;

#[test]
fn a_server_that_was_stopped_goes_on_where_it_was() {
    let server = Server::open();
    let target = echo();
    let (mut admin, mut open) = (Admin::of(&server), through(&server, target));
    let mut greeted = greeted(&server);
    server.signal("STOP");
    until("it stands", || server.is_stopped());
    open.send(b"while it stands");
    let mut late = crate::harness::peer::Peer::connect(server.socks);
    late.send(&crate::harness::socks::OFFER_NONE);
    late.expect_silence(Duration::from_millis(500));
    server.signal("CONT");
    open.expect(b"while it stands");
    late.expect(&[0x05, 0x00]);
    for client in [&mut late, &mut greeted] {
        client.ask(CONNECT, &ip(target));
        client.expect_echo(b"served");
    }
    assert_eq!(admin.metrics().current, 3);
}

/// The deadlines go by a clock that nobody can set. So a jump of the other one can
/// only be seen in dates: those that are shown, the end of a token, the day and month of
/// a quota, the expiry of a user. These are the only places that read it.
#[test]
fn only_dates_come_from_the_clock_that_can_be_set() {
    let dates = [
        "client/watch/lines.rs",
        "client/watch/source.rs",
        "core/entry.rs",
        "core/limits/metering.rs",
        "core/limits/standing.rs",
        "core/mod.rs",
        "http/service.rs",
        "logger.rs",
        "manage/json/host.rs",
        "token.rs",
    ];
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found: Vec<String> = files(&source)
        .into_iter()
        .filter(|file| fs::read_to_string(file).expect("a file").contains("SystemTime::now"))
        .map(|file| file.strip_prefix(&source).expect("inside").display().to_string())
        .collect();
    found.sort();
    assert_eq!(found, dates, "a deadline needs Instant; a date belongs into this list");
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("one").path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}
