//! The headers of the PROXY protocol against the octets of its specification.

mod fragments;

use fragments::{holds_for_any_bytes, is_golden, mutate, survives_every_split};
use proptest::prelude::*;
use socksd::wire::proxy_protocol::{Header, ProxyProtocolError as Error};
use std::net::{IpAddr, SocketAddr};

const SIGNATURE: &[u8; 12] = b"\x0D\x0A\x0D\x0A\x00\x0D\x0A\x51\x55\x49\x54\x0A";

fn from(source: &str) -> Header {
    Header { source: Some(source.parse().unwrap()) }
}

const REAL: Header = Header { source: None };

/// A header of version 2.
fn binary(version_command: u8, family: u8, block: &[u8]) -> Vec<u8> {
    let length = u16::try_from(block.len()).unwrap();
    let fixed = [&SIGNATURE[..], &[version_command, family], &length.to_be_bytes()].concat();
    [&fixed, block].concat()
}

/// From 192.0.2.7, port 56324, to 198.51.100.1, port 1080.
const V4: &[u8] = b"\xc0\x00\x02\x07\xc6\x33\x64\x01\xdc\x04\x04\x38";

fn v6() -> Vec<u8> {
    let (source, destination) = ("2001:db8::7", "2001:db8::1");
    let octets = |ip: &str| ip.parse::<std::net::Ipv6Addr>().unwrap().octets();
    [&octets(source)[..], &octets(destination), b"\xdc\x04\x04\x38"].concat()
}

/// ALPN "h2", and four octets of nothing.
const TLVS: &[u8] = b"\x01\x00\x02h2\x04\x00\x04\0\0\0\0";

fn right() -> Vec<(Vec<u8>, Header)> {
    let long = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff";
    let worst = format!("PROXY UNKNOWN {long} {long} 65535 65535\r\n");
    assert_eq!(worst.len(), Header::LINE_MAX);
    let longest = format!("PROXY TCP6 {long} {long} 65535 65535\r\n");
    let text = |line: &str| line.as_bytes().to_vec();
    vec![
        (text("PROXY TCP4 192.168.0.1 192.168.0.11 56324 443\r\n"), from("192.168.0.1:56324")),
        (
            text("PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n"),
            from("255.255.255.255:65535"),
        ),
        (text("PROXY TCP4 192.0.2.7 198.51.100.1 0 0\r\n"), from("192.0.2.7:0")),
        (text("PROXY TCP6 2001:db8::7 ::1 9 1\r\n"), from("[2001:db8::7]:9")),
        (text("PROXY TCP6 ::ffff:192.0.2.7 ::1 9 1\r\n"), from("[::ffff:192.0.2.7]:9")),
        (text(&longest), from(&format!("[{long}]:65535"))),
        (text("PROXY UNKNOWN\r\n"), REAL),
        (text("PROXY UNKNOWN \r\n"), REAL),
        (text("PROXY UNKNOWN what \r ever\r\n"), REAL),
        (text(&worst), REAL),
        (binary(0x21, 0x11, V4), from("192.0.2.7:56324")),
        (binary(0x21, 0x21, &v6()), from("[2001:db8::7]:56324")),
        (binary(0x21, 0x11, &[V4, TLVS].concat()), from("192.0.2.7:56324")),
        (binary(0x21, 0x21, &[&v6(), TLVS].concat()), from("[2001:db8::7]:56324")),
        (longest_header(), from("192.0.2.7:56324")),
        (binary(0x21, 0x31, &[b'/'; 216]), REAL),
        (binary(0x21, 0x32, &[b'/'; 216]), REAL),
        (binary(0x21, 0x12, V4), REAL),
        (binary(0x21, 0x22, &v6()), REAL),
        (binary(0x21, 0x10, V4), REAL),
        (binary(0x21, 0x00, b""), REAL),
        (binary(0x21, 0x00, b"whatever"), REAL),
        (binary(0x20, 0x00, b""), REAL),
        (binary(0x20, 0x11, V4), REAL),
        (binary(0x20, 0xff, b"\xff"), REAL),
    ]
}

/// As long as a header may be, filled by a TLV of a private type.
fn longest_header() -> Vec<u8> {
    let value = vec![b'x'; Header::LEN_MAX - 16 - V4.len() - 3];
    let length = u16::try_from(value.len()).unwrap().to_be_bytes();
    let header = binary(0x21, 0x11, &[V4, &[0xee], &length, &value].concat());
    assert_eq!(header.len(), Header::LEN_MAX);
    header
}

#[test]
fn right_headers_say_where_a_connection_comes_from() {
    for (octets, header) in right() {
        is_golden(&octets, &header, Header::decode);
    }
}

