//! What the client asks: a header, then what its TYPE and CMD make of the DATA.

use std::fmt;

use super::{
    ADD_USER, ASK, BYTES, CHANGE, CURRENT, HISTORIC, PAGE_SIZE, REMOVE_USER, SET_PAGE_SIZE, STOP,
    USERS,
};
use crate::wire::input::Input;
use crate::wire::output::{put_u16, put_u32};

/// The most octets of a name or a password: "la longitud máxima del argumento de un comando POP3
/// es 40 caracteres".
pub const TEXT_MAX: usize = 40;

/// The header of a request, as it came. Its `Debug` does not show the token.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// VER.
    pub version: u8,
    /// TYPE.
    pub kind: u8,
    /// CMD.
    pub command: u16,
    /// ID: the reply carries the same.
    pub id: u16,
    /// TOKEN.
    pub token: u32,
}

impl Header {
    /// The octets of a header.
    pub const LEN: usize = 10;

    /// The header of a datagram, and the DATA behind it; `None` when the datagram is too short to
    /// be a request of any version.
    pub fn decode(datagram: &[u8]) -> Option<(Header, &[u8])> {
        let mut input = Input::new(datagram);
        let header = Header {
            version: input.u8()?,
            kind: input.u8()?,
            command: input.u16()?,
            id: input.u16()?,
            token: input.u32()?,
        };
        Some((header, datagram.get(input.used()..)?))
    }

    /// Appends the header to `out`.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.extend([self.version, self.kind]);
        put_u16(out, self.command);
        put_u16(out, self.id);
        put_u32(out, self.token);
    }
}

impl fmt::Debug for Header {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Header")
            .field("version", &self.version)
            .field("kind", &self.kind)
            .field("command", &self.command)
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// A request without its header. Its `Debug` does not show a password.
#[derive(Clone, PartialEq, Eq)]
pub enum Request {
    /// The names of a page of users.
    Users {
        /// From 1, as it came: 0 is no page.
        page: u8,
    },
    /// Connections since the start.
    Historic,
    /// Connections open now.
    Current,
    /// Bytes transferred since the start.
    Bytes,
    /// How many users are in a page.
    PageSize,
    /// The server stops.
    Stop,
    /// A new user.
    AddUser {
        /// 0 to 40 octets without a colon; an acceptable one has at least 1.
        name: Vec<u8>,
        /// 0 to 40 octets; an acceptable one has at least 1.
        password: Vec<u8>,
    },
    /// A user less.
    RemoveUser {
        /// 0 to 40 octets; an acceptable one has at least 1.
        name: Vec<u8>,
    },
    /// Another page size, as it came; the range is the server's to check.
    SetPageSize(u8),
}

impl Request {
    /// The longest request: a new user with 40 octets of each. What is behind it is ignored.
    pub const LEN_MAX: usize = Header::LEN + TEXT_MAX + 1 + TEXT_MAX + 1;

    /// TYPE and CMD.
    pub fn code(&self) -> (u8, u16) {
        match self {
            Request::Users { .. } => (ASK, USERS),
            Request::Historic => (ASK, HISTORIC),
            Request::Current => (ASK, CURRENT),
            Request::Bytes => (ASK, BYTES),
            Request::PageSize => (ASK, PAGE_SIZE),
            Request::Stop => (CHANGE, STOP),
            Request::AddUser { .. } => (CHANGE, ADD_USER),
            Request::RemoveUser { .. } => (CHANGE, REMOVE_USER),
            Request::SetPageSize(_) => (CHANGE, SET_PAGE_SIZE),
        }
    }

    /// What TYPE `kind` and CMD `command` ask for with this DATA.
    ///
    /// # Errors
    ///
    /// [`RequestError`] names the first of the three that is wrong, in this order.
    pub fn decode(kind: u8, command: u16, data: &[u8]) -> Result<Request, RequestError> {
        let argument = |octet: Option<u8>| octet.ok_or(RequestError::Argument);
        let number = Input::new(data).u8();
        Ok(match (kind, command) {
            (ASK, USERS) => Request::Users { page: argument(number)? },
            // "Si el comando no necesita argumentos, este campo será ignorado."
            (ASK, HISTORIC) => Request::Historic,
            (ASK, CURRENT) => Request::Current,
            (ASK, BYTES) => Request::Bytes,
            (ASK, PAGE_SIZE) => Request::PageSize,
            (CHANGE, STOP) => Request::Stop,
            (CHANGE, ADD_USER) => read_user(data)?,
            (CHANGE, REMOVE_USER) => Request::RemoveUser { name: text(until(0, data).0)? },
            (CHANGE, SET_PAGE_SIZE) => Request::SetPageSize(argument(number)?),
            (ASK | CHANGE, unknown) => return Err(RequestError::Command(unknown)),
            (unknown, _) => return Err(RequestError::Kind(unknown)),
        })
    }

