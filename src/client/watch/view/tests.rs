//! Golden screens: a state as it looks, letter by letter.

use std::time::{Duration, Instant};

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use ratatui::style::{Color, Modifier};

use super::super::app::tests::{SECOND, app};
use super::super::app::{App, Mode};
use super::super::board::tests::{open, sample};
use super::super::keys::Action;
use super::super::list::{Key, Motion};
use super::super::sample::Sample;
use super::super::sample::tests::{bytes, counters};
use super::super::source::Loss;
use super::*;
use crate::client::printable::width;
use crate::client::{Dialect, OpenConnection, Value};

const COLOURS: Theme = Theme { colours: true };

fn drawn(app: &mut App, theme: Theme, columns: u16, rows: u16) -> Buffer {
    let mut terminal = Terminal::new(TestBackend::new(columns, rows)).unwrap();
    let screen = terminal.get_frame().area();
    app.follow(page(app, screen));
    terminal.draw(|frame| draw(app, theme, frame)).unwrap();
    terminal.backend().buffer().clone()
}

/// The screen must look like this, spaces at the ends of lines aside.
#[track_caller]
fn looks_like(app: &mut App, (columns, rows): (u16, u16), expected: &str) {
    let buffer = drawn(app, COLOURS, columns, rows);
    let text = (0..rows).map(|y| line(&buffer, y)).collect::<Vec<_>>().join("\n");
    assert!(text == expected, "it looks like this:\n{text}");
}

/// The second column of a wide letter is no letter.
fn line(buffer: &Buffer, y: u16) -> String {
    let (mut text, mut x) = (String::new(), 0);
    while x < buffer.area.width {
        let symbol = buffer[(x, y)].symbol();
        text.push_str(symbol);
        x += width(symbol).max(1) as u16;
    }
    text.trim_end().to_owned()
}

/// Four connections that were seen eight times, the last time a moment ago.
fn busy() -> App {
    let start = Instant::now();
    let look = |second: u32| {
        let n = u64::from(second);
        let mut all = vec![
            open(7, "example.org:443", 1000 * n, 3_000_000 * n * n),
            open(12, "mail.example.net:993", 200, 9000),
            open(30, "203.0.113.80:80", 70 * n * n, 100_000 * n),
            open(31, "", 0, 0),
        ];
        (all[1].user, all[1].state) = ("bob".into(), "half-closed".into());
        (all[3].user, all[3].target, all[3].state) = ("-".into(), None, "handshake".into());
        sample(start, SECOND * second, all)
    };
    let mut app = App::new("127.0.0.1:8084", Dialect::Json, SECOND, look(0));
    (1..8).for_each(|second| app.see(look(second)));
    app.now = start + SECOND * 7;
    app
}

#[test]
fn a_usual_terminal() {
    let expected = "\
socksd 127.0.0.1:8084  json  up 3h04m                                  14:03:29Z
connections 4 of 500   peak 34   total 5678   refused 2   failed logins 3
148M relayed
up     1.9 kB/s                                                              ▁▄▆
peak   1.9 kB/s                                                              ███
down    39 MB/s                                                               ▂▆
peak    39 MB/s                                                              ▃██

 ID USER  CLIENT          TARGET              STATE         UP  DOWN ▾RATE   AGE
  7 ana   192.0.2.7:50007 example.org:443     open        7.0k  147M   39M 1m10s
 30 ana   192.0.2.7:50030 203.0.113.80:80     open        3.4k  700k  101k 5m00s
 12 bob   192.0.2.7:50012 mail.example.net:9… half-closed  200  9.0k     0 2m00s
 31 -     192.0.2.7:50031 -                   handshake      0     0     0 5m10s








rows 1-4 of 4        s sort  r reverse  p pause  / filter  x cut  ? help  q quit";
    looks_like(&mut busy(), (80, 22), expected);
}

#[test]
fn a_wide_terminal() {
    let mut app = busy();
    app.act(Action::SortBy(Key::Target));
    app.act(Action::Go(Motion::First));
    app.act(Action::Go(Motion::Rows(1)));
    let expected = "\
socksd 127.0.0.1:8084  json  up 3h04m                                                                14:03:29Z
connections 4 of 500   peak 34   total 5678   refused 2   failed logins 3   148M relayed
up     1.9 kB/s                                                                                           ▄▅▆▆
down    39 MB/s                                                                                           ▁▃▅▆
 ID USER  CLIENT          TARGET▴              STATE         UP  DOWN  RATE   AGE
 31 -     192.0.2.7:50031 -                    handshake      0     0     0 5m10s
 30 ana   192.0.2.7:50030 203.0.113.80:80      open        3.4k  700k  101k 5m00s
  7 ana   192.0.2.7:50007 example.org:443      open        7.0k  147M   39M 1m10s
 12 bob   192.0.2.7:50012 mail.example.net:993 half-closed  200  9.0k     0 2m00s




rows 1-4 of 4                                      s sort  r reverse  p pause  / filter  x cut  ? help  q quit";
    looks_like(&mut app, (110, 14), expected);
    let buffer = drawn(&mut app, COLOURS, 110, 14);
    let reversed = |y| buffer[(0, y)].modifier.contains(Modifier::REVERSED);
    assert_eq!([5, 6, 7].map(reversed), [false, true, false], "the selected one");
}

