//! The POP3 codecs against the words of RFC 1939, 5034 and 4616.

mod fragments;

use fragments::{holds_for_any_bytes, is_golden, mutate, read_stream, survives_every_split};
use socksd::wire::Decoded;
use socksd::wire::pop3::{
    ARGUMENT_MAX, Command, LINE_LEN_MAX, LINE_MAX, LineTooLong, Plain, Request, RequestError,
    ResponseCode, Status, decode_line, put_continue, put_end, put_err, put_err_with, put_line,
    put_ok,
};

fn line(bytes: &[u8]) -> Decoded<Vec<u8>, LineTooLong> {
    Ok(decode_line(bytes)?.map(|(line, used)| (line.to_vec(), used)))
}

#[test]
fn lines() {
    for (bytes, expected) in [
        (&b"QUIT\r\n"[..], &b"QUIT"[..]),
        (b"QUIT\n", b"QUIT"),
        (b"\r\n", b""),
        (b"\n", b""),
        (b"a\rb\r\r\n", b"a\rb\r"),
        (b"\xff\0 \r\n", b"\xff\0 "),
    ] {
        is_golden(bytes, &expected.to_vec(), line);
    }
    let stream = b"USER ada\r\nPASS \xe9\n\r\n.\r\n";
    let expected = [&b"USER ada"[..], b"PASS \xe9", b"", b"."].map(<[u8]>::to_vec);
    survives_every_split(stream, &expected, line);
    assert_eq!(read_stream([&stream[..]], line), expected);
}

#[test]
fn the_longest_line_and_one_octet_more() {
    let longest = [vec![b'x'; LINE_MAX], b"\r\n".to_vec()].concat();
    assert_eq!(longest.len(), LINE_LEN_MAX);
    is_golden(&longest, &vec![b'x'; LINE_MAX], line);
    for end in [&b""[..], b"\n", b"\r\n"] {
        let longer = [&[b'x'; LINE_MAX + 1], end].concat();
        assert_eq!(line(&longer), Err(LineTooLong));
    }
    let no_end = [&[b'x'; LINE_MAX][..], b"\rx"].concat();
    assert_eq!(line(&no_end), Err(LineTooLong));
    assert_eq!(LineTooLong.to_string(), "the POP3 line is over 1024 octets long");
}

#[test]
fn mutated_lines_keep_the_promises_of_a_decoder() {
    let long = [vec![b'x'; LINE_MAX], b"\r\n".to_vec()].concat();
    let golden = [b"USER ada\r\nPASS x\r\n".to_vec(), b"\r\n\n".to_vec(), long];
    mutate(0x1939_0110, 3000, &golden, |bytes| {
        holds_for_any_bytes(bytes, line);
        let command = Command::parse(bytes);
        let _ = (command.has_long_answer(), command.is_plain(), format!("{command:?}"));
        let _ = (Status::parse(bytes), Plain::parse(bytes), Request::parse(bytes));
    });
}

#[test]
fn commands() {
    fn auth<'a>(mechanism: &'a [u8], initial_response: Option<&'a [u8]>) -> Command<'a> {
        Command::Auth { mechanism, initial_response }
    }
    fn other<'a>(verb: &'a [u8], argument: &'a [u8]) -> Command<'a> {
        Command::Other { verb, argument }
    }
    for (line, expected) in [
        ("USER ada", Command::User(b"ada")),
        ("uSeR ada lovelace ", Command::User(b"ada lovelace ")),
        ("USER", Command::User(b"")),
        ("PASS  open sesame ", Command::Pass(b" open sesame ")),
        ("pass ", Command::Pass(b"")),
        ("AUTH PLAIN", auth(b"PLAIN", None)),
        ("AUTH PLAIN ", auth(b"PLAIN", None)),
        ("auth plain AGE=", auth(b"plain", Some(b"AGE="))),
        ("AUTH CRAM-MD5", auth(b"CRAM-MD5", None)),
        ("AUTH", other(b"AUTH", b"")),
        ("AUTH ", other(b"AUTH", b"")),
        ("USERS ada", other(b"USERS", b"ada")),
        ("top 1 10", other(b"top", b"1 10")),
        ("", other(b"", b"")),
        (" USER ada", other(b"", b"USER ada")),
    ] {
        assert_eq!(Command::parse(line.as_bytes()), expected, "{line:?}");
    }
    assert!(auth(b"pLaIn", None).is_plain());
    assert!(!auth(b"PLAINER", None).is_plain());
    assert!(Command::parse(b"stls").is("STLS"));
}

