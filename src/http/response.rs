//! An answer (RFC 9112, section 4), always the last one on its connection.

use std::borrow::Cow;
use std::time::SystemTime;

use super::cut::Told;
use crate::core::HttpDate;

/// The status codes that are used here (RFC 9110, section 15).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    Ok,
    BadRequest,
    Unauthorized,
    Forbidden,
    NotFound,
    MethodNotAllowed(&'static str),
    LengthRequired,
    ContentTooLarge,
    UnsupportedMediaType,
    ExpectationFailed,
    MisdirectedRequest,
    FieldsTooLarge,
    VersionNotSupported,
}

impl Status {
    /// The code and the reason phrase.
    pub fn line(self) -> &'static str {
        match self {
            Self::Ok => "200 OK",
            Self::BadRequest => "400 Bad Request",
            Self::Unauthorized => "401 Unauthorized",
            Self::Forbidden => "403 Forbidden",
            Self::NotFound => "404 Not Found",
            Self::MethodNotAllowed(_) => "405 Method Not Allowed",
            Self::LengthRequired => "411 Length Required",
            Self::ContentTooLarge => "413 Content Too Large",
            Self::UnsupportedMediaType => "415 Unsupported Media Type",
            Self::ExpectationFailed => "417 Expectation Failed",
            Self::MisdirectedRequest => "421 Misdirected Request",
            Self::FieldsTooLarge => "431 Request Header Fields Too Large",
            Self::VersionNotSupported => "505 HTTP Version Not Supported",
        }
    }
}

const PLAIN: &str = "text/plain; charset=utf-8";

/// What a page that is not meant to be one may load: nothing.
const NOTHING: &str = "default-src 'none'; frame-ancestors 'none'";

/// What is answered.
pub(super) struct Answer {
    pub status: Status,
    pub content_type: &'static str,
    pub body: Cow<'static, str>,
    /// The Content-Security-Policy.
    pub policy: &'static str,
    /// How a browser that shows a page asks for the token; scripts get no dialog.
    pub challenge: Challenge,
}

/// The WWW-Authenticate of a 401.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Challenge {
    Basic,
    Bearer,
}

impl Answer {
    /// The resource of that media type.
    pub fn ok(content_type: &'static str, body: impl Into<Cow<'static, str>>) -> Self {
        let (status, body) = (Status::Ok, body.into());
        Self { status, content_type, body, policy: NOTHING, challenge: Challenge::Basic }
    }

    /// A status with its own name as the text.
    pub fn refused(status: Status) -> Self {
        Self { status, ..Self::ok(PLAIN, format!("{}\n", status.line())) }
    }

    /// A text.
    pub fn plain(text: &'static str) -> Self {
        Self::ok(PLAIN, text)
    }

    /// What became of a change.
    pub fn told(told: &Told) -> Self {
        Self { status: told.status, ..Self::ok("application/json", told.json()) }
    }

    /// Appends it; `head_only` leaves the body away.
    pub fn put(&self, output: &mut Vec<u8>, head_only: bool, now: SystemTime) {
        let head = format!(
            "HTTP/1.1 {}\r\nDate: {}\r\n{}Content-Type: {}\r\nContent-Length: {}\r\n\
             Cache-Control: no-store\r\nContent-Security-Policy: {}\r\n\
             X-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer\r\n\
             Cross-Origin-Resource-Policy: same-origin\r\n\
             Cross-Origin-Opener-Policy: same-origin\r\nConnection: close\r\n\r\n",
            self.status.line(),
            HttpDate(now),
            self.field(),
            self.content_type,
            self.body.len(),
            self.policy,
        );
        output.extend_from_slice(head.as_bytes());
        if !head_only {
            output.extend_from_slice(self.body.as_bytes());
        }
    }

    /// The field that goes with the code, if there has to be one.
    fn field(&self) -> String {
        match (self.status, self.challenge) {
            (Status::Unauthorized, Challenge::Basic) => {
                "WWW-Authenticate: Basic realm=\"socksd\", charset=\"UTF-8\"\r\n".into()
            }
            (Status::Unauthorized, Challenge::Bearer) => {
                "WWW-Authenticate: Bearer realm=\"socksd\"\r\n".into()
            }
            // "The origin server MUST generate an Allow header field in a 405 response".
            (Status::MethodNotAllowed(allowed), _) => format!("Allow: {allowed}\r\n"),
            _ => String::new(),
        }
    }
}
