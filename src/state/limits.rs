//! The limits of a user, as they are written in the state and in the configuration
//! file.

use serde::{Deserialize, Serialize};

use crate::core::UserLimits;

/// A table `limits`: octets, octets per second, and a date; 0 or nothing is no
/// limit.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    #[serde(skip_serializing_if = "is_none")]
    max_connections: u32,
    #[serde(skip_serializing_if = "is_none")]
    rate_up: u64,
    #[serde(skip_serializing_if = "is_none")]
    rate_down: u64,
    #[serde(skip_serializing_if = "is_none")]
    quota_day: u64,
    #[serde(skip_serializing_if = "is_none")]
    quota_month: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires: Option<String>,
}

fn is_none<T: Copy + Default + PartialEq>(limit: &T) -> bool {
    *limit == T::default()
}

impl Limits {
    /// How these limits are written.
    pub fn of(limits: &UserLimits) -> Self {
        let octets = |limit: Option<std::num::NonZeroU64>| limit.map_or(0, u64::from);
        Self {
            max_connections: limits.max_connections.map_or(0, u32::from),
            rate_up: octets(limits.rate_up),
            rate_down: octets(limits.rate_down),
            quota_day: octets(limits.quota_day),
            quota_month: octets(limits.quota_month),
            expires: limits.expires.map(|date| date.to_string()),
        }
    }

    /// What is written.
    ///
    /// # Errors
    /// A sentence when the date is none.
    pub fn read(&self) -> Result<UserLimits, String> {
        let expires = self.expires.as_deref().map(|text| {
            let wrong = |()| format!("{} is no date such as 2027-01-31", text.escape_debug());
            text.parse().map_err(wrong)
        });
        Ok(UserLimits {
            max_connections: self.max_connections.try_into().ok(),
            rate_up: self.rate_up.try_into().ok(),
            rate_down: self.rate_down.try_into().ok(),
            quota_day: self.quota_day.try_into().ok(),
            quota_month: self.quota_month.try_into().ok(),
            expires: expires.transpose()?,
        })
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
