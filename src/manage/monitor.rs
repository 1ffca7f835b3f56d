//! SOCKS-MONITOR, the server's side: banners, a login, then lines, answered in
//! order.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Instant;

use crate::core::{
    BadSetting, Caller, Command, ConnectionView, Core, Credential, Metrics, NOBODY, Outcome,
    Setting, latin1,
};
use crate::net::session::{Input, Next, Session};
use crate::wire::monitor::{
    CREDENTIALS_INVALID, CREDENTIALS_PLEASE, CREDENTIALS_VALID, LINE_MAX, PARAMETERS, Refusal,
    Reply, Request, Row, SERVER_BANNER, Stats, Totals, check_banner, decode_line, put_line,
    split_credentials,
};

/// Answers beyond this many octets are sent before more lines are read: one line
/// can ask for a list of all connections.
const ENOUGH_OUTPUT: usize = 16 * 1024;

/// One SOCKS-MONITOR conversation.
pub struct MonitorSession {
    core: Core,
    from: IpAddr,
    stage: Stage,
}

enum Stage {
    /// Nobody has said anything yet: the server begins.
    Silence,
    /// The client's banner is next.
    Banner,
    /// Its credentials are next.
    Credentials,
    /// Requests of this admin.
    Requests(Caller),
    /// The last word has been said.
    Over,
}

impl MonitorSession {
    /// A conversation with a peer at that address, in which nothing was said yet.
    pub fn new(core: Core, from: IpAddr) -> Self {
        Self { core, from, stage: Stage::Silence }
    }

    fn greet(&mut self, line: &[u8], output: &mut Vec<u8>) {
        match check_banner(line) {
            Ok(()) => {
                put_line(output, CREDENTIALS_PLEASE);
                self.stage = Stage::Credentials;
            }
            Err(refusal) => self.last_word(refusal, output),
        }
    }

    fn log_in(&mut self, line: &[u8], output: &mut Vec<u8>) {
        let line = octets(line);
        let credential = match split_credentials(&line) {
            Some((name, password)) => Credential::Password { name, password },
            // Nothing of it belongs into the log.
            None => Credential::Checked(Err(b"-")),
        };
        self.stage = match self.core.log_in("monitor", credential, self.from) {
            Ok(caller) => {
                put_line(output, CREDENTIALS_VALID);
                Stage::Requests(caller)
            }
            Err(_) => {
                put_line(output, CREDENTIALS_INVALID);
                Stage::Over
            }
        };
    }

    /// Answers before the server closes.
    fn last_word(&mut self, refusal: Refusal, output: &mut Vec<u8>) {
        refused(refusal).encode(output);
        self.stage = Stage::Over;
    }
}

impl Session for MonitorSession {
    type Done = ();

    fn admitted(&self) -> bool {
        matches!(self.stage, Stage::Requests(_))
    }

    fn advance(&mut self, input: &mut Input, output: &mut Vec<u8>, _now: Instant) -> Next<()> {
        loop {
            match (&self.stage, decode_line(input.bytes(), LINE_MAX)) {
                (Stage::Over, _) => return Next::Close,
                (Stage::Silence, _) => {
                    put_line(output, SERVER_BANNER);
                    self.stage = Stage::Banner;
                }
                _ if output.len() >= ENOUGH_OUTPUT => return Next::Write,
                (_, Ok(None)) => return Next::READ,
                (_, Err(_)) => self.last_word(Refusal::LineTooLong, output),
                (Stage::Banner, Ok(Some((line, used)))) => {
                    self.greet(line, output);
                    input.take(used);
                }
                (Stage::Credentials, Ok(Some((line, used)))) => {
                    self.log_in(line, output);
                    input.take(used);
                }
                (Stage::Requests(caller), Ok(Some((line, used)))) => {
                    match reply(&self.core, caller, line) {
                        Some(reply) => reply.encode(output),
                        None => self.stage = Stage::Over,
                    }
                    input.take(used);
                }
            }
        }
    }
}

/// A line's text in the octets of names and passwords, ISO 8859-1: terminals send
/// UTF-8, programs perhaps these octets themselves.
fn octets(line: &[u8]) -> Vec<u8> {
    let text = std::str::from_utf8(line).ok();
    text.and_then(|text| latin1(text).ok()).unwrap_or_else(|| line.to_vec())
}

