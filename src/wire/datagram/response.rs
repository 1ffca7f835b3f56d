//! What the server answers: a header with a status, then what was asked for.

use std::fmt;

use super::{Header, Request, VERSION};
use crate::wire::input::Input;
use crate::wire::output::{put_u16, put_u64};

/// STATUS of a reply; unknown ones are kept as they came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Status(pub u8);

impl Status {
    /// 00: done.
    pub const OK: Status = Status(0);
    /// 01: another VER than the server's.
    pub const BAD_VERSION: Status = Status(1);
    /// 02: another TOKEN than the server's.
    pub const BAD_TOKEN: Status = Status(2);
    /// 03: unknown TYPE.
    pub const BAD_TYPE: Status = Status(3);
    /// 04: unknown CMD.
    pub const BAD_COMMAND: Status = Status(4);
    /// 05: an argument is missing or out of range.
    pub const BAD_ARGUMENT: Status = Status(5);
    /// 06: no more users.
    pub const USERS_FULL: Status = Status(6);
    /// 07: the user exists.
    pub const USER_EXISTS: Status = Status(7);
    /// 08: the user to be removed does not exist.
    pub const USER_UNKNOWN: Status = Status(8);
    /// 09: general failure.
    pub const FAILURE: Status = Status(9);
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match *self {
            Status::OK => "success",
            Status::BAD_VERSION => "the server speaks another version of the protocol",
            Status::BAD_TOKEN => "the token is wrong, or this address has tried too many",
            Status::BAD_TYPE => "the server knows no such type of request",
            Status::BAD_COMMAND => "the server knows no such command",
            Status::BAD_ARGUMENT => "the argument is missing or out of range",
            Status::USERS_FULL => "the maximum number of users has been reached",
            Status::USER_EXISTS => "the user already exists",
            Status::USER_UNKNOWN => "the user does not exist",
            Status::FAILURE => "general server failure",
            _ => "a status that the protocol does not define",
        })
    }
}

/// A whole reply, its DATA not yet read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// VER: 1, whatever was asked.
    pub version: u8,
    /// STATUS.
    pub status: Status,
    /// TYPE of the request.
    pub kind: u8,
    /// CMD of the request.
    pub command: u16,
    /// ID of the request.
    pub id: u16,
    /// DATA: see [`Response::decode`].
    pub data: Vec<u8>,
}

impl Reply {
    /// The octets of a reply without DATA: fewer than any request has.
    pub const HEADER_LEN: usize = 7;

    /// The reply to the request with this header.
    pub fn to(request: &Header, answer: &Result<Response, Status>) -> Reply {
        let mut data = Vec::new();
        let status = match answer {
            Ok(response) => {
                response.encode(&mut data);
                Status::OK
            }
            Err(status) => *status,
        };
        let &Header { kind, command, id, .. } = request;
        // "a menos que la version no sea la soportada por el servidor, en cuyo caso debe responder
        // con la version que soporta"
        Reply { version: VERSION, status, kind, command, id, data }
    }

    /// The reply in a datagram; `None` when it is too short for one.
    pub fn decode(datagram: &[u8]) -> Option<Reply> {
        let mut input = Input::new(datagram);
        let (version, status) = (input.u8()?, Status(input.u8()?));
        let (kind, command, id) = (input.u8()?, input.u16()?, input.u16()?);
        let data = datagram.get(input.used()..)?.to_vec();
        Some(Reply { version, status, kind, command, id, data })
    }

    /// Appends the reply to `out`.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.extend([self.version, self.status.0, self.kind]);
        put_u16(out, self.command);
        put_u16(out, self.id);
        out.extend_from_slice(&self.data);
    }
}

/// What a reply with the status 00 says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Response {
    /// A change was made.
    Done,
    /// The names of a page: none behind the last page. No name is empty or holds an LF or a NUL.
    Users(Vec<Vec<u8>>),
    /// Connections since the start.
    Historic(u64),
    /// Connections open now; all ones for all that do not fit.
    Current(u16),
    /// Bytes transferred since the start.
    Bytes(u64),
    /// Users in a page.
    PageSize(u8),
}

