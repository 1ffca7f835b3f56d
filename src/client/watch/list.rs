//! Which connections are shown, in which order, and which one is selected.

use std::cmp::Ordering;

use super::board::Row;

/// What connections are sorted by, in the order of the columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    /// Their numbers: the order in which they came.
    Id,
    /// Whose they are.
    User,
    /// Where they come from.
    Client,
    /// Where they go.
    Target,
    /// What they are doing.
    State,
    /// Octets from the client.
    Up,
    /// Octets to the client.
    Down,
    /// Octets a second.
    Rate,
    /// How long they have been open.
    Age,
}

impl Key {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Id,
        Self::User,
        Self::Client,
        Self::Target,
        Self::State,
        Self::Up,
        Self::Down,
        Self::Rate,
        Self::Age,
    ];

    fn next(self) -> Self {
        let behind = Self::ALL.into_iter().skip_while(|key| *key != self);
        behind.take(2).last().filter(|key| *key != self).unwrap_or(Self::Id)
    }

    /// Of quantities the largest come first, of texts the first.
    pub fn falls(self) -> bool {
        matches!(self, Self::Up | Self::Down | Self::Rate | Self::Age)
    }

    fn compare(self, a: &Row, b: &Row) -> Ordering {
        let (x, y) = (&a.open, &b.open);
        match self {
            Self::Id => x.id.cmp(&y.id),
            Self::User => x.user.cmp(&y.user),
            Self::Client => x.client.cmp(&y.client),
            Self::Target => x.target.cmp(&y.target),
            Self::State => x.state.cmp(&y.state),
            // Where the directions are not told apart, both mean their sum.
            Self::Up => x.up.unwrap_or(x.bytes).cmp(&y.up.unwrap_or(y.bytes)),
            Self::Down => x.down.unwrap_or(x.bytes).cmp(&y.down.unwrap_or(y.bytes)),
            Self::Rate => a.rate.cmp(&b.rate),
            Self::Age => x.age.cmp(&y.age),
        }
    }
}

/// Where the selection goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Motion {
    /// So many rows down, or up if less than 0.
    Rows(isize),
    /// So many pages down, or up if less than 0.
    Pages(isize),
    /// To the first row.
    First,
    /// To the last row.
    Last,
}

/// The order, the filter, the selection, and which part is in sight.
#[derive(Debug, Clone)]
pub struct List {
    /// What it is sorted by.
    pub key: Key,
    /// Whether the other way round.
    pub reversed: bool,
    /// Only what holds this is shown.
    pub filter: String,
    selected: Option<u64>,
    /// Where the selected one was seen last: when it is gone, the next one there is.
    index: usize,
    /// The first row in sight.
    top: usize,
    /// How many rows are in sight.
    page: usize,
}

impl Default for List {
    fn default() -> Self {
        let (filter, selected) = (String::new(), None);
        Self { key: Key::Rate, reversed: false, filter, selected, index: 0, top: 0, page: 1 }
    }
}

impl List {
    /// The rows that are shown, in their order.
    pub fn arranged<'a>(&self, rows: &'a [Row]) -> Vec<&'a Row> {
        let filter = self.filter.to_lowercase();
        let mut shown: Vec<&Row> = rows.iter().filter(|row| holds(row, &filter)).collect();
        let falls = self.key.falls() != self.reversed;
        shown.sort_by(|a, b| {
            let order = self.key.compare(a, b);
            let order = if falls { order.reverse() } else { order };
            order.then(a.open.id.cmp(&b.open.id))
        });
        shown
    }

    /// Sorts by the next key.
    pub fn next_key(&mut self) {
        self.sort_by(self.key.next());
    }

    /// Sorts by this key, in its own direction.
    pub fn sort_by(&mut self, key: Key) {
        (self.key, self.reversed) = (key, false);
    }

    /// The one that is selected, by its number.
    pub fn selected(&self) -> Option<u64> {
        self.selected
    }

    /// The part of the rows that is in sight.
    pub fn in_sight<'a, 'b>(&self, shown: &'b [&'a Row]) -> &'b [&'a Row] {
        let end = shown.len().min(self.top.saturating_add(self.page));
        shown.get(self.top..end).unwrap_or_default()
    }

    /// Follows the selected connection after the rows have changed, or the number of
    /// them that are in sight.
    pub fn follow(&mut self, rows: &[Row], page: usize) {
        self.page = page.max(1);
        let shown = self.arranged(rows);
        if let Some(id) = self.selected {
            let place = shown.iter().position(|row| row.open.id == id);
            self.select(&shown, place.unwrap_or(self.index));
        }
        self.top = self.top.min(shown.len().saturating_sub(self.page));
    }

    /// Moves the selection; the first step selects what is first in sight.
    pub fn go(&mut self, rows: &[Row], motion: Motion) {
        let shown = self.arranged(rows);
        let step = |count: isize| self.index.saturating_add_signed(count);
        let page = self.page.cast_signed();
        let place = match (motion, self.selected) {
            (Motion::First, _) => 0,
            (Motion::Last, _) => shown.len(),
            (_, None) => self.top,
            (Motion::Rows(count), _) => step(count),
            (Motion::Pages(count), _) => step(count.saturating_mul(page)),
        };
        self.select(&shown, place);
    }

    fn select(&mut self, shown: &[&Row], place: usize) {
        self.index = place.min(shown.len().saturating_sub(1));
        self.selected = shown.get(self.index).map(|row| row.open.id);
        let lowest = self.index.saturating_sub(self.page - 1);
        self.top = self.top.clamp(lowest, self.index);
    }
}