    /// Whether the texts can be said; those of a decoded request always can.
    ///
    /// # Errors
    ///
    /// [`ArgumentError`] for a text that would arrive as another one.
    pub fn check(&self) -> Result<(), ArgumentError> {
        match self {
            Request::AddUser { name, password } => {
                ArgumentError::check("name", name)?;
                ArgumentError::check("password", password)?;
                if name.contains(&b':') {
                    return Err(ArgumentError { field: "name", why: "it holds a colon" });
                }
                Ok(())
            }
            Request::RemoveUser { name } => ArgumentError::check("name", name),
            _ => Ok(()),
        }
    }

    /// Appends the DATA to `out`, its texts with a NUL.
    pub fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Request::Users { page: number } | Request::SetPageSize(number) => out.push(*number),
            Request::AddUser { name, password } => {
                out.extend_from_slice(name);
                out.push(b':');
                out.extend_from_slice(password);
                out.push(0);
            }
            Request::RemoveUser { name } => {
                out.extend_from_slice(name);
                out.push(0);
            }
            _ => {}
        }
    }
}

/// `name:password`; a password may hold more colons.
fn read_user(data: &[u8]) -> Result<Request, RequestError> {
    let (user, _) = until(0, data);
    let (name, password) = until(b':', user);
    let password = password.ok_or(RequestError::Argument)?;
    Ok(Request::AddUser { name: text(name)?, password: text(password)? })
}

/// What stands before the first `mark`, and what behind it, if there is one.
fn until(mark: u8, bytes: &[u8]) -> (&[u8], Option<&[u8]>) {
    let mut parts = bytes.splitn(2, |octet| *octet == mark);
    (parts.next().unwrap_or_default(), parts.next())
}

fn text(octets: &[u8]) -> Result<Vec<u8>, RequestError> {
    if octets.len() > TEXT_MAX { Err(RequestError::Argument) } else { Ok(octets.to_vec()) }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Request::Users { page } => write!(f, "Users({page})"),
            Request::Historic => f.write_str("Historic"),
            Request::Current => f.write_str("Current"),
            Request::Bytes => f.write_str("Bytes"),
            Request::PageSize => f.write_str("PageSize"),
            Request::Stop => f.write_str("Stop"),
            Request::AddUser { name, .. } => write!(f, "AddUser(\"{}\")", name.escape_ascii()),
            Request::RemoveUser { name } => write!(f, "RemoveUser(\"{}\")", name.escape_ascii()),
            Request::SetPageSize(size) => write!(f, "SetPageSize({size})"),
        }
    }
}

/// Why a well-formed header and its DATA are no request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestError {
    /// TYPE is neither 00 nor 01.
    Kind(u8),
    /// CMD has no meaning in its type.
    Command(u16),
    /// An argument is missing, or a text is too long.
    Argument,
}

impl fmt::Display for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RequestError::Kind(got) => write!(f, "there is no request type {got:#04x}"),
            RequestError::Command(got) => write!(f, "the type has no command {got:#06x}"),
            RequestError::Argument => write!(f, "the command's argument is missing or too long"),
        }
    }
}

impl std::error::Error for RequestError {}

/// A text of our own that the protocol can't carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ArgumentError {
    /// What it is: "name" or "password".
    pub field: &'static str,
    why: &'static str,
}

impl ArgumentError {
    fn check(field: &'static str, octets: &[u8]) -> Result<(), ArgumentError> {
        let why = match octets.len() {
            0 => "it is empty",
            1..=TEXT_MAX if octets.contains(&0) => "it holds a NUL",
            1..=TEXT_MAX => return Ok(()),
            _ => "it is longer than 40 octets",
        };
        Err(ArgumentError { field, why })
    }
}

impl fmt::Display for ArgumentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ArgumentError { field, why } = self;
        write!(f, "the protocol can't carry this {field}: {why}, use another one")
    }
}

impl std::error::Error for ArgumentError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_secret() {
        let (name, password) = (b"ada".to_vec(), b"secret".to_vec());
        let add = Request::AddUser { name, password };
        assert_eq!(format!("{add:?}"), r#"AddUser("ada")"#);
        let (header, _) = Header::decode(&[1, 0, 0, 0, 0, 0, 77, 77, 77, 77]).unwrap();
        assert!(!format!("{header:?}").contains("77"));
    }

    #[test]
    fn texts_that_would_arrive_as_others_are_found() {
        let add = |name: &[u8], password: &[u8]| {
            let add = Request::AddUser { name: name.to_vec(), password: password.to_vec() };
            add.check().map_err(|error| error.field)
        };
        assert_eq!(add(&[b'n'; 40], b"a:b"), Ok(()));
        assert_eq!(add(&[b'n'; 41], b"x"), Err("name"));
        assert_eq!(add(b"a:b", b"x"), Err("name"));
        assert_eq!(add(b"a", b"x\0y"), Err("password"));
        assert_eq!(add(b"a", b""), Err("password"));
        assert_eq!(Request::RemoveUser { name: vec![] }.check().map_err(|e| e.field), Err("name"));
    }

    #[test]
    fn the_longest_request_is_as_long_as_said() {
        let add = Request::AddUser { name: vec![b'n'; 40], password: vec![b'p'; 40] };
        let mut out = vec![0; Header::LEN];
        add.encode(&mut out);
        assert_eq!(out.len(), Request::LEN_MAX);
    }
}
