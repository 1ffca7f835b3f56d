//! The keys, explained over the rest.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::{Block, Clear, Paragraph, Widget};

use super::super::keys::HELP;
use super::Theme;

/// In the middle, as much as there is room for.
pub fn draw(theme: Theme, screen: Rect, buffer: &mut Buffer) {
    let line = |(keys, meaning): &(&str, &str)| format!(" {keys:<11} {meaning}");
    let lines: Vec<String> = HELP.iter().map(line).collect();
    let longest = lines.iter().map(|line| line.len()).max().unwrap_or(0) as u16;
    let width = (longest + 3).min(screen.width);
    let height = (lines.len() as u16 + 2).min(screen.height);
    let area = Rect {
        x: screen.x + (screen.width - width) / 2,
        y: screen.y + (screen.height - height) / 2,
        width,
        height,
    };
    Clear.render(area, buffer);
    let block = Block::bordered().title(" help ").border_style(theme.strong());
    Paragraph::new(lines.join("\n")).block(block).render(area, buffer);
}
