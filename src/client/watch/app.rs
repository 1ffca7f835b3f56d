//! What the screen is about: all that keys and looks change, and nothing else.

use std::time::{Duration, Instant, SystemTime};

use super::super::{Ask, ClientError, Dialect};
use super::board::{Board, Row};
use super::keys::Action;
use super::list::List;
use super::sample::Sample;
use super::source::Loss;
use crate::client::printable::printable;
use crate::core::ConnectionId;

/// What keys mean at the moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mode {
    /// They are commands.
    Table,
    /// They are letters of the filter.
    Filter,
    /// They answer whether this connection is to be cut.
    Question {
        /// Its number.
        id: u64,
        /// What it is, for people.
        what: String,
    },
    /// They are explained, and the next one ends that.
    Help,
}

/// What is to be done outside of the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// It ends.
    Quit,
    /// The server ends a connection.
    Cut(ConnectionId),
}

/// The screen's state.
#[derive(Debug, Clone)]
pub struct App {
    /// The server, as it was given.
    pub server: String,
    /// The dialect that is spoken with it.
    pub dialect: Dialect,
    /// How far looks are apart.
    pub interval: Duration,
    /// Whether cutting is sayable, or why not.
    pub cutting: Result<(), String>,
    /// The last look.
    live: Board,
    /// What is shown instead while it is paused.
    frozen: Option<Box<Board>>,
    /// Why there are no looks any more.
    pub loss: Option<Loss>,
    /// The connections' order and the selected one.
    pub list: List,
    /// What keys mean.
    pub mode: Mode,
    /// What came of the last key.
    pub message: Option<String>,
    /// Now: the screen tells how old things are.
    pub now: Instant,
}

impl App {
    /// After the first look.
    pub fn new(server: &str, dialect: Dialect, interval: Duration, sample: Sample) -> Self {
        let cutting = ClientError::check(dialect, &Ask::Cut(ConnectionId(0)));
        Self {
            server: printable(server),
            dialect,
            interval,
            cutting: cutting.map_err(|unsayable| unsayable.to_string()),
            now: sample.at,
            live: Board::new(sample),
            frozen: None,
            loss: None,
            list: List::default(),
            mode: Mode::Table,
            message: None,
        }
    }

    /// What is shown.
    pub fn board(&self) -> &Board {
        self.frozen.as_deref().unwrap_or(&self.live)
    }

    /// The connections that are known.
    pub fn rows(&self) -> &[Row] {
        self.board().rows.as_deref().unwrap_or_default()
    }

    /// When the screen was paused: of which moment it shows the data.
    pub fn paused(&self) -> Option<SystemTime> {
        self.frozen.as_ref().map(|board| board.time)
    }

    /// When data came last, and how long ago that was, if it should have come since.
    pub fn overdue(&self) -> Option<(SystemTime, Duration)> {
        let age = self.now.saturating_duration_since(self.live.at);
        let late = self.loss.is_some() || age > self.interval * 2 + Duration::from_secs(1);
        late.then_some((self.live.time, age))
    }

    /// Another look has come.
    pub fn see(&mut self, sample: Sample) {
        self.loss = None;
        self.live.update(sample, self.interval);
    }

    /// What became of a cut.
    pub fn was_cut(&mut self, id: ConnectionId, result: Result<(), String>) {
        self.message = Some(match result {
            Ok(()) => format!("connection {} was cut", id.0),
            Err(why) => printable(&why),
        });
    }

    /// Follows the selection, with so many rows in sight.
    pub fn follow(&mut self, page: usize) {
        let mut list = std::mem::take(&mut self.list);
        list.follow(self.rows(), page);
        self.list = list;
    }

    /// Does what a key means.
    pub fn act(&mut self, action: Action) -> Option<Wish> {
        self.message = None;
        match action {
            Action::Quit => return Some(Wish::Quit),
            Action::Go(motion) => {
                let mut list = std::mem::take(&mut self.list);
                list.go(self.rows(), motion);
                self.list = list;
            }
            Action::NextKey => self.list.next_key(),
            Action::SortBy(key) => self.list.sort_by(key),
            Action::Reverse => self.list.reversed = !self.list.reversed,
            Action::Pause => {
                let live = &self.live;
                self.frozen = self.frozen.is_none().then(|| Box::new(live.clone()));
            }
            Action::Help => self.mode = Mode::Help,
            Action::Back => self.mode = Mode::Table,
            Action::Filter => self.mode = Mode::Filter,
            Action::Type(letter) => self.list.filter.push(letter),
            Action::Erase => {
                if self.list.filter.pop().is_none() {
                    self.mode = Mode::Table;
                }
            }
            Action::DropFilter => {
                self.list.filter.clear();
                self.mode = Mode::Table;
            }
            Action::AskToCut => self.ask_to_cut(),
            Action::Cut(id) => {
                self.mode = Mode::Table;
                self.message = Some(format!("cutting connection {id} ..."));
                return Some(Wish::Cut(ConnectionId(id)));
            }
        }
        None
    }

