//! The head of a request (RFC 9112, sections 2 to 5), read by `httparse`.

use std::net::IpAddr;

use super::response::Status;
use crate::core::Password;

/// The most octets of a request's head.
pub const HEAD_MAX: usize = 8 * 1024;
/// The most fields in it.
const FIELDS_MAX: usize = 64;

/// What was asked for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Request<'a> {
    pub method: &'a str,
    /// Of the target, without the query.
    pub path: &'a str,
    /// What stands behind the question mark, still encoded.
    pub query: &'a str,
    /// The authority, with its port if there is one.
    pub host: Option<&'a str>,
    pub authorization: Option<&'a [u8]>,
    pub content_type: Option<&'a [u8]>,
    pub content_length: Option<&'a [u8]>,
    pub transfer_encoding: bool,
    /// Whether there is an Expect.
    pub expects: bool,
    /// The page that asks (RFC 6454, section 7), as browsers say with every POST.
    pub origin: Option<&'a [u8]>,
    /// Sec-Fetch-Site: how the asking page is related to this server.
    pub fetch_site: Option<&'a [u8]>,
    /// Sec-Fetch-Dest: what for, `empty` for a script.
    pub fetch_dest: Option<&'a [u8]>,
}

impl<'a> Request<'a> {
    /// Reads a head that starts at the front, and says how long it is: `Ok(None)`
    /// needs more octets, an error is the answer.
    pub fn decode(bytes: &'a [u8]) -> Result<Option<(Self, usize)>, Status> {
        let head = bytes.get(..HEAD_MAX).unwrap_or(bytes);
        let mut fields = [httparse::EMPTY_HEADER; FIELDS_MAX];
        let mut parsed = httparse::Request::new(&mut fields);
        let length = match parsed.parse(head) {
            Ok(httparse::Status::Complete(length)) => length,
            Ok(httparse::Status::Partial) if head.len() < HEAD_MAX => return Ok(None),
            Ok(httparse::Status::Partial) | Err(httparse::Error::TooManyHeaders) => {
                return Err(Status::FieldsTooLarge);
            }
            Err(httparse::Error::Version) => return Err(Status::VersionNotSupported),
            Err(_) => return Err(Status::BadRequest),
        };
        let (Some(method), Some(target)) = (parsed.method, parsed.path) else {
            return Err(Status::BadRequest);
        };
        let field = |name: &str| only(parsed.headers, name);
        let host = field("host")?.map(|host| host.trim_ascii());
        // RFC 9112, section 3.2: "A server MUST respond with a 400 (Bad Request) status code to
        // any HTTP/1.1 request message that lacks a Host header field".
        if parsed.version == Some(1) && host.is_none() {
            return Err(Status::BadRequest);
        }
        let host = host.map(str::from_utf8).transpose().map_err(|_| Status::BadRequest)?;
        let (authority, target) = split(target);
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let request = Self {
            method,
            path,
            query,
            host: authority.or(host),
            authorization: field("authorization")?,
            content_type: field("content-type")?,
            content_length: field("content-length")?,
            transfer_encoding: field("transfer-encoding")?.is_some(),
            expects: field("expect")?.is_some(),
            origin: field("origin")?,
            fetch_site: field("sec-fetch-site")?,
            fetch_dest: field("sec-fetch-dest")?,
        };
        Ok(Some((request, length)))
    }

    /// Whether it was meant for this machine by whoever sent it: a page of another
    /// site can have its own name resolved to our address, but not `localhost` or
    /// an address.
    pub fn is_for_this_machine(&self) -> bool {
        // HTTP/1.0 has no Host, and no browser speaks it.
        let Some(host) = self.host else { return true };
        let name = match host.strip_prefix('[') {
            Some(rest) => rest.split(']').next(),
            None => host.split(':').next(),
        };
        let name = name.unwrap_or_default();
        name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok()
    }

