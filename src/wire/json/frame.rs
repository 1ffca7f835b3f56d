//! Where a message ends: a length, and as many octets.

use std::fmt;

use crate::wire::Decoded;
use crate::wire::input::Input;
use crate::wire::output::put_u32;

/// "Max Frame Size: 262,144 bytes": the most octets of a payload.
pub const FRAME_MAX: usize = 262_144;

/// The payload of a frame, not looked into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame<'a>(pub &'a [u8]);

/// A length over [`FRAME_MAX`]. From a peer: no memory is kept for it, and what follows
/// it is not worth reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameTooLong {
    /// The length that was announced, or would have to be.
    pub announced: u32,
}

impl fmt::Display for FrameTooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a frame of {} octets is too long, send at most {FRAME_MAX}", self.announced)
    }
}

impl std::error::Error for FrameTooLong {}

impl<'a> Frame<'a> {
    /// The octets of the length.
    pub const PREFIX: usize = 4;
    /// The longest frame, with its length.
    pub const LEN_MAX: usize = Self::PREFIX + FRAME_MAX;

    /// Finds the first frame. An empty one is a frame too.
    ///
    /// # Errors
    /// [`FrameTooLong`] as soon as the length is there.
    pub fn decode(bytes: &'a [u8]) -> Decoded<Self, FrameTooLong> {
        let mut input = Input::new(bytes);
        let Some(announced) = input.u32() else { return Ok(None) };
        let length = usize::try_from(announced).ok().filter(|length| *length <= FRAME_MAX);
        let length = length.ok_or(FrameTooLong { announced })?;
        Ok(input.take(length).map(|payload| (Self(payload), input.used())))
    }

    /// Appends the frame.
    ///
    /// # Errors
    /// [`FrameTooLong`]; then nothing is appended.
    pub fn encode(&self, out: &mut Vec<u8>) -> Result<(), FrameTooLong> {
        let announced = u32::try_from(self.0.len()).unwrap_or(u32::MAX);
        if self.0.len() > FRAME_MAX {
            return Err(FrameTooLong { announced });
        }
        put_u32(out, announced);
        out.extend_from_slice(self.0);
        Ok(())
    }
}
