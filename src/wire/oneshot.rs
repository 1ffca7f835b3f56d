//! oneshot: one request for each TCP connection, with a token.
//!
//! ```text
//! Opening:   VER 01 | TOKEN 16
//! Request:   TYPE 1 | TARGET 1 | DLEN 2 | DATA 1 to 65535
//!   TYPE 00  GET                      TYPE 01  CONFIG
//!     TARGET 00  historic connections   TARGET 00  Maildir        path
//!            01  current connections           01  buffer size    decimal digits
//!            02  bytes                         02  add admin      name NUL token
//!                                              03  remove admin   name
//!                                              04  add user       name NUL password
//!                                              05  remove user    name
//! Response:  STATUS 1 | DLEN 2 | DATA 1 to 65535
//! ```
//!
//! The document draws the first two as one message. They are two here because between them stands
//! the check of the token: who has none is not told which types and targets there are.

use std::fmt;

use super::Decoded;
use super::input::Input;
use super::output::{put_u16, put_u32};

/// VER of every request.
pub const VERSION: u8 = 1;

/// The octets of a TOKEN.
pub const TOKEN_LEN: usize = 16;

/// The most octets of DATA: DLEN is two octets.
pub const DATA_MAX: usize = u16::MAX as usize;

const GET: u8 = 0x00;
const CONFIG: u8 = 0x01;

const MAILDIR: u8 = 0x00;
const BUFFER_SIZE: u8 = 0x01;
const ADD_ADMIN: u8 = 0x02;
const REMOVE_ADMIN: u8 = 0x03;
const ADD_USER: u8 = 0x04;
const REMOVE_USER: u8 = 0x05;

/// How a connection begins. Its `Debug` does not show the token.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Opening {
    /// Octets of anything; a real token has printable ones only.
    pub token: [u8; TOKEN_LEN],
}

impl Opening {
    /// Every opening has this length.
    pub const LEN: usize = 1 + TOKEN_LEN;

    /// Reads an opening from the front of `bytes`.
    ///
    /// # Errors
    ///
    /// [`RequestError::Version`] as soon as the first byte is another than 01.
    pub fn decode(bytes: &[u8]) -> Decoded<Self, RequestError> {
        let mut input = Input::new(bytes);
        let Some(version) = input.u8() else { return Ok(None) };
        // "Este campo DEBE ser X'01'."
        if version != VERSION {
            return Err(RequestError::Version(version));
        }
        Ok(input.array().map(|token| (Self { token }, input.used())))
    }

    /// Appends the opening to `out`.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.push(VERSION);
        out.extend_from_slice(&self.token);
    }
}

impl fmt::Debug for Opening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Opening(..)")
    }
}

/// What is asked for once the token is right. Its `Debug` does not show a secret.
#[derive(Clone, PartialEq, Eq)]
pub enum Request {
    /// GET: a number.
    Get(Counter),
    /// CONFIG 00: another folder of the mailboxes, as it came.
    Maildir(Vec<u8>),
    /// CONFIG 01: the size in decimal digits, as it came.
    BufferSize(Vec<u8>),
    /// CONFIG 02: a new admin.
    AddAdmin {
        /// At least 1 octet, none of them NUL.
        name: Vec<u8>,
        /// At least 1 octet.
        token: Vec<u8>,
    },
    /// CONFIG 03: an admin less.
    RemoveAdmin {
        /// Octets of anything.
        name: Vec<u8>,
    },
    /// CONFIG 04: a new user.
    AddUser {
        /// At least 1 octet, none of them NUL.
        name: Vec<u8>,
        /// At least 1 octet.
        password: Vec<u8>,
    },
    /// CONFIG 05: a user less.
    RemoveUser {
        /// Octets of anything.
        name: Vec<u8>,
    },
}

/// What can be counted: TARGET of GET.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counter {
    /// 00: "cantidad de conexiones históricas".
    Historic,
    /// 01: "cantidad de conexiones concurrentes".
    Current,
    /// 02: "cantidad de bytes transferidos".
    Bytes,
}

impl Request {
    /// The longest request: CONFIG with all the DATA that DLEN can say.
    pub const LEN_MAX: usize = 4 + DATA_MAX;

