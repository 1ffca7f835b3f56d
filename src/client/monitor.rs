//! SOCKS-MONITOR, the client's side.

use std::time::Duration;

use super::connection::Connection;
use super::render::harmless;
use super::{Answer, Ask, Client, ClientError, Dialect, Fact, Login, OpenConnection, Value};
use crate::core::Latin1;
use crate::wire::Decoded;
use crate::wire::monitor::{
    CREDENTIALS_PLEASE, CREDENTIALS_VALID, LineTooLong, PARAMETERS, Reply, Request, Row,
    check_banner, decode_line,
};

/// How we introduce ourselves.
const BANNER: &str = "socksctl 1.0\n";

/// The longest line from a server: a list of 100,000 connections fits.
const LONGEST_LINE: usize = 64 * 1024 * 1024;

/// A SOCKS-MONITOR conversation, logged in.
#[derive(Debug)]
pub struct MonitorClient(Connection);

impl MonitorClient {
    /// Connects to `server` (`HOST:PORT`) and logs in. `patience` is how long
    /// connecting may take, and then each answer.
    ///
    /// # Errors
    /// [`ClientError::Usage`] when `server` is no `HOST:PORT`, or the password can't
    /// stand in a line; [`ClientError::Unreachable`], [`ClientError::Timeout`] and
    /// [`ClientError::Protocol`] when there is no SOCKS-MONITOR server,
    /// [`ClientError::LoginRefused`] when it does not let the admin in.
    pub fn connect(server: &str, login: &Login, patience: Duration) -> Result<Self, ClientError> {
        let credentials = credentials(login)?;
        let mut client = Self(Connection::open(server, patience)?);
        let banner = client.exchange("connecting to", "")?;
        check_banner(banner.as_bytes()).map_err(|why| client.0.nonsense(why.to_string()))?;
        let please = client.exchange("connecting to", BANNER)?;
        if please != CREDENTIALS_PLEASE {
            return Err(client.unexpected(&please));
        }
        match client.exchange("logging in to", &credentials)? {
            said if said == CREDENTIALS_VALID => Ok(client),
            said => {
                let (name, why) = (login.name.to_string(), harmless(&said));
                Err(ClientError::LoginRefused { name, why })
            }
        }
    }

    /// Sends a line and reads one.
    fn exchange(&mut self, doing: &'static str, line: &str) -> Result<String, ClientError> {
        self.0.exchange(doing, line.as_bytes(), read_line)
    }

    fn unexpected(&self, line: &str) -> ClientError {
        self.0.nonsense(format!("it said: {}", harmless(line)))
    }
}

impl Client for MonitorClient {
    fn say(&mut self, ask: &Ask) -> Result<Answer, ClientError> {
        ClientError::check(Dialect::Monitor, ask)?;
        let command = ask.command();
        let unsayable = || ClientError::unsayable(Dialect::Monitor, ask);
        let request = request(ask).ok_or_else(unsayable)?;
        let mut message = Vec::new();
        request.encode(&mut message);
        let line = self.0.exchange("asking", &message, read_line)?;
        match Reply::parse(&request, &line) {
            Ok(Reply::Refused(why)) => Err(ClientError::Refused { command, why: harmless(&why) }),
            Ok(reply) => Ok(answer(reply)),
            Err(_) => Err(self.unexpected(&line)),
        }
    }
}

/// `[USERNAME]/[PASSWORD]` and the end of the line.
fn credentials(login: &Login) -> Result<String, ClientError> {
    let password = login.password.as_bytes();
    if password.contains(&b'\n') || password.ends_with(b"\r") {
        let why = "the password can't be used: it holds a line end, which monitor can't say";
        return Err(ClientError::Usage(why.into()));
    }
    // The server takes UTF-8 for the octets of ISO 8859-1.
    Ok(format!("{}/{}\n", Latin1(login.name.as_bytes()), Latin1(password)))
}

fn read_line(bytes: &[u8]) -> Decoded<String, LineTooLong> {
    let line = decode_line(bytes, LONGEST_LINE)?;
    Ok(line.map(|(line, used)| (String::from_utf8_lossy(line).into_owned(), used)))
}

/// `None` when SOCKS-MONITOR has no request for it.
fn request(ask: &Ask) -> Option<Request> {
    match ask {
        Ask::Metrics => Some(Request::Stats),
        Ask::Connections => Some(Request::Connections { list: true }),
        Ask::Configure(setting) => {
            let number = setting.number().filter(|_| PARAMETERS.contains(&setting.name()))?;
            let (parameter, value) = (setting.name().into(), number.to_string().into_bytes());
            Some(Request::Config { parameter, value })
        }
        _ => None,
    }
}

fn answer(reply: Reply) -> Answer {
    match reply {
        Reply::Stats(stats) => {
            let fact = |name, meaning, value| Fact { name, meaning, value };
            let count = |name, meaning, number| fact(name, meaning, Value::Count(number));
            Answer::Facts(vec![
                count("current", "connections now", stats.concurrent),
                count("max_current", "most connections at once", stats.max_concurrent),
                count("historic", "connections since the start", stats.connections),
                count("active_users", "users now", stats.users),
                fact("bytes", "bytes relayed", Value::Octets(stats.bytes)),
                fact("uptime", "time since the start", Value::Seconds(stats.uptime)),
            ])
        }
        Reply::Connections(_, rows) => Answer::Connections(rows.into_iter().map(open).collect()),
        Reply::Users(_) | Reply::Set { .. } | Reply::Refused(_) => Answer::Done,
    }
}

fn open(row: Row) -> OpenConnection {
    OpenConnection {
        id: row.id,
        user: row.user,
        client: row.client,
        target: Some(row.target).filter(|target| target != "-"),
        state: row.state,
        bytes: row.bytes,
        up: None,
        down: None,
        age: row.age,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::Secret;
    use crate::client::ask::every_ask;
    use crate::core::Name;

    #[test]
    fn what_the_table_calls_sayable_has_a_request() {
        for ask in every_ask() {
            let sayable = ask.sayable_by().contains(&Dialect::Monitor);
            assert_eq!(request(&ask).is_some(), sayable, "{ask:?}");
        }
    }

    #[test]
    fn credentials_are_one_line_of_utf8() {
        let login = |password: &[u8]| Login {
            name: Name::new(b"a\xf1o").unwrap(),
            password: Secret::new(password).unwrap(),
        };
        assert_eq!(credentials(&login(b"x/\xe9")).unwrap(), "a\u{f1}o/x/\u{e9}\n");
        for wrong in [&b"a\nQUIT"[..], b"a\r"] {
            assert!(matches!(credentials(&login(wrong)), Err(ClientError::Usage(_))));
        }
    }
}