impl Response {
    /// What the DATA of a reply with the status 00 says to `request`.
    ///
    /// # Errors
    ///
    /// [`ResponseError`] when it has another form or length.
    pub fn decode(request: &Request, data: &[u8]) -> Result<Response, ResponseError> {
        let mut input = Input::new(data);
        let response = match request {
            Request::Users { .. } => return read_users(data),
            Request::Historic => input.u64().map(Response::Historic),
            Request::Current => input.u16().map(Response::Current),
            Request::Bytes => input.u64().map(Response::Bytes),
            Request::PageSize => input.u8().map(Response::PageSize),
            Request::Stop
            | Request::AddUser { .. }
            | Request::RemoveUser { .. }
            | Request::SetPageSize(_) => Some(Response::Done),
        };
        let whole = response.filter(|_| input.used() == data.len());
        whole.ok_or(ResponseError::Length(data.len()))
    }

    /// Appends the DATA to `out`.
    pub fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Response::Done => {}
            Response::Users(names) => {
                // "Secuencia de strings separados por '\n' terminada en '\0'"
                out.extend(names.join(&b'\n'));
                out.push(0);
            }
            Response::Historic(count) | Response::Bytes(count) => put_u64(out, *count),
            Response::Current(count) => put_u16(out, *count),
            Response::PageSize(size) => out.push(*size),
        }
    }
}

fn read_users(data: &[u8]) -> Result<Response, ResponseError> {
    let Some((0, names)) = data.split_last() else {
        return Err(ResponseError::Unterminated);
    };
    if names.is_empty() {
        return Ok(Response::Users(Vec::new()));
    }
    let names: Vec<_> = names.split(|octet| *octet == b'\n').map(<[u8]>::to_vec).collect();
    if names.iter().any(|name| name.is_empty() || name.contains(&0)) {
        return Err(ResponseError::Name);
    }
    Ok(Response::Users(names))
}

/// Why the DATA of a reply can't be what was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResponseError {
    /// It is shorter or longer than the command's.
    Length(usize),
    /// The list of users does not end in a NUL.
    Unterminated,
    /// The list of users holds an empty name or a NUL before its end.
    Name,
}

impl fmt::Display for ResponseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ResponseError::Length(got) => write!(f, "the reply's data has {got} octets"),
            ResponseError::Unterminated => write!(f, "the list of users does not end in a NUL"),
            ResponseError::Name => write!(f, "the list of users holds what is no name"),
        }
    }
}

impl std::error::Error for ResponseError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_read_as_it_is_written() {
        let users = |data: &[u8]| Response::decode(&Request::Users { page: 1 }, data);
        assert_eq!(users(b"\0"), Ok(Response::Users(vec![])));
        assert_eq!(users(b"a\nb\0"), Ok(Response::Users(vec![b"a".to_vec(), b"b".to_vec()])));
        assert_eq!(users(b""), Err(ResponseError::Unterminated));
        assert_eq!(users(b"a\nb"), Err(ResponseError::Unterminated));
        for wrong in [b"\n\0".as_slice(), b"a\n\0", b"a\n\nb\0", b"a\0b\0", b"\0\0"] {
            assert_eq!(users(wrong), Err(ResponseError::Name), "{wrong:?}");
        }
    }

    #[test]
    fn a_number_has_its_length() {
        assert_eq!(Response::decode(&Request::Current, &[1, 2]), Ok(Response::Current(0x0102)));
        for wrong in [&[][..], &[1], &[1, 2, 3]] {
            let error = ResponseError::Length(wrong.len());
            assert_eq!(Response::decode(&Request::Current, wrong), Err(error));
        }
        assert_eq!(Response::decode(&Request::Stop, &[0]), Err(ResponseError::Length(1)));
    }
}
