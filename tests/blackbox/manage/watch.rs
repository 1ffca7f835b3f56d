//! `socksctl watch` on a screen.

use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::process;
use std::sync::{Arc, Mutex};
use std::thread;

use pty_process::blocking::Command;

use crate::harness::clock::{eventually, until};
use crate::harness::server::Server;
use crate::harness::socks::through;
use crate::harness::target::{Target, echo};
use crate::harness::terminal::Terminal;

/// At least 32 octets sign a token.
const SECRET: &str = "a secret of the tests, long enough to sign";

/// A server with json, and a token for all that a screen wants.
pub fn start() -> (Server, SocketAddr, String) {
    let mut command = process::Command::new(env!("CARGO_BIN_EXE_socksd"));
    command.env("SOCKSD_JWT_SECRET", SECRET);
    command.args(["-p", "0", "-P", "0", "-U", "admin:secret", "--json", "127.0.0.1:0"]);
    let mut server = Server::launch(command);
    let json = server.listener("json");
    (server, json, token("GET_METRICS,LIST_CONNECTIONS,CUT_CONNECTION,GET_CONFIG", "1h"))
}

pub fn token(scopes: &str, ttl: &str) -> String {
    let mut command = process::Command::new(env!("CARGO_BIN_EXE_socksd"));
    command.env("SOCKSD_JWT_SECRET", SECRET).args(["token", "--scopes", scopes]);
    let output = command.args(["--ttl", ttl, "--subject", "test"]).output().expect("a token");
    String::from_utf8(output.stdout).expect("text").trim().to_owned()
}

fn socksctl(dialect: &str, server: SocketAddr, credentials: &str) -> Command {
    let (variable, other) = match dialect {
        "json" => ("SOCKSCTL_TOKEN", "SOCKSCTL_LOGIN"),
        _ => ("SOCKSCTL_LOGIN", "SOCKSCTL_TOKEN"),
    };
    let command = Command::new(env!("CARGO_BIN_EXE_socksctl"));
    let command = command.env(variable, credentials).env_remove(other).env_remove("NO_COLOR");
    command.args(["--dialect", dialect, "--server", &server.to_string(), "watch"])
}

/// Everything is as it was: the shell's screen, its cursor, and what is typed shows.
#[track_caller]
fn expect_restored(terminal: &Terminal) {
    assert!(!terminal.screen(vt100::Screen::alternate_screen), "the screen of before");
    assert!(!terminal.screen(vt100::Screen::hide_cursor), "the cursor");
    #[cfg(feature = "native")]
    assert!(terminal.echoes(), "echo");
}

/// What it is all for.
#[test]
fn a_transfer_is_seen_and_cut() {
    let (server, json, token) = start();
    let target = echo();
    let mut client = through(&server, target);
    let command = socksctl("json", json, &token).args(["--interval", "0.5"]);
    let mut terminal = Terminal::run(100, 24, command);
    let target = format!(" {target} ");
    terminal.wait_for(&target);
    assert!(terminal.screen(vt100::Screen::alternate_screen));
    until("a rate of the transfer, and octets both ways", || {
        client.expect_echo(&[0x55; 64 * 1024]);
        let row = terminal.line_with(&target).unwrap_or_default();
        let cells: Vec<&str> = row.split_whitespace().collect();
        let many = |octets: &str| octets.ends_with(['k', 'M']);
        let up = terminal.line_with("B/s").unwrap_or_default();
        matches!(cells[..], [.., "open", up, down, rate, _age] if [up, down, rate].iter().all(|n| many(n)))
            && up.starts_with("up ")
            && up.contains(['▁', '▂', '▃', '▄', '▅', '▆', '▇'])
    });
    terminal.type_keys("x");
    terminal.wait_for("select a connection first");
    terminal.type_keys("j");
    until("the selected row is marked", || {
        let row = terminal.text().lines().position(|line| line.contains(&target));
        row.is_some_and(|row| {
            terminal.screen(|screen| screen.cell(row as u16, 5).is_some_and(vt100::Cell::inverse))
        })
    });
    terminal.type_keys("x");
    terminal.wait_for("cut 1? y/n");
    terminal.type_keys("n");
    terminal.wait_without("cut 1?");
    client.expect_echo(b"still there");
    terminal.type_keys("xy");
    terminal.wait_for("connection 1 was cut");
    client.expect_end();
    terminal.wait_for("no connections");
    terminal.type_keys("q");
    assert_eq!(terminal.wait_for_exit().code(), Some(0));
    expect_restored(&terminal);
}

