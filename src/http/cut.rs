//! Cutting connections from the live page: what is asked, whether another site's
//! page could have asked it, and what became of it.

use std::net::IpAddr;

use serde::Deserialize;
use serde_json::json;

use super::NAME;
use super::request::{Body, Request};
use super::response::Status;
use crate::core::{Caller, Command, ConnectionId, Core, Credential, Denied, Name, Outcome, latin1};

/// The most octets of a body.
pub const BODY_MAX: usize = 4 * 1024;

/// The body: either a connection or a user, and who says so. The credentials are in it each time,
/// so that a browser never adds them by itself.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Order {
    connection: Option<u64>,
    user: Option<String>,
    name: String,
    password: String,
}

/// What is to be cut.
enum Aim {
    Connection(ConnectionId),
    AllOf(Name),
}

impl Order {
    fn aim(&self) -> Option<Aim> {
        match (self.connection, &self.user) {
            (Some(id), None) => Some(Aim::Connection(ConnectionId(id))),
            (None, Some(user)) => Some(Aim::AllOf(Name::new(&latin1(user).ok()?).ok()?)),
            // Of two it can't be told which is meant.
            (Some(_), Some(_)) | (None, None) => None,
        }
    }
}

/// What became of it, as a sentence.
pub(super) struct Told {
    pub status: Status,
    sentence: String,
}

impl Told {
    pub fn json(&self) -> String {
        json!({ "done": self.status == Status::Ok, "sentence": self.sentence }).to_string()
    }

    fn new(status: Status, sentence: impl Into<String>) -> Self {
        Self { status, sentence: sentence.into() }
    }
}

/// Checks a head before its body is read: how long that is, or why it is refused.
pub(super) fn expect_body(request: &Request<'_>) -> Result<usize, Status> {
    if !is_from_our_page(request) {
        return Err(Status::Forbidden);
    }
    // A form of another site could be sent without being asked about (CORS), but not with this
    // media type.
    let media_type = request.content_type.unwrap_or_default();
    let media_type = media_type.split(|octet| *octet == b';').next().unwrap_or_default();
    if !media_type.trim_ascii().eq_ignore_ascii_case(b"application/json") {
        return Err(Status::UnsupportedMediaType);
    }
    // RFC 9110, section 10.1.1: a server answers such a request with "an immediate response with a
    // final status code" or an interim one. The first is enough: bodies are small here.
    let length = body_length(request)?;
    if request.expects { Err(Status::ExpectationFailed) } else { Ok(length) }
}

/// Whether a page from here asks. Browsers say where a POST comes from; what does not
/// say so is none of ours.
fn is_from_our_page(request: &Request<'_>) -> bool {
    let (Some(origin), Some(host)) = (request.origin, request.host) else { return false };
    // Behind a proxy that speaks TLS the scheme is another one.
    let authority = origin.strip_prefix(b"http://").or_else(|| origin.strip_prefix(b"https://"));
    let same_origin = authority.is_some_and(|it| it.eq_ignore_ascii_case(host.as_bytes()));
    // Fetch Metadata: newer browsers say it in one word.
    same_origin && request.fetch_site.is_none_or(|site| site == b"same-origin")
}

fn body_length(request: &Request<'_>) -> Result<usize, Status> {
    match request.body {
        // RFC 9112, section 6.3: a server "MAY reject a request that contains a message body but
        // not a Content-Length by responding with 411 (Length Required)".
        Body::None | Body::Chunked => Err(Status::LengthRequired),
        Body::Length(length) => {
            let length = usize::try_from(length).ok().filter(|length| *length <= BODY_MAX);
            length.ok_or(Status::ContentTooLarge)
        }
    }
}

/// Carries out what a body asks for. Failed logins are counted and slowed down.
pub(super) fn cut(core: &Core, body: &[u8], from: IpAddr) -> Told {
    let order = serde_json::from_slice::<Order>(body).ok();
    let Some((order, aim)) = order.and_then(|order| order.aim().map(|aim| (order, aim))) else {
        return Told::new(Status::BadRequest, "the request can't be understood");
    };
    let name = latin1(&order.name).unwrap_or_default();
    let password = latin1(&order.password).unwrap_or_default();
    let credential = Credential::Password { name: &name, password: &password };
    let Ok(caller) = core.log_in(NAME, credential, from) else {
        let sentence = "The name or the password is wrong, or there were too many wrong ones: \
                        then wait a little.";
        return Told::new(Status::Forbidden, sentence);
    };
    match aim {
        Aim::Connection(id) => cut_connection(core, &caller, id),
        Aim::AllOf(user) => cut_user(core, &caller, user),
    }
}

