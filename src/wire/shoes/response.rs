//! What the server answers (SHOES, section 4).
//!
//! ```text
//! failure            STATUS 1, not 00; the server closes behind it
//! server metrics     STATUS 00 | HCONN 4 | CCONN 4 | BTRANSF 4
//! list users         STATUS 00 | UCOUNT 1 | UCOUNT times: ULEN 1, UNAME 1 to 255
//! spoofing status    STATUS 00 | SPOOF 1
//! every PUT          STATUS 00
//! ```
//!
//! The diagram of 4.1.3 gives SPOOF four octets, its text one: the text is followed.

use std::fmt;

use super::Request;
use crate::wire::input::Input;
use crate::wire::output::{put_field, put_u32};
use crate::wire::{Decoded, FIELD_MAX};

/// STATUS, the first octet of every response; unknown ones are kept as they came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Status(pub u8);

impl Status {
    /// 00: success.
    pub const SUCCESS: Status = Status(0);
    /// 01: general SHOES server failure.
    pub const FAILURE: Status = Status(1);
    /// 02: FMLY not supported.
    pub const FAMILY_UNSUPPORTED: Status = Status(2);
    /// 03: CMD not supported.
    pub const COMMAND_UNSUPPORTED: Status = Status(3);
    /// 04: the command's own failure; [`Status::meaning`] says which.
    pub const COMMAND_FAILURE: Status = Status(4);
    /// 05: the maximum number of users has been reached.
    pub const LIMIT_REACHED: Status = Status(5);

    /// What this status says of `request`, in the words of sections 4 and 4.2.
    pub fn meaning(self, request: &Request) -> &'static str {
        match (self, request) {
            (Status::SUCCESS, _) => "success",
            (Status::FAILURE, _) => "general SHOES server failure",
            (Status::FAMILY_UNSUPPORTED, _) => "request family not supported",
            (Status::COMMAND_UNSUPPORTED, _) => "command not supported",
            (Status::COMMAND_FAILURE, Request::AddUser { .. }) => "the user already exists",
            (Status::COMMAND_FAILURE, Request::RemoveUser { .. } | Request::EditUser { .. }) => {
                "the user does not exist"
            }
            (Status::COMMAND_FAILURE, Request::BufferSize(_)) => "the buffer size is out of range",
            (Status::COMMAND_FAILURE, Request::Spoofing(_)) => {
                "the password spoofing status is out of range"
            }
            (Status::LIMIT_REACHED, Request::AddUser { .. }) => {
                "the maximum number of users has been reached"
            }
            _ => "a status that SHOES does not define for this request",
        }
    }
}

/// The answer to a [`Request`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Response {
    /// A PUT was done.
    Done,
    /// It was not. Never with [`Status::SUCCESS`], which on the wire would be [`Response::Done`].
    Failed(Status),
    /// The answer to [`Request::Metrics`]; a count that does not fit is all ones.
    Metrics {
        /// HCONN: connections since the start.
        historic: u32,
        /// CCONN: connections open now.
        current: u32,
        /// BTRANSF: bytes transferred since the start.
        bytes: u32,
    },
    /// The answer to [`Request::ListUsers`]: at most 255 names of 1 to 255 octets.
    Users(Vec<Vec<u8>>),
    /// The answer to [`Request::SpoofingStatus`]: whether it is on.
    Spoofing(bool),
}

impl Response {
    /// The longest response: 255 names of 255 octets.
    pub const LEN_MAX: usize = 2 + FIELD_MAX * (1 + FIELD_MAX);

    /// The answer to `request`, for the client.
    ///
    /// # Errors
    ///
    /// [`ResponseError`] for a user without a name, or a spoofing status that is neither off nor on.
    pub fn decode(request: &Request, bytes: &[u8]) -> Decoded<Response, ResponseError> {
        let mut input = Input::new(bytes);
        let Some(status) = input.u8() else {
            return Ok(None);
        };
        let response = match (Status(status), request) {
            (Status::SUCCESS, Request::Metrics) => read_metrics(&mut input),
            (Status::SUCCESS, Request::ListUsers) => read_users(&mut input)?,
            (Status::SUCCESS, Request::SpoofingStatus) => read_spoofing(&mut input)?,
            (Status::SUCCESS, _) => Some(Response::Done),
            (failure, _) => Some(Response::Failed(failure)),
        };
        Ok(response.map(|response| (response, input.used())))
    }

