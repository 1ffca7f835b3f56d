//! What of the open connections is asked for: `find=TEXT&sort=COLUMN&order=desc`.

use super::response::Status;
use crate::core::ConnectionView;

/// Connections in one answer.
pub(super) const ROWS: usize = 100;

/// A choice of connections, and their order.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Query {
    /// In lower case; connections that have it anywhere.
    find: String,
    sort: Column,
    descending: bool,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Column {
    #[default]
    Id,
    User,
    Client,
    Target,
    State,
    Up,
    Down,
    Age,
}

impl Query {
    /// Reads what stands behind the `?`. What has another name is ignored.
    pub fn decode(text: &str) -> Result<Self, Status> {
        let mut query = Self::default();
        for pair in text.split('&') {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            match (name, value) {
                ("find", text) => query.find = percent_decoded(text)?.to_lowercase(),
                ("sort", name) => query.sort = Column::parse(name).ok_or(Status::BadRequest)?,
                ("order", "asc") => query.descending = false,
                ("order", "desc") => query.descending = true,
                ("order", _) => return Err(Status::BadRequest),
                _ => {}
            }
        }
        Ok(query)
    }

    /// The first [`ROWS`] of those that match, and how many match.
    pub fn choose(&self, mut open: Vec<ConnectionView>) -> (Vec<ConnectionView>, usize) {
        open.retain(|view| self.matches(view));
        // Stable, so what is equal stays in the order of the numbers.
        match self.sort {
            Column::Id => {}
            Column::User => open.sort_by(|a, b| a.user.cmp(&b.user)),
            Column::Client => open.sort_by_key(|view| view.client),
            Column::Target => open.sort_by(|a, b| a.target.cmp(&b.target)),
            Column::State => open.sort_by_cached_key(|view| view.state.to_string()),
            Column::Up => open.sort_by_key(|view| view.bytes_up),
            Column::Down => open.sort_by_key(|view| view.bytes_down),
            Column::Age => open.sort_by_key(|view| view.age),
        }
        if self.descending {
            open.reverse();
        }
        let matching = open.len();
        open.truncate(ROWS);
        (open, matching)
    }

    fn matches(&self, view: &ConnectionView) -> bool {
        let find = self.find.as_str();
        let has = |text: &str| text.to_lowercase().contains(find);
        find.is_empty()
            || has(&view.user)
            || view.target.as_deref().is_some_and(has)
            || has(&view.client.to_string())
            || has(&view.state.to_string())
            || has(view.service)
            || view.id.to_string() == find
    }
}

impl Column {
    fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "id" => Self::Id,
            "user" => Self::User,
            "client" => Self::Client,
            "target" => Self::Target,
            "state" => Self::State,
            "up" => Self::Up,
            "down" => Self::Down,
            "age" => Self::Age,
            _ => return None,
        })
    }
}

/// RFC 3986, section 2.1: "a percent-encoded octet is encoded as a character triplet, consisting
/// of the percent character "%" followed by the two hexadecimal digits".
fn percent_decoded(text: &str) -> Result<String, Status> {
    let mut octets = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, behind)) = rest.split_first() {
        rest = behind;
        if first != b'%' {
            octets.push(first);
            continue;
        }
        let (digits, behind) = rest.split_at_checked(2).ok_or(Status::BadRequest)?;
        let digit = |octet: &u8| char::from(*octet).to_digit(16);
        let value = digits.iter().try_fold(0, |value, octet| Some(value * 16 + digit(octet)?));
        let octet = value.and_then(|value| u8::try_from(value).ok()).ok_or(Status::BadRequest)?;
        octets.push(octet);
        rest = behind;
    }
    String::from_utf8(octets).map_err(|_| Status::BadRequest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::{ConnectionId, State};
    use std::time::Duration;

    fn views(count: u64) -> Vec<ConnectionView> {
        let view = |n: u64| ConnectionView {
            id: ConnectionId(n),
            service: "socks",
            user: if n.is_multiple_of(2) { "Ana" } else { "bob" }.into(),
            login: None,
            client: "192.0.2.7:4711".parse().unwrap(),
            target: (n > 3).then(|| format!("host-{n}.example:443")),
            state: State::Open,
            bytes_up: n % 5,
            bytes_down: n,
            age: Duration::from_secs(count - n),
        };
        (1..=count).map(view).collect()
    }

    fn chosen(query: &str) -> (Vec<u64>, usize) {
        let (views, matching) = Query::decode(query).unwrap().choose(views(500));
        (views.iter().map(|view| view.id.0).collect(), matching)
    }

    #[test]
    fn rows_are_bounded_and_counted() {
        assert_eq!(chosen(""), ((1..=100).collect(), 500));
        assert_eq!(chosen("sort=down&order=desc"), ((401..=500).rev().collect(), 500));
        assert_eq!(chosen("sort=age").0[0], 500);
        assert_eq!(chosen("sort=up&order=asc").0[..2], [5, 10]);
        assert_eq!(chosen("sort=user&x=1&find").0[0], 2);
        assert_eq!(chosen("sort=target").0[..4], [1, 2, 3, 10]);
    }

    #[test]
    fn a_text_is_found_anywhere() {
        assert_eq!(chosen("find=HOST-49.EX"), (vec![49], 1));
        assert_eq!(chosen("find=%68ost%2d49%2E"), (vec![49], 1));
        assert_eq!(chosen("find=7"), ((1..=100).collect(), 500));
        assert_eq!(chosen("find=ana").1, 250);
        assert_eq!(chosen("find=nobody"), (vec![], 0));
    }

    #[test]
    fn what_means_nothing_is_refused() {
        for bad in
            ["sort=speed", "order=up", "find=%", "find=%4", "find=%zz", "find=%ff", "find=%+1"]
        {
            assert_eq!(Query::decode(bad), Err(Status::BadRequest), "{bad}");
        }
    }
}
