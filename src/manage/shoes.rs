//! SHOES, the server's side: a login, then requests, answered in order.

use std::net::IpAddr;
use std::time::Instant;

use crate::core::{
    BadAccount, BufferSize, Caller, Command, Core, Credential, Denied, LoginRefused, Metrics, Name,
    Outcome, Password, Setting,
};
use crate::net::session::{Input, Next, Session};
use crate::wire::shoes::{Login, LoginError, LoginStatus, Request, RequestError, Response, Status};

/// Answers beyond this many octets are sent before more requests are read: two
/// octets can ask for a list of 65,000.
const ENOUGH_OUTPUT: usize = 16 * 1024;

/// One SHOES conversation.
pub struct ShoesSession {
    core: Core,
    from: IpAddr,
    state: State,
}

enum State {
    /// Section 2: nobody has logged in yet.
    Login,
    /// Section 3: requests of this admin.
    Requests(Caller),
    /// A status other than 00 has been said.
    Over,
}

/// What became of the front of the input.
enum Step {
    /// A message was answered, this long.
    Answered(usize),
    /// The message is not whole yet.
    Incomplete,
    /// The answer was a failure.
    Failed,
}

impl ShoesSession {
    /// A conversation with a peer at that address, which has said nothing yet.
    pub fn new(core: Core, from: IpAddr) -> Self {
        Self { core, from, state: State::Login }
    }

    fn step(&mut self, bytes: &[u8], output: &mut Vec<u8>) -> Step {
        match &self.state {
            State::Login => self.log_in(bytes, output),
            State::Requests(caller) => answer(&self.core, caller, bytes, output),
            State::Over => Step::Failed,
        }
    }

    fn log_in(&mut self, bytes: &[u8], output: &mut Vec<u8>) -> Step {
        let (login, used) = match Login::decode(bytes) {
            Ok(None) => return Step::Incomplete,
            Ok(Some(whole)) => whole,
            Err(LoginError::Version(_)) => {
                LoginStatus::BAD_VERSION.encode(output);
                return Step::Failed;
            }
        };
        // A length of 0 is allowed to no account, so it is a wrong login like others: 03.
        let Login { username, password } = &login;
        let credential = Credential::Password { name: username, password };
        match self.core.log_in("shoes", credential, self.from) {
            Ok(caller) => {
                LoginStatus::OK.encode(output);
                self.state = State::Requests(caller);
                Step::Answered(used)
            }
            Err(LoginRefused) => {
                LoginStatus::BAD_CREDENTIALS.encode(output);
                Step::Failed
            }
        }
    }
}

impl Session for ShoesSession {
    type Done = ();

    fn admitted(&self) -> bool {
        matches!(self.state, State::Requests(_))
    }

    fn advance(&mut self, input: &mut Input, output: &mut Vec<u8>, _now: Instant) -> Next<()> {
        loop {
            match self.step(input.bytes(), output) {
                Step::Answered(used) => input.take(used),
                Step::Incomplete => return Next::READ,
                // "If the server returns a failure (STATUS value other than X'00') status,
                // it MUST close the connection."
                Step::Failed => {
                    self.state = State::Over;
                    return Next::Close;
                }
            }
            if output.len() >= ENOUGH_OUTPUT {
                return Next::Write;
            }
        }
    }
}

/// Answers one request.
fn answer(core: &Core, caller: &Caller, bytes: &[u8], output: &mut Vec<u8>) -> Step {
    let (response, used) = match Request::decode(bytes) {
        Ok(None) => return Step::Incomplete,
        Ok(Some((request, used))) => {
            (carry_out(core, caller, request).unwrap_or_else(Response::Failed), used)
        }
        Err(RequestError::Family(_)) => (Response::Failed(Status::FAMILY_UNSUPPORTED), 0),
        Err(RequestError::Command(_)) => (Response::Failed(Status::COMMAND_UNSUPPORTED), 0),
    };
    response.encode(output);
    match response {
        Response::Failed(_) => Step::Failed,
        _ => Step::Answered(used),
    }
}

fn carry_out(core: &Core, caller: &Caller, request: Request) -> Result<Response, Status> {
    let asked_for_spoofing = request == Request::SpoofingStatus;
    let outcome = core.apply(caller, command(request)?).map_err(denied)?;
    Ok(match outcome {
        Outcome::Done => Response::Done,
        Outcome::Metrics(metrics) => counted(&metrics),
        Outcome::Users(names) => {
            Response::Users(names.iter().map(|name| name.as_bytes().to_vec()).collect())
        }
        Outcome::Config(settings) if asked_for_spoofing => Response::Spoofing(settings.spoofing),
        // No request of SHOES asks for these.
        Outcome::Config(_)
        | Outcome::Connections(_)
        | Outcome::UserDetails(_)
        | Outcome::Rules(_)
        | Outcome::Cut(_) => return Err(Status::FAILURE),
    })
}

