//! The command line over the configuration file.

use super::Args;
use crate::core::Name;

impl Args {
    /// These options, and the file's where there is none. Written out whole, so that
    /// no option can be forgotten.
    pub(super) fn over(self, file: Self) -> Self {
        Self {
            listen: self.listen.or(file.listen),
            port: self.port.or(file.port),
            shoes_listen: self.shoes_listen.or(file.shoes_listen),
            shoes_port: self.shoes_port.or(file.shoes_port),
            datagram: self.datagram.or(file.datagram),
            json: self.json.or(file.json),
            user: self.user,
            admin: self.admin,
            monitor: self.monitor.or(file.monitor),
            oneshot: self.oneshot.or(file.oneshot),
            pop3: self.pop3.or(file.pop3),
            http: self.http.or(file.http),
            maildir: self.maildir.or(file.maildir),
            state: self.state.or(file.state),
            no_credential_monitor: self.no_credential_monitor || file.no_credential_monitor,
            version: self.version,
            max_connections: self.max_connections.or(file.max_connections),
            max_per_user: self.max_per_user.or(file.max_per_user),
            max_per_address: self.max_per_address.or(file.max_per_address),
            max_new_per_address: self.max_new_per_address.or(file.max_new_per_address),
            login_failures: self.login_failures.or(file.login_failures),
            login_window: self.login_window.or(file.login_window),
            login_refusal: self.login_refusal.or(file.login_refusal),
            json_requests: self.json_requests.or(file.json_requests),
            timeout: self.timeout.or(file.timeout),
            half_closed_timeout: self.half_closed_timeout.or(file.half_closed_timeout),
            handshake_timeout: self.handshake_timeout.or(file.handshake_timeout),
            connect_timeout: self.connect_timeout.or(file.connect_timeout),
            bind_timeout: self.bind_timeout.or(file.bind_timeout),
            grace: self.grace.or(file.grace),
            buffer_size: self.buffer_size.or(file.buffer_size),
            udp_advertise: self.udp_advertise.or(file.udp_advertise),
            udp_ports: self.udp_ports.or(file.udp_ports),
            bind_out: either(self.bind_out, file.bind_out),
            proxy_from: either(self.proxy_from, file.proxy_from),
            credentials_log: self.credentials_log.or(file.credentials_log),
            access_log: self.access_log.or(file.access_log),
            log_format: self.log_format.or(file.log_format),
            log_level: self.log_level.or(file.log_level),
            config: self.config,
            command: self.command,
        }
    }
}

/// The values of the command line, if there are any.
fn either<T>(given: Vec<T>, file: Vec<T>) -> Vec<T> {
    if given.is_empty() { file } else { given }
}

/// Those of the command line, and those of the file with other names.
pub(super) fn joined<T>(mut given: Vec<T>, file: Vec<T>, name: fn(&T) -> &Name) -> Vec<T> {
    let fresh = |one: &T| given.iter().all(|other| name(other) != name(one));
    let fresh: Vec<T> = file.into_iter().filter(fresh).collect();
    given.extend(fresh);
    given
}