    /// Appends the message to `out`.
    pub fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Response::Done => out.push(Status::SUCCESS.0),
            Response::Failed(status) => out.push(status.0),
            Response::Metrics { historic, current, bytes } => {
                out.push(Status::SUCCESS.0);
                put_u32(out, *historic);
                put_u32(out, *current);
                put_u32(out, *bytes);
            }
            Response::Users(names) => put_users(out, names),
            Response::Spoofing(on) => out.extend([Status::SUCCESS.0, u8::from(*on)]),
        }
    }
}

/// UCOUNT is one octet: of more than 255 users the first 255 are listed. A name that ULEN can't
/// say is no user of this protocol, so it is left out rather than cut to somebody else's.
fn put_users(out: &mut Vec<u8>, names: &[Vec<u8>]) {
    out.push(Status::SUCCESS.0);
    let count_at = out.len();
    out.push(0);
    let sayable = |name: &&Vec<u8>| (1..=FIELD_MAX).contains(&name.len());
    for name in names.iter().filter(sayable).take(FIELD_MAX) {
        put_field(out, name);
        out[count_at] += 1;
    }
}

fn read_metrics(input: &mut Input<'_>) -> Option<Response> {
    Some(Response::Metrics { historic: input.u32()?, current: input.u32()?, bytes: input.u32()? })
}

fn read_users(input: &mut Input<'_>) -> Result<Option<Response>, ResponseError> {
    let Some(count) = input.u8() else {
        return Ok(None);
    };
    let mut names = Vec::new();
    for _ in 0..count {
        let Some(name) = input.field() else {
            return Ok(None);
        };
        if name.is_empty() {
            return Err(ResponseError::EmptyName);
        }
        names.push(name);
    }
    Ok(Some(Response::Users(names)))
}

fn read_spoofing(input: &mut Input<'_>) -> Result<Option<Response>, ResponseError> {
    // "The field SPOOF contains one octet, which is either X'00' or X'01'"
    match input.u8() {
        None => Ok(None),
        Some(0x00) => Ok(Some(Response::Spoofing(false))),
        Some(0x01) => Ok(Some(Response::Spoofing(true))),
        Some(other) => Err(ResponseError::Spoofing(other)),
    }
}

/// Why bytes can't be the response to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResponseError {
    /// A ULEN is 0 in the list of users.
    EmptyName,
    /// SPOOF is neither 00 nor 01.
    Spoofing(u8),
}

impl fmt::Display for ResponseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ResponseError::EmptyName => write!(f, "the list of users holds an empty name"),
            ResponseError::Spoofing(got) => {
                write!(f, "the password spoofing status is {got:#04x}, neither 0x00 nor 0x01")
            }
        }
    }
}

impl std::error::Error for ResponseError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_one_octet_whatever_was_asked() {
        for status in 1..=255 {
            let failed = Response::Failed(Status(status));
            let decoded = Response::decode(&Request::Metrics, &[status, 9]);
            assert_eq!(decoded, Ok(Some((failed, 1))));
        }
    }

    #[test]
    fn a_list_holds_what_its_octets_can_say() {
        let mut names = vec![vec![b'u'; 2]; 300];
        names[0] = Vec::new();
        names[1] = vec![b'u'; 256];
        let mut out = Vec::new();
        Response::Users(names).encode(&mut out);
        assert_eq!((out[1], out.len()), (255, 2 + 255 * 3));
        let (decoded, used) = Response::decode(&Request::ListUsers, &out).unwrap().unwrap();
        assert_eq!(decoded, Response::Users(vec![vec![b'u'; 2]; 255]));
        assert_eq!(used, out.len());
    }

    #[test]
    fn the_longest_list_is_as_long_as_said() {
        let mut out = Vec::new();
        Response::Users(vec![vec![b'u'; 255]; 255]).encode(&mut out);
        assert_eq!(out.len(), Response::LEN_MAX);
    }

    #[test]
    fn what_the_specification_excludes_is_an_error() {
        assert_eq!(
            Response::decode(&Request::SpoofingStatus, &[0, 2]),
            Err(ResponseError::Spoofing(2))
        );
        assert_eq!(
            Response::decode(&Request::ListUsers, &[0, 2, 1, b'a', 0]),
            Err(ResponseError::EmptyName)
        );
    }

    #[test]
    fn a_status_means_what_the_request_makes_of_it() {
        let remove = Request::RemoveUser { name: Vec::new() };
        let meaning = Status::COMMAND_FAILURE.meaning(&remove);
        assert_eq!(meaning, "the user does not exist");
        let meaning = Status::COMMAND_FAILURE.meaning(&Request::Spoofing(7));
        assert_eq!(meaning, "the password spoofing status is out of range");
        let undefined = Status::LIMIT_REACHED.meaning(&remove);
        assert_eq!(undefined, Status(77).meaning(&Request::Metrics));
    }
}
