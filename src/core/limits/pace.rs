//! What a direction of a connection asks before it moves octets.

use super::ledger::Way;
use super::usage::Usage;
use crate::core::connection::Connection;
use crate::core::entry::Entry;
use crate::core::states::Ended;

/// One direction of a connection, as far as its user's limits go. Without limits
/// asking costs one relaxed load.
#[derive(Clone, Copy)]
pub struct Pace<'a> {
    entry: &'a Entry,
    usage: Option<&'a Usage>,
    way: Way,
}

/// Nothing may move any more: the connection is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Halted;

impl Connection {
    /// The pace of one direction. To be asked for once its client is known.
    pub fn pace(&self, way: Way) -> Pace<'_> {
        let entry = self.entry();
        Pace { entry, usage: entry.metered().map(|usage| &**usage), way }
    }
}

impl Pace<'_> {
    /// Waits until some of these octets may move; says how many: at least one, unless
    /// none are wanted.
    ///
    /// # Errors
    /// [`Halted`], also when the quota is used up: then all has been done to end it.
    #[inline]
    pub fn take(&self, octets: usize) -> Result<usize, Halted> {
        match self.usage {
            Some(usage) if usage.asks(self.way) && octets > 0 => self.wait(usage, octets),
            _ => Ok(octets),
        }
    }

    /// Whether there is a rate, so that nothing is gained by moving much at once.
    pub fn is_slow(&self) -> bool {
        self.usage.is_some_and(|usage| usage.has_rate(self.way))
    }

    #[cold]
    fn wait(&self, usage: &Usage, octets: usize) -> Result<usize, Halted> {
        match usage.take(self.entry, self.way, octets as u64) {
            // In range: no more than was asked for.
            Ok(granted) => Ok(granted as usize),
            Err(why) => Err(self.halt(why)),
        }
    }

    /// Whether a datagram of this size may go now. What is over the rate is dropped,
    /// as a narrow line would.
    ///
    /// # Errors
    /// As [`Self::take`].
    pub fn permits(&self, octets: usize) -> Result<bool, Halted> {
        match self.usage {
            Some(usage) if usage.asks(self.way) => usage
                .permits(self.entry, self.way, octets as u64)
                .map_err(|why| self.halt(Some(why))),
            _ => Ok(true),
        }
    }

    /// Takes back a datagram that may go but can't.
    pub fn unsent(&self, octets: usize) {
        if let Some(usage) = self.usage {
            usage.unsent(self.entry, self.way, octets as u64);
        }
    }

    fn halt(&self, why: Option<Ended>) -> Halted {
        if let Some(why) = why {
            self.entry.end(why, false);
        }
        Halted
    }
}
