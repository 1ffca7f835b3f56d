//! The conversation: HELLO, AUTH, then requests until the token or the patience ends.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use serde::Serialize;
use serde_json::json;

use super::actions::{ACTIONS, GET_OS_INFO, Refusal, carry_out, scope};
use super::host::Host;
use super::rate::Rate;
use super::sampling::{SECONDS, SECONDS_DEFAULT, Sampling};
use super::token::{BadToken, Grant, JwtKey};
use crate::core::{Caller, Core, Credential};
use crate::net::session::{Input, Next, Session};
use crate::wire::json::data::{Auth, Goodbye, Pong, SessionOpened, Window};
use crate::wire::json::{Code, Failure, Frame, Hello, Request, Response, Scalar};

/// MAX_IN_FLIGHT: requests that may wait for their answers. While as many wait, no
/// more are read.
const MAX_IN_FLIGHT: usize = 8;
/// SESSION_TIMEOUT: "30 minutos de inactividad".
const SESSION_TIMEOUT: Duration = Duration::from_secs(30 * 60);
/// Who has asked and then said that no more will come is answered within this time:
/// whether anybody is still there can't be known.
const LAST_ANSWERS: Duration = Duration::from_secs(60);
/// Answers beyond this many octets are sent before more requests are read.
const ENOUGH_OUTPUT: usize = 16 * 1024;

/// One conversation of the json dialect.
pub struct JsonSession {
    core: Core,
    key: JwtKey,
    from: IpAddr,
    host: Box<dyn Host>,
    greeted: bool,
    login: Option<Login>,
    rate: Rate,
    sampling: Sampling,
    /// When the last request came, or the last answer that took time went.
    active: Option<Instant>,
    over: bool,
}

/// A token that was accepted.
struct Login {
    caller: Caller,
    scopes: BTreeSet<String>,
    /// `None` beyond what an `Instant` can say.
    expires: Option<Instant>,
}

impl JsonSession {
    /// A conversation with a peer at that address, to which nothing has been said.
    pub fn new(core: Core, key: JwtKey, from: IpAddr, host: Box<dyn Host>) -> Self {
        let rate = Rate::new(core.thresholds());
        Self {
            core,
            key,
            from,
            host,
            greeted: false,
            login: None,
            rate,
            sampling: Sampling::default(),
            active: None,
            over: false,
        }
    }

    /// Takes frames until there are none, too many wait, or it is over. Whether
    /// there is more output than should be held.
    fn read(&mut self, input: &mut Input, output: &mut Vec<u8>, now: Instant) -> bool {
        while !self.over && self.sampling.waiting() < MAX_IN_FLIGHT {
            match Frame::decode(input.bytes()) {
                Ok(None) => return false,
                Ok(Some((frame, used))) => {
                    self.active = Some(now);
                    self.answer(frame, output, now);
                    input.take(used);
                }
                Err(error) => {
                    let refusal = refusal(Code::PAYLOAD_TOO_LARGE, &error.to_string());
                    self.end(refusal, output);
                }
            }
            if output.len() >= ENOUGH_OUTPUT {
                return true;
            }
        }
        false
    }

    fn answer(&mut self, frame: Frame<'_>, output: &mut Vec<u8>, now: Instant) {
        let parsed = Request::parse(frame.0);
        // Whatever it is, reading it was work.
        let rate = self.rate.accept(now).map_err(rate_limited);
        match parsed {
            Ok(request) => {
                let done = rate.and_then(|()| self.serve(&request, output, now));
                if let Err(refusal) = done {
                    failure(Some(request.id), Some(request.action), refusal).encode(output);
                }
            }
            Err(bad) => {
                let refusal = rate.err().unwrap_or_else(|| Refusal::bad_data(bad.why));
                failure(bad.id, bad.action, refusal).encode(output);
            }
        }
    }

    fn serve(
        &mut self,
        request: &Request<'_>,
        output: &mut Vec<u8>,
        now: Instant,
    ) -> Result<(), Refusal> {
        if request.action == "AUTH" {
            // "ERR AUTH {INVALID_TOKEN}", and then "TCP Close".
            let opened = self.authenticate(request, now).inspect_err(|_| self.over = true)?;
            respond(request, opened, output);
            return Ok(());
        }
        let Some(login) = &self.login else {
            return Err(refusal(Code::AUTH_REQUIRED, "say AUTH with a token first"));
        };
        match request.action.as_str() {
            "PING" => respond(request, Pong { timestamp: self.host.time() }, output),
            "QUIT" => {
                respond(request, Goodbye { message: "Goodbye".into() }, output);
                self.over = true;
            }
            GET_OS_INFO => {
                login.permit(GET_OS_INFO)?;
                let seconds = window(request)?;
                self.sampling.begin(request.id.clone(), seconds, now, self.host.as_mut());
            }
            action if ACTIONS.contains(&action) => {
                login.permit(scope(action))?;
                respond(request, carry_out(&self.core, &login.caller, request)?, output);
            }
            _ => return Err(refusal(Code::UNKNOWN_ACTION, "there is no such action")),
        }
        Ok(())
    }

