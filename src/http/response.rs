//! An answer (RFC 9112, section 4), always the last one on its connection.

use std::time::SystemTime;

use crate::core::HttpDate;

/// The status codes that are used here (RFC 9110, section 15).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    Ok,
    BadRequest,
    Unauthorized,
    NotFound,
    MethodNotAllowed,
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
            Self::NotFound => "404 Not Found",
            Self::MethodNotAllowed => "405 Method Not Allowed",
            Self::MisdirectedRequest => "421 Misdirected Request",
            Self::FieldsTooLarge => "431 Request Header Fields Too Large",
            Self::VersionNotSupported => "505 HTTP Version Not Supported",
        }
    }

    /// The field that goes with the code, if there has to be one.
    fn field(self) -> &'static str {
        match self {
            Self::Unauthorized => "WWW-Authenticate: Basic realm=\"socksd\", charset=\"UTF-8\"\r\n",
            // "The origin server MUST generate an Allow header field in a 405 response".
            Self::MethodNotAllowed => "Allow: GET, HEAD\r\n",
            _ => "",
        }
    }
}

/// Appends an answer; `body` stays away where only the head was asked for.
pub(super) fn put(
    output: &mut Vec<u8>,
    status: Status,
    (content_type, body): (&str, &str),
    head_only: bool,
    now: SystemTime,
) {
    let head = format!(
        "HTTP/1.1 {}\r\nDate: {}\r\n{}Content-Type: {content_type}\r\nContent-Length: {}\r\n\
         Cache-Control: no-store\r\nContent-Security-Policy: default-src 'none'; \
         frame-ancestors 'none'\r\nX-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n",
        status.line(),
        HttpDate(now),
        status.field(),
        body.len(),
    );
    output.extend_from_slice(head.as_bytes());
    if !head_only {
        output.extend_from_slice(body.as_bytes());
    }
}