#[test]
fn headers_survive_every_split() {
    let (stream, values): (Vec<_>, Vec<_>) =
        right().into_iter().filter(|(octets, _)| octets.len() < 300).unzip();
    survives_every_split(&stream.concat(), &values, Header::decode);
}

#[test]
fn a_wrong_line_is_an_error() {
    let long = "x".repeat(Header::LINE_MAX - "PROXY UNKNOWN ".len());
    let endless = format!("PROXY UNKNOWN {long}");
    assert_eq!(Header::decode(&endless.as_bytes()[..endless.len() - 1]), Ok(None));
    for line in [&endless, &format!("{endless}\r\n")] {
        assert_eq!(Header::decode(line.as_bytes()), Err(Error::LineTooLong), "{line}");
    }
    for line in [
        "PROXY \r\n",
        "PROXY  TCP4 192.0.2.7 198.51.100.1 1 2\r\n",
        "PROXY TCP4  192.0.2.7 198.51.100.1 1 2\r\n",
        "PROXY TCP4 192.0.2.7 198.51.100.1 1 2 \r\n",
        "PROXY TCP4 192.0.2.7 198.51.100.1 1\r\n",
        "PROXY TCP4 192.0.2.7 198.51.100.1 1 2 3\r\n",
        "PROXY TCP4 192.0.2.7 198.51.100.1 1 65536\r\n",
        "PROXY TCP4 192.0.2.7 198.51.100.1 01 2\r\n",
        "PROXY TCP4 192.0.2.7 198.51.100.1 +1 2\r\n",
        "PROXY TCP4 192.0.2.07 198.51.100.1 1 2\r\n",
        "PROXY TCP4 192.0.2.256 198.51.100.1 1 2\r\n",
        "PROXY TCP4 2001:db8::7 2001:db8::1 1 2\r\n",
        "PROXY TCP4 192.0.2.7 2001:db8::1 1 2\r\n",
        "PROXY TCP6 192.0.2.7 198.51.100.1 1 2\r\n",
        "PROXY TCP6 2001:db8::7%1 2001:db8::1 1 2\r\n",
        "PROXY tcp4 192.0.2.7 198.51.100.1 1 2\r\n",
        "PROXY UDP4 192.0.2.7 198.51.100.1 1 2\r\n",
        "PROXY UNKNOWNS\r\n",
        "PROXY TCP4 192.0.2.7 198.51.100.1 1 2\n",
        "PROXY UNKNOWN\n",
        "PROXY TCP4 192.0.2.7 198.51.100.1 1 2\r\r\n",
        "PROXY TCP4\t192.0.2.7 198.51.100.1 1 2\r\n",
        "PROXY TCP4 192.0.2.\u{e9} 198.51.100.1 1 2\r\n",
        "PROXY \n",
    ] {
        assert_eq!(Header::decode(line.as_bytes()), Err(Error::Line), "{line:?}");
    }
}

#[test]
fn a_wrong_binary_header_is_told_at_the_octet_that_deserves_it() {
    let right = binary(0x21, 0x11, V4);
    let wrong_at = |at: usize, octet: u8| {
        let mut header = right.clone();
        header[at] = octet;
        assert_eq!(Header::decode(&header[..at]), Ok(None));
        let error = Header::decode(&header[..=at]).unwrap_err();
        assert_eq!(Header::decode(&header), Err(error));
        error
    };
    (1..12).for_each(|at| assert_eq!(wrong_at(at, b'x'), Error::Signature));
    assert_eq!(wrong_at(12, 0x11), Error::Version(1));
    assert_eq!(wrong_at(12, 0x31), Error::Version(3));
    assert_eq!(wrong_at(12, 0x22), Error::Command(2));
    assert_eq!(wrong_at(13, 0x41), Error::Family(0x41));
    assert_eq!(wrong_at(13, 0x13), Error::Family(0x13));
    for other in
        [b"GET / HTTP/1.1\r\n", b"\x05\x01\x00\0\0\0\0\0\0\0\0\0\0\0\0\0", b"PROXX TCP4 1.2.3"]
    {
        assert_eq!(Header::decode(other), Err(Error::Signature));
    }
    assert_eq!(Header::decode(b"PROXY\t"), Err(Error::Signature));
}

