//! The unique-id of a message (RFC 1939, section 7): "an arbitrary
//! server-determined string, consisting of one to 70 characters in the range 0x21
//! to 0x7E, which uniquely identifies a message within a maildrop and which
//! persists across sessions".
//!
//! The unique part of a Maildir name is just that, as a rule, and then it is the
//! unique-id. Any other becomes `~`, its hash and its length; so a name that
//! itself begins with `~` is hashed too, and can't be taken for such a hash.

/// "one to 70 characters".
const LONGEST: usize = 70;

/// Begins what is no name.
const MARK: u8 = b'~';

/// The part of a file's name that stays when its flags (`:2,S`) change.
pub fn unique_part(name: &[u8]) -> &[u8] {
    match name.split(|&octet| octet == b':').next() {
        Some(unique) if !unique.is_empty() => unique,
        _ => name,
    }
}

/// The unique-id for the unique part of a file's name.
pub fn unique_id(unique: &[u8]) -> String {
    let fits = (1..=LONGEST).contains(&unique.len());
    let plain = unique.iter().all(|octet| (0x21..=0x7e).contains(octet));
    match str::from_utf8(unique) {
        Ok(text) if fits && plain && !unique.starts_with(&[MARK]) => text.into(),
        _ => format!("{}{:032x}.{}", char::from(MARK), hash(unique), unique.len()),
    }
}

/// FNV-1a with 128 bits: the same in every version of this program, and nobody but
/// the owner of a mailbox chooses the names in it.
fn hash(octets: &[u8]) -> u128 {
    const BASIS: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;
    octets.iter().fold(BASIS, |hash, octet| (hash ^ u128::from(*octet)).wrapping_mul(PRIME))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn flags_are_no_part_of_it() {
        for name in ["1.a.host", "1.a.host:2,", "1.a.host:2,FS", "1.a.host:1,x:y"] {
            assert_eq!(unique_part(name.as_bytes()), b"1.a.host");
        }
        assert_eq!(unique_part(b":2,S"), b":2,S");
    }

    #[test]
    fn what_fits_stays_as_it_is() {
        let longest = "n".repeat(70);
        for name in ["1285.M1P2.host,S=3", "!", &longest] {
            assert_eq!(unique_id(name.as_bytes()), name);
        }
    }

    #[test]
    fn everything_else_is_hashed_for_ever_the_same_way() {
        let expected = "~d228cb696f1a8caf78912b704e4a8964.1";
        assert_eq!(unique_id("n".repeat(71).as_bytes()).len(), 36);
        for name in [&b"a b"[..], b"\xc3\xa9", b"~a", b"\x7f", b""] {
            assert!(unique_id(name).starts_with('~'), "{name:?}");
        }
        // The published value of FNV-1a for "a".
        assert_eq!(format!("~{:032x}.1", hash(b"a")), expected);
        assert_eq!(unique_id(unique_id(b"a b").as_bytes()).matches('~').count(), 1);
    }

    proptest! {
        #[test]
        fn it_keeps_to_the_rules(one: Vec<u8>, other: Vec<u8>) {
            let id = unique_id(&one);
            prop_assert!((1..=70).contains(&id.len()));
            prop_assert!(id.bytes().all(|octet| (0x21..=0x7e).contains(&octet)));
            prop_assert_eq!(one == other, id == unique_id(&other));
        }
    }
}