    /// Reads a request from the front of `bytes`, behind the opening. A GET is whole with its
    /// TARGET: its data "NO DEBERÍA ser leído por el servidor".
    ///
    /// # Errors
    ///
    /// Each of [`RequestError`] but the version, in its order and with the octet that deserves it.
    pub fn decode(bytes: &[u8]) -> Decoded<Self, RequestError> {
        let mut input = Input::new(bytes);
        let Some(kind) = input.u8() else { return Ok(None) };
        if kind > CONFIG {
            return Err(RequestError::Type(kind));
        }
        let Some(target) = input.u8() else { return Ok(None) };
        let request = match (kind, target) {
            (GET, 0x00) => Self::Get(Counter::Historic),
            (GET, 0x01) => Self::Get(Counter::Current),
            (GET, 0x02) => Self::Get(Counter::Bytes),
            (CONFIG, MAILDIR..=REMOVE_USER) => {
                let Some(length) = input.u16() else { return Ok(None) };
                let Some(data) = input.take(length.into()) else { return Ok(None) };
                Self::configuration(target, data)?
            }
            _ => return Err(RequestError::Target(target)),
        };
        Ok(Some((request, input.used())))
    }

    fn configuration(target: u8, data: &[u8]) -> Result<Self, RequestError> {
        let all = data.to_vec();
        Ok(match target {
            MAILDIR => Self::Maildir(all),
            BUFFER_SIZE => Self::BufferSize(all),
            ADD_ADMIN => {
                let (name, token) = split_pair(data)?;
                Self::AddAdmin { name, token }
            }
            REMOVE_ADMIN => Self::RemoveAdmin { name: all },
            ADD_USER => {
                let (name, password) = split_pair(data)?;
                Self::AddUser { name, password }
            }
            REMOVE_USER => Self::RemoveUser { name: all },
            unknown => return Err(RequestError::Target(unknown)),
        })
    }

    /// Appends the request to `out`. What is over [`DATA_MAX`] octets is not cut but refused:
    /// `None`, and nothing is appended.
    pub fn encode(&self, out: &mut Vec<u8>) -> Option<()> {
        let (kind, target, data) = match self {
            // "Para el método GET, este campo DEBERÍA ser X'01'", and DATA 00.
            Self::Get(counter) => (GET, counter.target(), vec![0]),
            Self::Maildir(path) => (CONFIG, MAILDIR, path.clone()),
            Self::BufferSize(digits) => (CONFIG, BUFFER_SIZE, digits.clone()),
            Self::AddAdmin { name, token } => (CONFIG, ADD_ADMIN, pair(name, token)),
            Self::RemoveAdmin { name } => (CONFIG, REMOVE_ADMIN, name.clone()),
            Self::AddUser { name, password } => (CONFIG, ADD_USER, pair(name, password)),
            Self::RemoveUser { name } => (CONFIG, REMOVE_USER, name.clone()),
        };
        let length = u16::try_from(data.len()).ok()?;
        out.extend([kind, target]);
        put_u16(out, length);
        out.extend(data);
        Some(())
    }
}

impl Counter {
    fn target(self) -> u8 {
        match self {
            Self::Historic => 0x00,
            Self::Current => 0x01,
            Self::Bytes => 0x02,
        }
    }
}

/// "<usuario>X'00'<contraseña>": the first NUL separates, and both sides must be there.
fn split_pair(data: &[u8]) -> Result<(Vec<u8>, Vec<u8>), RequestError> {
    let mut parts = data.splitn(2, |&octet| octet == 0);
    let (name, secret) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    if name.is_empty() || secret.is_empty() {
        return Err(RequestError::Data);
    }
    Ok((name.to_vec(), secret.to_vec()))
}

fn pair(name: &[u8], secret: &[u8]) -> Vec<u8> {
    [name, &[0], secret].concat()
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (variant, shown) = match self {
            Self::Get(counter) => return write!(f, "Get({counter:?})"),
            Self::Maildir(path) => ("Maildir", path),
            Self::BufferSize(digits) => ("BufferSize", digits),
            Self::AddAdmin { name, .. } => ("AddAdmin", name),
            Self::RemoveAdmin { name } => ("RemoveAdmin", name),
            Self::AddUser { name, .. } => ("AddUser", name),
            Self::RemoveUser { name } => ("RemoveUser", name),
        };
        write!(f, "{variant}(\"{}\")", shown.escape_ascii())
    }
}

