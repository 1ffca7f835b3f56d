//! What may be done, what came of it, and what is being asked.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::super::app::{App, Mode};
use super::Theme;
use crate::client::printable::{cut, printable, width};

/// The keys, the least important first.
const HINTS: [&str; 7] =
    ["s sort", "r reverse", "p pause", "/ filter", "x cut", "? help", "q quit"];

/// One line.
pub fn draw(app: &App, theme: Theme, area: Rect, buffer: &mut Buffer) {
    if area.is_empty() {
        return;
    }
    let columns = usize::from(area.width);
    let mut line = |text: &str, style| {
        buffer.set_stringn(area.x, area.y, cut(text, columns), columns, style);
    };
    match &app.mode {
        Mode::Question { id, what } => {
            line(&format!("cut {id}? y/n  {what}"), theme.question());
        }
        Mode::Filter => {
            let typed = printable(&app.list.filter);
            line(&format!("/{typed}_   Enter keeps it, Esc drops it"), theme.strong());
        }
        Mode::Table | Mode::Help => {
            let (said, style) = match &app.message {
                Some(message) => (message.clone(), theme.strong()),
                None => (count(app), Style::new()),
            };
            line(&said, style);
            let hint = hint(app, columns.saturating_sub(width(&said) + 2));
            let x = area.right().saturating_sub(hint.len() as u16);
            buffer.set_string(x, area.y, hint, theme.faint());
        }
    }
}

/// What makes sense at the moment, as much as fits.
fn hint(app: &App, room: usize) -> String {
    let listed = app.board().rows.is_ok();
    let useful = |hint: &&str| match *hint {
        "p pause" | "? help" | "q quit" => true,
        "x cut" => listed && app.cutting.is_ok(),
        _ => listed,
    };
    let hints: Vec<&str> = HINTS.into_iter().filter(useful).collect();
    let fits = |first: &usize| {
        hints.iter().skip(*first).map(|hint| hint.len() + 2).sum::<usize>() <= room + 2
    };
    let first = (0..hints.len()).find(fits).unwrap_or(hints.len());
    hints.into_iter().skip(first).collect::<Vec<_>>().join("  ")
}

/// Which connections are in sight, of how many.
fn count(app: &App) -> String {
    let shown = app.list.arranged(app.rows());
    let sight = app.list.in_sight(&shown);
    let first = sight.first().and_then(|first| {
        let place = shown.iter().position(|row| row.open.id == first.open.id)?;
        Some(place + 1)
    });
    let filter = match app.list.filter.as_str() {
        "" => String::new(),
        filter => format!(" with {}", printable(filter)),
    };
    match first {
        Some(first) => {
            format!("rows {first}-{} of {}{filter}", first + sight.len() - 1, shown.len())
        }
        None => filter.trim_start().to_owned(),
    }
}