#[test]
fn requests() {
    for (line, expected) in [
        ("CAPA", Request::Capabilities),
        ("stat", Request::Stat),
        ("STAT ", Request::Stat),
        ("List", Request::List(None)),
        ("LIST 1", Request::List(Some(1))),
        ("LIST 007", Request::List(Some(7))),
        ("UIDL", Request::UniqueIds(None)),
        ("UIDL 0", Request::UniqueIds(Some(0))),
        ("RETR 18446744073709551616", Request::Retrieve(u64::MAX)),
        ("TOP 1 0", Request::Top { message: 1, lines: 0 }),
        ("DELE 2", Request::Delete(2)),
        ("NOOP", Request::Nothing),
        ("RSET", Request::Reset),
        ("quit", Request::Quit),
        ("USER ada", Request::LogIn(Command::User(b"ada"))),
        ("PASS a b", Request::LogIn(Command::Pass(b"a b"))),
        ("AUTH X", Request::LogIn(Command::Auth { mechanism: b"X", initial_response: None })),
    ] {
        assert_eq!(Request::parse(line.as_bytes()), Ok(expected), "{line:?}");
    }
}

#[test]
fn requests_that_are_none() {
    for line in ["", " ", "STLS", "QUITS", " QUIT", "APOP a b", "\u{e9}", "LAST", "QUIT\t"] {
        assert_eq!(Request::parse(line.as_bytes()), Err(RequestError::Unknown), "{line:?}");
    }
    for line in [
        "USER",
        "PASS ",
        "AUTH",
        "STAT 1",
        "QUIT now",
        "LIST x",
        "LIST -1",
        "LIST +1",
        "LIST 1 2",
        "LIST  1",
        "RETR",
        "RETR 1.0",
        "TOP",
        "TOP 1",
        "TOP 1 -1",
        "TOP 1 2 3",
        "TOP x 1",
        "DELE",
        "UIDL \u{661}",
    ] {
        let wrong = Request::parse(line.as_bytes());
        assert!(matches!(wrong, Err(RequestError::Arguments(_))), "{line:?}: {wrong:?}");
    }
    for (verb, before) in [("USER", ""), ("PASS", ""), ("RETR", ""), ("TOP", "1 ")] {
        let line = |length| format!("{verb} {before}{}", "1".repeat(length)).into_bytes();
        assert!(Request::parse(&line(ARGUMENT_MAX)).is_ok(), "{verb}");
        assert_eq!(Request::parse(&line(ARGUMENT_MAX + 1)), Err(RequestError::TooLong), "{verb}");
    }
}

#[test]
fn answers() {
    let mut out = Vec::new();
    put_ok(&mut out, "2 320");
    put_err(&mut out, "no");
    for code in
        [ResponseCode::Auth, ResponseCode::InUse, ResponseCode::SysTemp, ResponseCode::SysPerm]
    {
        put_err_with(&mut out, code, "no");
    }
    put_continue(&mut out);
    put_line(&mut out, "1 120");
    put_end(&mut out);
    let expected = "+OK 2 320\r\n-ERR no\r\n-ERR [AUTH] no\r\n-ERR [IN-USE] no\r\n\
                    -ERR [SYS/TEMP] no\r\n-ERR [SYS/PERM] no\r\n+ \r\n1 120\r\n.\r\n";
    assert_eq!(String::from_utf8(out).unwrap(), expected);
}

#[test]
fn long_answers() {
    for line in ["CAPA", "capa", "LIST", "UIDL", "RETR 1", "TOP 1 0", "AUTH", "LANG"] {
        assert!(Command::parse(line.as_bytes()).has_long_answer(), "{line}");
    }
    for line in ["LIST 1", "UIDL 1", "STAT", "AUTH PLAIN", "LANG en", "USER x", "PASS x", ""] {
        assert!(!Command::parse(line.as_bytes()).has_long_answer(), "{line}");
    }
}

#[test]
fn statuses() {
    for (line, expected) in [
        ("+OK", Some(Status::Ok)),
        ("+OK ready <1@host>", Some(Status::Ok)),
        ("-ERR", Some(Status::Err)),
        ("-ERR [AUTH] no", Some(Status::Err)),
        ("+ ", Some(Status::Continue)),
        ("+ PDE=", Some(Status::Continue)),
        ("+", Some(Status::Continue)),
        ("+ok", None),
        ("+O", None),
        ("-ER", None),
        (".", None),
        ("", None),
        ("220 mail", None),
    ] {
        assert_eq!(Status::parse(line.as_bytes()), expected, "{line:?}");
    }
}

#[test]
fn plain_messages() {
    let plain = |authzid, authcid, passwd| Some(Plain { authzid, authcid, passwd });
    assert_eq!(Plain::parse(b"\0ada\0sesame"), plain(b"", b"ada", b"sesame"));
    assert_eq!(Plain::parse(b"bob\0ada\0 \xe9"), plain(b"bob", b"ada", b" \xe9"));
    for wrong in [&b""[..], b"ada", b"\0ada", b"\0ada\0", b"\0\0sesame", b"\0a\0b\0", b"\0\0\0"] {
        assert_eq!(Plain::parse(wrong), None, "{wrong:?}");
    }
}

#[test]
fn debug_shows_no_secret() {
    assert_eq!(format!("{:?}", Command::parse(b"PASS sesame")), "Command(PASS, ..)");
    assert_eq!(format!("{:?}", Command::parse(b"AUTH PLAIN AGE=")), "Command(AUTH, ..)");
    assert_eq!(format!("{:?}", Plain::parse(b"\0ada\0sesame")), "Some(Plain(ada, ..))");
}