    /// A later AUTH replaces the token: so a client can go on before it expires.
    fn authenticate(
        &mut self,
        request: &Request<'_>,
        now: Instant,
    ) -> Result<SessionOpened, Refusal> {
        let time = self.host.time();
        let token = request.data::<Auth>().ok().and_then(|auth| auth.token);
        let grant = match &token {
            Some(Scalar::Text(token)) => self.key.check(token, time).map_err(bad_token),
            _ => Err((refusal(Code::UNAUTHORIZED, "AUTH needs a token"), "-".into())),
        };
        let proof = grant.as_ref().map_err(|(_, subject)| subject.as_bytes());
        let proof = proof.map(|grant| (grant.subject.clone(), Some(grant.scopes.clone())));
        let caller = self.core.log_in("json", Credential::Checked(proof), self.from);
        let Grant { scopes, expires, .. } = grant.map_err(|(refusal, _)| refusal)?;
        // A right token from an address that is refused for guessing.
        let caller = caller.map_err(|_| invalid_token())?;
        let random = self.host.random().map_err(|_| {
            refusal(Code::INTERNAL_ERROR, "the system has no random bytes, try again later")
        })?;
        let left = Duration::from_millis(expires.saturating_sub(time));
        let opened = SessionOpened {
            session_id: format!("sess_{random:016x}"),
            scopes: scopes.iter().cloned().collect(),
        };
        self.login = Some(Login { caller, scopes, expires: now.checked_add(left) });
        Ok(opened)
    }

    /// Ends the session when its time has come.
    fn check_times(&mut self, output: &mut Vec<u8>, now: Instant) {
        let Some(login) = &self.login else { return };
        if self.sampling.waiting() > 0 {
            self.active = Some(now);
        }
        if login.expires.is_some_and(|expires| expires <= now) {
            self.end(refusal(Code::TOKEN_EXPIRED, "the token of this session has expired"), output);
        } else if self.idle_end().is_some_and(|end| end <= now) {
            self.end(refusal(Code::CONNECTION, "nothing was asked for 30 minutes"), output);
        }
    }

    fn idle_end(&self) -> Option<Instant> {
        self.active.map(|active| active + SESSION_TIMEOUT)
    }

    /// Says why, to no request in particular, and ends it.
    fn end(&mut self, why: Refusal, output: &mut Vec<u8>) {
        failure(None, None, why).encode(output);
        self.over = true;
    }

    fn send_samples(&mut self, output: &mut Vec<u8>, now: Instant) {
        for (id, info) in self.sampling.advance(now, self.host.as_mut()) {
            self.active = Some(now);
            Response { id, action: GET_OS_INFO.into(), data: info }.encode(output);
        }
    }

    /// What to wait for now.
    fn wait(&mut self, input: &Input, now: Instant) -> Next<()> {
        if input.ended() {
            self.sampling.hasten(now + LAST_ANSWERS);
            return match self.sampling.until() {
                Some(until) => Next::Read { until: Some(until) },
                None => Next::READ,
            };
        }
        let Some(login) = &self.login else { return Next::READ };
        let moments = [login.expires, self.idle_end(), self.sampling.until()];
        Next::Read { until: moments.into_iter().flatten().min() }
    }
}

impl Session for JsonSession {
    type Done = ();

    fn admitted(&self) -> bool {
        self.login.is_some()
    }

    fn advance(&mut self, input: &mut Input, output: &mut Vec<u8>, now: Instant) -> Next<()> {
        if !self.greeted {
            Hello::ours().encode(output);
            self.greeted = true;
        }
        if !self.over {
            self.send_samples(output, now);
            self.check_times(output, now);
        }
        let more = self.read(input, output, now);
        if self.over {
            Next::Close
        } else if more {
            Next::Write
        } else {
            self.wait(input, now)
        }
    }
}

impl Login {
    /// "Control de acceso por scopes ... Denial por defecto".
    fn permit(&self, scope: &str) -> Result<(), Refusal> {
        if self.caller.may(scope) {
            return Ok(());
        }
        Err(Refusal {
            code: Code::FORBIDDEN,
            message: format!("Required scope: {scope}"),
            details: Some(json!({
                "requiredScope": scope,
                "userScopes": self.scopes,
                "suggestion": "Contact admin for scope assignment",
            })),
        })
    }
}

fn window(request: &Request<'_>) -> Result<u32, Refusal> {
    let Window { seconds } = request.data().map_err(Refusal::bad_data)?;
    let seconds = seconds.unwrap_or(SECONDS_DEFAULT);
    if SECONDS.contains(&seconds) {
        Ok(seconds)
    } else {
        Err(Refusal::bad_data(format!("seconds: {seconds} is not from 1 to 3600")))
    }
}

fn respond<T: Serialize>(request: &Request<'_>, data: T, output: &mut Vec<u8>) {
    let (id, action) = (request.id.clone(), request.action.clone());
    Response { id, action, data }.encode(output);
}

fn failure(id: Option<String>, action: Option<String>, refusal: Refusal) -> Failure {
    let Refusal { code, message, details } = refusal;
    Failure { id, action, code, message, details }
}

fn refusal(code: Code, message: &str) -> Refusal {
    Refusal { code, message: message.into(), details: None }
}

fn invalid_token() -> Refusal {
    refusal(Code::INVALID_TOKEN, "Invalid, expired, or revoked token")
}

fn bad_token(bad: BadToken) -> (Refusal, String) {
    match bad {
        BadToken::Invalid => (invalid_token(), "-".into()),
        BadToken::Expired(subject) => {
            (refusal(Code::TOKEN_EXPIRED, "the token has expired, get another one"), subject)
        }
    }
}

fn rate_limited(wait: Duration) -> Refusal {
    // Rounded up: who waits for so long is let through.
    let wait = wait.as_micros().div_ceil(1000);
    Refusal {
        code: Code::RATE_LIMITED,
        message: format!("too many requests, wait for {wait} ms"),
        details: Some(json!({ "retryAfterMs": u64::try_from(wait).unwrap_or(u64::MAX) })),
    }
}
