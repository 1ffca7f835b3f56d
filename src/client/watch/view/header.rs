//! Which server it is, its counters, and what is wrong.

use std::time::SystemTime;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::super::app::App;
use super::Theme;
use crate::client::figures;
use crate::client::printable::{cut, lines, printable, width};
use crate::core::Utc;

/// Between two counters.
const GAP: usize = 3;

/// The title, and below it the counters as far as there is room.
pub fn draw(app: &App, theme: Theme, area: Rect, buffer: &mut Buffer) {
    if area.is_empty() {
        return;
    }
    let columns = usize::from(area.width);
    let title = cut(&title(app), columns);
    let clock = clock(app.board().time);
    buffer.set_stringn(area.x, area.y, &title, columns, theme.strong());
    if let Some(room) = columns.checked_sub(width(&clock) + 2)
        && width(&title) <= room
    {
        let right = area.right().saturating_sub(width(&clock) as u16);
        buffer.set_string(right, area.y, &clock, theme.faint());
    }
    for (line, y) in facts(app, columns).iter().zip(area.y + 1..area.bottom()) {
        buffer.set_stringn(area.x, y, cut(line, columns), columns, Style::new());
    }
}

fn title(app: &App) -> String {
    let up = app.board().counters.get("uptime").map(|up| figures::time(up.number));
    let up = up.map_or_else(String::new, |up| format!("  up {up}"));
    format!("socksd {}  {}{up}", app.server, app.dialect)
}

/// `14:03:22Z`: a day is in sight of nobody who looks at a screen.
fn clock(time: SystemTime) -> String {
    let date = Utc(time).to_string();
    date.split_once('T').map_or_else(|| date.clone(), |(_, clock)| clock.to_owned())
}

/// How many lines the counters take, two at most.
pub fn facts_height(app: &App, screen: Rect) -> u16 {
    let most = if screen.height < 14 { 1 } else { 2 };
    most.min(facts(app, usize::from(screen.width)).len() as u16)
}

/// The counters that are known, in lines of so many columns.
fn facts(app: &App, columns: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for fact in pieces(app) {
        match lines.last_mut() {
            Some(line) if width(line) + GAP + width(&fact) <= columns => {
                line.push_str(&" ".repeat(GAP));
                line.push_str(&fact);
            }
            _ => lines.push(fact),
        }
    }
    lines
}

fn pieces(app: &App) -> Vec<String> {
    let board = app.board();
    let known = |name: &str| {
        let count = board.counters.get(name)?;
        Some(format!("{}{}", count.number, if count.or_more { "+" } else { "" }))
    };
    let limit = board.settings.get("max_connections");
    let limit = limit.map_or_else(String::new, |limit| format!(" of {}", limit.number));
    let bytes = board.counters.get("bytes").map(|bytes| {
        let more = if bytes.or_more { "+" } else { "" };
        format!("{}{more} relayed", figures::octets(bytes.number))
    });
    let all = [
        known("current").map(|count| format!("connections {count}{limit}")),
        known("max_current").map(|count| format!("peak {count}")),
        known("historic").map(|count| format!("total {count}")),
        known("active_users").map(|count| format!("users {count}")),
        known("refused").map(|count| format!("refused {count}")),
        known("failed_logins").map(|count| format!("failed logins {count}")),
        bytes,
    ];
    all.into_iter().flatten().collect()
}

/// How many lines [`draw_notice`] takes.
pub fn notice_height(app: &App, screen: Rect) -> u16 {
    let Some(notice) = notice(app) else { return 0 };
    let most = if screen.height < 14 { 1 } else { 3 };
    most.min(lines(&notice, usize::from(screen.width)).len() as u16)
}

/// That the data is old, or kept from changing.
pub fn draw_notice(app: &App, theme: Theme, area: Rect, buffer: &mut Buffer) {
    let Some(notice) = notice(app) else { return };
    let style = if app.overdue().is_some() { theme.warning() } else { theme.strong() };
    write(&notice, style, area, buffer);
}

/// A sentence in as many lines as there are; the last one shows that there is more.
pub fn write(text: &str, style: Style, area: Rect, buffer: &mut Buffer) {
    let columns = usize::from(area.width);
    let mut lines = lines(text, columns);
    if lines.len() > usize::from(area.height) {
        let rest = lines.split_off(usize::from(area.height.saturating_sub(1)));
        lines.push(rest.join(" "));
    }
    for (line, y) in lines.iter().zip(area.y..area.bottom()) {
        buffer.set_stringn(area.x, y, cut(line, columns), columns, style);
    }
}

fn notice(app: &App) -> Option<String> {
    let paused = app.paused().map(|time| format!("paused at {}, p goes on", clock(time)));
    let overdue = app.overdue().map(|(time, age)| {
        let since = format!("no data since {} ({} ago)", clock(time), figures::time(age.as_secs()));
        match &app.loss {
            Some(loss) => {
                let wait = loss.retry.saturating_duration_since(app.now).as_secs();
                let next = format!("next try in {}", figures::time(wait));
                format!("{since}, {next}: {}", printable(&loss.why))
            }
            None => since,
        }
    });
    match (overdue, paused) {
        (Some(overdue), Some(paused)) => Some(format!("{paused}; {overdue}")),
        (overdue, paused) => overdue.or(paused),
    }
}
