//! The settings that admins have changed, as they are written in the state.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::core::{BufferSize, Maildir, PageSize, Setting, timeout};

/// In seconds and octets; where 0 makes no sense, it is "none".
#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Settings {
    #[serde(skip_serializing_if = "Option::is_none")]
    timeout: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_connections: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_per_user: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_per_address: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_new_per_address: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_users: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    buffer_size: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    page_size: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    spoofing: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    maildir: Option<PathBuf>,
}

impl Settings {
    /// Writes a setting.
    pub(super) fn put(&mut self, setting: &Setting) {
        match setting {
            Setting::Timeout(timeout) => self.timeout = Some(timeout.as_secs_f64()),
            Setting::MaxConnections(limit) => self.max_connections = Some(*limit),
            Setting::MaxPerUser(limit) => self.max_per_user = Some(limit.unwrap_or(0)),
            Setting::MaxPerAddress(limit) => self.max_per_address = Some(limit.unwrap_or(0)),
            Setting::MaxNewPerAddress(limit) => {
                self.max_new_per_address = Some(limit.unwrap_or(0));
            }
            Setting::MaxUsers(limit) => self.max_users = Some(*limit),
            Setting::BufferSize(size) => {
                self.buffer_size = Some(size.map_or(0, BufferSize::octets))
            }
            Setting::PageSize(size) => self.page_size = Some(size.names()),
            Setting::Spoofing(on) => self.spoofing = Some(*on),
            Setting::Maildir(folder) => self.maildir = Some(folder.path().into()),
            // They have a table of their own.
            Setting::ClientRules(_) | Setting::TargetRules(_) => {}
        }
    }

    /// What is written.
    ///
    /// # Errors
    /// A sentence that names the setting whose value is out of range.
    pub(super) fn changes(self) -> Result<Vec<Setting>, String> {
        let wrong = |name: &str| format!("settings: the value of {name} is out of range");
        let limit = |limit: u32| Some(limit).filter(|limit| *limit > 0);
        let timeout = |seconds| timeout(seconds).ok_or_else(|| wrong("timeout"));
        let buffer_size = |octets: u16| match octets {
            0 => Ok(None),
            _ => BufferSize::new(octets.into()).map(Some).ok_or_else(|| wrong("buffer_size")),
        };
        let page_size = |names| PageSize::new(names).ok_or_else(|| wrong("page_size"));
        let maildir = |path: PathBuf| Maildir::open(&path);
        let changes = [
            self.timeout.map(timeout).transpose()?.map(Setting::Timeout),
            self.max_connections.map(Setting::MaxConnections),
            self.max_per_user.map(limit).map(Setting::MaxPerUser),
            self.max_per_address.map(limit).map(Setting::MaxPerAddress),
            self.max_new_per_address.map(limit).map(Setting::MaxNewPerAddress),
            self.max_users.map(Setting::MaxUsers),
            self.buffer_size.map(buffer_size).transpose()?.map(Setting::BufferSize),
            self.page_size.map(page_size).transpose()?.map(Setting::PageSize),
            self.spoofing.map(Setting::Spoofing),
            self.maildir.map(maildir).transpose()?.map(Setting::Maildir),
        ];
        Ok(changes.into_iter().flatten().collect())
    }
}
