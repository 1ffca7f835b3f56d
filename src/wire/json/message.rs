//! The envelope: what all messages share, and the four of them.

use std::borrow::Cow;
use std::fmt;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use super::frame::{FRAME_MAX, Frame, FrameTooLong};

/// The version of the protocol: the only one there is.
pub const VERSION: u32 = 1;
/// HEARTBEAT_MS: how often a client that has nothing to say should say PING.
pub const HEARTBEAT: u32 = 30_000;
/// The most octets of an id. It is repeated in the answer, where each octet may
/// take six.
pub const ID_MAX: usize = 256;
/// The most octets of an action's name, for the same reason.
pub const ACTION_MAX: usize = 256;
/// The most octets of an error's text, which may repeat what the peer sent: of a longer
/// one the middle is left out.
const TEXT_MAX: usize = 1024;
/// What stands in its place.
const LEFT_OUT: &str = " ... ";

/// What the server says first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Hello {
    /// The most octets of a payload.
    pub max_frame: usize,
    /// Milliseconds between the PINGs of a client that has nothing else to say.
    pub heartbeat: u32,
    /// The version that this conversation speaks.
    pub protocol_version: u32,
    /// The oldest version that the server speaks.
    pub min_supported_version: u32,
    /// The newest version that the server speaks.
    pub max_supported_version: u32,
    /// What the server can do beyond the version.
    pub extensions: Vec<String>,
}

impl Hello {
    /// What our server offers.
    pub fn ours() -> Self {
        Self {
            max_frame: FRAME_MAX,
            heartbeat: HEARTBEAT,
            protocol_version: VERSION,
            min_supported_version: VERSION,
            max_supported_version: VERSION,
            extensions: vec!["heartbeat".into()],
        }
    }

    /// Appends it as a frame.
    pub fn encode(&self, out: &mut Vec<u8>) {
        #[derive(Serialize)]
        struct Message<'a> {
            v: u32,
            t: &'static str,
            data: &'a Hello,
        }
        // It always fits, as nothing in it is a peer's.
        let _ = encode(&Message { v: VERSION, t: "hello", data: self }, out);
    }
}

/// A request as it came; what stands in its data is up to the action.
#[derive(Debug, Clone)]
pub struct Request<'a> {
    /// Comes back in the answer.
    pub id: String,
    /// What is asked for; perhaps something that nobody knows.
    pub action: String,
    data: Option<&'a RawValue>,
}

/// Why a payload is no request, with what could be read of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadRequest {
    /// The id, when it is usable.
    pub id: Option<String>,
    /// The action, when it is usable.
    pub action: Option<String>,
    /// What is wrong, and what to do.
    pub why: String,
}

/// The members of an envelope, none of them looked into.
#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    v: Option<&'a RawValue>,
    #[serde(borrow)]
    t: Option<&'a RawValue>,
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    act: Option<&'a RawValue>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
}

impl<'a> Request<'a> {
    /// Reads the payload of a frame.
    ///
    /// # Errors
    /// [`BadRequest`] when it is not JSON, or not the envelope of a request.
    pub fn parse(payload: &'a [u8]) -> Result<Self, BadRequest> {
        let envelope: Envelope<'a> =
            members(payload).map_err(|why| BadRequest { id: None, action: None, why })?;
        let id = word(envelope.id, ID_MAX);
        let action = word(envelope.act, ACTION_MAX);
        let kind = word(envelope.t, ACTION_MAX);
        let why = match (&id, &action) {
            _ if version(envelope.v) != Some(VERSION) => format!("\"v\" has to be {VERSION}"),
            _ if kind.as_deref() != Some("req") => "\"t\" has to be \"req\"".into(),
            (None, _) => format!("\"id\" has to be a string of 1 to {ID_MAX} octets"),
            (_, None) => format!("\"act\" has to be a string of 1 to {ACTION_MAX} octets"),
            (Some(id), Some(action)) => {
                return Ok(Self { id: id.clone(), action: action.clone(), data: envelope.data });
            }
        };
        Err(BadRequest { id, action, why })
    }