#[test]
fn a_block_that_does_not_hold_what_it_should_is_an_error() {
    for length in 0..V4.len() {
        assert_eq!(Header::decode(&binary(0x21, 0x11, &V4[..length])), Err(Error::Truncated));
    }
    // Also where the addresses are none of ours, but for no family and for LOCAL.
    for (family, length) in [(0x21, 35), (0x12, 11), (0x10, 11), (0x22, 35), (0x31, 215), (0x32, 0)]
    {
        let short = vec![b'/'; length];
        assert_eq!(Header::decode(&binary(0x21, family, &short)), Err(Error::Truncated));
        assert_eq!(Header::decode(&binary(0x20, family, &short)).unwrap().unwrap().0, REAL);
    }
    for length in 1..TLVS.len() {
        let block = [V4, &TLVS[..length]].concat();
        let expected = if length == 5 { Ok(()) } else { Err(Error::Truncated) };
        let decoded = Header::decode(&binary(0x21, 0x11, &block)).map(|_| ());
        assert_eq!(decoded, expected, "{length} octets of TLVs");
    }
}

#[test]
fn a_checksum_is_held_against_the_header() {
    let block = |checksum: [u8; 4]| [V4, b"\x03\x00\x04", &checksum].concat();
    let header = |checksum| binary(0x21, 0x11, &block(checksum));
    let expected = crc32c(&header([0; 4])).to_be_bytes();
    is_golden(&header(expected), &from("192.0.2.7:56324"), Header::decode);
    for bit in 0..32 {
        let wrong = (u32::from_be_bytes(expected) ^ 1 << bit).to_be_bytes();
        assert_eq!(Header::decode(&header(wrong)), Err(Error::Checksum));
    }
    let mut forged = header(expected);
    forged[16 + 3] ^= 1;
    assert_eq!(Header::decode(&forged), Err(Error::Checksum));
    let unix = |checksum: [u8; 4]| {
        binary(0x21, 0x31, &[&[b'/'; 216], &b"\x03\x00\x04"[..], &checksum].concat())
    };
    is_golden(&unix(crc32c(&unix([0; 4])).to_be_bytes()), &REAL, Header::decode);
    assert_eq!(Header::decode(&unix(*b"abcd")), Err(Error::Checksum));
    let short = [V4, b"\x03\x00\x03\0\0\0"].concat();
    assert_eq!(Header::decode(&binary(0x21, 0x11, &short)), Err(Error::Checksum));
}

/// By a table, unlike the decoder's.
fn crc32c(octets: &[u8]) -> u32 {
    let table: Vec<u32> = (0..256_u32)
        .map(|index| (0..8).fold(index, |crc, _| (crc >> 1) ^ ((crc & 1) * 0x82f6_3b78)))
        .collect();
    !octets.iter().fold(u32::MAX, |crc, octet| (crc >> 8) ^ table[usize::from((crc as u8) ^ octet)])
}

#[test]
fn mutations_never_panic_nor_consume_what_is_not_there() {
    let golden: Vec<_> = right().into_iter().map(|(octets, _)| octets).collect();
    mutate(0x5eed_1080, 60_000, &golden, |bytes| {
        holds_for_any_bytes(bytes, Header::decode);
        if let Ok(Some((_, used))) = Header::decode(bytes) {
            assert!(used <= Header::LEN_MAX);
        }
        assert!(bytes.len() < Header::LEN_MAX || Header::decode(bytes) != Ok(None));
    });
}

proptest! {
    #[test]
    fn every_address_is_read_from_either_version(
        source in any::<SocketAddr>(),
        destination in any::<SocketAddr>(),
        behind in prop::collection::vec(any::<u8>(), 0..300),
    ) {
        let (source, destination) = (plain(source), plain(destination));
        prop_assume!(source.is_ipv4() == destination.is_ipv4());
        let protocol = if source.is_ipv4() { "TCP4" } else { "TCP6" };
        let line = format!(
            "PROXY {protocol} {} {} {} {}\r\n",
            source.ip(), destination.ip(), source.port(), destination.port(),
        );
        let octets = |ip: IpAddr| match ip {
            IpAddr::V4(ip) => ip.octets().to_vec(),
            IpAddr::V6(ip) => ip.octets().to_vec(),
        };
        let block = [
            octets(source.ip()),
            octets(destination.ip()),
            source.port().to_be_bytes().to_vec(),
            destination.port().to_be_bytes().to_vec(),
        ];
        let family = if source.is_ipv4() { 0x11 } else { 0x21 };
        for header in [line.into_bytes(), binary(0x21, family, &block.concat())] {
            let received = [&header[..], &behind].concat();
            let expected = Header { source: Some(source) };
            prop_assert_eq!(Header::decode(&received), Ok(Some((expected, header.len()))));
        }
    }
}

/// Without scope and flow, which no header holds.
fn plain(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip(), address.port())
}
