//! What the client wants (RFC 1928, section 4).
//!
//! ```text
//! VER 05 | CMD 1 | RSV 00 | ATYP, DST.ADDR and DST.PORT: see Address
//! ```

use super::{Address, Socks5Error, VERSION, check_version};
use crate::wire::Decoded;
use crate::wire::input::Input;

/// CMD.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    /// 01: a TCP connection to the destination.
    Connect,
    /// 02: a listener for one TCP connection from the destination.
    Bind,
    /// 03: an association that relays datagrams.
    UdpAssociate,
    /// A code without a meaning in RFC 1928.
    Other(u8),
}

impl From<u8> for Command {
    fn from(code: u8) -> Self {
        match code {
            0x01 => Command::Connect,
            0x02 => Command::Bind,
            0x03 => Command::UdpAssociate,
            other => Command::Other(other),
        }
    }
}

impl From<Command> for u8 {
    fn from(command: Command) -> Self {
        match command {
            Command::Connect => 0x01,
            Command::Bind => 0x02,
            Command::UdpAssociate => 0x03,
            Command::Other(code) => code,
        }
    }
}

/// The request details.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// What to do. An unknown command still has its whole address read.
    pub command: Command,
    /// DST.ADDR and DST.PORT.
    pub destination: Address,
}

impl Request {
    /// The longest request: a name of 255 octets.
    pub const LEN_MAX: usize = 3 + Address::LEN_MAX;

    /// Reads one message from the front of `bytes`.
    ///
    /// # Errors
    ///
    /// [`Socks5Error::Version`] as soon as the first byte is another than 05,
    /// [`Socks5Error::AddressType`] as soon as ATYP is an unknown one.
    pub fn decode(bytes: &[u8]) -> Decoded<Request, Socks5Error> {
        let mut input = Input::new(bytes);
        let Some(version) = input.u8() else {
            return Ok(None);
        };
        check_version(version)?;
        // "Fields marked RESERVED (RSV) must be set to X'00'": by the sender. Nothing hangs on
        // it, so nobody is sent away for it.
        let (Some(command), Some(_reserved)) = (input.u8(), input.u8()) else {
            return Ok(None);
        };
        let Some(destination) = Address::read(&mut input)? else {
            return Ok(None);
        };
        let request = Request { command: command.into(), destination };
        Ok(Some((request, input.used())))
    }

    /// Appends the message to `out`.
    ///
    /// # Panics
    ///
    /// When [`Address::check`] of the destination fails.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&[VERSION, self.command.into(), 0]);
        self.destination.encode(out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_code_survives() {
        for code in 0..=255 {
            assert_eq!(u8::from(Command::from(code)), code);
        }
        assert_eq!(Command::from(3), Command::UdpAssociate);
        assert_eq!(Command::from(4), Command::Other(4));
    }

    #[test]
    fn errors_come_with_the_byte_that_deserves_them() {
        assert_eq!(Request::decode(&[4]), Err(Socks5Error::Version(4)));
        assert_eq!(Request::decode(&[5, 1, 0]), Ok(None));
        let error = Socks5Error::AddressType(2);
        assert_eq!(Request::decode(&[5, 1, 0, 2]), Err(error));
    }

    #[test]
    fn rsv_is_ignored_and_sent_as_zero() {
        let odd = [5, 1, 0xaa, 1, 127, 0, 0, 1, 0, 80];
        let (request, used) = Request::decode(&odd).unwrap().unwrap();
        assert_eq!(used, odd.len());
        let mut out = Vec::new();
        request.encode(&mut out);
        assert_eq!(out, [5, 1, 0, 1, 127, 0, 0, 1, 0, 80]);
    }
}
