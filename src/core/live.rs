//! What a live view of the server shows beside the metrics, and who may see it.

use std::net::IpAddr;
use std::time::Instant;

use super::entry::ConnectionView;
use super::guessing::Whose;
use super::history::History;
use super::targets::TargetTotals;
use super::{Core, LoginRefused};

impl Core {
    /// Admits who shows a secret with every request, which its service has compared.
    /// A wrong one is a failed login as at [`Self::log_in`], but a right one forgives
    /// no others: who watches asks every few seconds, and guesses from the same
    /// address would never be slowed down.
    ///
    /// # Errors
    /// [`LoginRefused`], whatever the reason.
    pub fn admit_watcher(
        &self,
        service: &str,
        right: bool,
        from: IpAddr,
    ) -> Result<(), LoginRefused> {
        if right && self.0.guessing.refused_for(from, Instant::now()).is_none() {
            return Ok(());
        }
        self.attempt(service, b"-", from, Whose::Admins, || None)
    }

    /// The last hour.
    pub fn history(&self) -> History {
        self.0.connections.history()
    }

    /// What has been exchanged with the targets of CONNECT requests, in no order;
    /// at most 512 and those of open connections.
    pub fn targets(&self) -> Vec<TargetTotals> {
        self.0.connections.targets()
    }

    /// The client connections that are open now, in the order of their numbers.
    pub fn connections(&self) -> Vec<ConnectionView> {
        self.0.connections.list()
    }
}