    /// Its data as what the action needs; without any, those of `{}`. Members that
    /// `T` does not know are skipped.
    ///
    /// # Errors
    /// A sentence when they are something else.
    pub fn data<T: DeserializeOwned>(&self) -> Result<T, String> {
        object(self.data.map_or("{}", RawValue::get)).map_err(|why| format!("the data: {why}"))
    }

    /// Appends a request as a frame.
    ///
    /// # Errors
    /// [`FrameTooLong`]; then nothing is appended.
    pub fn encode<T: Serialize>(
        id: &str,
        act: &str,
        data: Option<&T>,
        out: &mut Vec<u8>,
    ) -> Result<(), FrameTooLong> {
        encode(&Message { v: VERSION, t: "req", id, act, data }, out)
    }
}

/// What a request and its answer look like.
#[derive(Serialize)]
struct Message<'a, T> {
    v: u32,
    t: &'static str,
    id: &'a str,
    act: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<&'a T>,
}

/// The answer to a request that was carried out.
#[derive(Debug, Clone, PartialEq)]
pub struct Response<T> {
    /// The id of the request.
    pub id: String,
    /// Its action.
    pub action: String,
    /// The result.
    pub data: T,
}

impl<T: Serialize> Response<T> {
    /// Appends it as a frame; one that would be too long is told as an INTERNAL_ERROR.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let (id, act, data) = (&self.id, &self.action, Some(&self.data));
        if encode(&Message { v: VERSION, t: "res", id, act, data }, out).is_err() {
            Failure::no_room(Some(id), Some(act)).encode(out);
        }
    }
}

/// Why a request was not carried out: one of the document's codes. Others can be
/// read, and are kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Code(Cow<'static, str>);

impl Code {
    /// The message can't be understood or meant.
    pub const BAD_REQUEST: Self = Self(Cow::Borrowed("BAD_REQUEST"));
    /// There is no such action.
    pub const UNKNOWN_ACTION: Self = Self(Cow::Borrowed("UNKNOWN_ACTION"));
    /// A frame is over the limit.
    pub const PAYLOAD_TOO_LARGE: Self = Self(Cow::Borrowed("PAYLOAD_TOO_LARGE"));
    /// AUTH has to come first.
    pub const AUTH_REQUIRED: Self = Self(Cow::Borrowed("AUTH_REQUIRED"));
    /// AUTH came without a token.
    pub const UNAUTHORIZED: Self = Self(Cow::Borrowed("UNAUTHORIZED"));
    /// The token proves nothing.
    pub const INVALID_TOKEN: Self = Self(Cow::Borrowed("INVALID_TOKEN"));
    /// The token was right, and its time is over.
    pub const TOKEN_EXPIRED: Self = Self(Cow::Borrowed("TOKEN_EXPIRED"));
    /// The token lacks the scope.
    pub const FORBIDDEN: Self = Self(Cow::Borrowed("FORBIDDEN"));
    /// Too many requests.
    pub const RATE_LIMITED: Self = Self(Cow::Borrowed("RATE_LIMITED"));
    /// The server failed.
    pub const INTERNAL_ERROR: Self = Self(Cow::Borrowed("INTERNAL_ERROR"));
    /// The connection is to blame.
    pub const CONNECTION: Self = Self(Cow::Borrowed("CONNECTION"));
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The answer to a request that was not carried out, or to what is no request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Failure {
    /// The id of the request, if it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Its action, if it has one.
    #[serde(rename = "act", skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
    /// Why not, for programs.
    pub code: Code,
    /// Why not, for people.
    #[serde(rename = "msg")]
    pub message: String,
    /// What else there is to know.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub details: Option<Value>,
}

impl Failure {
    /// To nothing that was asked: of the connection itself.
    pub fn of_connection(code: Code, message: &str) -> Self {
        Self { id: None, action: None, code, message: message.into(), details: None }
    }

    /// Appends it as a frame. Of a long text the middle is left out; what is too long all
    /// the same is told as an INTERNAL_ERROR.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let told = Self { message: shortened(&self.message), ..self.clone() };
        if told.put(out).is_err() {
            // It always fits: `no_room` bounds all of it.
            let _ = Self::no_room(self.id.as_deref(), self.action.as_deref()).put(out);
        }
    }

