//! The values of options: texts become what they mean.

use std::fmt::Display;
use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::Account;
use crate::core::{BufferSize, LONGEST_TIMEOUT_SECS, Maildir, Name, Password, latin1, timeout};

pub(super) fn accounts(flag: &str, given: &[String]) -> Result<Vec<Account>, String> {
    let accounts: Vec<Account> =
        given.iter().map(|text| account(flag, text)).collect::<Result<_, _>>()?;
    distinct(&format!("option {flag}"), accounts.iter().map(|(name, _)| name))?;
    Ok(accounts)
}

pub(super) fn distinct<'a>(
    place: &str,
    names: impl Iterator<Item = &'a Name>,
) -> Result<(), String> {
    match Name::repeated(names) {
        Some(name) => Err(format!("{place}: {name} is given twice, leave one out")),
        None => Ok(()),
    }
}

fn account(flag: &str, text: &str) -> Result<Account, String> {
    let Some((name, password)) = text.split_once(':') else {
        return Err(format!("option {flag}: an account needs a colon: NAME:PASS"));
    };
    let shown = name.escape_debug();
    let wrong = |what, error: &dyn Display| {
        format!("option {flag}, account {shown}: the {what} is no good: {error}")
    };
    let octets = latin1(name).map_err(|error| wrong("name", &error))?;
    let name = Name::new(&octets).map_err(|error| wrong("name", &error))?;
    let octets = latin1(password).map_err(|error| wrong("password", &error))?;
    let password = Password::new(&octets).map_err(|error| wrong("password", &error))?;
    Ok((name, password.into()))
}

pub(super) fn seconds(text: &str) -> Result<Duration, String> {
    let time = text.parse().ok().and_then(timeout);
    time.ok_or_else(|| format!("use a number of seconds from 0.001 to {LONGEST_TIMEOUT_SECS}"))
}

pub(super) fn buffer_size(text: &str) -> Result<BufferSize, String> {
    let size = text.parse().ok().and_then(BufferSize::new);
    size.ok_or_else(|| "use a number of octets from 512 to 65535".into())
}

pub(super) fn port_number(text: &str) -> Result<u16, String> {
    text.parse().map_err(|_| "use a port from 0 to 65535".into())
}

pub(super) fn count(text: &str) -> Result<u32, String> {
    text.parse().map_err(|_| format!("use a number from 0 to {}", u32::MAX))
}

pub(super) fn positive(text: &str) -> Result<NonZeroU32, String> {
    text.parse().map_err(|_| format!("use a number from 1 to {}", u32::MAX))
}

pub(super) fn ip(text: &str) -> Result<IpAddr, String> {
    text.parse().map_err(|_| "use an address like 127.0.0.1 or ::1".into())
}

pub(super) fn listener(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| "use an address and a port like 127.0.0.1:8080 or [::1]:8080".into())
}

pub(super) fn maildir(text: &str) -> Result<Maildir, String> {
    Maildir::open(Path::new(text))
}

pub(super) fn path(text: &str) -> Result<PathBuf, String> {
    // The system takes neither, but would be asked too late.
    let given = !text.is_empty() && !text.contains('\0');
    given.then(|| text.into()).ok_or_else(|| "use the path of a file".into())
}

pub(super) fn port_range(text: &str) -> Result<(u16, u16), String> {
    let ports = text.split_once('-').map(|(first, last)| (first.parse(), last.parse()));
    match ports {
        Some((Ok(first), Ok(last))) if 0 < first && first <= last => Ok((first, last)),
        _ => Err("use two ports FIRST-LAST from 1 to 65535".into()),
    }
}
