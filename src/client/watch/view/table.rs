//! The connections, a line each, in as many columns as there is room for.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::super::app::App;
use super::super::board::Row;
use super::super::list::Key;
use super::{Theme, header};
use crate::client::figures;
use crate::client::printable::{cut, printable, width};

/// A column of the table.
struct Column {
    key: Key,
    title: &'static str,
    cell: fn(&Row) -> String,
    /// Numbers stand at the right.
    right: bool,
    /// Narrower it is only when nothing else helps. Numbers are never cut.
    comfortable: usize,
}

const COLUMNS: [Column; 9] = [
    number(Key::Id, "ID", |row| row.open.id.to_string()),
    text(Key::User, "USER", 8, |row| row.open.user.clone()),
    text(Key::Client, "CLIENT", 15, |row| row.open.client.clone()),
    text(Key::Target, "TARGET", 14, |row| row.open.target.clone().unwrap_or_else(dash)),
    text(Key::State, "STATE", 6, |row| row.open.state.clone()),
    number(Key::Up, "UP", |row| row.open.up.map_or_else(dash, figures::octets)),
    number(Key::Down, "DOWN", |row| row.open.down.map_or_else(dash, figures::octets)),
    number(Key::Rate, "RATE", |row| row.rate.map_or_else(dash, figures::octets)),
    number(Key::Age, "AGE", |row| figures::time(row.open.age)),
];

/// Where the directions are not told apart.
const BYTES: Column = number(Key::Up, "BYTES", |row| figures::octets(row.open.bytes));

/// What is left out first. The target stays.
const LEAST_IMPORTANT: [Key; 8] =
    [Key::State, Key::Age, Key::Client, Key::Up, Key::Down, Key::User, Key::Id, Key::Rate];

const fn number(key: Key, title: &'static str, cell: fn(&Row) -> String) -> Column {
    Column { key, title, cell, right: true, comfortable: usize::MAX }
}

const fn text(
    key: Key,
    title: &'static str,
    comfortable: usize,
    cell: fn(&Row) -> String,
) -> Column {
    Column { key, title, cell, right: false, comfortable }
}

fn dash() -> String {
    "-".into()
}

/// The table, or why there is none.
pub fn draw(app: &App, theme: Theme, area: Rect, buffer: &mut Buffer) {
    let shown = app.list.arranged(app.rows());
    let instead = match &app.board().rows {
        Err(why) => Some(printable(why)),
        Ok(rows) if rows.is_empty() => Some("no connections".into()),
        Ok(_) if shown.is_empty() => Some(format!("no connection holds {:?}", app.list.filter)),
        Ok(_) => None,
    };
    if let Some(instead) = instead {
        header::write(&instead, Style::new(), area, buffer);
        return;
    }
    let columns = fitting(&shown, usize::from(area.width));
    let (mut x, down) = (area.x, app.list.key.falls() != app.list.reversed);
    let sight = app.list.in_sight(&shown);
    for (column, columns) in columns {
        let sorted = app.list.key == column.key || column.is_sum_of(app.list.key);
        let title = column.head(sorted.then_some(if down { '▾' } else { '▴' }));
        let mut cell = |y: u16, text: String, style: Style| {
            if y < area.bottom() {
                let text = padded(&cut(&text, columns), columns, column.right);
                buffer.set_stringn(x, y, text, columns, style);
            }
        };
        cell(area.y, title, theme.strong());
        for (row, y) in sight.iter().zip(area.y + 1..) {
            cell(y, (column.cell)(row), Style::new());
        }
        x += columns as u16 + 1;
    }
    let selected = sight.iter().position(|row| Some(row.open.id) == app.list.selected());
    if let Some(y) = selected.map(|index| area.y + 1 + index as u16)
        && y < area.bottom()
    {
        buffer.set_style(Rect { y, height: 1, ..area }, theme.selected());
    }
}

fn padded(text: &str, columns: usize, right: bool) -> String {
    let space = " ".repeat(columns.saturating_sub(width(text)));
    if right { format!("{space}{text}") } else { format!("{text}{space}") }
}

impl Column {
    fn head(&self, mark: Option<char>) -> String {
        let mark = mark.map(String::from).unwrap_or_default();
        if self.right { format!("{mark}{}", self.title) } else { format!("{}{mark}", self.title) }
    }

    fn is_sum_of(&self, key: Key) -> bool {
        self.title == BYTES.title && key == Key::Down
    }

    /// As wide as its widest cell, and as its head with a mark.
    fn natural(&self, rows: &[&Row]) -> usize {
        let cells = rows.iter().map(|row| width(&(self.cell)(row))).max().unwrap_or(0);
        cells.max(self.title.len() + 1)
    }
}

/// The columns that find room, and how wide each is. All rows count, also those out
/// of sight: so nothing moves when one scrolls.
fn fitting(rows: &[&Row], room: usize) -> Vec<(Column, usize)> {
    let directed = rows.iter().any(|row| row.open.up.is_some());
    let mut columns: Vec<(Column, usize)> = COLUMNS
        .into_iter()
        .filter(|column| directed || column.key != Key::Down)
        .map(|column| if directed || column.key != Key::Up { column } else { BYTES })
        .map(|column| {
            let natural = column.natural(rows);
            (column, natural)
        })
        .collect();
    for key in LEAST_IMPORTANT {
        let least = columns.iter().map(|(column, natural)| column.comfortable.min(*natural) + 1);
        // One less: there is no gap behind the last.
        if least.sum::<usize>() <= room + 1 {
            break;
        }
        columns.retain(|(column, _)| column.key != key);
    }
    shrink(&mut columns, room);
    columns
}

/// Takes from the widest texts what is too much.
fn shrink(columns: &mut [(Column, usize)], room: usize) {
    let total: usize = columns.iter().map(|(_, columns)| columns + 1).sum();
    for _ in room + 1..total {
        let texts = columns.iter_mut().filter(|(column, _)| !column.right);
        let spare = |entry: &&mut (Column, usize)| entry.1.saturating_sub(entry.0.comfortable);
        match texts.max_by_key(|entry| (spare(entry), entry.1)) {
            Some((_, columns)) => *columns = columns.saturating_sub(1),
            None => return,
        }
    }
}