fn command(request: Request) -> Result<Command, Status> {
    Ok(match request {
        Request::Metrics => Command::GetMetrics,
        Request::ListUsers => Command::ListUsers,
        Request::SpoofingStatus => Command::GetConfig,
        Request::AddUser { name, password } => {
            let (name, password) = account(&name, &password).map_err(unacceptable)?;
            Command::AddUser { name, password }
        }
        Request::EditUser { name, password } => {
            let (name, password) = account(&name, &password).map_err(unacceptable)?;
            Command::EditUser { name, password }
        }
        Request::RemoveUser { name } => {
            Command::RemoveUser { name: Name::new(&name).map_err(unacceptable)?, cut: false }
        }
        Request::BufferSize(octets) => {
            let size = BufferSize::new(octets.into()).ok_or(Status::COMMAND_FAILURE)?;
            Command::SetConfig(Setting::BufferSize(Some(size)))
        }
        Request::Spoofing(0x00) => Command::SetConfig(Setting::Spoofing(false)),
        Request::Spoofing(0x01) => Command::SetConfig(Setting::Spoofing(true)),
        Request::Spoofing(_) => return Err(Status::COMMAND_FAILURE),
    })
}

fn account(name: &[u8], password: &[u8]) -> Result<(Name, Password), BadAccount> {
    Ok((Name::new(name)?, Password::new(password)?))
}

/// The specification has no status for a name it can't mean: the general failure.
fn unacceptable(_: BadAccount) -> Status {
    Status::FAILURE
}

fn denied(why: Denied) -> Status {
    match why {
        Denied::UserExists(_) | Denied::UserUnknown(_) => Status::COMMAND_FAILURE,
        Denied::UsersFull(_) => Status::LIMIT_REACHED,
        _ => Status::FAILURE,
    }
}

