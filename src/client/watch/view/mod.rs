//! What is drawn: the screen's state becomes cells.

mod footer;
mod graphs;
mod header;
mod help;
mod table;
#[cfg(test)]
mod tests;
mod theme;

use ratatui::Frame;
use ratatui::layout::Rect;

use super::app::{App, Mode};
pub use theme::Theme;

/// Where things stand, from top to bottom.
struct Areas {
    header: Rect,
    notice: Rect,
    graphs: Rect,
    table: Rect,
    footer: Rect,
}

/// How many connections are in sight on a screen of this size.
pub fn page(app: &App, screen: Rect) -> usize {
    // The head of the table is no connection.
    usize::from(areas(app, screen).table.height.saturating_sub(1))
}

/// Draws all of it.
pub fn draw(app: &App, theme: Theme, frame: &mut Frame<'_>) {
    let screen = frame.area();
    let areas = areas(app, screen);
    let buffer = frame.buffer_mut();
    header::draw(app, theme, areas.header, buffer);
    header::draw_notice(app, theme, areas.notice, buffer);
    graphs::draw(app, theme, areas.graphs, buffer);
    table::draw(app, theme, areas.table, buffer);
    footer::draw(app, theme, areas.footer, buffer);
    if app.mode == Mode::Help {
        help::draw(theme, screen, buffer);
    }
}

/// The table gets what the others leave; where there is none, the graphs do.
fn areas(app: &App, screen: Rect) -> Areas {
    let mut left = screen;
    let footer = take_bottom(&mut left, u16::from(screen.height > 1));
    let facts = if screen.height < 7 { 0 } else { header::facts_height(app, screen) };
    let header = take_top(&mut left, 1 + facts);
    let notice = take_top(&mut left, header::notice_height(app, screen));
    let listed = app.board().rows.is_ok();
    let wanted = match (screen.height, listed) {
        (0..6, _) => 0,
        (6..20, true) => 1,
        (20..30, true) => 2,
        (_, true) => 3,
        // What says why there is no table takes two lines, and an empty one.
        (_, false) => left.height.saturating_sub(3).div_euclid(graphs::count(app)).clamp(1, 8),
    };
    let graphs = take_top(&mut left, wanted * graphs::count(app));
    if screen.height >= 20 || !listed {
        take_top(&mut left, 1);
    }
    Areas { header, notice, graphs, table: left, footer }
}

fn take_top(from: &mut Rect, height: u16) -> Rect {
    let height = height.min(from.height);
    let taken = Rect { height, ..*from };
    *from = Rect { y: from.y + height, height: from.height - height, ..*from };
    taken
}

fn take_bottom(from: &mut Rect, height: u16) -> Rect {
    let height = height.min(from.height);
    *from = Rect { height: from.height - height, ..*from };
    Rect { y: from.y + from.height, height, ..*from }
}