fn cut_connection(core: &Core, caller: &Caller, id: ConnectionId) -> Told {
    match core.apply(caller, Command::CutConnection(id)) {
        Ok(_) => Told::new(Status::Ok, format!("Connection {id} is cut.")),
        Err(Denied::ConnectionUnknown(id)) => {
            Told::new(Status::NotFound, format!("Connection {id} is not open any more."))
        }
        Err(denied) => Told::new(Status::Forbidden, format!("It is not cut: {denied}.")),
    }
}

fn cut_user(core: &Core, caller: &Caller, user: Name) -> Told {
    let shown = user.to_string();
    match core.apply(caller, Command::CutUser(user)) {
        Ok(Outcome::Cut(count @ 1..)) => {
            let (noun, verb) =
                if count == 1 { ("connection", "is") } else { ("connections", "are") };
            Told::new(Status::Ok, format!("{count} {noun} of {shown} {verb} cut."))
        }
        Ok(_) | Err(Denied::UserUnknown(_)) => {
            Told::new(Status::NotFound, format!("No connection of {shown} is open."))
        }
        Err(denied) => Told::new(Status::Forbidden, format!("They are not cut: {denied}.")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expected(fields: &str) -> Result<usize, Status> {
        let head = format!("POST /cut HTTP/1.1\r\nHost: localhost:80\r\n{fields}\r\n");
        let (request, _) = Request::decode(head.as_bytes())?.unwrap();
        expect_body(&request)
    }

    const OURS: &str = "Origin: http://localhost:80\r\nContent-Type: application/json\r\n";

    #[test]
    fn another_sites_page_is_refused() {
        for origin in [
            "",
            "Origin: null\r\n",
            "Origin: http://evil.example\r\n",
            "Origin: http://localhost\r\n",
            "Origin: http://localhost:80.evil.example\r\n",
            "Origin: localhost:80\r\n",
            "Origin: http://localhost:80\r\nSec-Fetch-Site: same-site\r\n",
            "Origin: http://localhost:80\r\nSec-Fetch-Site: cross-site\r\n",
        ] {
            let fields = format!("{origin}Content-Type: application/json\r\nContent-Length: 2\r\n");
            assert_eq!(expected(&fields), Err(Status::Forbidden), "{origin}");
        }
        let same = "Sec-Fetch-Site: same-origin\r\nContent-Length: 2\r\n";
        assert_eq!(expected(&format!("{OURS}{same}")), Ok(2));
        let tls = OURS.replace("http:", "https:");
        assert_eq!(expected(&format!("{tls}{same}")), Ok(2));
        let form = OURS.replace("application/json", "text/plain");
        assert_eq!(expected(&format!("{form}{same}")), Err(Status::UnsupportedMediaType));
    }

    #[test]
    fn a_body_has_a_length_and_a_bound() {
        for (fields, answer) in [
            ("", Err(Status::LengthRequired)),
            ("Content-Length: 0\r\n", Ok(0)),
            ("Content-Length: 4096\r\n", Ok(4096)),
            ("Content-Length: 4097\r\n", Err(Status::ContentTooLarge)),
            ("Content-Length: 99999999999999999999999\r\n", Err(Status::ContentTooLarge)),
            ("Content-Length: +1\r\n", Err(Status::BadRequest)),
            ("Content-Length: \r\n", Err(Status::BadRequest)),
            ("Content-Length: 1, 1\r\n", Err(Status::BadRequest)),
            ("Transfer-Encoding: chunked\r\n", Err(Status::LengthRequired)),
            ("Transfer-Encoding: xchunked\r\n", Err(Status::BadRequest)),
            ("Transfer-Encoding: gzip, chunked\r\n", Err(Status::BadRequest)),
            ("Transfer-Encoding: chunked\r\nContent-Length: 1\r\n", Err(Status::BadRequest)),
            ("Content-Length: 1\r\nExpect: 100-continue\r\n", Err(Status::ExpectationFailed)),
            ("Content-Length: 4097\r\nExpect: 100-continue\r\n", Err(Status::ContentTooLarge)),
        ] {
            assert_eq!(expected(&format!("{OURS}{fields}")), answer, "{fields}");
        }
    }
}
