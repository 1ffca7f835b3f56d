//! From where on peers are slowed down.

use std::num::NonZeroU32;
use std::time::Duration;

/// Failed logins that cost nothing, unless it is said otherwise.
pub const FREE_FAILURES: u32 = 10;
/// For how long the first failure beyond them has an address refused; each further one
/// for twice as long.
pub const FIRST_REFUSAL: Duration = Duration::from_secs(1);
/// Requests of a session within [`Thresholds::REQUEST_WINDOW`], likewise.
const REQUESTS: NonZeroU32 = NonZeroU32::new(100).unwrap();

/// What a peer may do before it is slowed down. Stays as it is while a server runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Thresholds {
    /// Failed logins of one address that cost nothing.
    pub free_failures: u32,
    /// Failures further apart than this are forgotten.
    pub window: Duration,
    /// The longest time for which an address is refused.
    pub longest_refusal: Duration,
    /// Requests that a session may make within [`Self::REQUEST_WINDOW`], in a dialect
    /// that can say that there were too many.
    pub requests: NonZeroU32,
}

impl Thresholds {
    /// How long a request counts.
    pub const REQUEST_WINDOW: Duration = Duration::from_secs(10);
}

impl Default for Thresholds {
    fn default() -> Self {
        Self {
            free_failures: FREE_FAILURES,
            window: Duration::from_secs(120),
            longest_refusal: Duration::from_secs(15 * 60),
            requests: REQUESTS,
        }
    }
}
