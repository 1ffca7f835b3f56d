//! The head of a request (RFC 9112, sections 2 to 5), read by `httparse`.

use std::net::{IpAddr, Ipv6Addr};

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
    pub body: Body,
    /// Whether something is expected before the body is sent.
    pub expects: bool,
    /// The page that asks (RFC 6454, section 7), as browsers say with every POST.
    pub origin: Option<&'a [u8]>,
    /// Sec-Fetch-Site: how the asking page is related to this server.
    pub fetch_site: Option<&'a [u8]>,
    /// Sec-Fetch-Dest: what for, `empty` for a script.
    pub fetch_dest: Option<&'a [u8]>,
}

/// How a head says that a body follows (RFC 9112, section 6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Body {
    None,
    /// So many octets, or more.
    Length(u64),
    /// In pieces, each with its length.
    Chunked,
}

impl Body {
    fn announced(length: Option<&[u8]>, coding: Option<&[u8]>) -> Result<Self, Status> {
        match (length, coding) {
            (None, None) => Ok(Self::None),
            (Some(length), None) => {
                // "Content-Length = 1*DIGIT"
                let digits = !length.is_empty() && length.iter().all(u8::is_ascii_digit);
                let length = str::from_utf8(length).ok().filter(|_| digits);
                // Digits only, so what can't be read is too large for a number.
                Ok(Self::Length(length.ok_or(Status::BadRequest)?.parse().unwrap_or(u64::MAX)))
            }
            // Section 6.3: "If a Transfer-Encoding header field is present in a request and the
            // chunked transfer coding is not the final encoding, [...] the server MUST respond
            // with the 400 (Bad Request) status code". Other codings are none of ours.
            (None, Some(coding)) if coding.eq_ignore_ascii_case(b"chunked") => Ok(Self::Chunked),
            // Section 6.1: both "ought to be handled as an error".
            (_, Some(_)) => Err(Status::BadRequest),
        }
    }
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
            Err(httparse::Error::Version) => return wrong_version(head),
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
        // "... and to any request message that contains more than one Host header field line or a
        // Host header field with an invalid field value."
        if [host, authority].into_iter().flatten().any(|host| host_name(host).is_none()) {
            return Err(Status::BadRequest);
        }
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        // RFC 9110, section 4.2.3: "an empty path component is equivalent to an absolute path of
        // "/"", which only an absolute form can have.
        let path = if path.is_empty() { "/" } else { path };
        let request = Self {
            method,
            path,
            query,
            host: authority.or(host),
            authorization: field("authorization")?,
            content_type: field("content-type")?,
            body: Body::announced(field("content-length")?, field("transfer-encoding")?)?,
            // RFC 9110, section 10.1.1: "A server that receives a 100-continue expectation in an
            // HTTP/1.0 request MUST ignore that expectation."
            expects: parsed.version == Some(1) && field("expect")?.is_some(),
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
        let name = host_name(host).unwrap_or_default();
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
    match target.split_at_checked("http://".len()) {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http://") => {
            let (authority, rest) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
            (Some(authority), rest)
        }
        _ => (None, target),
    }
}

/// The name or the address in an authority (RFC 3986, section 3.2): `host` or `host:port`, with
/// an IPv6 address in brackets and nobody's name before it. `None`: it is none.
fn host_name(authority: &str) -> Option<&str> {
    let (host, rest) = match authority.strip_prefix('[') {
        Some(rest) => rest.split_once(']').filter(|(ip, _)| ip.parse::<Ipv6Addr>().is_ok())?,
        None => authority.split_at(authority.find(':').unwrap_or(authority.len())),
    };
    let port = if rest.is_empty() { rest } else { rest.strip_prefix(':')? };
    let named = |octet: u8| octet.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=%:".contains(&octet);
    let valid = host.bytes().all(named) && port.bytes().all(|octet| octet.is_ascii_digit());
    valid.then_some(host)
}

/// The answer to a request line without a version of ours, `METHOD TARGET HTTP/2.0` or more
/// words, once it is there: `Ok(None)` needs more octets.
fn wrong_version<T>(head: &[u8]) -> Result<Option<T>, Status> {
    let mut lines = head.trim_ascii_start().split(|octet| *octet == b'\n');
    let (Some(line), Some(_)) = (lines.next(), lines.next()) else {
        return if head.len() < HEAD_MAX { Ok(None) } else { Err(Status::BadRequest) };
    };
    let mut words = line.trim_ascii_end().split(|octet| *octet == b' ').skip(2);
    let named = words.next().is_some_and(|word| word.starts_with(b"HTTP/"));
    let last = words.next().is_none();
    Err(if named && last { Status::VersionNotSupported } else { Status::BadRequest })
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
        assert_eq!(status("GET /a b HTTP/1.1\r\nHost: a\r\n\r\n"), Status::BadRequest);
        for host in ["a b", "a:b", "a:-1", "[::1", "[a]", "[127.0.0.1]", "[::1]9", "b:80@a", "ñ"] {
            let host = format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n");
            assert_eq!(status(&host), Status::BadRequest, "{host}");
        }
        for field in ["Content-Length: x", "Content-Length: -1", "Transfer-Encoding: identity"] {
            let framed = format!("GET / HTTP/1.1\r\nHost: a\r\n{field}\r\n\r\n");
            assert_eq!(status(&framed), Status::BadRequest, "{field}");
        }
        let long = format!("GET /{} HTTP/1.1", "a".repeat(HEAD_MAX));
        assert_eq!(status(&long), Status::FieldsTooLarge);
        let many = format!("GET / HTTP/1.1\r\n{}\r\n", "a: b\r\n".repeat(FIELDS_MAX + 1));
        assert_eq!(status(&many), Status::FieldsTooLarge);
    }

    #[test]
    fn an_absolute_form_has_an_authority_and_may_have_no_path() {
        for (target, path, query) in [
            ("http://127.0.0.1:80", "/", ""),
            ("HTTP://localhost/metrics", "/metrics", ""),
            ("http://[::1]:80?x=1", "/", "x=1"),
        ] {
            let head = format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n");
            let (request, _) = Request::decode(head.as_bytes()).unwrap().unwrap();
            assert_eq!((request.path, request.query), (path, query));
            assert!(request.is_for_this_machine(), "{target}");
        }
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
