//! Connections whose peers have not proved yet who they are, and how many of them
//! may hold a thread.
//!
//! Nobody is refused for being one too many: the newcomer comes in, and the one
//! that has been a stranger for longest goes. To log in takes some milliseconds,
//! so whoever can do it gets through, also from an address that somebody else
//! floods with silence; and who only holds places holds few.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

use super::complaints::Complaints;
use super::session::{Input, Next, Session};
use crate::core::{End, origin};

/// How long a newcomer waits for the thread of whoever makes room for it.
const PATIENCE: Duration = Duration::from_millis(100);

/// How many there may be at once.
#[derive(Debug, Clone, Copy)]
pub struct Places {
    /// From one address (IPv6: from one network, see [`origin`]).
    pub per_address: usize,
    /// In all.
    pub total: usize,
}

/// The strangers of a service, or of several that share their threads; clones are
/// the same ones.
#[derive(Clone)]
pub struct Strangers(Arc<Inner>);

struct Inner {
    places: Places,
    here: Mutex<Here>,
    left: Condvar,
    complaints: Mutex<Complaints>,
}

/// Those who are here, in the order in which they came.
#[derive(Default)]
struct Here {
    came: u64,
    entries: Vec<Entry>,
    /// Those that were ended and whose threads have not noticed yet.
    leaving: Vec<u64>,
}

struct Entry {
    number: u64,
    origin: IpAddr,
    end: Arc<dyn End>,
}

impl Strangers {
    /// None yet; `name` is for the log.
    pub fn new(name: &str, places: Places) -> Self {
        let complaints = Mutex::new(Complaints::about("stranger-ended", name));
        let (here, left) = (Mutex::default(), Condvar::new());
        Self(Arc::new(Inner { places, here, left, complaints }))
    }

    /// Counts a connection in, which `end` can end; another one may have to go, and
    /// is waited for: a flood must not be faster than the threads it needs.
    pub fn enter(&self, from: IpAddr, end: Arc<dyn End>) -> Stranger {
        let origin = origin(from);
        let mut here = self.0.here.lock();
        let leaves = here.make_room(origin, self.0.places);
        here.came += 1;
        let number = here.came;
        here.entries.push(Entry { number, origin, end });
        drop(here);
        if let Some(entry) = leaves {
            entry.end.end(false);
            let why = format_args!("{} made room for {origin} before a login", entry.origin);
            self.0.complaints.lock().note(why);
            self.wait_for(entry.number);
        }
        Stranger { number, all: self.clone() }
    }
}

impl Strangers {
    fn wait_for(&self, leaving: u64) {
        let end = Instant::now() + PATIENCE;
        let mut here = self.0.here.lock();
        while here.leaving.contains(&leaving) {
            if self.0.left.wait_until(&mut here, end).timed_out() {
                return;
            }
        }
    }
}

impl Here {
    fn make_room(&mut self, newcomer: IpAddr, places: Places) -> Option<Entry> {
        let of = |origin| self.entries.iter().filter(|entry| entry.origin == origin).count();
        let crowded = if of(newcomer) >= places.per_address {
            newcomer
        } else if self.entries.len() >= places.total {
            // The first of equals is the one that came first.
            self.entries.iter().rev().max_by_key(|entry| of(entry.origin))?.origin
        } else {
            return None;
        };
        let oldest = self.entries.iter().position(|entry| entry.origin == crowded)?;
        let entry = self.entries.remove(oldest);
        self.leaving.push(entry.number);
        Some(entry)
    }
}

/// One stranger, until this is dropped.
pub struct Stranger {
    number: u64,
    all: Strangers,
}

impl Stranger {
    /// Whether it had to make room.
    pub fn was_ended(&self) -> bool {
        self.all.0.here.lock().leaving.contains(&self.number)
    }
}

impl Drop for Stranger {
    fn drop(&mut self) {
        let mut here = self.all.0.here.lock();
        here.entries.retain(|entry| entry.number != self.number);
        here.leaving.retain(|number| *number != self.number);
        drop(here);
        self.all.0.left.notify_all();
    }
}

/// A session whose peer is a stranger until it is admitted.
pub struct Admission<'a, S: ?Sized> {
    session: &'a mut S,
    stranger: &'a mut Option<Stranger>,
}

impl<'a, S: Session + ?Sized> Admission<'a, S> {
    /// Takes the stranger out as soon as the session has admitted its peer.
    pub fn of(session: &'a mut S, stranger: &'a mut Option<Stranger>) -> Self {
        Self { session, stranger }
    }
}

impl<S: Session + ?Sized> Session for Admission<'_, S> {
    type Done = S::Done;

    fn admitted(&self) -> bool {
        self.session.admitted()
    }

    fn advance(&mut self, input: &mut Input, output: &mut Vec<u8>, now: Instant) -> Next<S::Done> {
        let next = self.session.advance(input, output, now);
        if self.session.admitted() {
            *self.stranger = None;
        }
        next
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    #[derive(Default)]
    struct Ended(AtomicBool);

    impl End for Ended {
        fn end(&self, _: bool) {
            self.0.store(true, Ordering::Relaxed);
        }
    }

    fn strangers() -> Strangers {
        Strangers::new("test", Places { per_address: 2, total: 4 })
    }

    fn enter(strangers: &Strangers, host: u8) -> (Stranger, Arc<Ended>) {
        let ended = Arc::new(Ended::default());
        let stranger =
            strangers.enter([192, 0, 2, host].into(), Arc::clone(&ended) as Arc<dyn End>);
        assert!(!stranger.was_ended(), "the newcomer comes in");
        (stranger, ended)
    }

    fn gone(entered: &[(Stranger, Arc<Ended>)]) -> Vec<usize> {
        let gone = |(stranger, ended): &(Stranger, Arc<Ended>)| {
            assert_eq!(stranger.was_ended(), ended.0.load(Ordering::Relaxed));
            stranger.was_ended()
        };
        (0..).zip(entered).filter(|(_, one)| gone(one)).map(|(at, _)| at).collect()
    }

    #[test]
    fn an_address_makes_room_for_itself() {
        let strangers = strangers();
        let mut entered: Vec<_> =
            [1, 2, 1, 1].iter().map(|host| enter(&strangers, *host)).collect();
        assert_eq!(gone(&entered), [0]);
        // Who has logged in, or left, holds no place.
        entered.remove(2);
        entered.push(enter(&strangers, 1));
        assert_eq!(gone(&entered), [0]);
    }

    #[test]
    fn the_most_crowded_address_makes_room_for_others() {
        let strangers = strangers();
        let mut entered: Vec<_> =
            [1, 2, 2, 3].iter().map(|host| enter(&strangers, *host)).collect();
        entered.push(enter(&strangers, 4));
        assert_eq!(gone(&entered), [1]);
        // All have one: the oldest goes.
        entered.push(enter(&strangers, 5));
        assert_eq!(gone(&entered), [0, 1]);
    }

    #[test]
    fn an_ipv6_network_is_one_address() {
        let strangers = strangers();
        let entered: Vec<_> = (0..3u16)
            .map(|host| {
                let ended = Arc::new(Ended::default());
                let from = std::net::Ipv6Addr::new(0x2001, 0xdb8, 0, 0, host, 0, 0, 1);
                (strangers.enter(from.into(), Arc::clone(&ended) as Arc<dyn End>), ended)
            })
            .collect();
        assert_eq!(gone(&entered), [0]);
    }
}
