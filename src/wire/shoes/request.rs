//! What the client asks (SHOES, section 3).
//!
//! ```text
//! FMLY 00  GET, without data            FMLY 01  PUT
//!   CMD 00  server metrics                CMD 00  add user      ULEN 1 | USNAME | PLEN 1 | PASSWD
//!   CMD 01  list users                    CMD 01  remove user   ULEN 1 | USNAME
//!   CMD 02  password spoofing status      CMD 02  edit user     ULEN 1 | USNAME | PLEN 1 | PASSWD
//!                                         CMD 03  buffer size   BUFSIZE 2
//!                                         CMD 04  spoofing      SET 1
//! ```

use std::fmt;

use crate::wire::input::Input;
use crate::wire::output::{put_field, put_u16};
use crate::wire::{Decoded, TooLong};

const GET: u8 = 0x00;
const PUT: u8 = 0x01;

const METRICS: u8 = 0x00;
const LIST_USERS: u8 = 0x01;
const SPOOFING_STATUS: u8 = 0x02;

const ADD_USER: u8 = 0x00;
const REMOVE_USER: u8 = 0x01;
const EDIT_USER: u8 = 0x02;
const BUFFER_SIZE: u8 = 0x03;
const SPOOFING: u8 = 0x04;

/// A request. Its `Debug` does not show a password.
#[derive(Clone, PartialEq, Eq)]
pub enum Request {
    /// 3.1: connections and bytes.
    Metrics,
    /// 3.1: the names of the users.
    ListUsers,
    /// 3.1: whether passwords are spoofed.
    SpoofingStatus,
    /// 3.2.1: a new user.
    AddUser {
        /// 0 to 255 octets; an acceptable one has at least 1.
        name: Vec<u8>,
        /// 0 to 255 octets; an acceptable one has at least 1.
        password: Vec<u8>,
    },
    /// 3.2.2: a user less.
    RemoveUser {
        /// 0 to 255 octets; an acceptable one has at least 1.
        name: Vec<u8>,
    },
    /// 3.2.3: another password for a user.
    EditUser {
        /// 0 to 255 octets; an acceptable one has at least 1.
        name: Vec<u8>,
        /// 0 to 255 octets; an acceptable one has at least 1.
        password: Vec<u8>,
    },
    /// 3.2.4: BUFSIZE in bytes, as it came; the range is the server's to check.
    BufferSize(u16),
    /// 3.2.5: SET as it came: 00 off, 01 on, everything else out of range.
    Spoofing(u8),
}

impl Request {
    /// The longest request: adding or editing a user with 255 octets of each.
    pub const LEN_MAX: usize = 514;

    /// Whether name and password fit their fields; those of a decoded request always do.
    ///
    /// # Errors
    ///
    /// Names the one that is over 255 octets.
    pub fn check(&self) -> Result<(), TooLong> {
        match self {
            Request::AddUser { name, password } | Request::EditUser { name, password } => {
                TooLong::check("name", name)?;
                TooLong::check("password", password)
            }
            Request::RemoveUser { name } => TooLong::check("name", name),
            _ => Ok(()),
        }
    }

    /// Reads one message from the front of `bytes`.
    ///
    /// # Errors
    ///
    /// [`RequestError::Family`] as soon as FMLY is there, [`RequestError::Command`] as soon as CMD
    /// is: where a request without a meaning ends is unknown, so nothing behind it can be read.
    pub fn decode(bytes: &[u8]) -> Decoded<Request, RequestError> {
        let mut input = Input::new(bytes);
        let Some(family) = input.u8() else {
            return Ok(None);
        };
        let request = match family {
            GET => read_get(&mut input)?,
            PUT => read_put(&mut input)?,
            unknown => return Err(RequestError::Family(unknown)),
        };
        Ok(request.map(|request| (request, input.used())))
    }

    /// Appends the message to `out`.
    ///
    /// # Panics
    ///
    /// When [`Request::check`] fails.
    pub fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Request::Metrics => out.extend([GET, METRICS]),
            Request::ListUsers => out.extend([GET, LIST_USERS]),
            Request::SpoofingStatus => out.extend([GET, SPOOFING_STATUS]),
            Request::AddUser { name, password } => {
                out.extend([PUT, ADD_USER]);
                put_field(out, name);
                put_field(out, password);
            }
            Request::RemoveUser { name } => {
                out.extend([PUT, REMOVE_USER]);
                put_field(out, name);
            }
            Request::EditUser { name, password } => {
                out.extend([PUT, EDIT_USER]);
                put_field(out, name);
                put_field(out, password);
            }
            Request::BufferSize(size) => {
                out.extend([PUT, BUFFER_SIZE]);
                put_u16(out, *size);
            }
            Request::Spoofing(set) => out.extend([PUT, SPOOFING, *set]),
        }
    }
}

