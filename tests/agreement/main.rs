//! The dialects agree: what is changed through one is read back through all that can say
//! it, and holds for the proxy. Which dialects those are, [`Ask::sayable_by`] tells.

mod everywhere;
#[path = "../served/mod.rs"]
#[allow(dead_code, reason = "what the tests of the dialects themselves need")]
mod served;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};

use everywhere::{Everywhere, number};
use served::{echo, until};
use socksd::client::{Answer, Ask, ClientError, Dialect, OpenConnection, Secret, Value};
use socksd::core::{ConnectionId, Name, PageSize, Setting};
use socksd::manage::DIALECTS;

fn name(text: &str) -> Name {
    Name::new(text.as_bytes()).unwrap()
}

fn add(user: &str, password: &str) -> Ask {
    Ask::AddUser { name: name(user), password: Secret::new(password.as_bytes()).unwrap() }
}

fn edit(user: &str, password: &str) -> Ask {
    Ask::EditUser { name: name(user), password: Secret::new(password.as_bytes()).unwrap() }
}

fn remove(user: &str) -> Ask {
    Ask::RemoveUser { name: name(user), cut: false }
}

fn set(setting: &str, value: u64) -> Ask {
    Ask::Configure(Setting::parse(setting, &value.to_string()).unwrap())
}

#[test]
fn all_dialects_are_asked() {
    let mut asked: Vec<String> = Dialect::ALL.iter().map(Dialect::to_string).collect();
    let mut served: Vec<_> = DIALECTS.iter().map(|dialect| dialect.name).collect();
    asked.sort_unstable();
    served.sort_unstable();
    assert_eq!(asked, served);
}

#[test]
fn users() {
    let (server, target) = (Everywhere::start(), echo());
    let mut expected = BTreeSet::from(["first".to_owned()]);
    let admitted = |user: &str, password: &str| server.try_through(Some((user, password)), target);
    server.agree_on_users(&expected);
    for &adder in add("x", "x").sayable_by() {
        let user = adder.to_string();
        server.say(adder, &add(&user, "1234"));
        expected.insert(user.clone());
        server.agree_on_users(&expected);
        assert!(admitted(&user, "1234").is_ok(), "{user}");
        server.all_refuse(&add(&user, "1234"));
    }
    for &editor in edit("x", "x").sayable_by() {
        for user in &expected {
            server.say(editor, &edit(user, &format!("by{editor}")));
            assert!(admitted(user, &format!("by{editor}")).is_ok(), "{user} by {editor}");
            assert!(admitted(user, "1234").is_err(), "{user} by {editor}");
        }
    }
    // By another dialect than the one that has added the user.
    let adders = add("x", "x").sayable_by().iter().cycle().skip(1);
    for (remover, user) in remove("x").sayable_by().iter().zip(adders) {
        let user = user.to_string();
        server.say(*remover, &remove(&user));
        expected.remove(&user);
        server.agree_on_users(&expected);
        server.all_refuse(&remove(&user));
        server.all_refuse(&edit(&user, "1234"));
    }
    assert_eq!(expected.len(), 1);
}

#[test]
fn settings() {
    let server = Everywhere::start();
    for (setting, ask) in [
        ("buffer_size", set("buffer_size", 512)),
        ("timeout", set("timeout", 1)),
        ("max_connections", set("max_connections", 1)),
        ("max_users", set("max_users", 1)),
        ("max_per_user", set("max_per_user", 1)),
        ("max_per_address", set("max_per_address", 1)),
        ("max_new_per_address", set("max_new_per_address", 1)),
    ] {
        // Another value each time, so that none is read that was there before.
        for (value, &dialect) in (4000..).zip(ask.sayable_by()) {
            server.say(dialect, &set(setting, value));
            assert_eq!(server.agreed(&Ask::Settings)[setting], value, "{setting} by {dialect}");
        }
    }
    for &dialect in set("buffer_size", 0).sayable_by() {
        server.say(dialect, &set("buffer_size", 512));
        server.say(dialect, &set("buffer_size", 0));
        assert_eq!(server.agreed(&Ask::Settings)["buffer_size"], 0, "by {dialect}");
    }
}

