//! What is known of the server at a moment: the last look, and rates by comparing
//! it with the one before.

use std::collections::HashMap;
use std::time::{Duration, Instant, SystemTime};

use super::super::OpenConnection;
use super::history::{History, Rates};
use super::sample::{Counters, Sample, per_second};
use crate::client::printable::printable;

/// Looks that are later than so many intervals were kept from coming.
const SLOWEST: usize = 5;

/// An open connection, its texts fit to be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// What the server has told.
    pub open: OpenConnection,
    /// Octets a second in both directions; `None` at first sight.
    pub rate: Option<u64>,
}

impl Row {
    fn new(open: OpenConnection, rate: Option<u64>) -> Self {
        let open = OpenConnection {
            user: printable(&open.user),
            client: printable(&open.client),
            target: open.target.as_deref().map(printable),
            state: printable(&open.state),
            ..open
        };
        Self { open, rate }
    }
}

/// The server, as last seen.
#[derive(Debug, Clone)]
pub struct Board {
    /// When it was seen.
    pub at: Instant,
    /// The same, for people.
    pub time: SystemTime,
    /// Its counters.
    pub counters: Counters,
    /// Its settings, as far as they are told.
    pub settings: Counters,
    /// Its connections, or why they are not known.
    pub rows: Result<Vec<Row>, String>,
    /// How fast octets pass now.
    pub rates: Rates,
    /// How fast they did.
    pub history: History,
}

impl Board {
    /// After the first look: no rate is known yet.
    pub fn new(sample: Sample) -> Self {
        let Sample { at, time, counters, settings, connections } = sample;
        let rows = connections.map(|open| {
            let row = |open| Row::new(open, None);
            open.into_iter().map(row).collect()
        });
        let (rates, history) = (Rates::default(), History::default());
        Self { at, time, counters, settings, rows, rates, history }
    }

    /// After another look. Looks were meant to be `interval` apart: where none came
    /// for long there is a gap in the history.
    pub fn update(&mut self, sample: Sample, interval: Duration) {
        let passed = sample.at.saturating_duration_since(self.at);
        let seconds = passed.as_secs_f64();
        let rate = |name| sample.counters.rate(name, &self.counters, seconds);
        let rates = Rates { up: rate("bytes_up"), down: rate("bytes_down"), both: rate("bytes") };
        let looks = (seconds / interval.as_secs_f64().max(0.001)).round() as usize;
        match looks {
            // A look out of turn, after a cut, is no column of a graph.
            0 => {}
            // A slow one stands for all the time since the one before.
            1..=SLOWEST => (0..looks).for_each(|_| self.history.push(rates)),
            _ => {
                self.history.miss(looks - 1);
                self.history.push(rates);
            }
        }
        let rows = sample.connections.map(|open| self.rows_of(open, seconds));
        let Sample { at, time, counters, settings, .. } = sample;
        let history = std::mem::take(&mut self.history);
        *self = Self { at, time, counters, settings, rows, rates, history };
    }

    fn rows_of(&self, open: Vec<OpenConnection>, seconds: f64) -> Vec<Row> {
        let before = self.rows.as_deref().unwrap_or_default();
        let before: HashMap<u64, u64> =
            before.iter().map(|row| (row.open.id, row.open.bytes)).collect();
        let row = |open: OpenConnection| {
            let grown = before.get(&open.id).and_then(|before| open.bytes.checked_sub(*before));
            let rate = grown.and_then(|grown| per_second(grown, seconds));
            Row::new(open, rate)
        };
        open.into_iter().map(row).collect()
    }
}

#[cfg(test)]
pub mod tests {
    use super::super::sample::tests::{bytes, counters};
    use super::*;
    use crate::client::Value;

    const SECOND: Duration = Duration::from_secs(1);

    /// A connection of ana's.
    pub fn open(id: u64, target: &str, up: u64, down: u64) -> OpenConnection {
        OpenConnection {
            id,
            user: "ana".into(),
            client: format!("192.0.2.7:{}", 50_000 + id),
            target: Some(target.into()),
            state: "open".into(),
            bytes: up + down,
            up: Some(up),
            down: Some(down),
            age: id * 10,
        }
    }

    /// A look at these connections, so long after `start`.
    pub fn sample(start: Instant, after: Duration, open: Vec<OpenConnection>) -> Sample {
        let total = |of: fn(&OpenConnection) -> Option<u64>| open.iter().filter_map(of).sum();
        let (up, down): (u64, u64) = (total(|open| open.up), total(|open| open.down));
        let numbers = [
            ("current", open.len() as u64),
            ("max_current", 34),
            ("historic", 5678),
            ("refused", 2),
            ("failed_logins", 3),
            ("bytes", up + down),
            ("bytes_up", up),
            ("bytes_down", down),
            ("uptime", 11_079),
        ];
        Sample {
            at: start + after,
            time: SystemTime::UNIX_EPOCH + Duration::from_secs(1_763_733_802) + after,
            counters: counters(&numbers),
            settings: counters(&[("max_connections", 500)]),
            connections: Ok(open),
        }
    }

    #[test]
    fn rates_are_differences_by_time() {
        let start = Instant::now();
        let first = vec![open(1, "a:1", 100, 1000), open(2, "b:1", 0, 0)];
        let second = vec![open(1, "a:1", 300, 2000), open(3, "c:1", 5, 5)];
        let mut board = Board::new(sample(start, Duration::ZERO, first));
        assert_eq!(board.rates, Rates::default());
        board.update(sample(start, SECOND * 2, second), SECOND * 2);
        assert_eq!(board.rates, Rates { up: Some(103), down: Some(503), both: Some(605) });
        let rates: Vec<_> = board.rows.unwrap().iter().map(|row| row.rate).collect();
        assert_eq!(rates, [Some(600), None], "a new one has no rate yet");
    }

    #[test]
    fn a_restart_is_no_rate() {
        let start = Instant::now();
        let mut board = Board::new(sample(start, Duration::ZERO, vec![open(1, "a:1", 9, 9)]));
        board.update(sample(start, SECOND, vec![open(1, "a:1", 1, 1)]), SECOND);
        assert_eq!((board.rates, board.rows.unwrap()[0].rate), (Rates::default(), None));
    }

    #[test]
    fn looks_that_did_not_come_are_gaps() {
        let start = Instant::now();
        let look = |after, number| Sample {
            counters: bytes(Value::Octets(number)),
            ..sample(start, after, Vec::new())
        };
        let mut board = Board::new(look(Duration::ZERO, 0));
        board.update(look(SECOND, 10), SECOND);
        board.update(look(SECOND * 3, 50), SECOND);
        board.update(look(SECOND * 3 + SECOND / 4, 50), SECOND);
        let columns = |board: &Board| board.history.columns(20, 1, |rates| rates.both);
        assert_eq!(columns(&board), [Some(10), Some(20), Some(20)], "late, and out of turn");
        board.update(look(SECOND * 10, 50), SECOND);
        let gaps = [None; 6];
        assert_eq!(columns(&board)[3..], [&gaps[..], &[Some(0)]].concat());
    }

    #[test]
    fn texts_are_printable() {
        let evil = OpenConnection { user: "\x1b[2Jana".into(), ..open(1, "\n:1", 0, 0) };
        let row = Row::new(evil, None);
        assert_eq!(row.open.user, "\\x1b[2Jana");
        assert_eq!(row.open.target.as_deref(), Some("\\x0a:1"));
    }
}
