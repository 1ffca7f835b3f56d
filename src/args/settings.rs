//! The options that admins can change later, and the thresholds.

use super::Args;
use crate::core::{Setting, Settings, Thresholds};

impl Args {
    /// The settings that the options ask for. Those that only have a file's table are
    /// not among them.
    pub(super) fn given(&self) -> Vec<Setting> {
        let limit = |most: u32| Some(most).filter(|most| *most > 0);
        let spoofing = self.credentials_log.is_some() || self.no_credential_monitor;
        let given = [
            self.timeout.map(Setting::Timeout),
            self.max_connections.map(Setting::MaxConnections),
            self.max_per_user.map(limit).map(Setting::MaxPerUser),
            self.max_per_address.map(limit).map(Setting::MaxPerAddress),
            self.max_new_per_address.map(limit).map(Setting::MaxNewPerAddress),
            self.buffer_size.map(|size| Setting::BufferSize(Some(size))),
            self.maildir.clone().map(Setting::Maildir),
            spoofing.then_some(Setting::Spoofing(!self.no_credential_monitor)),
        ];
        given.into_iter().flatten().collect()
    }

    pub(super) fn thresholds(&self) -> Thresholds {
        let default = Thresholds::default();
        Thresholds {
            free_failures: self.login_failures.unwrap_or(default.free_failures),
            window: self.login_window.unwrap_or(default.window),
            longest_refusal: self.login_refusal.unwrap_or(default.longest_refusal),
            requests: self.json_requests.unwrap_or(default.requests),
        }
    }
}

/// The defaults, and these changes.
pub(super) fn settings(given: &[Setting]) -> Settings {
    let mut settings = Settings::default();
    given.iter().for_each(|setting| settings.change(setting.clone()));
    settings
}
