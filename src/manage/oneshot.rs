//! oneshot, the server's side: a token, a request, a response, the end.

use std::net::IpAddr;
use std::path::Path;
use std::time::Instant;

use crate::core::{
    AdminSecrets, BufferSize, Caller, Command, Core, Credential, Denied, Maildir, Metrics, Name,
    Outcome, Password, Setting, Token,
};
use crate::net::session::{Input, Next, Session};
use crate::wire::oneshot::{Counter, Opening, Request, RequestError, Response, Status};

/// One oneshot conversation.
pub struct OneshotSession {
    core: Core,
    from: IpAddr,
    stage: Stage,
}

enum Stage {
    /// Version and token are next.
    Opening,
    /// The request of this admin is next.
    Request(Caller),
    /// The response has been said.
    Over,
}

/// What became of the front of the input.
enum Step {
    /// It was an opening with a right token, this long.
    Admitted(Caller, usize),
    /// More of it is needed.
    Incomplete,
    /// This is the response.
    Answered(Response),
}

impl OneshotSession {
    /// A conversation with a peer at that address, which has said nothing yet.
    pub fn new(core: Core, from: IpAddr) -> Self {
        Self { core, from, stage: Stage::Opening }
    }

    fn open(&self, bytes: &[u8]) -> Step {
        match Opening::decode(bytes) {
            Ok(None) => Step::Incomplete,
            Ok(Some((Opening { token }, used))) => {
                match self.core.log_in("oneshot", Credential::Token(&token), self.from) {
                    Ok(caller) => Step::Admitted(caller, used),
                    Err(_) => Step::Answered(Response::Failed(Status::NOT_AUTHENTICATED)),
                }
            }
            Err(error) => Step::Answered(Response::Failed(malformed(error))),
        }
    }

    fn respond(&self, caller: &Caller, bytes: &[u8]) -> Step {
        let response = match Request::decode(bytes) {
            Ok(None) => return Step::Incomplete,
            Ok(Some((request, _))) => carry_out(&self.core, caller, request),
            Err(error) => Err(malformed(error)),
        };
        Step::Answered(response.unwrap_or_else(Response::Failed))
    }
}

/// Never admitted: one request is all, so it has the deadline of a login as well.
impl Session for OneshotSession {
    type Done = ();

    fn advance(&mut self, input: &mut Input, output: &mut Vec<u8>, _now: Instant) -> Next<()> {
        loop {
            let step = match &self.stage {
                Stage::Opening => self.open(input.bytes()),
                Stage::Request(caller) => self.respond(caller, input.bytes()),
                Stage::Over => return Next::Close,
            };
            match step {
                Step::Incomplete => return Next::READ,
                Step::Admitted(caller, used) => {
                    input.take(used);
                    self.stage = Stage::Request(caller);
                }
                // "Una vez enviada la respuesta el servidor DEBE cerrar la conexión."
                Step::Answered(response) => {
                    response.encode(output);
                    self.stage = Stage::Over;
                }
            }
        }
    }
}

fn malformed(error: RequestError) -> Status {
    match error {
        RequestError::Version(_) => Status::BAD_VERSION,
        RequestError::Type(_) => Status::BAD_TYPE,
        RequestError::Target(_) => Status::BAD_TARGET,
        RequestError::Data => Status::BAD_DATA,
    }
}

fn carry_out(core: &Core, caller: &Caller, request: Request) -> Result<Response, Status> {
    let counter = match request {
        Request::Get(counter) => Some(counter),
        _ => None,
    };
    let command = command(request).ok_or(Status::BAD_DATA)?;
    match (core.apply(caller, command).map_err(denied)?, counter) {
        (Outcome::Metrics(metrics), Some(counter)) => Ok(Response::Count(count(&metrics, counter))),
        (Outcome::Done, None) => Ok(Response::Done),
        // No command of this dialect has another outcome.
        _ => Err(Status::SERVER_ERROR),
    }
}

