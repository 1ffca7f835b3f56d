//! What a key means.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::app::Mode;
use super::list::{Key, Motion};

/// What the screen is told to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// End.
    Quit,
    /// Move the selection.
    Go(Motion),
    /// Sort by the next key.
    NextKey,
    /// Sort by this one.
    SortBy(Key),
    /// Sort the other way round.
    Reverse,
    /// Stop changing, or go on.
    Pause,
    /// Explain the keys.
    Help,
    /// Back to the table.
    Back,
    /// Type a filter.
    Filter,
    /// One more letter of it.
    Type(char),
    /// One less.
    Erase,
    /// None at all.
    DropFilter,
    /// Ask whether to cut the selected connection.
    AskToCut,
    /// Cut this one.
    Cut(u64),
}

/// The keys, for people, and what the letters of the table mean.
pub const HELP: [(&str, &str); 14] = [
    ("s", "sort by the next column"),
    ("1-9", "sort by that column"),
    ("r", "sort the other way round"),
    ("/", "show what holds some text"),
    ("j k arrows", "select a connection"),
    ("PgUp PgDn", "a page on"),
    ("Home End", "the first, the last"),
    ("x Delete", "cut the selected one"),
    ("p", "pause, go on"),
    ("?", "these words"),
    ("q Esc", "quit"),
    ("UP DOWN", "octets from and to the client"),
    ("RATE", "octets a second, both ways"),
    ("k M G", "powers of 1000"),
];

/// What `key` means; nothing, mostly.
pub fn action(mode: &Mode, key: KeyEvent) -> Option<Action> {
    if key.kind == KeyEventKind::Release {
        return None;
    }
    let plain = key.modifiers.difference(KeyModifiers::SHIFT).is_empty();
    match (mode, key.code) {
        (_, KeyCode::Char('c')) if key.modifiers.contains(KeyModifiers::CONTROL) => {
            Some(Action::Quit)
        }
        (Mode::Help, _) => Some(Action::Back),
        (Mode::Question { id, .. }, code) => answer(*id, code),
        (Mode::Filter, code) => letter(code, plain),
        (Mode::Table, code) if plain => command(code),
        (Mode::Table, _) => None,
    }
}

fn answer(id: u64, code: KeyCode) -> Option<Action> {
    match code {
        KeyCode::Char('y' | 'Y') => Some(Action::Cut(id)),
        KeyCode::Char('n' | 'N' | 'q') | KeyCode::Esc => Some(Action::Back),
        _ => None,
    }
}

fn letter(code: KeyCode, plain: bool) -> Option<Action> {
    match code {
        KeyCode::Esc => Some(Action::DropFilter),
        KeyCode::Enter => Some(Action::Back),
        KeyCode::Backspace => Some(Action::Erase),
        KeyCode::Char(letter) if plain => Some(Action::Type(letter)),
        _ => None,
    }
}

fn command(code: KeyCode) -> Option<Action> {
    Some(match code {
        KeyCode::Char('q') | KeyCode::Esc => Action::Quit,
        KeyCode::Char('s') => Action::NextKey,
        KeyCode::Char('r') => Action::Reverse,
        KeyCode::Char('p' | ' ') => Action::Pause,
        KeyCode::Char('?' | 'h') => Action::Help,
        KeyCode::Char('/') => Action::Filter,
        KeyCode::Char('x') | KeyCode::Delete => Action::AskToCut,
        KeyCode::Char('j') | KeyCode::Down => Action::Go(Motion::Rows(1)),
        KeyCode::Char('k') | KeyCode::Up => Action::Go(Motion::Rows(-1)),
        KeyCode::PageDown => Action::Go(Motion::Pages(1)),
        KeyCode::PageUp => Action::Go(Motion::Pages(-1)),
        KeyCode::Char('g') | KeyCode::Home => Action::Go(Motion::First),
        KeyCode::Char('G') | KeyCode::End => Action::Go(Motion::Last),
        KeyCode::Char(digit) => Action::SortBy(column(digit)?),
        _ => return None,
    })
}

/// The key with that number, from 1.
fn column(digit: char) -> Option<Key> {
    let number = digit.to_digit(10)?.checked_sub(1)?;
    Key::ALL.get(usize::try_from(number).ok()?).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meant(mode: &Mode, code: KeyCode) -> Option<Action> {
        action(mode, KeyEvent::new(code, KeyModifiers::NONE))
    }

    #[test]
    fn keys_are_commands() {
        for (code, expected) in [
            (KeyCode::Char('q'), Action::Quit),
            (KeyCode::Esc, Action::Quit),
            (KeyCode::Char('1'), Action::SortBy(Key::Id)),
            (KeyCode::Char('9'), Action::SortBy(Key::Age)),
            (KeyCode::Char('x'), Action::AskToCut),
            (KeyCode::Delete, Action::AskToCut),
            (KeyCode::Down, Action::Go(Motion::Rows(1))),
            (KeyCode::Char('G'), Action::Go(Motion::Last)),
        ] {
            assert_eq!(meant(&Mode::Table, code), Some(expected));
        }
        for code in [KeyCode::Char('0'), KeyCode::Char('y'), KeyCode::Enter, KeyCode::F(1)] {
            assert_eq!(meant(&Mode::Table, code), None);
        }
    }

    #[test]
    fn only_y_cuts() {
        let question = Mode::Question { id: 7, what: String::new() };
        assert_eq!(meant(&question, KeyCode::Char('y')), Some(Action::Cut(7)));
        assert_eq!(meant(&question, KeyCode::Char('n')), Some(Action::Back));
        assert_eq!(meant(&question, KeyCode::Esc), Some(Action::Back));
        for code in [KeyCode::Enter, KeyCode::Char('x'), KeyCode::Char(' ')] {
            assert_eq!(meant(&question, code), None);
        }
    }

    #[test]
    fn ctrl_c_ends_in_every_mode() {
        let key = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
        let question = Mode::Question { id: 7, what: String::new() };
        for mode in [Mode::Table, Mode::Filter, Mode::Help, question] {
            assert_eq!(action(&mode, key), Some(Action::Quit));
        }
    }

    #[test]
    fn letters_are_the_filters() {
        assert_eq!(meant(&Mode::Filter, KeyCode::Char('q')), Some(Action::Type('q')));
        assert_eq!(meant(&Mode::Filter, KeyCode::Esc), Some(Action::DropFilter));
        assert_eq!(meant(&Mode::Filter, KeyCode::Enter), Some(Action::Back));
        let control = KeyEvent::new(KeyCode::Char('w'), KeyModifiers::CONTROL);
        assert_eq!(action(&Mode::Filter, control), None);
    }

    #[test]
    fn letting_go_of_a_key_means_nothing() {
        let mut key = KeyEvent::new(KeyCode::Char('q'), KeyModifiers::NONE);
        key.kind = KeyEventKind::Release;
        assert_eq!(action(&Mode::Table, key), None);
    }
}
