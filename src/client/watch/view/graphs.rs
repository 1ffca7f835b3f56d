//! How fast octets pass, and how fast they did in the last minutes.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::widgets::{Sparkline, SparklineBar, Widget};

use super::super::app::App;
use super::super::history::Rates;
use super::Theme;
use crate::client::figures;

/// A graph reaches back so many seconds at least, if there are looks enough.
const SPAN: f64 = 180.0;
/// What stands left of a graph: `down 12.3 MB/s`.
const LABEL: u16 = 16;
/// A graph narrower than this says nothing.
const NARROWEST: u16 = 8;

/// A graph and what it is of.
struct Graph {
    name: &'static str,
    which: fn(&Rates) -> Option<u64>,
    style: Style,
}

/// How many graphs there are: the dialect may not tell the directions apart.
pub fn count(app: &App) -> u16 {
    if directed(app) { 2 } else { 1 }
}

fn directed(app: &App) -> bool {
    app.board().counters.get("bytes_up").is_some()
}

/// Draws them one below the other, all as high as there is room.
pub fn draw(app: &App, theme: Theme, area: Rect, buffer: &mut Buffer) {
    let height = area.height / count(app);
    let up = Graph { name: "up", which: |rates| rates.up, style: theme.up() };
    let down = Graph { name: "down", which: |rates| rates.down, style: theme.down() };
    let both = Graph { name: "rate", which: |rates| rates.both, style: theme.down() };
    let graphs = if directed(app) { vec![up, down] } else { vec![both] };
    if height == 0 {
        return;
    }
    for (graph, y) in graphs.iter().zip((area.y..area.bottom()).step_by(usize::from(height))) {
        let area = Rect { y, height, ..area };
        graph.draw(app, theme, area, buffer);
    }
}

impl Graph {
    fn draw(&self, app: &App, theme: Theme, area: Rect, buffer: &mut Buffer) {
        let board = app.board();
        let columns = area.width.saturating_sub(LABEL);
        let looks = SPAN / app.interval.as_secs_f64().max(0.001);
        let group = (looks / f64::from(columns.max(1))).ceil() as usize;
        let means = board.history.columns(usize::from(columns), group, self.which);
        let peak = board.history.peak(usize::from(columns) * group, self.which);
        let mut line = |index: u16, text: String, style| {
            if index < area.height {
                let room = usize::from(LABEL.min(area.width));
                buffer.set_stringn(area.x, area.y + index, text, room, style);
            }
        };
        let now = (self.which)(&board.rates);
        line(0, format!("{:4} {:>10}", self.name, rate(now)), theme.strong());
        line(1, format!("peak {:>10}", rate(peak)), Style::new());
        let seconds = app.interval.as_secs_f64() * f64::from(columns) * group as f64;
        line(2, format!("last {:>10}", figures::time(seconds as u64)), theme.faint());
        if columns < NARROWEST {
            return;
        }
        let area = Rect { x: area.x + LABEL, width: columns, ..area };
        // The newest stands at the right edge.
        let empty = usize::from(columns).saturating_sub(means.len());
        let bars = std::iter::repeat_n(None, empty).chain(means);
        let bars: Vec<SparklineBar> = bars.map(SparklineBar::from).collect();
        // The highest leaves an eighth of a line empty, or two graphs would touch.
        let eighths = u64::from(area.height) * 8;
        let most = peak.unwrap_or(0).max(1);
        let most = most.saturating_add(most.div_ceil(eighths - 1));
        Sparkline::default().data(bars).max(most).style(self.style).render(area, buffer);
    }
}

fn rate(octets: Option<u64>) -> String {
    octets.map_or_else(|| "-".into(), figures::rate)
}