#[test]
fn page_size_spoofing_and_maildir() {
    let server = Everywhere::start();
    let page = |names| Ask::Configure(Setting::PageSize(PageSize::new(names).unwrap()));
    for (names, &dialect) in (7..).zip(page(1).sayable_by()) {
        server.say(dialect, &page(names));
        for ask in [Ask::PageSize, Ask::Settings] {
            assert_eq!(server.agreed(&ask)["page_size"], u64::from(names), "by {dialect}");
        }
    }
    for &dialect in Ask::Configure(Setting::Spoofing(true)).sayable_by() {
        for on in [true, false] {
            server.say(dialect, &Ask::Configure(Setting::Spoofing(on)));
            for ask in [Ask::Spoofing, Ask::Settings] {
                assert_eq!(server.agreed(&ask)["spoofing"], u64::from(on), "by {dialect}");
            }
        }
    }
    let folders = ["tests", "src"];
    assert_eq!(Ask::Maildir(String::new()).sayable_by().len(), folders.len());
    for (folder, &dialect) in folders.iter().zip(Ask::Maildir(String::new()).sayable_by()) {
        server.say(dialect, &Ask::Maildir((*folder).into()));
        for &reader in Ask::Settings.sayable_by() {
            let facts = server.facts(reader, &Ask::Settings);
            assert_eq!(facts["maildir"], Value::Text((*folder).into()), "by {dialect}");
        }
    }
}

/// How many connections are let in while none is given back, up to `most`.
fn let_in(server: &Everywhere, target: SocketAddr, most: u64) -> u64 {
    let ana = Some(("first", "1234"));
    let open: Vec<TcpStream> =
        (0..most).map_while(|_| server.try_through(ana, target).ok()).collect();
    let count = open.len() as u64;
    drop(open);
    until("all have left", || server.core().metrics().current == 0);
    count
}

#[test]
fn limits() {
    let (server, target) = (Everywhere::start(), echo());
    let mut refused = 0;
    for limit in ["max_connections", "max_per_user", "max_per_address"] {
        for (value, &dialect) in (2..).zip(set(limit, 1).sayable_by()) {
            server.say(dialect, &set(limit, value));
            assert_eq!(let_in(&server, target, 9), value, "{limit} by {dialect}");
            refused += 1;
            assert_eq!(server.agreed(&Ask::Metrics)["refused"], refused, "{limit} by {dialect}");
        }
        let off = if limit == "max_connections" { 500 } else { 0 };
        server.say(set(limit, off).sayable_by()[0], &set(limit, off));
        assert_eq!(let_in(&server, target, 9), 9);
    }
    for &dialect in set("max_users", 1).sayable_by() {
        server.say(dialect, &set("max_users", 1));
        server.all_refuse(&add("second", "1234"));
        server.say(dialect, &set("max_users", 2));
        for &adder in add("second", "1234").sayable_by() {
            server.say(adder, &add("second", "1234"));
            server.all_refuse(&add("third", "1234"));
            server.say(adder, &remove("second"));
        }
    }
}

