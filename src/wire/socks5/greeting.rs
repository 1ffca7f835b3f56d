//! The choice of an authentication method (RFC 1928, section 3).
//!
//! ```text
//! Greeting:  VER 05 | NMETHODS 1 | METHODS 0 to 255, one octet each
//! answer:    VER 05 | METHOD 1     one of those offered, or FF: none is acceptable
//! ```

use super::{Socks5Error, VERSION, check_version};
use crate::wire::Decoded;
use crate::wire::input::Input;
use crate::wire::output::put_field;

/// An authentication method. 03-7F are IANA's, 80-FE private; both are kept as they came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Method(pub u8);

impl Method {
    /// 00: no authentication required.
    pub const NO_AUTHENTICATION: Method = Method(0x00);
    /// 02: the sub-negotiation of RFC 1929.
    pub const USERNAME_PASSWORD: Method = Method(0x02);
    /// FF, in an answer: nothing that was offered is acceptable, "the client MUST close".
    pub const NO_ACCEPTABLE: Method = Method(0xff);
}

/// The "version identifier/method selection message", the first bytes of every client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Greeting {
    methods: Vec<u8>,
}

impl Greeting {
    /// The longest greeting: 255 methods.
    pub const LEN_MAX: usize = 257;

    /// A greeting that offers `methods`, in this order.
    pub fn new(methods: &[Method]) -> Self {
        Greeting { methods: methods.iter().map(|method| method.0).collect() }
    }

    /// Whether the client offered `method`. FF is no method, so it is never on offer.
    pub fn offers(&self, method: Method) -> bool {
        method != Method::NO_ACCEPTABLE && self.methods.contains(&method.0)
    }

    /// What was offered, as it came: any order, possibly none, possibly twice.
    pub fn methods(&self) -> impl Iterator<Item = Method> + '_ {
        self.methods.iter().copied().map(Method)
    }

    /// Reads one message from the front of `bytes`.
    ///
    /// # Errors
    ///
    /// [`Socks5Error::Version`] as soon as the first byte is another than 05.
    pub fn decode(bytes: &[u8]) -> Decoded<Greeting, Socks5Error> {
        let mut input = Input::new(bytes);
        let Some(version) = input.u8() else {
            return Ok(None);
        };
        check_version(version)?;
        // "The NMETHODS field contains the number of method identifier octets that appear in the
        // METHODS field." None at all is well-formed; it leaves the server nothing to choose.
        let Some(methods) = input.field() else {
            return Ok(None);
        };
        Ok(Some((Greeting { methods }, input.used())))
    }

    /// Appends the message to `out`.
    ///
    /// # Panics
    ///
    /// With more than 255 methods.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.push(VERSION);
        put_field(out, &self.methods);
    }
}

/// The server's answer to a [`Greeting`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MethodSelection(pub Method);

impl MethodSelection {
    /// Every answer has this length.
    pub const LEN: usize = 2;

    /// Reads one message from the front of `bytes`.
    ///
    /// # Errors
    ///
    /// [`Socks5Error::Version`] as soon as the first byte is another than 05.
    pub fn decode(bytes: &[u8]) -> Decoded<MethodSelection, Socks5Error> {
        let mut input = Input::new(bytes);
        let Some(version) = input.u8() else {
            return Ok(None);
        };
        check_version(version)?;
        let Some(method) = input.u8() else {
            return Ok(None);
        };
        Ok(Some((MethodSelection(Method(method)), input.used())))
    }

    /// Appends `05 METHOD` to `out`.
    pub fn encode(self, out: &mut Vec<u8>) {
        out.extend_from_slice(&[VERSION, self.0.0]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_offered_is_offered() {
        let greeting = Greeting::new(&[Method(0x80), Method::USERNAME_PASSWORD, Method(0xff)]);
        assert!(greeting.offers(Method::USERNAME_PASSWORD));
        assert!(greeting.offers(Method(0x80)));
        assert!(!greeting.offers(Method::NO_AUTHENTICATION));
        assert!(!greeting.offers(Method::NO_ACCEPTABLE));
        assert_eq!(greeting.methods().count(), 3);
    }

    #[test]
    fn another_version_is_told_at_the_first_byte() {
        for version in (0..=255).filter(|v| *v != VERSION) {
            let error = Socks5Error::Version(version);
            assert_eq!(Greeting::decode(&[version]), Err(error));
            assert_eq!(MethodSelection::decode(&[version]), Err(error));
        }
    }

    #[test]
    fn no_method_at_all_is_well_formed() {
        assert_eq!(Greeting::decode(&[5, 0, 9]), Ok(Some((Greeting::new(&[]), 2))));
    }
}
