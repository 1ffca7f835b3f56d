//! The lines of the access log and of the credentials log.

use std::fmt;
use std::net::SocketAddr;
use std::time::{Duration, SystemTime};

use super::clock::Utc;
use super::states::Ended;
use super::text::Printable;

/// One connection: tab-separated `date user A client-ip client-port destination
/// port status bytes-up bytes-down milliseconds ended`; `-` where nothing is known.
#[derive(Debug)]
pub struct AccessLine {
    /// When it was accepted.
    pub date: SystemTime,
    /// Who it was or claimed to be, printable.
    pub user: Option<String>,
    /// Where it came from.
    pub client: SocketAddr,
    /// Where it wanted to go, printable.
    pub destination: Option<(String, u16)>,
    /// What the client was told: the REP octet of RFC 1928, section 6.
    pub status: Option<u8>,
    /// Octets from the client.
    pub bytes_up: u64,
    /// Octets to the client.
    pub bytes_down: u64,
    /// From accept to end.
    pub lasted: Duration,
    /// How it ended.
    pub ended: Ended,
}

impl fmt::Display for AccessLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let user = match self.user.as_deref() {
            None => "-",
            // Somebody of that name, written as octets that could forge a line are.
            Some("-") => "\\x2d",
            Some(user) => user,
        };
        let (ip, port) = (self.client.ip(), self.client.port());
        write!(f, "{}\t{user}\tA\t{ip}\t{port}\t", Utc(self.date))?;
        match &self.destination {
            Some((host, port)) => write!(f, "{host}\t{port}\t")?,
            None => f.write_str("-\t-\t")?,
        }
        match self.status {
            Some(status) => write!(f, "{status}")?,
            None => f.write_str("-")?,
        }
        let milliseconds = self.lasted.as_millis();
        write!(f, "\t{}\t{}\t{milliseconds}\t{}", self.bytes_up, self.bytes_down, self.ended)
    }
}

/// A login that a watched POP3 server has accepted: tab-separated
/// `date user P POP3 destination port name password`.
pub struct CredentialLine<'a> {
    /// When the server accepted it.
    pub date: SystemTime,
    /// The proxy's user, printable.
    pub user: &'a str,
    /// The server, printable.
    pub destination: &'a str,
    /// Its port.
    pub port: u16,
    /// The mailbox.
    pub name: &'a [u8],
    /// Its password.
    pub password: &'a [u8],
}

impl fmt::Display for CredentialLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { user, destination, port, .. } = self;
        let (name, password) = (Printable(self.name), Printable(self.password));
        write!(f, "{}\t{user}\tP\tPOP3\t{destination}\t{port}\t{name}\t{password}", Utc(self.date))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_is_one_line() {
        let mut line = AccessLine {
            date: SystemTime::UNIX_EPOCH,
            user: Some("ana".into()),
            client: "192.0.2.7:4711".parse().unwrap(),
            destination: Some(("example.org".into(), 80)),
            status: Some(0),
            bytes_up: 77,
            bytes_down: 1256,
            lasted: Duration::from_millis(12),
            ended: Ended::Closed,
        };
        let expected = "1970-01-01T00:00:00Z\tana\tA\t192.0.2.7\t4711\texample.org\t80\t0\t77\t1256\t12\tclosed";
        assert_eq!(line.to_string(), expected);
        for (user, shown) in [(None, "Z\t-\tA"), (Some("-"), "Z\t\\x2d\tA")] {
            line.user = user.map(str::to_owned);
            assert!(line.to_string().contains(shown), "{line}");
        }
    }

    #[test]
    fn captured_credentials_cannot_forge_a_line() {
        let line = CredentialLine {
            date: SystemTime::UNIX_EPOCH,
            user: "ana",
            destination: "mail.example.org",
            port: 110,
            name: b"a\tb",
            password: b"x\ny",
        };
        let expected =
            "1970-01-01T00:00:00Z\tana\tP\tPOP3\tmail.example.org\t110\ta\\x09b\tx\\x0ay";
        assert_eq!(line.to_string(), expected);
    }
}