/// A count that four octets can't say is all ones: it never wraps.
fn count(metrics: &Metrics, counter: Counter) -> u32 {
    let number = match counter {
        Counter::Historic => metrics.historic,
        Counter::Current => metrics.current,
        Counter::Bytes => metrics.bytes(),
    };
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// What is asked for; `None` when its data can't mean anything.
fn command(request: Request) -> Option<Command> {
    Some(match request {
        Request::Get(_) => Command::GetMetrics,
        Request::Maildir(path) => Command::SetConfig(Setting::Maildir(maildir(&path)?)),
        Request::BufferSize(digits) => {
            Command::SetConfig(Setting::BufferSize(Some(buffer_size(&digits)?)))
        }
        Request::AddAdmin { name: admin, token } => {
            let secrets = AdminSecrets { password: None, token: Some(Token::new(&token)?) };
            Command::AddAdmin { name: name(&admin)?, secrets }
        }
        Request::RemoveAdmin { name: admin } => Command::RemoveAdmin { name: name(&admin)? },
        Request::AddUser { name: user, password } => {
            let password = Password::new(letters_and_digits(&password)?).ok()?;
            Command::AddUser { name: name(&user)?, password }
        }
        Request::RemoveUser { name: user } => {
            Command::RemoveUser { name: name(&user)?, cut: false }
        }
    })
}

fn name(octets: &[u8]) -> Option<Name> {
    Name::new(letters_and_digits(octets)?).ok()
}

/// "Todos los caracteres aceptados por este protocolo son ASCII del alfabeto inglés."
fn letters_and_digits(octets: &[u8]) -> Option<&[u8]> {
    octets.iter().all(u8::is_ascii_alphanumeric).then_some(octets)
}

fn buffer_size(digits: &[u8]) -> Option<BufferSize> {
    let digits = std::str::from_utf8(digits).ok()?;
    let size =
        digits.bytes().all(|octet| octet.is_ascii_digit()).then(|| digits.parse().ok())??;
    BufferSize::new(size)
}

fn maildir(path: &[u8]) -> Option<Maildir> {
    let of_a_path = |octet: &u8| octet.is_ascii_alphanumeric() || b"/._-".contains(octet);
    let path = std::str::from_utf8(path).ok().filter(|path| path.bytes().all(|o| of_a_path(&o)))?;
    Maildir::open(Path::new(path)).ok()
}

/// Duplicate, unknown, the last admin, no more room: the data can't be carried out.
fn denied(why: Denied) -> Status {
    match why {
        Denied::NotStored(_) => Status::SERVER_ERROR,
        _ => Status::BAD_DATA,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::Start;

    const TOKEN: &[u8; 16] = b"123456789abcdef1";

    fn core() -> Core {
        let (core, _) = Core::new(Start::default()).unwrap();
        let secrets = AdminSecrets { password: None, token: Token::new(TOKEN) };
        core.install_admin(Name::new(b"root").unwrap(), secrets).unwrap();
        core
    }

    fn session(core: &Core) -> OneshotSession {
        OneshotSession::new(core.clone(), IpAddr::from([192, 0, 2, 7]))
    }

    /// What a fresh session says to these parts, and whether it closed.
    fn said<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> (Vec<u8>, bool) {
        let (mut session, mut input) = (session(&core()), Input::default());
        let mut output = Vec::new();
        let mut closed = false;
        for part in parts {
            input.receive(part);
            match session.advance(&mut input, &mut output, Instant::now()) {
                Next::Close => closed = true,
                next => assert_eq!((next, closed), (Next::READ, false)),
            }
        }
        (output, closed)
    }

    fn request(rest: &[u8]) -> Vec<u8> {
        [&[1], &TOKEN[..], rest].concat()
    }

    #[test]
    fn one_response_however_it_is_cut_and_whatever_follows() {
        for (asked, response) in [
            (request(b"\0\0"), &b"\0\0\x04\0\0\0\0"[..]),
            (request(b"\x01\x01\0\x03512"), b"\0\0\x01\0"),
            (request(b"\x01\x01\0\x03511"), b"\x04\0\x01\0"),
            (request(b"\x01\x04\0\x05ana\0x"), b"\0\0\x01\0"),
            (request(b"\x02"), b"\x02\0\x01\0"),
            (request(b"\0\x03"), b"\x03\0\x01\0"),
            (vec![0], b"\x01\0\x01\0"),
            (b"\x01wrong token here".to_vec(), b"\x05\0\x01\0"),
        ] {
            for behind in [&b""[..], b"\0\x01\0", &request(b"\0\0")] {
                let asked = [&asked, behind].concat();
                let expected = (response.to_vec(), true);
                assert_eq!(said([&*asked]), expected);
                assert_eq!(said(asked.chunks(1)), expected);
                for cut in 1..asked.len() {
                    let (first, second) = asked.split_at(cut);
                    assert_eq!(said([first, second]), expected, "cut at {cut}");
                }
            }
            let (_, before) = asked.split_last().unwrap();
            assert_eq!(said([before]), (Vec::new(), false), "{}", asked.escape_ascii());
        }
    }

    #[test]
    fn counts_saturate() {
        let (mut metrics, most) = (core().metrics(), u64::from(u32::MAX));
        (metrics.historic, metrics.bytes_up, metrics.bytes_down) = (most + 1, most, 1);
        assert_eq!(count(&metrics, Counter::Historic), u32::MAX);
        assert_eq!(count(&metrics, Counter::Bytes), u32::MAX);
        assert_eq!(count(&metrics, Counter::Current), 0);
    }
}
