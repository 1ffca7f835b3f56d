//! The few styles: the terminal's own colours, so that it is legible on dark and
//! on light ground.

use ratatui::style::{Color, Modifier, Style};

/// Whether there are colours.
#[derive(Debug, Clone, Copy)]
pub struct Theme {
    /// `false` where the user has set `NO_COLOR`.
    pub colours: bool,
}

impl Theme {
    /// What stands above other things.
    pub fn strong(self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    /// What matters less.
    pub fn faint(self) -> Style {
        Style::new().add_modifier(Modifier::DIM)
    }

    /// What needs somebody.
    pub fn warning(self) -> Style {
        self.coloured(Color::Red).add_modifier(Modifier::BOLD)
    }

    /// What waits for an answer.
    pub fn question(self) -> Style {
        self.warning().add_modifier(Modifier::REVERSED)
    }

    /// The selected connection.
    pub fn selected(self) -> Style {
        Style::new().add_modifier(Modifier::REVERSED)
    }

    /// Octets from clients.
    pub fn up(self) -> Style {
        self.coloured(Color::Green)
    }

    /// Octets to clients.
    pub fn down(self) -> Style {
        self.coloured(Color::Magenta)
    }

    fn coloured(self, colour: Color) -> Style {
        if self.colours { Style::new().fg(colour) } else { Style::new() }
    }
}