#[test]
fn a_narrow_terminal() {
    let expected = "\
socksd 127.0.0.1:8084  json  up 3h04m
connections 4 of 500   peak 34
up     1.9 kB/s                        ▅
down    39 MB/s                        ▃
 ID USER  TARGET              DOWN ▾RATE
  7 ana   example.org:443     147M   39M
 30 ana   203.0.113.80:80     700k  101k
 12 bob   mail.example.net:…  9.0k     0
 31 -     -                      0     0
rows 1-4 of 4      x cut  ? help  q quit";
    looks_like(&mut busy(), (40, 10), expected);
}

#[test]
fn a_tiny_terminal() {
    let mut app = busy();
    let expected = "\
socksd 127.0.0.1:80…
TARGET         ▾RATE
example.org:4…   39M
203.0.113.80:…  101k
rows 1-2 of 4";
    looks_like(&mut app, (20, 5), expected);
    app.act(Action::Go(Motion::First));
    app.act(Action::AskToCut);
    assert_eq!(line(&drawn(&mut app, COLOURS, 20, 5), 4), "cut 7? y/n  ana 192…");
}

#[test]
fn no_size_is_too_small() {
    let modes =
        [Mode::Table, Mode::Filter, Mode::Help, Mode::Question { id: 7, what: "ana".into() }];
    for mode in modes {
        let mut app = busy();
        app.mode = mode;
        app.loss = Some(Loss { why: "it is gone".into(), retry: app.now });
        for (columns, rows) in (0..24).flat_map(|x| (0..12).map(move |y| (x, y))) {
            drawn(&mut app, COLOURS, columns, rows);
        }
        app.loss = None;
        for (columns, rows) in (0..24).flat_map(|x| (0..12).map(move |y| (x, y))) {
            drawn(&mut app, COLOURS, columns, rows);
        }
    }
}

#[test]
fn a_dialect_that_tells_no_connections() {
    let start = Instant::now();
    let why = "shoes can't say connections, only monitor and json can: use --dialect monitor";
    let look = |second: u32| Sample {
        counters: bytes(Value::Octets(1000 * u64::from(second * second))),
        settings: counters(&[]),
        connections: Err(why.into()),
        ..sample(start, SECOND * second, Vec::new())
    };
    let mut app = App::new("127.0.0.1:8080", Dialect::Shoes, SECOND, look(0));
    (1..5).for_each(|second| app.see(look(second)));
    app.now = start + SECOND * 4;
    let expected = "\
socksd 127.0.0.1:8080  shoes                       14:03:26Z
16k relayed
rate   7.0 kB/s
peak   7.0 kB/s
last      3m40s                                            ▂
                                                           █
                                                           █
                                                           █

shoes can't say connections, only monitor and json can: use
--dialect monitor
                                     p pause  ? help  q quit";
    looks_like(&mut app, (60, 12), expected);
}

#[test]
fn directions_that_are_not_told_apart() {
    let start = Instant::now();
    let untold = |open| OpenConnection { up: None, down: None, ..open };
    let look = |second: u32| Sample {
        connections: Ok(vec![untold(open(1, "example.org:80", 0, 9000 * u64::from(second)))]),
        ..sample(start, SECOND * second, Vec::new())
    };
    let mut app = App::new("h:1", Dialect::Monitor, SECOND, look(0));
    app.see(look(1));
    app.now = start + SECOND;
    app.act(Action::SortBy(Key::Down));
    app.follow(5);
    let buffer = drawn(&mut app, COLOURS, 80, 8);
    assert_eq!(
        line(&buffer, 4),
        " ID USER  CLIENT          TARGET         STATE  ▾BYTES  RATE  AGE"
    );
    assert_eq!(
        line(&buffer, 5),
        "  1 ana   192.0.2.7:50001 example.org:80 open     9.0k  9.0k  10s"
    );
}