/// Why bytes can't be an opening or a request, in the order of the checks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestError {
    /// VER is not 01.
    Version(u8),
    /// TYPE is neither 00 nor 01.
    Type(u8),
    /// TARGET has no meaning for its TYPE.
    Target(u8),
    /// DATA lacks the NUL between two parts, or one of them.
    Data,
}

impl fmt::Display for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Version(got) => write!(f, "the request begins with version {got:#04x}, not 0x01"),
            Self::Type(got) => write!(f, "there is no request type {got:#04x}"),
            Self::Target(got) => write!(f, "the request type has no target {got:#04x}"),
            Self::Data => f.write_str("the data are not two parts with a NUL between them"),
        }
    }
}

impl std::error::Error for RequestError {}

/// The first octet of a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Status(pub u8);

impl Status {
    /// 00: "OK".
    pub const OK: Self = Self(0);
    /// 01: "Version Invalida".
    pub const BAD_VERSION: Self = Self(1);
    /// 02: "Tipo Invalido".
    pub const BAD_TYPE: Self = Self(2);
    /// 03: "Target Invalido".
    pub const BAD_TARGET: Self = Self(3);
    /// 04: "Data Invalida".
    pub const BAD_DATA: Self = Self(4);
    /// 05: "Error de Autentificaion".
    pub const NOT_AUTHENTICATED: Self = Self(5);
    /// 06: "Server Error".
    pub const SERVER_ERROR: Self = Self(6);
}

/// The document's words, in English.
impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            0 => "OK",
            1 => "invalid version",
            2 => "invalid type",
            3 => "invalid target",
            4 => "invalid data",
            5 => "authentication error",
            6 => "server error",
            unknown => return write!(f, "unknown status {unknown:#04x}"),
        })
    }
}

/// The answer to a [`Request`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Response {
    /// To GET: the number, all ones when it does not fit.
    Count(u32),
    /// To CONFIG: done.
    Done,
    /// To any: why not; the status is not 00.
    Failed(Status),
}

impl Response {
    /// The longest response that we send.
    pub const LEN_MAX: usize = 7;

    /// Reads the response to `request` from the front of `bytes`. Where it carries no number it is
    /// whole with its STATUS: the rest "NO DEBERIAN ser leidos por el cliente".
    ///
    /// # Errors
    ///
    /// [`ResponseError`] when the number is not 1 to 4 octets long.
    pub fn decode(request: &Request, bytes: &[u8]) -> Decoded<Self, ResponseError> {
        let mut input = Input::new(bytes);
        let Some(status) = input.u8() else { return Ok(None) };
        let response = match (Status(status), request) {
            (Status::OK, Request::Get(_)) => {
                let Some(length) = input.u16() else { return Ok(None) };
                // An "entero sin signo"; the document's own example has it two octets long.
                if !(1..=4).contains(&length) {
                    return Err(ResponseError(length));
                }
                let Some(octets) = input.take(length.into()) else { return Ok(None) };
                let number = octets.iter().fold(0, |number, octet| number << 8 | u32::from(*octet));
                Self::Count(number)
            }
            (Status::OK, _) => Self::Done,
            (failed, _) => Self::Failed(failed),
        };
        Ok(Some((response, input.used())))
    }

    /// Appends the response to `out`. "Para el tipo config o en caso de error los campos DLEN y
    /// DATA DEBERIAN ser X'01' y X'00'."
    pub fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Count(number) => {
                out.push(Status::OK.0);
                put_u16(out, 4);
                put_u32(out, *number);
            }
            Self::Done => out.extend([Status::OK.0, 0, 1, 0]),
            Self::Failed(Status(status)) => out.extend([*status, 0, 1, 0]),
        }
    }
}

/// DLEN of a number is not 1 to 4.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResponseError(pub u16);

impl fmt::Display for ResponseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the number in the response is {} octets long, not 1 to 4", self.0)
    }
}

impl std::error::Error for ResponseError {}
