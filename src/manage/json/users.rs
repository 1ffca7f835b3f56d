//! The users with their limits, and what changes them: from the data of a request to
//! the core's words, and back.

use super::actions::{Refusal, name, page, read};
use crate::core::{Command, ConnectionId, UserDetail, UserLimit};
use crate::wire::json::data;
use crate::wire::json::{Octets, Request};

/// DESCRIBE_USERS, answered: goes on behind the name that it is asked for.
pub(super) fn described(
    details: &[UserDetail],
    request: &Request<'_>,
) -> Result<data::UserDetails, Refusal> {
    let data::UsersAfter { after } = read(request)?;
    let after = after.map(|after| after.0).unwrap_or_default();
    let left = details.iter().filter(|detail| *detail.name.as_bytes() > *after);
    let (users, more) = page(left.map(detail))?;
    Ok(data::UserDetails { users, more })
}

fn detail(detail: &UserDetail) -> data::UserDetail {
    let octets = |limit: Option<std::num::NonZeroU64>| limit.map_or(0, u64::from);
    let limits = &detail.limits;
    data::UserDetail {
        name: Octets(detail.name.as_bytes().to_vec()),
        connections: detail.connections,
        bytes_up: detail.bytes_up,
        bytes_down: detail.bytes_down,
        used_today: detail.used.day,
        used_this_month: detail.used.month,
        limits: data::UserLimits {
            max_connections: limits.max_connections.map_or(0, u32::from),
            rate_up: octets(limits.rate_up),
            rate_down: octets(limits.rate_down),
            quota_day: octets(limits.quota_day),
            quota_month: octets(limits.quota_month),
            expires: limits.expires.map(|date| date.to_string()),
        },
    }
}

/// LIMIT_USER, asked.
pub(super) fn limitation(request: &Request<'_>) -> Result<Command, Refusal> {
    let data::Limitation { name: whose, limit, value } = read(request)?;
    // No limit takes anything else, but the name may be to blame first.
    let limit = UserLimit::parse(&limit, &value.into_text())
        .map_err(|why| Refusal::because("BAD_LIMIT", format!("the limit: {why}")))?;
    Ok(Command::LimitUser { name: name(&whose)?, limit })
}

/// CUT_CONNECTION, asked: one, or all of a user.
pub(super) fn cut(request: &Request<'_>) -> Result<Command, Refusal> {
    match read(request)? {
        data::Cut { id: Some(id), user: None } => Ok(Command::CutConnection(ConnectionId(id))),
        data::Cut { id: None, user: Some(user) } => Ok(Command::CutUser(name(&user)?)),
        _ => Err(Refusal::bad_data("say which: an id or a user".into())),
    }
}