#[test]
fn the_list_is_sorted_and_filtered_by_keys() {
    let (server, json, token) = start();
    let target = Target::listen();
    let clients: Vec<_> = (0..3).map(|_| through(&server, target.address())).collect();
    let terminal = Terminal::run(100, 20, socksctl("json", json, &token));
    let ids = || -> Vec<String> {
        let text = terminal.text();
        let rows = text.lines().skip_while(|line| !line.contains("TARGET")).skip(1);
        let ids = rows.take_while(|line| line.contains("127.0.0.1"));
        ids.filter_map(|line| line.split_whitespace().next().map(str::to_owned)).collect()
    };
    terminal.wait_for("TARGET");
    terminal.type_keys("1");
    until("sorted by number", || ids() == ["1", "2", "3"]);
    terminal.type_keys("r");
    until("the other way round", || ids() == ["3", "2", "1"]);
    terminal.type_keys(&format!("/:{}\r", clients[1].local().port()));
    until("only what holds the port", || ids() == ["2"]);
    terminal.type_keys("?");
    terminal.wait_for("sort by the next column");
    terminal.type_keys(" ");
    terminal.wait_without("sort by the next column");
    terminal.type_keys("p");
    terminal.wait_for("paused at ");
}

#[test]
fn every_size_is_drawn_in() {
    let (server, json, token) = start();
    let _client = through(&server, echo());
    let mut terminal = Terminal::run(80, 24, socksctl("json", json, &token));
    terminal.wait_for("TARGET");
    for (columns, rows, line, text) in [
        (20, 5, 1, "TARGET"),
        (1, 1, 0, "…"),
        (200, 60, 59, "rows 1-1 of 1"),
        (40, 10, 4, " ID USER"),
    ] {
        terminal.resize(columns, rows);
        until(&format!("{text:?} at {columns} x {rows}"), || {
            let shown = terminal.text();
            shown.lines().nth(line).is_some_and(|line| line.starts_with(text))
        });
    }
    // Back before anybody can have seen it: what was there is lost all the same.
    terminal.resize(1, 1);
    terminal.resize(40, 10);
    terminal.wait_for("TARGET");
    // Ctrl-C.
    terminal.type_keys("\x03");
    assert_eq!(terminal.wait_for_exit().code(), Some(0));
    expect_restored(&terminal);
}

#[test]
fn a_signal_ends_it_in_order() {
    let (_server, json, token) = start();
    let mut terminal = Terminal::run(80, 24, socksctl("json", json, &token));
    terminal.wait_for("no connections");
    let id = terminal.id().to_string();
    let status = process::Command::new("sh").args(["-c", "kill -TERM \"$0\"", &id]).status();
    assert!(status.expect("running kill").success());
    assert_eq!(terminal.wait_for_exit().code(), Some(0));
    expect_restored(&terminal);
}

#[test]
fn what_a_dialect_cannot_say_is_a_line() {
    let server = Server::open();
    let terminal = Terminal::run(80, 24, socksctl("shoes", server.shoes, "admin:secret"));
    terminal.wait_for("shoes can't say connections, only monitor and json can");
    terminal.wait_for("total 0");
    terminal.type_keys("x");
    terminal.wait_for("shoes can't say cut, only json can");
}