    /// The answer in the place of one that fits no frame.
    fn no_room(id: Option<&str>, action: Option<&str>) -> Self {
        Self {
            id: id.filter(|id| id.len() <= ID_MAX).map(String::from),
            action: action.filter(|action| action.len() <= ACTION_MAX).map(String::from),
            code: Code::INTERNAL_ERROR,
            message: "the answer fits no frame".into(),
            details: None,
        }
    }

    fn put(&self, out: &mut Vec<u8>) -> Result<(), FrameTooLong> {
        #[derive(Serialize)]
        struct Message<'a> {
            v: u32,
            t: &'static str,
            #[serde(flatten)]
            failure: &'a Failure,
        }
        encode(&Message { v: VERSION, t: "err", failure: self }, out)
    }
}

/// A text of at most [`TEXT_MAX`] octets: at its end it says what would be right.
fn shortened(text: &str) -> String {
    if text.len() <= TEXT_MAX {
        return text.into();
    }
    let half = (TEXT_MAX - LEFT_OUT.len()) / 2;
    // From there the nearest place between two characters.
    let front = (0..=half).rev().find_map(|end| text.get(..end)).unwrap_or_default();
    let back = (text.len() - half..=text.len()).find_map(|start| text.get(start..));
    format!("{front}{LEFT_OUT}{}", back.unwrap_or_default())
}

/// A message that a client gets.
#[derive(Debug, Clone, PartialEq)]
pub enum FromServer {
    /// The first.
    Hello(Hello),
    /// A request was carried out.
    Response(Response<Value>),
    /// A request was not carried out.
    Failure(Failure),
}

/// Why a payload is no message of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadMessage(pub String);

impl fmt::Display for BadMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a message is not understood: {}", self.0)
    }
}

impl std::error::Error for BadMessage {}

impl FromServer {
    /// Reads the payload of a frame.
    ///
    /// # Errors
    /// [`BadMessage`] when it is none of the three.
    pub fn parse(payload: &[u8]) -> Result<Self, BadMessage> {
        let envelope: Envelope<'_> = members(payload).map_err(BadMessage)?;
        let data = envelope.data.map_or("{}", RawValue::get);
        match word(envelope.t, ACTION_MAX).as_deref() {
            _ if version(envelope.v) != Some(VERSION) => Err("another version".into()),
            Some("hello") => object(data).map(Self::Hello),
            Some("err") => members(payload).map(Self::Failure),
            Some("res") => response(&envelope, data).map(Self::Response),
            _ => Err("another type".into()),
        }
        .map_err(BadMessage)
    }
}

fn response(envelope: &Envelope<'_>, data: &str) -> Result<Response<Value>, String> {
    let id = word(envelope.id, FRAME_MAX).ok_or("no id")?;
    let action = word(envelope.act, FRAME_MAX).ok_or("no act")?;
    let data = serde_json::from_str(data).map_err(|error| error.to_string())?;
    Ok(Response { id, action, data })
}

/// Reads an object; serde would take an array of its members for one as well.
///
/// # Errors
/// A sentence when it is something else, or lacks a member.
pub fn object<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, String> {
    if !text.trim_start().starts_with('{') {
        return Err("it has to be a JSON object".into());
    }
    serde_json::from_str(text).map_err(|error| error.to_string())
}

fn members<'a, T: Deserialize<'a>>(payload: &'a [u8]) -> Result<T, String> {
    object(std::str::from_utf8(payload).map_err(|error| error.to_string())?)
}

fn version(member: Option<&RawValue>) -> Option<u32> {
    serde_json::from_str(member?.get()).ok()
}

/// A string that is not empty and has at most `most` octets.
fn word(member: Option<&RawValue>, most: usize) -> Option<String> {
    let text: String = serde_json::from_str(member?.get()).ok()?;
    (1..=most).contains(&text.len()).then_some(text)
}

fn encode(message: &impl Serialize, out: &mut Vec<u8>) -> Result<(), FrameTooLong> {
    // Only a type can be no JSON, no text that a peer chooses.
    let payload = serde_json::to_vec(message).expect("our messages have text for keys");
    Frame(&payload).encode(out)
}
