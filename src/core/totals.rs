//! What all connections together have come to.

/// Counters at one moment; see [`super::metrics::Metrics`].
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Totals {
    pub historic: u64,
    pub current: u64,
    pub max_current: u64,
    pub bytes_up: u64,
    pub bytes_down: u64,
    pub active_users: u64,
    pub refused: u64,
    pub denied: u64,
}