fn refused(refusal: Refusal) -> Reply {
    Reply::Refused(refusal.to_string())
}

/// The reply to a line; none to QUIT.
fn reply(core: &Core, caller: &Caller, line: &[u8]) -> Option<Reply> {
    let reply = match Request::parse(line) {
        Ok(Request::Stats) => stats(core, caller),
        Ok(Request::Connections { list }) => connections(core, caller, list),
        Ok(Request::Users) => views(core, caller).map(|views| Reply::Users(active(&views))),
        Ok(Request::Config { parameter, value }) => configure(core, caller, parameter, value),
        Ok(Request::Quit) => return None,
        Err(refusal) => Err(refused(refusal)),
    };
    Some(reply.unwrap_or_else(|refused| refused))
}

fn stats(core: &Core, caller: &Caller) -> Result<Reply, Reply> {
    let metrics = metrics(core, caller)?;
    Ok(Reply::Stats(Stats {
        connections: metrics.historic,
        bytes: metrics.bytes(),
        users: metrics.active_users,
        concurrent: metrics.current,
        max_concurrent: metrics.max_current,
        uptime: metrics.uptime.as_secs(),
    }))
}

fn connections(core: &Core, caller: &Caller, list: bool) -> Result<Reply, Reply> {
    let rows = if list { views(core, caller)?.iter().map(row).collect() } else { Vec::new() };
    let metrics = metrics(core, caller)?;
    let Outcome::Config(settings) = apply(core, caller, Command::GetConfig)? else {
        return Err(unexpected());
    };
    let totals = Totals {
        current: metrics.current,
        max: metrics.max_current,
        allowed: settings.max_connections.into(),
    };
    Ok(Reply::Connections(totals, rows))
}

fn row(view: &ConnectionView) -> Row {
    Row {
        id: view.id.0,
        user: view.user.clone(),
        client: view.client.to_string(),
        target: view.target.clone().unwrap_or_else(|| "-".into()),
        state: view.state.to_string(),
        bytes: view.bytes_up.saturating_add(view.bytes_down),
        age: view.age.as_secs(),
    }
}

/// Who is connected from where, each once, sorted.
fn active(views: &[ConnectionView]) -> Vec<(String, IpAddr)> {
    // Whoever has not logged in yet is no user.
    let users = views.iter().filter(|view| view.user != NOBODY);
    let users: BTreeSet<_> = users.map(|view| (view.user.clone(), view.client.ip())).collect();
    users.into_iter().collect()
}

fn configure(
    core: &Core,
    caller: &Caller,
    parameter: String,
    value: Vec<u8>,
) -> Result<Reply, Reply> {
    let said = std::str::from_utf8(&value).unwrap_or_default();
    let setting = match Setting::parse(&parameter, said) {
        Ok(setting) if PARAMETERS.contains(&&*parameter) => setting,
        Err(BadSetting::Value) if PARAMETERS.contains(&&*parameter) => {
            return Err(refused(Refusal::InvalidValue { parameter, value }));
        }
        _ => return Err(refused(Refusal::UnknownParameter(parameter))),
    };
    let value = said.to_owned();
    apply(core, caller, Command::SetConfig(setting))?;
    Ok(Reply::Set { parameter, value })
}

fn metrics(core: &Core, caller: &Caller) -> Result<Metrics, Reply> {
    match apply(core, caller, Command::GetMetrics)? {
        Outcome::Metrics(metrics) => Ok(metrics),
        _ => Err(unexpected()),
    }
}

fn views(core: &Core, caller: &Caller) -> Result<Vec<ConnectionView>, Reply> {
    match apply(core, caller, Command::ListConnections)? {
        Outcome::Connections(views) => Ok(views),
        _ => Err(unexpected()),
    }
}

fn apply(core: &Core, caller: &Caller, command: Command) -> Result<Outcome, Reply> {
    core.apply(caller, command).map_err(|denied| Reply::Refused(denied.to_string()))
}