#[test]
fn a_server_that_is_gone() {
    let mut app = busy();
    app.now += SECOND * 12;
    let why = "can't reach 127.0.0.1:8084: Connection refused (os error 111); check that \
               socksd runs and --server names its management address";
    app.loss = Some(Loss { why: why.into(), retry: app.now + SECOND * 4 });
    let buffer = drawn(&mut app, COLOURS, 80, 24);
    assert_eq!(
        line(&buffer, 3),
        "no data since 14:03:29Z (12s ago), next try in 4s: can't reach 127.0.0.1:8084:"
    );
    assert_eq!(
        line(&buffer, 4),
        "Connection refused (os error 111); check that socksd runs and --server names its"
    );
    assert_eq!(buffer[(0, 3)].fg, Color::Red);
    app.act(Action::Pause);
    assert_eq!(
        line(&drawn(&mut app, COLOURS, 60, 8), 2),
        "paused at 14:03:29Z, p goes on; no data since 14:03:29Z (12…"
    );
}

#[test]
fn what_is_asked_stands_at_the_bottom() {
    let mut app = busy();
    let bottom = |app: &mut App| line(&drawn(app, COLOURS, 80, 12), 11);
    app.act(Action::Go(Motion::First));
    app.act(Action::AskToCut);
    assert_eq!(bottom(&mut app), "cut 7? y/n  ana 192.0.2.7:50007 -> example.org:443");
    app.act(Action::Back);
    app.act(Action::Filter);
    for letter in "bob\u{202e}".chars() {
        app.act(Action::Type(letter));
    }
    assert_eq!(bottom(&mut app), "/bob\\u{202e}_   Enter keeps it, Esc drops it");
    let buffer = drawn(&mut app, COLOURS, 80, 12);
    assert_eq!(line(&buffer, 4), "no connection holds \"bob\\u{202e}\"");
    app.act(Action::Erase);
    app.act(Action::Back);
    assert_eq!(
        bottom(&mut app),
        "rows 1-1 of 1 with bob       r reverse  p pause  / filter  x cut  ? help  q quit"
    );
}

#[test]
fn names_of_peers_cannot_break_the_screen() {
    let start = Instant::now();
    let targets = ["例え.テスト:443", "\x1b[2J\u{202e}:80", "e\u{301}\u{301}.example:80"];
    let all = targets.iter().zip(1..).map(|(target, id)| open(id, target, 0, 0)).collect();
    let mut app = App::new("h:1", Dialect::Json, SECOND, sample(start, Duration::ZERO, all));
    let buffer = drawn(&mut app, COLOURS, 80, 10);
    assert_eq!(
        line(&buffer, 5),
        "  1 ana   192.0.2.7:50001 例え.テスト:443    open     0     0     -  10s"
    );
    assert_eq!(
        line(&buffer, 6),
        "  2 ana   192.0.2.7:50002 \\x1b[2J\\u{202e}:80 open     0     0     -  20s"
    );
    assert_eq!(
        line(&buffer, 7),
        "  3 ana   192.0.2.7:50003 e\u{301}\u{301}.example:80       open     0     0     -  30s"
    );
}

#[test]
fn the_keys_are_explained() {
    let mut app = app();
    app.act(Action::Help);
    let expected = "\
socksd 127.0.0.1:8084  json  up 3h04m    14:03:23Z
co┌ help ─────────────────────────────────────┐
re│ s           sort by the next column       │
up│ 1-9         sort by that column           │
do│ r           sort the other way round      │  ▆
 I│ /           show what holds some text     │
  │ j k arrows  select a connection           │
  │ PgUp PgDn   a page on                     │
  │ Home End    the first, the last           │
  │ x Delete    cut the selected one          │
  │ p           pause, go on                  │
  │ ?           these words                   │
  │ q Esc       quit                          │
  │ UP DOWN     octets from and to the client │
  │ RATE        octets a second, both ways    │
  │ k M G       powers of 1000                │
  └───────────────────────────────────────────┘
rows 1-2 of 2      / filter  x cut  ? help  q quit";
    looks_like(&mut app, (50, 18), expected);
}

#[test]
fn colours_can_be_left_out() {
    let mut app = busy();
    app.loss = Some(Loss { why: "it is gone".into(), retry: app.now });
    let colours = |theme, app: &mut App| {
        let buffer = drawn(app, theme, 80, 24);
        buffer.content().iter().any(|cell| cell.fg != Color::Reset || cell.bg != Color::Reset)
    };
    assert!(colours(COLOURS, &mut app));
    assert!(!colours(Theme { colours: false }, &mut app));
}