/// "GET Requests MUST NOT use the DATA field": whatever follows CMD is the next request.
fn read_get(input: &mut Input<'_>) -> Result<Option<Request>, RequestError> {
    let Some(command) = input.u8() else {
        return Ok(None);
    };
    match command {
        METRICS => Ok(Some(Request::Metrics)),
        LIST_USERS => Ok(Some(Request::ListUsers)),
        SPOOFING_STATUS => Ok(Some(Request::SpoofingStatus)),
        unknown => Err(RequestError::Command(unknown)),
    }
}

fn read_put(input: &mut Input<'_>) -> Result<Option<Request>, RequestError> {
    let Some(command) = input.u8() else {
        return Ok(None);
    };
    Ok(match command {
        ADD_USER => read_pair(input).map(|(name, password)| Request::AddUser { name, password }),
        REMOVE_USER => input.field().map(|name| Request::RemoveUser { name }),
        EDIT_USER => read_pair(input).map(|(name, password)| Request::EditUser { name, password }),
        BUFFER_SIZE => input.u16().map(Request::BufferSize),
        SPOOFING => input.u8().map(Request::Spoofing),
        unknown => return Err(RequestError::Command(unknown)),
    })
}

fn read_pair(input: &mut Input<'_>) -> Option<(Vec<u8>, Vec<u8>)> {
    Some((input.field()?, input.field()?))
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (variant, name) = match self {
            Request::Metrics => return f.write_str("Metrics"),
            Request::ListUsers => return f.write_str("ListUsers"),
            Request::SpoofingStatus => return f.write_str("SpoofingStatus"),
            Request::BufferSize(size) => return write!(f, "BufferSize({size})"),
            Request::Spoofing(set) => return write!(f, "Spoofing({set})"),
            Request::AddUser { name, .. } => ("AddUser", name),
            Request::RemoveUser { name } => ("RemoveUser", name),
            Request::EditUser { name, .. } => ("EditUser", name),
        };
        f.debug_struct(variant)
            .field("name", &format_args!("\"{}\"", name.escape_ascii()))
            .finish_non_exhaustive()
    }
}

/// Why bytes can't be a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestError {
    /// FMLY is neither 00 nor 01.
    Family(u8),
    /// CMD has no meaning in its family.
    Command(u8),
}

impl fmt::Display for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RequestError::Family(got) => write!(f, "SHOES has no request family {got:#04x}"),
            RequestError::Command(got) => write!(f, "the request family has no command {got:#04x}"),
        }
    }
}

impl std::error::Error for RequestError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_come_with_the_byte_that_deserves_them() {
        for family in 2..=255 {
            let error = RequestError::Family(family);
            assert_eq!(Request::decode(&[family]), Err(error));
        }
        for command in 3..=255 {
            let error = RequestError::Command(command);
            assert_eq!(Request::decode(&[0, command]), Err(error));
        }
        for command in 5..=255 {
            let error = RequestError::Command(command);
            assert_eq!(Request::decode(&[1, command]), Err(error));
        }
    }

    #[test]
    fn what_is_out_of_range_is_kept_for_the_conversation() {
        let size = Request::BufferSize(0x0102);
        assert_eq!(Request::decode(&[1, 3, 1, 2]), Ok(Some((size, 4))));
        let set = Request::Spoofing(7);
        assert_eq!(Request::decode(&[1, 4, 7]), Ok(Some((set, 3))));
        let nobody = Request::RemoveUser { name: Vec::new() };
        assert_eq!(Request::decode(&[1, 1, 0]), Ok(Some((nobody, 3))));
    }

    #[test]
    fn debug_shows_no_password() {
        let (name, password) = (b"ada".to_vec(), b"secret".to_vec());
        let add = Request::AddUser { name, password };
        assert_eq!(format!("{add:?}"), r#"AddUser { name: "ada", .. }"#);
    }

    #[test]
    fn the_longest_request_is_as_long_as_said() {
        let mut password = vec![0; 255];
        let name = password.clone();
        let edit = Request::EditUser { name: name.clone(), password: password.clone() };
        let mut out = Vec::new();
        edit.encode(&mut out);
        assert_eq!((out.len(), edit.check()), (Request::LEN_MAX, Ok(())));
        password.push(0);
        let edit = Request::EditUser { name, password };
        assert_eq!(edit.check().map_err(|e| e.field), Err("password"));
    }
}
