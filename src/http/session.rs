//! One request and its answer.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use super::cut::{cut, expect_body};
use super::live::live;
use super::metrics::{CONTENT_TYPE, Sources, exposition};
use super::query::Query;
use super::request::Request;
use super::response::{Answer, Challenge, Status};
use super::{NAME, page};
use crate::core::Password;
use crate::net::session::{Input, Next, Session};
use crate::wire::base64;

/// Where a connection can be cut: the one thing here that changes something.
const CUT: &str = "/cut";

/// The conversation of one connection.
pub struct HttpSession {
    sources: Arc<Sources>,
    token: Option<Password>,
    from: IpAddr,
    clock: fn() -> SystemTime,
    /// The length of the body, once the head has been accepted.
    body: Option<usize>,
}

impl HttpSession {
    /// A conversation with a peer at that address, who has to show `token` if there
    /// is one. `clock` is for the Date of the answer.
    pub fn new(
        sources: Arc<Sources>,
        token: Option<Password>,
        from: IpAddr,
        clock: fn() -> SystemTime,
    ) -> Self {
        Self { sources, token, from, clock, body: None }
    }

    /// What a head is answered at once, or, with `Err`, the length of the body that
    /// has to be read first.
    fn answer(&self, request: &Request<'_>) -> Result<Answer, usize> {
        let method = request.method;
        if request.path == CUT {
            if method != "POST" {
                return Ok(Answer::refused(Status::MethodNotAllowed("POST")));
            }
            let length = self.admit(request).and_then(|()| expect_body(request));
            return length.map_or_else(|status| Ok(self.refused(request, status)), Err);
        }
        if !matches!(method, "GET" | "HEAD") {
            return Ok(Answer::refused(Status::MethodNotAllowed("GET, HEAD")));
        }
        // A health check carries no secret, and learns nothing but that we are here.
        if request.path == "/healthz" {
            return Ok(Answer::plain("ok\n"));
        }
        let read = self.admit(request).and_then(|()| self.read(request));
        Ok(read.unwrap_or_else(|status| self.refused(request, status)))
    }

    /// What an admitted asker reads.
    fn read(&self, request: &Request<'_>) -> Result<Answer, Status> {
        match request.path {
            "/metrics" => Ok(Answer::ok(CONTENT_TYPE, exposition(&self.sources))),
            "/live.json" => {
                let query = Query::decode(request.query)?;
                let told = live(&self.sources.core, &query, (self.clock)());
                Ok(Answer::ok("application/json", told))
            }
            path => page::file(path).ok_or(Status::NotFound),
        }
    }

    fn refused(&self, request: &Request<'_>, status: Status) -> Answer {
        // A browser asks its user for Basic; the page tells its user itself.
        let script = request.fetch_dest == Some(b"empty");
        let challenge = if script { Challenge::Bearer } else { Challenge::Basic };
        Answer { challenge, ..Answer::refused(status) }
    }

    /// Checks that the asker may know more than that the server is up.
    fn admit(&self, request: &Request<'_>) -> Result<(), Status> {
        let Some(token) = &self.token else {
            let here = request.is_for_this_machine();
            return if here { Ok(()) } else { Err(Status::MisdirectedRequest) };
        };
        // A browser asks without credentials first, which is no attempt to guess.
        if request.authorization.is_none() {
            return Err(Status::Unauthorized);
        }
        let shown = request.shows(token, |text| base64::decode(text).ok());
        let admitted = self.sources.core.admit_watcher(NAME, shown, self.from);
        admitted.map_err(|_| Status::Unauthorized)
    }
}

/// Nobody is ever admitted: who reads an answer too slowly must not hold a thread
/// either.
impl Session for HttpSession {
    type Done = ();

    fn advance(&mut self, input: &mut Input, output: &mut Vec<u8>, _now: Instant) -> Next<()> {
        let mut head_only = false;
        let answer = match self.body {
            Some(length) => Err(length),
            None => match Request::decode(input.bytes()) {
                Ok(None) => return Next::READ,
                Ok(Some((request, head))) => {
                    head_only = request.method == "HEAD";
                    let answer = self.answer(&request);
                    input.take(head);
                    answer
                }
                Err(status) => {
                    head_only = input.bytes().trim_ascii_start().starts_with(b"HEAD ");
                    Ok(Answer::refused(status))
                }
            },
        };
        let answer = match answer {
            Ok(answer) => answer,
            Err(length) => {
                self.body = Some(length);
                let Some(body) = input.bytes().get(..length) else { return Next::READ };
                Answer::told(&cut(&self.sources.core, body, self.from))
            }
        };
        answer.put(output, head_only, (self.clock)());
        // What may come behind it, a body or more requests, is not looked at: the
        // answer says that the connection ends with it.
        Next::Close
    }
}