fn counted(metrics: &Metrics) -> Response {
    // A count that four octets can't say is all ones: it never wraps.
    let saturating = |count: u64| u32::try_from(count).unwrap_or(u32::MAX);
    Response::Metrics {
        historic: saturating(metrics.historic),
        current: saturating(metrics.current),
        bytes: saturating(metrics.bytes()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::{NewUser, Settings, Start};

    const LOGIN: &[u8] = b"\x01\x04root\x06secret";

    /// A core with the admin `root`, the user `ana` and room for one more.
    fn core() -> Core {
        let settings = Settings { max_users: 2, ..Settings::default() };
        let (core, _) = Core::new(Start { settings, ..Start::default() }).unwrap();
        let (root, secret) = account(b"root", b"secret").unwrap();
        core.install_admin(root, secret).unwrap();
        let (ana, password) = account(b"ana", b"1234").unwrap();
        core.install_user(NewUser::new(ana, password)).unwrap();
        core
    }

    fn session(core: &Core) -> ShoesSession {
        ShoesSession::new(core.clone(), IpAddr::from([192, 0, 2, 7]))
    }

    /// What a fresh session says to these octets in these parts, and whether it closed.
    fn said<'a>(parts: impl Iterator<Item = &'a [u8]>) -> (Vec<u8>, bool) {
        let (mut session, mut input) = (session(&core()), Input::default());
        let mut output = Vec::new();
        for part in parts {
            input.receive(part);
            let next = session.advance(&mut input, &mut output, Instant::now());
            if next == Next::Close {
                return (output, true);
            }
            assert_eq!(next, Next::READ);
        }
        (output, false)
    }

    /// Checks what is said to `asked`, whole, in two parts and octet by octet.
    #[track_caller]
    fn check(asked: &[u8], expected: &[u8], closes: bool) {
        let expected = (expected.to_vec(), closes);
        assert_eq!(said([asked].into_iter()), expected, "whole");
        assert_eq!(said(asked.chunks(1)), expected, "octet by octet");
        for cut in 1..asked.len() {
            let (first, second) = asked.split_at(cut);
            assert_eq!(said([first, second].into_iter()), expected, "cut at {cut}");
        }
    }

    #[test]
    fn a_wrong_login_ends_it() {
        for version in [0, 2, 5, 0xff] {
            check(&[version], &[1, 2], true);
        }
        for wrong in [
            b"\x01\x04root\x05wrong".as_slice(),
            b"\x01\x06nobody\x06secret",
            b"\x01\x03ana\x041234",
            b"\x01\x00\x00",
            b"\x01\x04root\x00",
            b"\x01\x00\x06secret",
        ] {
            check(wrong, &[1, 3], true);
        }
        check(b"\x01\x04root\x06secre", b"", false);
    }

    #[test]
    fn nothing_is_acted_on_after_a_failure() {
        let core = core();
        let mut input = Input::default();
        input.receive(b"\x01\x04root\x05wrong\x01\x04root\x06secret\x01\x01\x03ana");
        let mut session = session(&core);
        for _ in 0..2 {
            let mut output = Vec::new();
            let next = session.advance(&mut input, &mut output, Instant::now());
            assert_eq!(next, Next::Close);
            assert!(output.len() <= 2, "{output:?}");
        }
        assert!(core.log_in_user("test", b"ana", b"1234", [127, 0, 0, 1].into()).is_ok());
    }

    #[test]
    fn requests_are_answered_in_order() {
        let asked = [LOGIN, b"\0\x01\x01\0\x03bea\x01x\0\x01\x01\x01\x03ana\0\x01\0\0"].concat();
        let expected =
            b"\x01\0\0\x01\x03ana\0\0\x02\x03ana\x03bea\0\0\x01\x03bea\0\0\0\0\0\0\0\0\0\0\0\0\0";
        check(&asked, expected, false);
    }

    #[test]
    fn spoofing_is_a_setting() {
        let asked = [LOGIN, b"\0\x02\x01\x04\x01\0\x02\x01\x04\0\0\x02\x01\x04\x02\0\x02"].concat();
        check(&asked, b"\x01\0\0\0\0\0\x01\0\0\0\x04", true);
    }

    #[test]
    fn every_failure_has_its_status_and_ends_it() {
        for (request, status) in [
            (b"\x02".as_slice(), 2),
            (b"\0\x03", 3),
            (b"\x01\x05", 3),
            (b"\x01\0\x03ana\x01x", 4),
            (b"\x01\x01\x03bea", 4),
            (b"\x01\x02\x03bea\x01x", 4),
            (b"\x01\x03\x01\xff", 4),
            (b"\x01\x04\x02", 4),
            (b"\x01\0\0\x01x", 1),
            (b"\x01\0\x03a:b\x01x", 1),
            (b"\x01\0\x03bea\0", 1),
            (b"\x01\x01\0", 1),
            (b"\x01\x01\x01/", 1),
            (b"\x01\x02\x03ana\0", 1),
        ] {
            let asked = [LOGIN, request, b"\0\x01"].concat();
            check(&asked, &[1, 0, status], true);
        }
        let full = [LOGIN, b"\x01\0\x03bea\x01x\x01\0\x03cid\x01x"].concat();
        check(&full, &[1, 0, 0, 5], true);
        let exists_wins = [LOGIN, b"\x01\0\x03bea\x01x\x01\0\x03ana\x01x"].concat();
        check(&exists_wins, &[1, 0, 0, 4], true);
    }

    #[test]
    fn the_buffer_size_reaches_the_settings() {
        let (core, mut input) = (core(), Input::default());
        input.receive(&[LOGIN, b"\x01\x03\x02\0"].concat());
        session(&core).advance(&mut input, &mut Vec::new(), Instant::now());
        assert_eq!(core.settings().buffer_size.map(BufferSize::octets), Some(512));
    }

    #[test]
    fn counts_saturate() {
        let (mut metrics, most) = (core().metrics(), u64::from(u32::MAX));
        (metrics.historic, metrics.bytes_up, metrics.bytes_down) = (most + 1, most, 1);
        let expected = Response::Metrics { historic: u32::MAX, current: 0, bytes: u32::MAX };
        assert_eq!(counted(&metrics), expected);
    }

    #[test]
    fn long_lists_are_sent_piece_by_piece() {
        let core = core();
        core.apply(
            &core.log_in("test", root(), [127, 0, 0, 1].into()).unwrap(),
            Command::SetConfig(Setting::MaxUsers(300)),
        )
        .unwrap();
        for n in 0..299 {
            let (name, password) = account(format!("{n:0>255}").as_bytes(), b"x").unwrap();
            core.install_user(NewUser::new(name, password)).unwrap();
        }
        let (mut session, mut input) = (session(&core), Input::default());
        input.receive(&[LOGIN, b"\0\x01\0\x01"].concat());
        let mut lengths = Vec::new();
        loop {
            let mut output = Vec::new();
            let next = session.advance(&mut input, &mut output, Instant::now());
            lengths.push(output.len());
            if next != Next::Write {
                break assert_eq!(next, Next::READ);
            }
        }
        // UCOUNT is one octet: 255 names at most.
        assert_eq!(lengths, [2 + Response::LEN_MAX, Response::LEN_MAX, 0]);
    }

    fn root() -> Credential<'static> {
        Credential::Password { name: b"root", password: b"secret" }
    }
}
