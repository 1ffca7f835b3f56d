//! The names that an association sends to: each is looked up once in a while and
//! not for every datagram, and a slow answer holds up nothing but its own
//! datagrams.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

/// How long an answer is used; the system's resolver does not say how long it
/// may be.
const KEEP: Duration = Duration::from_secs(30);
/// Likewise for a name without an address.
const KEEP_FAILURE: Duration = Duration::from_secs(5);
/// Names that are remembered.
const MOST: usize = 64;
/// Names that are being looked up at once; each costs two threads.
const MOST_ASKED: usize = 4;
/// Octets that wait for answers, over all names ...
const MOST_HELD: usize = 128 * 1024;
/// ... where each datagram costs some more than its payload.
const OVERHEAD: usize = 64;

/// A datagram that waits for the address of its name.
#[derive(Debug, PartialEq, Eq)]
pub struct Held {
    /// The destination's port.
    pub port: u16,
    /// What to send.
    pub payload: Vec<u8>,
}

impl Held {
    fn cost(&self) -> usize {
        OVERHEAD + self.payload.len()
    }
}

enum Entry {
    Asked(Vec<Held>),
    /// None at all when the look-up failed.
    Known(Vec<IpAddr>, Instant),
}

/// What is to be done with a datagram.
#[derive(Debug, PartialEq, Eq)]
pub enum Advice {
    /// Send it to the first of these that can be reached; to none: drop it.
    Send(Vec<IpAddr>),
    /// It is held: look the name up and say so with [`Names::answered`].
    LookUp,
    /// It is held, or there was no room: nothing to do.
    Wait,
}

/// Answers, questions, and what waits for them.
#[derive(Default)]
pub struct Names {
    entries: HashMap<String, Entry>,
    asked: usize,
    held: usize,
}

impl Names {
    /// What to do with a datagram for this name.
    pub fn advise(&mut self, name: &str, port: u16, payload: &[u8], now: Instant) -> Advice {
        let room = self.held + OVERHEAD + payload.len() <= MOST_HELD;
        match self.entries.get_mut(name) {
            Some(Entry::Known(found, until)) if now < *until => Advice::Send(found.clone()),
            _ if !room => Advice::Wait,
            Some(Entry::Asked(waiting)) => {
                let held = Held { port, payload: payload.to_vec() };
                self.held += held.cost();
                waiting.push(held);
                Advice::Wait
            }
            _ if self.asked >= MOST_ASKED => Advice::Wait,
            _ => {
                self.make_room(now);
                let held = Held { port, payload: payload.to_vec() };
                self.held += held.cost();
                self.asked += 1;
                self.entries.insert(name.to_owned(), Entry::Asked(vec![held]));
                Advice::LookUp
            }
        }
    }

    /// Notes an answer; gives back what has waited for it.
    pub fn answered(&mut self, name: &str, found: &[IpAddr], now: Instant) -> Vec<Held> {
        let keep = if found.is_empty() { KEEP_FAILURE } else { KEEP };
        let known = Entry::Known(found.to_vec(), now + keep);
        match self.entries.insert(name.to_owned(), known) {
            Some(Entry::Asked(waiting)) => {
                self.asked -= 1;
                self.held -= waiting.iter().map(Held::cost).sum::<usize>();
                waiting
            }
            _ => Vec::new(),
        }
    }

    /// Forgets the answer that is over soonest, when there is no room.
    fn make_room(&mut self, now: Instant) {
        if self.entries.len() < MOST {
            return;
        }
        let until = |entry: &Entry| match entry {
            Entry::Known(_, until) => Some(*until),
            Entry::Asked(_) => None,
        };
        self.entries.retain(|_, entry| until(entry).is_none_or(|until| now < until));
        if self.entries.len() < MOST {
            return;
        }
        let known = self.entries.iter().filter_map(|(name, entry)| Some((until(entry)?, name)));
        if let Some(oldest) = known.min().map(|(_, name)| name.clone()) {
            self.entries.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: [IpAddr; 1] = [IpAddr::V4(std::net::Ipv4Addr::LOCALHOST)];

    #[test]
    fn a_name_is_looked_up_once_in_a_while() {
        let (mut names, now) = (Names::default(), Instant::now());
        assert_eq!(names.advise("a", 1, b"x", now), Advice::LookUp);
        assert_eq!(names.advise("a", 2, b"y", now), Advice::Wait);
        let held = names.answered("a", &HERE, now);
        assert_eq!(held.iter().map(|held| held.port).collect::<Vec<_>>(), [1, 2]);
        assert_eq!(names.advise("a", 3, b"z", now), Advice::Send(HERE.to_vec()));
        assert_eq!(names.advise("a", 3, b"z", now + KEEP), Advice::LookUp);
    }

    #[test]
    fn a_failure_is_remembered_for_less_long() {
        let (mut names, now) = (Names::default(), Instant::now());
        assert_eq!(names.advise("a", 1, b"x", now), Advice::LookUp);
        names.answered("a", &[], now);
        assert_eq!(names.advise("a", 1, b"x", now), Advice::Send(Vec::new()));
        assert_eq!(names.advise("a", 1, b"x", now + KEEP_FAILURE), Advice::LookUp);
    }

    #[test]
    fn what_waits_is_bounded() {
        let (mut names, now) = (Names::default(), Instant::now());
        for name in ["a", "b", "c", "d"] {
            assert_eq!(names.advise(name, 1, b"", now), Advice::LookUp);
        }
        assert_eq!(names.advise("e", 1, b"", now), Advice::Wait);
        let large = vec![0; MOST_HELD / 3];
        for _ in 0..9 {
            assert_eq!(names.advise("a", 1, &large, now), Advice::Wait);
        }
        // The first one, and twice a third.
        assert_eq!(names.answered("a", &HERE, now).len(), 3);
        for name in ["b", "c", "d"] {
            names.answered(name, &HERE, now);
        }
        assert_eq!((names.asked, names.held), (0, 0));
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let (mut names, start) = (Names::default(), Instant::now());
        for number in 0..2 * MOST {
            let (name, now) = (number.to_string(), start + Duration::from_millis(number as u64));
            assert_eq!(names.advise(&name, 1, b"", now), Advice::LookUp);
            names.answered(&name, &HERE, now);
        }
        assert_eq!(names.entries.len(), MOST);
        let newest = (2 * MOST - 1).to_string();
        assert_eq!(names.advise(&newest, 1, b"", start), Advice::Send(HERE.to_vec()));
    }
}
