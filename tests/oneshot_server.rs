//! oneshot on a real socket, in front of a server at work.

mod served;

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr};

use served::{Served, echo, to_the_end, try_start, until};

const TOKEN: &str = "123456789abcdef1";
const OK: [u8; 4] = [0, 0, 1, 0];
const BAD_DATA: [u8; 4] = [4, 0, 1, 0];
const NOT_AUTHENTICATED: [u8; 4] = [5, 0, 1, 0];

fn start() -> Served {
    Served::start("--oneshot 127.0.0.1:0", Some(TOKEN))
}

/// `VER TOKEN TYPE TARGET DLEN DATA`
fn request(token: &str, kind: u8, target: u8, data: &[u8]) -> Vec<u8> {
    let length = (data.len() as u16).to_be_bytes();
    [&[1], token.as_bytes(), &[kind, target], &length, data].concat()
}

/// The whole response.
#[track_caller]
fn ask(server: &Served, request: &[u8]) -> Vec<u8> {
    let mut stream = server.connect("oneshot");
    stream.write_all(request).unwrap();
    to_the_end(&mut stream)
}

#[track_caller]
fn configure(server: &Served, target: u8, data: &[u8]) -> Vec<u8> {
    ask(server, &request(TOKEN, 1, target, data))
}

#[track_caller]
fn get(server: &Served, token: &str, target: u8) -> Vec<u8> {
    ask(server, &request(token, 0, target, &[0]))
}

fn number(number: u32) -> Vec<u8> {
    [&[0, 0, 4], number.to_be_bytes().as_slice()].concat()
}

fn can_log_in(server: &Served, name: &str, password: &str, target: SocketAddr) -> bool {
    server.try_through(Some((name, password)), target).is_ok()
}

#[test]
fn it_does_not_start_without_its_secret() {
    let Err(error) = try_start("--oneshot 127.0.0.1:0", None) else { panic!("it started") };
    let error = error.to_string();
    assert!(error.contains("oneshot") && error.contains("SOCKSD_ONESHOT_TOKEN"), "{error}");
    assert!(try_start("", None).is_ok());
}

#[test]
fn the_token_is_the_first_admins() {
    let server = Served::start("--oneshot 127.0.0.1:0 -U second:x", Some(TOKEN));
    assert_eq!(configure(&server, 3, b"second"), OK);
    assert_eq!(configure(&server, 3, b"root"), BAD_DATA);
}

#[test]
fn counters_are_those_of_the_proxy() {
    let server = start();
    for target in 0..3 {
        assert_eq!(get(&server, TOKEN, target), number(0));
    }
    let mut first = server.through(None, echo());
    let second = server.through(None, echo());
    first.write_all(b"hello").unwrap();
    first.read_exact(&mut [0; 5]).unwrap();
    assert_eq!(get(&server, TOKEN, 0), number(2));
    assert_eq!(get(&server, TOKEN, 1), number(2));
    // Octets are counted a moment after they have been sent.
    until("all octets are counted", || get(&server, TOKEN, 2) == number(10));
    drop(second);
    until("one is left", || get(&server, TOKEN, 1) == number(1));
    assert_eq!(get(&server, TOKEN, 0), number(2));
}

#[test]
fn users_come_and_go() {
    let server = start();
    let target = echo();
    assert!(server.try_through(None, target).is_ok());
    assert_eq!(configure(&server, 4, b"ana\x001234"), OK);
    assert!(server.try_through(None, target).is_err());
    assert!(can_log_in(&server, "ana", "1234", target));
    assert_eq!(configure(&server, 4, b"ana\x00x"), BAD_DATA);
    assert!(can_log_in(&server, "ana", "1234", target));
    assert_eq!(configure(&server, 5, b"ana"), OK);
    assert!(!can_log_in(&server, "ana", "1234", target));
    assert_eq!(configure(&server, 5, b"ana"), BAD_DATA);
}

#[test]
fn admins_come_and_go_but_for_the_last() {
    let server = start();
    let (ana, bea) = ("token of ana (1)", "token of bea (2)");
    assert_eq!(get(&server, ana, 0), NOT_AUTHENTICATED);
    assert_eq!(configure(&server, 2, format!("ana\0{ana}").as_bytes()), OK);
    assert_eq!(configure(&server, 2, format!("bea\0{bea}").as_bytes()), OK);
    assert_eq!(configure(&server, 2, format!("ana\0{bea}").as_bytes()), BAD_DATA);
    assert_eq!(get(&server, ana, 0), number(0));
    assert_eq!(ask(&server, &request(ana, 1, 3, b"root")), OK);
    assert_eq!(get(&server, TOKEN, 0), NOT_AUTHENTICATED);
    assert_eq!(ask(&server, &request(ana, 1, 3, b"bea")), OK);
    assert_eq!(get(&server, bea, 0), NOT_AUTHENTICATED);
    assert_eq!(ask(&server, &request(ana, 1, 3, b"ana")), BAD_DATA);
    assert_eq!(get(&server, ana, 0), number(0));
}