/// The core answers no command with another one's outcome.
fn unexpected() -> Reply {
    Reply::Refused("Server error".into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::{Name, Password, Start};

    const LOGIN: &[u8] = b"x 1.0\nroot/secret\n";

    fn core() -> Core {
        let (core, _) = Core::new(Start::default()).unwrap();
        core.install_admin(Name::new(b"root").unwrap(), Password::new(b"secret").unwrap()).unwrap();
        core
    }

    fn session(core: &Core) -> MonitorSession {
        MonitorSession::new(core.clone(), IpAddr::from([192, 0, 2, 7]))
    }

    /// What a fresh session says after its banner to these parts, and whether it closed.
    fn said<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> (String, bool) {
        let (mut session, mut input) = (session(&core()), Input::default());
        let mut output = Vec::new();
        let mut closed = false;
        for part in [&b""[..]].into_iter().chain(parts) {
            if !part.is_empty() {
                input.receive(part);
            }
            loop {
                match session.advance(&mut input, &mut output, Instant::now()) {
                    Next::Write => {}
                    next => break closed = next == Next::Close,
                }
                assert!(output.len() < 1024 * 1024);
            }
        }
        let text = String::from_utf8(output).unwrap();
        (text.strip_prefix("SOCKS-MONITOR 1.0\n").unwrap().to_owned(), closed)
    }

    #[test]
    fn a_line_is_too_long_at_every_stage_and_in_any_parts() {
        for before in [&b""[..], b"x 1.0\n", LOGIN] {
            let asked = [before, &[b'x'; LINE_MAX + 1]].concat();
            let (whole, closed) = said([&*asked]);
            assert!(whole.ends_with("ERR Line too long\n") && closed, "{whole}");
            assert_eq!(said(asked.chunks(1)), (whole.clone(), true));
            for cut in 1..asked.len() {
                let (first, second) = asked.split_at(cut);
                assert_eq!(said([first, second]), (whole.clone(), true), "cut at {cut}");
            }
            let longest = [before, &[b'x'; LINE_MAX], b"\r"].concat();
            assert!(!said([&*longest]).1, "its LF may still come");
        }
    }

    #[test]
    fn nobody_is_admitted_before_the_login_and_nothing_is_done_after_a_failure() {
        let core = core();
        let mut session = session(&core);
        let mut input = Input::default();
        input.receive(b"x 1.0\nroot/wrong\nroot/secret\nCONFIG timeout 1\n");
        let before = core.settings().timeout;
        for _ in 0..2 {
            let next = session.advance(&mut input, &mut Vec::new(), Instant::now());
            assert_eq!(next, Next::Close);
            assert!(!session.admitted());
        }
        assert_eq!(core.settings().timeout, before);
        let (mut session, mut input) = (self::session(&core), Input::default());
        input.receive(LOGIN);
        assert_eq!(session.advance(&mut input, &mut Vec::new(), Instant::now()), Next::READ);
        assert!(session.admitted());
    }

    #[test]
    fn many_answers_are_sent_piece_by_piece() {
        let (mut session, mut input) = (session(&core()), Input::default());
        input.receive(&[LOGIN, &b"USERS\n".repeat(2000)].concat());
        let mut lengths = Vec::new();
        loop {
            let mut output = Vec::new();
            let next = session.advance(&mut input, &mut output, Instant::now());
            lengths.push(output.len());
            if next != Next::Write {
                break assert_eq!(next, Next::READ);
            }
        }
        assert!(lengths.iter().all(|length| *length < ENOUGH_OUTPUT + 100), "{lengths:?}");
        assert!(lengths.iter().sum::<usize>() > 2000 * "OK No active users\n".len());
    }

    #[test]
    fn what_is_asked_before_the_login_is_credentials() {
        let (text, closed) = said([&b"x 1.0\nSTATS\n"[..]]);
        assert_eq!(text, "Please provide your credentials\nThe credentials are invalid.\n");
        assert!(closed);
    }

    #[test]
    fn letters_may_come_as_utf8_or_iso_8859_1() {
        assert_eq!(octets("contraseña".as_bytes()), b"contrase\xf1a");
        assert_eq!(octets(b"contrase\xf1a"), b"contrase\xf1a");
        assert_eq!(octets("\u{20ac}".as_bytes()), "\u{20ac}".as_bytes());
    }
}
