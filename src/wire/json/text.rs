//! Members whose text or type is up to the peer.

use std::fmt;

use serde::de::{Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Octets that are a JSON string on the wire: names and passwords are ISO 8859-1
/// byte strings, so the characters U+0000 to U+00FF are the octets 00 to FF. Its
/// `Debug` shows how many, since they may be a password.
#[derive(Clone, PartialEq, Eq)]
pub struct Octets(pub Vec<u8>);

impl fmt::Debug for Octets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Octets({} of them)", self.0.len())
    }
}

impl Serialize for Octets {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text: String = self.0.iter().copied().map(char::from).collect();
        serializer.serialize_str(&text)
    }
}

impl<'de> Deserialize<'de> for Octets {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Letters)
    }
}

struct Letters;

const NO_STRING: &str = "it has to be a string of ISO 8859-1 characters";

impl Visitor<'_> for Letters {
    type Value = Octets;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string of ISO 8859-1 characters")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Octets, E> {
        let octets = text.chars().map(u8::try_from).collect::<Result<_, _>>();
        octets.map(Octets).map_err(|_| E::custom("a character is not in ISO 8859-1, use others"))
    }

    // What serde itself says about these shows the value, which may be a password.

    fn visit_bool<E: Error>(self, _: bool) -> Result<Octets, E> {
        Err(E::custom(NO_STRING))
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Octets, E> {
        Err(E::custom(NO_STRING))
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Octets, E> {
        Err(E::custom(NO_STRING))
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Octets, E> {
        Err(E::custom(NO_STRING))
    }
}

/// A member that may be of any type. Unlike a [`serde_json::Value`] it keeps nothing
/// of what is nested, so depth costs no stack: a debug build would overflow that of
/// a pool's thread long before the 128 levels that serde_json allows.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Scalar {
    /// true or false.
    Bool(bool),
    /// A number without sign, fraction or exponent that fits.
    Number(u64),
    /// A string.
    Text(String),
    /// null, another number, an array or an object.
    Other,
}

impl Scalar {
    /// A number or a string as text; anything else is the empty one.
    pub fn into_text(self) -> String {
        match self {
            Self::Text(text) => text,
            Self::Number(number) => number.to_string(),
            Self::Bool(_) | Self::Other => String::new(),
        }
    }
}

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyType)
    }
}

struct AnyType;

impl<'de> Visitor<'de> for AnyType {
    type Value = Scalar;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Scalar, E> {
        Ok(Scalar::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Scalar, E> {
        Ok(Scalar::Number(value))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Scalar, E> {
        Ok(Scalar::Other)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Scalar, E> {
        Ok(Scalar::Other)
    }

    fn visit_str<E>(self, value: &str) -> Result<Scalar, E> {
        Ok(Scalar::Text(value.into()))
    }

    fn visit_unit<E>(self) -> Result<Scalar, E> {
        Ok(Scalar::Other)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Scalar, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Scalar::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Scalar, A::Error> {
        while members.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Scalar::Other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scalar_takes_anything() {
        for (text, expected) in [
            ("true", Scalar::Bool(true)),
            ("7", Scalar::Number(7)),
            ("\"7\"", Scalar::Text("7".into())),
            ("null", Scalar::Other),
            ("-7", Scalar::Other),
            ("7.5", Scalar::Other),
            ("[[], 1]", Scalar::Other),
            (r#"{"a": {"b": []}}"#, Scalar::Other),
        ] {
            assert_eq!(serde_json::from_str::<Scalar>(text).unwrap(), expected, "{text}");
        }
        assert!(serde_json::from_str::<Scalar>("[1,").is_err());
    }

    #[test]
    fn characters_are_octets() {
        let octets: Octets = serde_json::from_str(r#""\u0000a\u00e9ÿ""#).unwrap();
        assert_eq!(octets.0, b"\0a\xe9\xff");
        assert_eq!(serde_json::to_string(&octets).unwrap(), "\"\\u0000aéÿ\"");
        for other in [r#""\u0100""#, "\"€\"", "7", "null", "[1]"] {
            assert!(serde_json::from_str::<Octets>(other).is_err(), "{other}");
        }
    }

    #[test]
    fn what_is_wrong_does_not_show() {
        for secret in ["1234567", "-1234567", "12345.67", "1234567e300", "true", "[1234567]"] {
            let error = serde_json::from_str::<Octets>(secret).unwrap_err().to_string();
            assert!(!error.contains("12345") && !error.contains("true"), "{error}");
        }
    }
}