#[test]
fn sizes_and_folders_really_change() {
    let server = start();
    assert_eq!(configure(&server, 1, b"512"), OK);
    assert_eq!(server.core().settings().buffer_size.map(|size| size.octets()), Some(512));
    let mut client = server.through(None, echo());
    client.write_all(&[7; 2000]).unwrap();
    client.read_exact(&mut [0; 2000]).unwrap();
    for wrong in ["511", "65536", "", "0", "-1", "+600", " 600", "0x600", "99999999999999999999"] {
        assert_eq!(configure(&server, 1, wrong.as_bytes()), BAD_DATA, "{wrong}");
    }
    assert_eq!(server.core().settings().buffer_size.map(|size| size.octets()), Some(512));
    assert_eq!(configure(&server, 1, b"65535"), OK);
    assert_eq!(server.core().settings().buffer_size.map(|size| size.octets()), Some(65535));

    let folder = std::path::Path::new("tests/golden");
    assert_eq!(configure(&server, 0, b"tests/golden"), OK);
    assert_eq!(server.core().settings().maildir.as_deref(), Some(folder));
    for wrong in ["", "no/such/folder", "Cargo.toml", "tests/golden\0", "tests/golden "] {
        assert_eq!(configure(&server, 0, wrong.as_bytes()), BAD_DATA, "{wrong}");
    }
    assert_eq!(server.core().settings().maildir.as_deref(), Some(folder));
}

#[test]
fn names_and_secrets_are_letters_and_digits() {
    let server = start();
    let long = "x".repeat(255);
    assert_eq!(configure(&server, 4, format!("{long}\0{long}").as_bytes()), OK);
    assert_eq!(configure(&server, 5, long.as_bytes()), OK);
    for wrong in [
        format!("{long}x\0y").into_bytes(),
        format!("y\0{long}x").into_bytes(),
        b"a b\0x".to_vec(),
        b"a_b\0x".to_vec(),
        b"a\xf1o\0x".to_vec(),
        b"ana\0x\n".to_vec(),
        b"ana\0x\0".to_vec(),
        b"ana".to_vec(),
        b"ana\0".to_vec(),
        b"\0x".to_vec(),
        Vec::new(),
    ] {
        assert_eq!(configure(&server, 4, &wrong), BAD_DATA, "{}", wrong.escape_ascii());
    }
}

#[test]
fn the_response_arrives_whole_though_more_is_being_sent() {
    let server = start();
    let behind = vec![b'x'; 300_000];
    for (asked, response) in [
        (request(TOKEN, 0, 0, &[]), number(0)),
        (request(TOKEN, 1, 1, b"4096"), OK.to_vec()),
        (request("wrong", 0, 0, &[]), NOT_AUTHENTICATED.to_vec()),
        (vec![2], vec![1, 0, 1, 0]),
        (request(TOKEN, 2, 0, &[]), vec![2, 0, 1, 0]),
        (request(TOKEN, 1, 9, &[]), vec![3, 0, 1, 0]),
    ] {
        let asked = [asked, behind.clone()].concat();
        assert_eq!(ask(&server, &asked), response, "{}", asked[..30].escape_ascii());
    }
}

#[test]
fn a_get_waits_for_nothing_behind_its_target() {
    let server = start();
    let mut stream = server.connect("oneshot");
    for octet in &request(TOKEN, 0, 2, &[])[..19] {
        stream.write_all(&[*octet]).unwrap();
    }
    let mut response = [1; 7];
    stream.read_exact(&mut response).unwrap();
    assert_eq!(response[..], number(0));
    // The data that the document shows may still come; the end is in order.
    stream.write_all(&[0, 1, 0]).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    assert_eq!(to_the_end(&mut stream), b"");
}

#[test]
fn the_longest_data_are_read_to_their_end() {
    let server = start();
    // No system knows so long a path.
    let path = format!("tests/golden{}", "/".repeat(65_535 - 12));
    assert_eq!(configure(&server, 0, path.as_bytes()), BAD_DATA);
    let path = format!("tests/golden{}", "/".repeat(500));
    assert_eq!(configure(&server, 0, path.as_bytes()), OK);
}

#[test]
fn half_a_request_and_no_more_is_no_response() {
    let server = start();
    let whole = request(TOKEN, 1, 1, b"4096");
    for cut in [0, 1, 16, 17, 18, 19, 20, 21, whole.len() - 1] {
        let mut stream = server.connect("oneshot");
        stream.write_all(&whole[..cut]).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        assert_eq!(to_the_end(&mut stream), b"", "{cut}");
    }
    assert_eq!(server.core().settings().buffer_size, None);
}

#[test]
fn the_whole_request_has_the_deadline_of_a_login() {
    let server = Served::start("--oneshot 127.0.0.1:0 --handshake-timeout 3", Some(TOKEN));
    let whole = request(TOKEN, 1, 4, b"\x04eve\0pw");
    let begun = [1, 17, 19, whole.len() - 1].map(|length| {
        let mut stream = server.connect("oneshot");
        stream.write_all(&whole[..length]).unwrap();
        (length, stream)
    });
    for (length, mut stream) in begun {
        assert_eq!(to_the_end(&mut stream), b"", "the first {length} octets");
    }
}
