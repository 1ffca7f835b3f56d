//! One request and its answer.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use super::NAME;
use super::metrics::{CONTENT_TYPE, Sources, exposition};
use super::request::Request;
use super::response::{Status, put};
use crate::core::{Credential, Password};
use crate::net::session::{Input, Next, Session};
use crate::wire::base64;

const PLAIN: &str = "text/plain; charset=utf-8";

/// The conversation of one connection.
pub struct HttpSession {
    sources: Arc<Sources>,
    token: Option<Password>,
    from: IpAddr,
    clock: fn() -> SystemTime,
    answered: bool,
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
        Self { sources, token, from, clock, answered: false }
    }

    fn answer(&self, request: &Request<'_>) -> (Status, &'static str, String) {
        let refused = |status: Status| (status, PLAIN, format!("{}\n", status.line()));
        if !matches!(request.method, "GET" | "HEAD") {
            return refused(Status::MethodNotAllowed);
        }
        // A health check carries no secret, and learns nothing but that we are here.
        if request.path == "/healthz" {
            return (Status::Ok, PLAIN, "ok\n".to_owned());
        }
        if let Err(status) = self.admit(request) {
            return refused(status);
        }
        match request.path {
            "/metrics" => (Status::Ok, CONTENT_TYPE, exposition(&self.sources)),
            _ => refused(Status::NotFound),
        }
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
        let proof = if shown { Ok((NAME.to_owned(), None)) } else { Err(b"-".as_slice()) };
        let login = self.sources.core.log_in(NAME, Credential::Checked(proof), self.from);
        login.map(drop).map_err(|_| Status::Unauthorized)
    }
}

impl Session for HttpSession {
    type Done = ();

    /// The deadline is one for the request: its answer has a time of its own.
    fn admitted(&self) -> bool {
        self.answered
    }

    fn advance(&mut self, input: &mut Input, output: &mut Vec<u8>, _now: Instant) -> Next<()> {
        let (status, content_type, body, head_only) = match Request::decode(input.bytes()) {
            Ok(None) => return Next::READ,
            Ok(Some(request)) => {
                let (status, content_type, body) = self.answer(&request);
                (status, content_type, body, request.method == "HEAD")
            }
            Err(status) => (status, PLAIN, format!("{}\n", status.line()), false),
        };
        self.answered = true;
        put(output, status, (content_type, &body), head_only, (self.clock)());
        // What may come behind the head, a body or more requests, is not looked at:
        // the answer says that the connection ends with it.
        Next::Close
    }
}
