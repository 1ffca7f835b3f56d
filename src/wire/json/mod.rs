//! The json dialect: frames of JSON over TCP, with requests, responses and errors.
//!
//! ```text
//! +-------------+----------------------+
//! |   4 bytes   |       N bytes        |    one message: {"v":1,"t":TYPE, ...}
//! |   Length    |     JSON Payload     |    TYPE: "hello" first, from the server,
//! | (Big End.)  |       (UTF-8)        |    then "req" from the client,
//! +-------------+----------------------+    answered with "res" or "err"
//! ```
//!
//! A [`Frame`] is found first, whatever it holds: one whose payload is no message has
//! an end all the same, so the conversation can go on behind it. [`Request::parse`]
//! and [`FromServer::parse`] then look inside; [`data`] is what each action says.
//! Members that are not known are skipped, and `"data": null` is no data at all.
//!
//! # What a peer can make it cost
//!
//! Only [`FRAME_MAX`] bounds a payload, so nothing is built from one but what is asked
//! for: the envelope borrows its members as text, and those that nobody reads are
//! stepped over without recursion, however deep they are nested.

pub mod data;
mod frame;
mod message;
mod text;

pub use frame::{FRAME_MAX, Frame, FrameTooLong};
pub use message::{
    ACTION_MAX, BadMessage, BadRequest, Code, Failure, FromServer, HEARTBEAT, Hello, ID_MAX,
    Request, Response, VERSION, object,
};
pub use text::{Octets, Scalar};
