//! Whom the client has sent to, and who may therefore answer.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;

/// Hosts that are remembered. How many a client sends to is its own choice.
const MOST: usize = 1024;

/// The hosts a client has sent to lately.
#[derive(Default)]
pub struct Correspondents {
    /// When it last sent to each, as a number that counts up ...
    turns: HashMap<IpAddr, u64>,
    /// ... and the other way round, the oldest first.
    hosts: BTreeMap<u64, IpAddr>,
    turn: u64,
}

impl Correspondents {
    /// Notes that the client sends to a host now; the one it has not sent to for
    /// the longest time may be forgotten for it.
    pub fn note(&mut self, host: IpAddr) {
        self.turn += 1;
        if let Some(before) = self.turns.insert(host.to_canonical(), self.turn) {
            self.hosts.remove(&before);
        }
        self.hosts.insert(self.turn, host.to_canonical());
        if self.hosts.len() > MOST
            && let Some((_, oldest)) = self.hosts.pop_first()
        {
            self.turns.remove(&oldest);
        }
    }

    /// Whether a host may answer.
    pub fn knows(&self, host: IpAddr) -> bool {
        self.turns.contains_key(&host.to_canonical())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    fn host(number: usize) -> IpAddr {
        Ipv4Addr::from(0x0a00_0000 + u32::try_from(number).unwrap()).into()
    }

    #[test]
    fn only_whom_the_client_has_sent_to_may_answer() {
        let mut hosts = Correspondents::default();
        assert!(!hosts.knows(host(1)));
        hosts.note(host(1));
        assert!(hosts.knows(host(1)) && !hosts.knows(host(2)));
        let IpAddr::V4(v4) = host(1) else { unreachable!() };
        assert!(hosts.knows(v4.to_ipv6_mapped().into()));
    }

    #[test]
    fn the_longest_unused_is_forgotten_first() {
        let mut hosts = Correspondents::default();
        for number in 0..MOST {
            hosts.note(host(number));
        }
        hosts.note(host(0));
        hosts.note(host(MOST));
        assert!(hosts.knows(host(0)) && !hosts.knows(host(1)) && hosts.knows(host(2)));
        assert_eq!((hosts.turns.len(), hosts.hosts.len()), (MOST, MOST));
    }
}