#[test]
fn colours_can_be_left_out() {
    let (server, json, token) = start();
    let mut client = through(&server, echo());
    let coloured = |terminal: &Terminal| {
        terminal.screen(|screen| {
            let mut cells = (0..24).flat_map(|row| (0..80).map(move |column| (row, column)));
            cells.any(|(row, column)| {
                let cell = screen.cell(row, column);
                cell.is_some_and(|cell| cell.fgcolor() != vt100::Color::Default)
            })
        })
    };
    for (value, expected) in [("1", false), ("", true)] {
        let command = socksctl("json", json, &token).env("NO_COLOR", value);
        let terminal = Terminal::run(80, 24, command.args(["--interval", "0.5"]));
        until("a graph", || {
            client.expect_echo(&[0x55; 1024]);
            terminal.text().contains('█')
        });
        assert_eq!(coloured(&terminal), expected, "NO_COLOR={value}");
    }
}

#[test]
fn who_is_not_let_in_is_told_on_the_usual_screen() {
    let server = Server::open();
    let mut terminal = Terminal::run(80, 24, socksctl("shoes", server.shoes, "admin:wrong"));
    assert_eq!(terminal.wait_for_exit().code(), Some(1));
    terminal.wait_for("the server refused the login of admin");
    expect_restored(&terminal);
}

/// It goes on when the server comes back, unless that does not let it in any more.
#[test]
fn a_server_that_is_gone_is_waited_for() {
    let mut first = Server::open();
    let way = Way::to(first.shoes);
    let mut terminal = Terminal::run(80, 24, socksctl("shoes", way.entrance, "admin:secret"));
    terminal.wait_for("total 0");
    way.leads_to(None);
    first.kill();
    terminal.wait_for("no data since ");
    terminal.wait_for("next try in ");
    let second = Server::open();
    drop(through(&second, echo()));
    way.leads_to(Some(second.shoes));
    terminal.wait_for("total 1");
    terminal.wait_without("no data since ");
    way.leads_to(None);
    drop(second);
    terminal.wait_for("no data since ");
    let third = Server::with_arguments(&["-p", "0", "-P", "0", "-U", "admin:another"]);
    way.leads_to(Some(third.shoes));
    assert_eq!(terminal.wait_for_exit().code(), Some(1));
    terminal.wait_for("the server refused the login of admin");
    expect_restored(&terminal);
}

#[test]
fn an_expired_token_ends_it() {
    let (_server, json, _) = start();
    // Long enough to see the screen before.
    let token = token("GET_METRICS", "6s");
    let mut terminal = Terminal::run(80, 24, socksctl("json", json, &token));
    eventually("a screen", || terminal.line_with("failed logins"));
    terminal.wait_for("Required scope: LIST_CONNECTIONS");
    assert_eq!(terminal.wait_for_exit().code(), Some(1));
    terminal.wait_for("the server refused the token");
    expect_restored(&terminal);
}

/// An address that stays the same while servers come and go. Where it leads nowhere a
/// connection ends at once: the port of a server that is gone may be another test's.
struct Way {
    entrance: SocketAddr,
    exit: Arc<Mutex<Option<SocketAddr>>>,
}

impl Way {
    fn to(exit: SocketAddr) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a listener");
        let entrance = listener.local_addr().expect("a bound socket");
        let exit = Arc::new(Mutex::new(Some(exit)));
        let now = Arc::clone(&exit);
        thread::spawn(move || {
            for near in listener.incoming().flatten() {
                let exit = *now.lock().expect("an address");
                if let Some(Ok(far)) = exit.map(TcpStream::connect) {
                    join(&near, &far);
                    join(&far, &near);
                }
            }
        });
        Self { entrance, exit }
    }

    fn leads_to(&self, exit: Option<SocketAddr>) {
        *self.exit.lock().expect("an address") = exit;
    }
}

fn join(from: &TcpStream, to: &TcpStream) {
    let mut from = from.try_clone().expect("a second descriptor");
    let mut to = to.try_clone().expect("a second descriptor");
    thread::spawn(move || {
        let _ = io::copy(&mut from, &mut to);
        let _ = to.shutdown(Shutdown::Both);
        let _ = from.shutdown(Shutdown::Both);
    });
}