fn holds(row: &Row, filter: &str) -> bool {
    let open = &row.open;
    let texts = [&open.user, &open.client, &open.state].map(String::as_str);
    let target = open.target.as_deref().unwrap_or("-");
    filter.is_empty()
        || texts.iter().chain([&target]).any(|text| text.to_lowercase().contains(filter))
        || open.id.to_string().contains(filter)
}

#[cfg(test)]
mod tests {
    use super::super::board::tests::open;
    use super::*;

    fn rows() -> Vec<Row> {
        let row = |open, rate| Row { open, rate };
        let mut rows = vec![
            row(open(1, "b.example:80", 10, 500), Some(5)),
            row(open(2, "a.example:80", 30, 100), Some(9)),
            row(open(3, "c.example:443", 20, 900), None),
        ];
        rows[1].open.user = "Bob".into();
        rows
    }

    fn ids(list: &List, rows: &[Row]) -> Vec<u64> {
        list.arranged(rows).iter().map(|row| row.open.id).collect()
    }

    #[test]
    fn every_key_sorts_and_turns_round() {
        let mut list = List::default();
        for (key, order) in Key::ALL.into_iter().zip([
            [1, 2, 3], // id
            [2, 1, 3], // user
            [1, 2, 3], // client
            [2, 1, 3], // target
            [1, 2, 3], // state
            [2, 3, 1], // up
            [3, 1, 2], // down
            [2, 1, 3], // rate
            [3, 2, 1], // age
        ]) {
            list.sort_by(key);
            assert_eq!(ids(&list, &rows()), order, "{key:?}");
        }
        list.reversed = true;
        assert_eq!(ids(&list, &rows()), [1, 2, 3]);
        list.next_key();
        assert_eq!((list.key, list.reversed), (Key::Id, false));
    }

    #[test]
    fn a_filter_looks_at_all_texts() {
        let found = |filter: &str| {
            let list = List { filter: filter.into(), key: Key::Id, ..List::default() };
            ids(&list, &rows())
        };
        assert_eq!(found("bob"), [2]);
        assert_eq!(found("EXAMPLE:80"), [1, 2]);
        assert_eq!(found(":50003"), [3]);
        assert!(found("nowhere").is_empty());
    }

    #[test]
    fn the_selection_stays_on_its_connection() {
        let (mut list, mut rows) = (List::default(), rows());
        list.follow(&rows, 2);
        assert_eq!(list.selected(), None);
        list.go(&rows, Motion::Rows(1));
        assert_eq!(list.selected(), Some(2), "the first in sight");
        rows[0].rate = Some(100);
        list.follow(&rows, 2);
        assert_eq!((list.selected(), list.index), (Some(2), 1));
        list.next_key();
        list.follow(&rows, 2);
        assert_eq!(list.selected(), Some(2));
    }

    #[test]
    fn what_is_gone_leaves_the_selection_to_its_neighbour() {
        let (mut list, mut rows) = (List { key: Key::Id, ..List::default() }, rows());
        list.follow(&rows, 9);
        list.go(&rows, Motion::Last);
        assert_eq!(list.selected(), Some(3));
        rows.pop();
        list.follow(&rows, 9);
        assert_eq!(list.selected(), Some(2));
        rows.clear();
        list.follow(&rows, 9);
        assert_eq!(list.selected(), None);
        list.go(&rows, Motion::Rows(1));
        assert_eq!(list.selected(), None);
    }

    #[test]
    fn the_selection_is_always_in_sight() {
        let row = |id| Row { open: open(id, "a:1", 0, 0), rate: None };
        let rows: Vec<Row> = (0..100).map(row).collect();
        let mut list = List { key: Key::Id, ..List::default() };
        list.follow(&rows, 10);
        let motions = [
            (Motion::Pages(1), 0),
            (Motion::Pages(1), 10),
            (Motion::Rows(-1), 9),
            (Motion::Last, 99),
            (Motion::Pages(-1), 89),
            (Motion::Rows(50), 99),
            (Motion::First, 0),
            (Motion::Rows(-1), 0),
        ];
        for (motion, expected) in motions {
            list.go(&rows, motion);
            assert_eq!(list.selected(), Some(expected), "{motion:?}");
            let shown = list.arranged(&rows);
            let sight = list.in_sight(&shown);
            assert_eq!(sight.len(), 10);
            assert!(sight.iter().any(|row| row.open.id == expected), "{motion:?}");
        }
        list.go(&rows, Motion::Last);
        list.follow(&rows[..5], 3);
        let shown = list.arranged(&rows[..5]);
        assert_eq!(list.in_sight(&shown).len(), 3, "no empty rows below a short list");
    }
}
