//! The commands that change settings and limits by their names.

use argh::{ArgsInfo, FromArgs};

use super::name;
use crate::client::{Ask, ClientError};
use crate::core::{Name, Setting, UserLimit};

/// changes a setting
#[derive(FromArgs, ArgsInfo)]
#[argh(
    subcommand,
    name = "config",
    help_triggers("-h", "--help"),
    note = "    timeout              seconds, 1 to 31622400
    max_connections      connections at once, 0 to 4294967295
    max_users            accounts, 0 to 4294967295
    buffer_size          octets, 512 to 65535, or 0: it grows
    max_per_user         connections at once, or 0: no limit
    max_per_address      connections at once, or 0: no limit
    max_new_per_address  connections per second, or 0: no limit"
)]
pub(in crate::client) struct Config {
    /// its name
    #[argh(positional, arg_name = "setting")]
    name: String,
    /// a whole number, see below
    #[argh(positional)]
    value: String,
}

/// the relay buffer of connections opened from now on
#[derive(FromArgs, ArgsInfo)]
#[argh(subcommand, name = "buffer-size", help_triggers("-h", "--help"))]
pub(in crate::client) struct Buffer {
    /// octets, 512 to 65535; with monitor and json also 0: it grows with the traffic
    #[argh(positional, from_str_fn(buffer_size))]
    size: Setting,
}

/// another limit for a user; what it has open obeys at once
#[derive(FromArgs, ArgsInfo)]
#[argh(
    subcommand,
    name = "limit-user",
    help_triggers("-h", "--help"),
    note = "Limits: max_connections, rate_up and rate_down (octets per second), quota_day and\n\
            quota_month (octets, both ways, UTC), expires (a date such as 2027-01-31, or\n\
            never). Octets may be written as 500k, 10MB or 2GiB; 0 is no limit."
)]
pub(in crate::client) struct LimitUser {
    /// its name
    #[argh(positional, from_str_fn(name))]
    name: Name,
    /// which limit
    #[argh(positional)]
    limit: String,
    /// what it becomes
    #[argh(positional)]
    value: String,
}

impl Config {
    pub(super) fn ask(&self) -> Result<Ask, ClientError> {
        let Self { name, value } = self;
        Setting::parse(name, value).map(Ask::Configure).map_err(|why| {
            let takes = Setting::takes(name).map(|takes| format!("use a whole number: {takes}"));
            let why = takes.unwrap_or_else(|| why.to_string());
            ClientError::Usage(format!("config {name} {value}: {why}"))
        })
    }
}

impl Buffer {
    pub(super) fn ask(&self) -> Ask {
        Ask::Configure(self.size.clone())
    }
}

impl LimitUser {
    pub(super) fn ask(&self) -> Result<Ask, ClientError> {
        let Self { name, limit, value } = self;
        let limit = UserLimit::parse(limit, value).map_err(|why| {
            ClientError::Usage(format!("limit-user {name} {limit} {value}: {why}"))
        })?;
        Ok(Ask::LimitUser { name: name.clone(), limit })
    }
}

fn buffer_size(text: &str) -> Result<Setting, String> {
    Setting::parse("buffer_size", text)
        .map_err(|_| "use a number from 512 to 65535, or 0: it grows with the traffic".into())
}