#[test]
fn metrics() {
    let (server, target) = (Everywhere::start(), echo());
    server.say(Dialect::Shoes, &add("second", "1234"));
    let mut open = Vec::new();
    for (user, octets) in [("first", 1000), ("first", 200_000), ("second", 1)] {
        let mut stream = server.through(Some((user, "1234")), target);
        stream.write_all(&vec![b'x'; octets]).unwrap();
        stream.read_exact(&mut vec![0; octets]).unwrap();
        open.push(stream);
    }
    assert!(server.try_through(Some(("first", "wrong")), target).is_err());
    drop(open.pop());
    until("one has left, and the login that failed", || server.core().metrics().current == 2);
    until("all octets are counted", || server.core().metrics().bytes() == 402_002);

    let mut agreed = server.agreed(&Ask::Metrics);
    let uptime = agreed.remove("uptime").unwrap();
    assert!(uptime <= server.core().metrics().uptime.as_secs());
    let expected = BTreeMap::from([
        ("current", 2),
        ("max_current", server.core().metrics().max_current),
        ("historic", 4),
        ("active_users", 1),
        ("bytes", 402_002),
        ("bytes_up", 201_001),
        ("bytes_down", 201_001),
        ("refused", 0),
        ("failed_logins", 1),
    ]);
    assert_eq!(agreed, expected);
}

#[test]
fn connections() {
    let (server, target) = (Everywhere::start(), echo());
    server.agree_on_connections(&[]);
    let mut open = Vec::new();
    let mut expected = Vec::new();
    for id in 1..=3 {
        let mut stream = server.through(Some(("first", "1234")), target);
        stream.write_all(b"hello").unwrap();
        stream.read_exact(&mut [0; 5]).unwrap();
        expected.push(OpenConnection {
            id,
            user: "first".into(),
            client: stream.local_addr().unwrap().to_string(),
            target: Some(target.to_string()),
            state: "open".into(),
            bytes: 10,
            up: None,
            down: None,
            age: 0,
        });
        open.push(stream);
    }
    until("all octets are counted", || server.core().metrics().bytes() == 30);
    server.agree_on_connections(&expected);
    for &dialect in Ask::Cut(ConnectionId(1)).sayable_by() {
        let (cut, mut stream) = (expected.pop().unwrap(), open.pop().unwrap());
        server.say(dialect, &Ask::Cut(ConnectionId(cut.id)));
        let ended = stream.read(&mut [0]).map_err(|error| error.kind());
        assert!(matches!(ended, Ok(0) | Err(ErrorKind::ConnectionReset)), "{ended:?}");
        until("it has left", || server.core().metrics().current == expected.len() as u64);
        server.agree_on_connections(&expected);
        server.all_refuse(&Ask::Cut(ConnectionId(cut.id)));
    }
    for &dialect in set("timeout", 1).sayable_by() {
        server.say(dialect, &set("timeout", 3600));
        let mut idle = server.through(Some(("first", "1234")), target);
        server.say(dialect, &set("timeout", 1));
        assert_eq!(idle.read(&mut [0]).unwrap(), 0, "by {dialect}");
    }
}

#[test]
fn admins() {
    let server = Everywhere::start();
    for &dialect in (Ask::RemoveAdmin { name: name("x") }).sayable_by() {
        let admin = format!("admin{dialect}");
        let token = Secret::new(b"fedcba9876543210").unwrap();
        server.say(dialect, &Ask::AddAdmin { name: name(&admin), token });
        server.say(dialect, &Ask::RemoveAdmin { name: name("root") });
        for reader in Dialect::ALL.into_iter().filter(|dialect| !dialect.takes_token()) {
            let login = server.try_say(reader, &Ask::Metrics);
            assert!(matches!(login, Err(ClientError::LoginRefused { .. })), "{reader}");
        }
        let login = server.try_say(dialect, &Ask::Metrics);
        assert!(matches!(login, Err(ClientError::TokenRefused(_))), "{dialect}");
    }
}

#[test]
fn a_stop() {
    for &dialect in Ask::Stop.sayable_by() {
        let server = Everywhere::start();
        assert_eq!(server.say(dialect, &Ask::Stop), Answer::Done);
        until("it has stopped", || server.has_stopped());
    }
}

#[test]
fn every_number_is_compared() {
    assert_eq!(number(&Value::Count(7)), Some(7));
    assert_eq!(number(&Value::Switch(true)), Some(1));
    assert_eq!(number(&Value::Text("7".into())), None);
}
