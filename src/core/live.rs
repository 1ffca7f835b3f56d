//! What a live view of the server shows beside the metrics.

use super::Core;
use super::entry::ConnectionView;
use super::history::History;
use super::targets::TargetTotals;

impl Core {
    /// The last hour.
    pub fn history(&self) -> History {
        self.0.connections.history()
    }

    /// What has been exchanged with the targets of CONNECT requests, in no order;
    /// at most [`super::MOST_TARGETS`] and those of open connections.
    pub fn targets(&self) -> Vec<TargetTotals> {
        self.0.connections.targets()
    }

    /// The client connections that are open now, in the order of their numbers.
    pub fn connections(&self) -> Vec<ConnectionView> {
        self.0.connections.list()
    }
}