    /// Whether it shows this token, as Bearer (RFC 6750) or as the password of
    /// Basic (RFC 7617).
    pub fn shows(&self, token: &Password, decode: fn(&[u8]) -> Option<Vec<u8>>) -> bool {
        let Some(given) = self.authorization else { return false };
        let mut words = given.splitn(2, |octet| *octet == b' ');
        let scheme = words.next().unwrap_or_default();
        let secret = words.next().unwrap_or_default().trim_ascii();
        if scheme.eq_ignore_ascii_case(b"bearer") {
            return token.matches(secret);
        }
        let pair = decode(secret).filter(|_| scheme.eq_ignore_ascii_case(b"basic"));
        // "The user-id and password MUST NOT contain any control characters", and the user-id
        // ends at the first colon.
        let password = pair.as_ref().and_then(|pair| {
            let colon = pair.iter().position(|octet| *octet == b':')?;
            pair.get(colon + 1..)
        });
        password.is_some_and(|password| token.matches(password))
    }
}

/// The value of a field that may be there once at most.
fn only<'a>(fields: &[httparse::Header<'a>], name: &str) -> Result<Option<&'a [u8]>, Status> {
    let mut found = fields.iter().filter(|field| field.name.eq_ignore_ascii_case(name));
    let first = found.next().map(|field| field.value);
    if found.next().is_some() { Err(Status::BadRequest) } else { Ok(first) }
}

/// The authority and the rest of a target in origin or absolute form.
fn split(target: &str) -> (Option<&str>, &str) {
    // Section 3.2.2: "a server MUST accept the absolute-form in requests even though most HTTP/1.1
    // clients will only send the absolute-form to a proxy".
    match target.strip_prefix("http://") {
        Some(rest) => {
            let (authority, rest) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
            (Some(authority), rest)
        }
        None => (None, target),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(head: &str) -> Status {
        Request::decode(head.as_bytes()).unwrap_err()
    }

    #[test]
    fn a_head_is_read_when_it_is_whole() {
        let head = b"\r\nGET /metrics?x=1 HTTP/1.1\r\nhost: [::1]:80\r\n\r\n";
        for end in 0..head.len() {
            assert_eq!(Request::decode(&head[..end]), Ok(None), "{end}");
        }
        let (request, length) = Request::decode(head).unwrap().unwrap();
        assert_eq!((request.method, request.path, request.query), ("GET", "/metrics", "x=1"));
        assert_eq!(length, head.len());
        assert!(request.is_for_this_machine());
    }

    #[test]
    fn what_is_wrong_has_its_status() {
        assert_eq!(status("GET / HTTP/1.1\r\n\r\n"), Status::BadRequest);
        assert_eq!(status("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"), Status::BadRequest);
        assert_eq!(status("GET / HTTP/1.1\r\nHost : a\r\n\r\n"), Status::BadRequest);
        assert_eq!(status("\u{5}\u{1}"), Status::BadRequest);
        assert_eq!(status("GET / HTTP/2.0\r\nHost: a\r\n\r\n"), Status::VersionNotSupported);
        let long = format!("GET /{} HTTP/1.1", "a".repeat(HEAD_MAX));
        assert_eq!(status(&long), Status::FieldsTooLarge);
        let many = format!("GET / HTTP/1.1\r\n{}\r\n", "a: b\r\n".repeat(FIELDS_MAX + 1));
        assert_eq!(status(&many), Status::FieldsTooLarge);
    }

    #[test]
    fn other_names_are_not_this_machine() {
        let told = |target: &str, host: &str| {
            let head = format!("GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n");
            Request::decode(head.as_bytes()).unwrap().unwrap().0.is_for_this_machine()
        };
        assert!(told("/", "localhost:9") && told("/", "127.0.0.1") && told("/", "LOCALHOST"));
        assert!(told("http://127.0.0.1/", "evil.example"));
        assert!(!told("/", "evil.example:80") && !told("/", "127.0.0.1.evil.example"));
        assert!(!told("/", "") && !told("http://evil.example/", "127.0.0.1"));
    }
}