    fn ask_to_cut(&mut self) {
        if let Err(why) = &self.cutting {
            self.message = Some(why.clone());
            return;
        }
        let selected = self.list.selected();
        let row = self.rows().iter().find(|row| Some(row.open.id) == selected);
        let Some(row) = row else {
            self.message = Some("select a connection first, with the arrows or j and k".into());
            return;
        };
        let (open, target) = (&row.open, row.open.target.as_deref().unwrap_or("-"));
        let what = format!("{} {} -> {target}", open.user, open.client);
        self.mode = Mode::Question { id: open.id, what };
    }
}

#[cfg(test)]
pub mod tests {
    use super::super::board::tests::{open, sample};
    use super::super::list::Motion;
    use super::*;

    pub const SECOND: Duration = Duration::from_secs(1);

    /// Two connections over json, seen twice.
    pub fn app() -> App {
        let start = Instant::now();
        let look = |seconds: u32, down| {
            let both = vec![open(1, "a.example:80", 0, 0), open(2, "b.example:443", 10, down)];
            sample(start, SECOND * seconds, both)
        };
        let mut app = App::new("127.0.0.1:8084", Dialect::Json, SECOND, look(0, 0));
        app.see(look(1, 2048));
        app.now = start + SECOND;
        app.follow(10);
        app
    }

    #[test]
    fn cutting_asks_first_and_sticks_to_what_it_asked() {
        let mut app = app();
        assert_eq!(app.act(Action::AskToCut), None);
        assert!(app.message.as_deref().unwrap().starts_with("select a connection first"));
        app.act(Action::Go(Motion::First));
        app.act(Action::AskToCut);
        let what = "ana 192.0.2.7:50002 -> b.example:443".into();
        assert_eq!(app.mode, Mode::Question { id: 2, what });
        assert_eq!(app.act(Action::Cut(2)), Some(Wish::Cut(ConnectionId(2))));
        assert_eq!(app.mode, Mode::Table);
        app.was_cut(ConnectionId(2), Ok(()));
        assert_eq!(app.message.as_deref(), Some("connection 2 was cut"));
        app.act(Action::AskToCut);
        assert_eq!(app.act(Action::Back), None);
        assert_eq!((app.mode, app.message), (Mode::Table, None));
    }

    #[test]
    fn what_the_dialect_cannot_cut_is_said() {
        let mut app = app();
        app.cutting = Err("it can't".into());
        app.act(Action::Go(Motion::First));
        app.act(Action::AskToCut);
        assert_eq!((app.mode, app.message.as_deref()), (Mode::Table, Some("it can't")));
    }

    #[test]
    fn a_pause_shows_what_was_and_loses_nothing() {
        let mut app = app();
        app.act(Action::Pause);
        let paused = app.paused().unwrap();
        let at = app.board().at;
        app.see(sample(at, SECOND, vec![open(7, "c.example:80", 99, 9999)]));
        assert_eq!(app.rows().len(), 2);
        assert_eq!(app.paused(), Some(paused));
        app.act(Action::Pause);
        assert_eq!((app.rows().len(), app.paused()), (1, None));
        assert_eq!(app.board().history.columns(9, 1, |rates| rates.up).len(), 2);
    }

    #[test]
    fn late_data_is_told() {
        let mut app = app();
        assert_eq!(app.overdue(), None);
        app.now += SECOND * 3;
        assert_eq!(app.overdue(), None);
        app.now += SECOND;
        assert_eq!(app.overdue(), Some((app.board().time, SECOND * 4)));
        app.now -= SECOND * 3;
        app.loss = Some(Loss { why: "gone".into(), retry: app.now });
        assert_eq!(app.overdue(), Some((app.board().time, SECOND)));
    }

    #[test]
    fn a_filter_is_typed_and_dropped() {
        let mut app = app();
        app.act(Action::Filter);
        for letter in "b.ex".chars() {
            app.act(Action::Type(letter));
        }
        assert_eq!(app.list.arranged(app.rows()).len(), 1);
        app.act(Action::Erase);
        assert_eq!(app.list.filter, "b.e");
        app.act(Action::Back);
        assert_eq!((app.mode.clone(), app.list.filter.as_str()), (Mode::Table, "b.e"));
        app.act(Action::DropFilter);
        assert_eq!(app.list.arranged(app.rows()).len(), 2);
        app.act(Action::Filter);
        app.act(Action::Erase);
        assert_eq!(app.mode, Mode::Table, "erasing nothing leaves");
    }
}
