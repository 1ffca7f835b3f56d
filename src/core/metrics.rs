//! What the server has counted since its start.

use std::time::Duration;

/// The counters at one moment. Totals only ever rise, and saturate instead of
/// wrapping.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Metrics {
    /// Client connections accepted since the start.
    pub historic: u64,
    /// Client connections open now.
    pub current: u64,
    /// The most that were open at once.
    pub max_current: u64,
    /// Payload octets from clients to targets, transfers in progress included.
    pub bytes_up: u64,
    /// Payload octets from targets to clients, transfers in progress included.
    pub bytes_down: u64,
    /// Distinct users (open access counts as one) with an open connection.
    pub active_users: u64,
    /// Connections refused because of a limit or a rule for clients.
    pub refused: u64,
    /// Those of them that a rule has refused.
    pub denied: u64,
    /// Logins that failed, over all services.
    pub failed_logins: u64,
    /// Time since the start.
    pub uptime: Duration,
}

impl Metrics {
    /// Payload octets in both directions.
    pub fn bytes(&self) -> u64 {
        self.bytes_up.saturating_add(self.bytes_down)
    }
}
