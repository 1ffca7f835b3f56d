//! Whom the client has sent to, and who may therefore answer.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::Arc;

/// Hosts that are remembered. How many a client sends to is its own choice.
const MOST: usize = 1024;

/// What a client last wanted of a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// The name that it was asked for by.
    pub name: Option<Arc<str>>,
    pub port: u16,
}

/// The hosts a client has sent to lately.
#[derive(Default)]
pub struct Correspondents {
    /// When it last sent to each, as a number that counts up, and what ...
    turns: HashMap<IpAddr, (u64, Wanted)>,
    /// ... and the other way round, the oldest first.
    hosts: BTreeMap<u64, IpAddr>,
    turn: u64,
}

impl Correspondents {
    /// Notes that the client sends to a host now; the one it has not sent to for
    /// the longest time may be forgotten for it.
    pub fn note(&mut self, host: IpAddr, name: Option<&str>, port: u16) {
        self.turn += 1;
        let host = host.to_canonical();
        let (before, kept) = match self.turns.remove(&host) {
            Some((before, wanted)) => (Some(before), wanted.name),
            None => (None, None),
        };
        // Mostly it is the same again, and nothing is copied.
        let name = name.map(|name| match kept {
            Some(kept) if *kept == *name => kept,
            _ => name.into(),
        });
        self.turns.insert(host, (self.turn, Wanted { name, port }));
        if let Some(before) = before {
            self.hosts.remove(&before);
        }
        self.hosts.insert(self.turn, host);
        if self.hosts.len() > MOST
            && let Some((_, oldest)) = self.hosts.pop_first()
        {
            self.turns.remove(&oldest);
        }
    }

    /// What was wanted of a host; only such may answer.
    pub fn wanted(&self, host: IpAddr) -> Option<Wanted> {
        self.turns.get(&host.to_canonical()).map(|(_, wanted)| wanted.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    fn host(number: usize) -> IpAddr {
        Ipv4Addr::from(0x0a00_0000 + u32::try_from(number).unwrap()).into()
    }

    fn wanted(name: Option<&str>, port: u16) -> Option<Wanted> {
        Some(Wanted { name: name.map(Arc::from), port })
    }

    #[test]
    fn only_whom_the_client_has_sent_to_may_answer() {
        let mut hosts = Correspondents::default();
        assert_eq!(hosts.wanted(host(1)), None);
        hosts.note(host(1), Some("a.example"), 53);
        assert_eq!(
            (hosts.wanted(host(1)), hosts.wanted(host(2))),
            (wanted(Some("a.example"), 53), None)
        );
        let IpAddr::V4(v4) = host(1) else { unreachable!() };
        let mapped = IpAddr::from(v4.to_ipv6_mapped());
        for (name, port) in [(Some("a.example"), 54), (Some("b.example"), 53), (None, 53)] {
            hosts.note(mapped, name, port);
            assert_eq!(hosts.wanted(mapped), wanted(name, port));
        }
        assert_eq!((hosts.turns.len(), hosts.hosts.len()), (1, 1));
    }

    #[test]
    fn the_longest_unused_is_forgotten_first() {
        let mut hosts = Correspondents::default();
        for number in 0..MOST {
            hosts.note(host(number), None, 53);
        }
        hosts.note(host(0), None, 53);
        hosts.note(host(MOST), None, 53);
        let known = [0, 1, 2].map(|number| hosts.wanted(host(number)).is_some());
        assert_eq!(known, [true, false, true]);
        assert_eq!((hosts.turns.len(), hosts.hosts.len()), (MOST, MOST));
    }
}
