//! Limits and how they are held: what one user may use ([`UserLimits`]), what it has
//! used ([`Usage`]), what a direction of a connection asks before it moves octets
//! ([`Pace`]), and how often an address may come ([`Arrivals`]).

mod arrivals;
mod bucket;
mod ledger;
mod metering;
mod pace;
mod standing;
mod usage;
mod used;
mod user_limits;

pub(super) use arrivals::Arrivals;
pub(super) use ledger::Metering;
pub use ledger::Way;
pub use metering::UserDetail;
pub(super) use metering::today;
pub use pace::{Halted, Pace};
pub use standing::{Standing, Standings};
pub(super) use usage::Usage;
pub use used::Used;
pub use user_limits::{BadUserLimit, USER_LIMIT_NAMES, UserLimit, UserLimits};
