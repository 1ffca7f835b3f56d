//! The json dialect, the client's side.

mod translation;

use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use self::translation::{account, change, fact, facts, limitation, octets, settings, user_detail};
use super::connection::Connection;
use super::render::harmless;
use super::{
    Answer, Ask, Client, ClientError, Dialect, Machine, MachineSample, OpenConnection, Token,
    UserDetail, Value,
};
use crate::core::{RuleChange, RuleList};
use crate::wire::Decoded;
use crate::wire::json::data::{
    Auth, Change, Config, Connections, ConnectionsAfter, Cut, CutCount, NewRules, Nothing, OsInfo,
    Pong, Removal, Rules, SessionOpened, UserDetails, Users, UsersAfter, Window,
};
use crate::wire::json::{Code, Failure, Frame, FromServer, Octets, Request, Scalar, VERSION};

/// A list that is longer is no server's: to read it all would take minutes, and memory.
const LONGEST_LIST: usize = 1_000_000;

/// A conversation in the json dialect, with a session.
#[derive(Debug)]
pub struct JsonClient {
    connection: Connection,
    last_id: u64,
}

impl JsonClient {
    /// Connects to `server` (`HOST:PORT`) and shows it the token, a JWT. `patience`
    /// is how long connecting may take, and then each answer.
    ///
    /// # Errors
    /// [`ClientError::Usage`] when `server` is no `HOST:PORT`;
    /// [`ClientError::Unreachable`], [`ClientError::Timeout`] and
    /// [`ClientError::Protocol`] when nobody there speaks this dialect,
    /// [`ClientError::TokenRefused`] when the token opens no session.
    pub fn connect(server: &str, token: &Token, patience: Duration) -> Result<Self, ClientError> {
        let mut connection = Connection::open(server, patience)?;
        match connection.exchange("connecting to", b"", read)? {
            FromServer::Hello(hello)
                if (hello.min_supported_version..=hello.max_supported_version)
                    .contains(&VERSION) => {}
            _ => return Err(connection.nonsense("it did not say HELLO in version 1".into())),
        }
        let mut client = Self { connection, last_id: 0 };
        let auth = Auth { token: Some(Scalar::Text(token.as_str().into())) };
        match client.exchange::<SessionOpened>("logging in to", "AUTH", Some(&auth), patience)? {
            Ok(_) => Ok(client),
            Err(failure) => Err(ClientError::TokenRefused(harmless(&failure.message))),
        }
    }

    /// Says a request and reads its answer.
    fn exchange<T: DeserializeOwned>(
        &mut self,
        doing: &'static str,
        action: &str,
        data: Option<&impl Serialize>,
        patience: Duration,
    ) -> Result<Result<T, Failure>, ClientError> {
        self.last_id += 1;
        let id = self.last_id.to_string();
        let mut message = Vec::new();
        Request::encode(&id, action, data, &mut message)
            .map_err(|why| ClientError::Usage(why.to_string()))?;
        let answer = self.connection.exchange_within(doing, &message, read, patience)?;
        match answer {
            FromServer::Failure(failure) if failure.id.as_ref().is_none_or(|to| *to == id) => {
                Ok(Err(failure))
            }
            FromServer::Response(response) if response.id == id => {
                let data = serde_json::from_value(response.data);
                data.map(Ok).map_err(|why| self.connection.nonsense(why.to_string()))
            }
            _ => Err(self.connection.nonsense("it answered something else".into())),
        }
    }

    /// Asks, or says why the server refuses it.
    fn get<T: DeserializeOwned>(
        &mut self,
        ask: &Ask,
        action: &str,
        data: Option<&impl Serialize>,
    ) -> Result<T, ClientError> {
        self.get_within(ask, action, data, self.connection.patience())
    }

    fn get_within<T: DeserializeOwned>(
        &mut self,
        ask: &Ask,
        action: &str,
        data: Option<&impl Serialize>,
        patience: Duration,
    ) -> Result<T, ClientError> {
        let answer = self.exchange("asking", action, data, patience)?;
        answer.map_err(|failure| refused(ask, &failure))
    }

    fn tell<T: DeserializeOwned>(&mut self, ask: &Ask, action: &str) -> Result<T, ClientError> {
        self.get(ask, action, None::<&Nothing>)
    }

    fn change(
        &mut self,
        ask: &Ask,
        action: &str,
        data: &impl Serialize,
    ) -> Result<Answer, ClientError> {
        self.get::<Nothing>(ask, action, Some(data)).map(|Nothing {}| Answer::Done)
    }

    /// List after list, as long as there are more.
    fn users(&mut self, ask: &Ask) -> Result<Answer, ClientError> {
        let mut names: Vec<Vec<u8>> = Vec::new();
        loop {
            let after = names.last().cloned().map(Octets);
            let Users { users, more } = self.get(ask, "LIST_USERS", Some(&UsersAfter { after }))?;
            let users = users.into_iter().map(|name| name.0);
            self.add(&mut names, users, more, |name, next| name < next)?;
            if !more {
                return Ok(Answer::Users { names, complete: true });
            }
        }
    }

    fn user_details(&mut self, ask: &Ask) -> Result<Answer, ClientError> {
        let mut found: Vec<UserDetail> = Vec::new();
        loop {
            let after = found.last().map(|last| Octets(last.name.clone()));
            let list: UserDetails = self.get(ask, "DESCRIBE_USERS", Some(&UsersAfter { after }))?;
            let part: Result<Vec<_>, _> = list.users.into_iter().map(user_detail).collect();
            let part = part.map_err(|why| self.connection.nonsense(why))?.into_iter();
            self.add(&mut found, part, list.more, |user, next| user.name < next.name)?;
            if !list.more {
                return Ok(Answer::UserDetails(found));
            }
        }
    }

    fn cut(
        &mut self,
        ask: &Ask,
        action: &str,
        data: &impl Serialize,
    ) -> Result<Answer, ClientError> {
        self.get(ask, action, Some(data)).map(|CutCount { cut }| Answer::Cut(cut))
    }

    fn connections(&mut self, ask: &Ask) -> Result<Answer, ClientError> {
        let mut open: Vec<OpenConnection> = Vec::new();
        loop {
            let after = ConnectionsAfter { after: open.last().map(|last| last.id) };
            let list: Connections = self.get(ask, "LIST_CONNECTIONS", Some(&after))?;
            let part = list.connections.into_iter().map(|open| OpenConnection {
                id: open.id,
                user: open.user,
                client: open.client,
                target: open.target,
                state: open.state,
                bytes: open.bytes_up.saturating_add(open.bytes_down),
                up: Some(open.bytes_up),
                down: Some(open.bytes_down),
                age: open.age_seconds,
            });
            self.add(&mut open, part, list.more, |open, next| open.id < next.id)?;
            if !list.more {
                return Ok(Answer::Connections(open));
            }
        }
    }

    fn rules(&mut self, ask: &Ask, lists: &[RuleList]) -> Result<Answer, ClientError> {
        let told = lists.iter().map(|list| {
            let which = crate::wire::json::data::RuleList { list: Octets(list.to_bytes()) };
            let Rules { rules } = self.get(ask, "GET_RULES", Some(&which))?;
            Ok((list.clone(), rules))
        });
        told.collect::<Result<_, ClientError>>().map(Answer::Rules)
    }

    fn set_rules(&mut self, ask: &Ask, change: &RuleChange) -> Result<Answer, ClientError> {
        let list = Octets(change.list().to_bytes());
        self.change(ask, "SET_RULES", &NewRules { list, rules: change.rules().lines() })
    }

    /// Adds a part to a list. One that does not go on in its order, or has no end, would be
    /// asked for again and again.
    fn add<T>(
        &self,
        list: &mut Vec<T>,
        part: impl Iterator<Item = T>,
        more: bool,
        in_order: fn(&T, &T) -> bool,
    ) -> Result<(), ClientError> {
        let before = list.len();
        for item in part {
            if list.last().is_some_and(|last| !in_order(last, &item)) {
                return Err(self.connection.nonsense("its list is not in order".into()));
            }
            list.push(item);
        }
        let why = match list.len() {
            _ if !more => return Ok(()),
            known if known == before => "it has more, and does not tell it",
            LONGEST_LIST.. => "its list is too long",
            _ => return Ok(()),
        };
        Err(self.connection.nonsense(why.into()))
    }

    fn machine(&mut self, ask: &Ask, seconds: u32) -> Result<Answer, ClientError> {
        let window = Window { seconds: Some(seconds) };
        let patience = self.connection.patience() + Duration::from_secs(seconds.into());
        let info: OsInfo = self.get_within(ask, "GET_OS_INFO", Some(&window), patience)?;
        let sample = |sample: &crate::wire::json::data::Sample| MachineSample {
            busy: (sample.cpu.clamp(0.0, 1.0) * 10_000.0).round() as u16,
            memory: sample.mem.saturating_mul(1024 * 1024),
            time: sample.time,
        };
        let samples = info.samples.iter().map(sample).collect();
        Ok(Answer::Machine(Machine { uptime: info.uptime_seconds, system: info.os, samples }))
    }

    /// Whatever changes something.
    fn order(&mut self, ask: &Ask) -> Result<Answer, ClientError> {
        match ask {
            Ask::AddUser { name, password } => {
                self.change(ask, "ADD_USER", &account(name.as_bytes(), password.as_bytes()))
            }
            Ask::EditUser { name, password } => {
                self.change(ask, "EDIT_USER", &account(name.as_bytes(), password.as_bytes()))
            }
            Ask::RemoveUser { name, cut: true } => {
                self.cut(ask, "REMOVE_USER", &Removal { name: octets(name), cut: Some(true) })
            }
            Ask::RemoveUser { name, cut: false } => {
                self.change(ask, "REMOVE_USER", &Removal { name: octets(name), cut: None })
            }
            Ask::LimitUser { name, limit } => {
                self.change(ask, "LIMIT_USER", &limitation(name, *limit))
            }
            Ask::CutUser(name) => {
                self.cut(ask, "CUT_CONNECTION", &Cut { id: None, user: Some(octets(name)) })
            }
            Ask::Cut(id) => self.change(ask, "CUT_CONNECTION", &Cut { id: Some(id.0), user: None }),
            Ask::SetRules(change) => self.set_rules(ask, change),
            Ask::Maildir(folder) => {
                let value = Scalar::Text(folder.clone());
                self.change(ask, "SET_CONFIG", &Change { name: "maildir".into(), value })
            }
            Ask::Configure(setting) => {
                let unsayable = || ClientError::unsayable(Dialect::Json, ask);
                self.change(ask, "SET_CONFIG", &change(setting).ok_or_else(unsayable)?)
            }
            _ => Err(ClientError::unsayable(Dialect::Json, ask)),
        }
    }
}

impl Client for JsonClient {
    fn say(&mut self, ask: &Ask) -> Result<Answer, ClientError> {
        ClientError::check(Dialect::Json, ask)?;
        match ask {
            Ask::Metrics => self.tell(ask, "GET_METRICS").map(facts),
            Ask::Users => self.users(ask),
            Ask::DescribeUsers => self.user_details(ask),
            Ask::Connections => self.connections(ask),
            Ask::Rules(lists) => self.rules(ask, lists),
            Ask::Settings => self.tell(ask, "GET_CONFIG").map(settings),
            Ask::Spoofing => self.tell(ask, "GET_CONFIG").map(|config: Config| {
                fact("spoofing", "credential monitor", Value::Switch(config.spoofing))
            }),
            Ask::PageSize => self.tell(ask, "GET_CONFIG").map(|config: Config| {
                fact("page_size", "users in a page", Value::Count(config.page_size.into()))
            }),
            Ask::OsInfo { seconds } => self.machine(ask, *seconds),
            Ask::Ping => self.tell(ask, "PING").map(|_: Pong| Answer::Done),
            _ => self.order(ask),
        }
    }
}

/// Reads a frame with a message of the server.
fn read(bytes: &[u8]) -> Decoded<FromServer, String> {
    let Some((Frame(payload), used)) = Frame::decode(bytes).map_err(|why| why.to_string())? else {
        return Ok(None);
    };
    let message = FromServer::parse(payload).map_err(|why| why.to_string())?;
    Ok(Some((message, used)))
}

fn refused(ask: &Ask, failure: &Failure) -> ClientError {
    let why = harmless(&failure.message);
    if [Code::TOKEN_EXPIRED, Code::INVALID_TOKEN].contains(&failure.code) {
        return ClientError::TokenRefused(why);
    }
    let advice = if failure.code == Code::FORBIDDEN { "; mint a token that has it" } else { "" };
    ClientError::Refused { command: ask.command(), why: format!("{why}{advice}") }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;
    use std::thread;

    use super::*;
    use crate::client::ask::every_ask;
    use crate::wire::json::{Hello, Response};

    /// A conversation with a server that always answers this.
    fn answered(data: serde_json::Value) -> JsonClient {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = listener.local_addr().unwrap().to_string();
        thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut message = Vec::new();
            Hello::ours().encode(&mut message);
            while stream.write_all(&message).is_ok() {
                let mut length = [0; 4];
                let Ok(()) = stream.read_exact(&mut length) else { return };
                let mut payload = vec![0; u32::from_be_bytes(length) as usize];
                stream.read_exact(&mut payload).unwrap();
                let Request { id, action, .. } = Request::parse(&payload).unwrap();
                message.clear();
                Response { id, action, data: data.clone() }.encode(&mut message);
            }
        });
        let token = Token::new("shown");
        JsonClient::connect(&server, &token, Duration::from_secs(10)).unwrap()
    }

    #[test]
    fn what_the_table_calls_sayable_has_a_request() {
        let mut client = answered(serde_json::json!({ "sessionId": "x", "scopes": [] }));
        for ask in every_ask() {
            let sayable = ask.sayable_by().contains(&Dialect::Json);
            let said = if sayable { client.say(&ask) } else { client.order(&ask) };
            let unsayable = matches!(said, Err(ClientError::Unsayable { .. }));
            assert_eq!(unsayable, !sayable, "{ask:?}");
        }
    }

    #[test]
    fn a_token_that_fits_no_frame_is_told() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = listener.local_addr().unwrap().to_string();
        let greeter = thread::spawn(move || {
            let mut message = Vec::new();
            Hello::ours().encode(&mut message);
            listener.accept().unwrap().0.write_all(&message).unwrap();
        });
        let token = Token::new(&"x".repeat(300_000));
        let error = JsonClient::connect(&server, &token, Duration::from_secs(10)).unwrap_err();
        assert!(matches!(&error, ClientError::Usage(why) if why.contains("too long")), "{error}");
        greeter.join().unwrap();
    }

    #[test]
    fn a_list_that_does_not_go_on_is_not_asked_for_for_ever() {
        let open = |id: u64| {
            serde_json::json!({
                "id": id, "service": "socks", "user": "-", "client": "192.0.2.7:1",
                "target": null, "state": "open", "bytesUp": 1, "bytesDown": 1, "ageSeconds": 1,
            })
        };
        for (users, connections) in
            [(vec!["ana"], vec![open(7)]), (vec!["bob", "ana"], vec![open(2), open(1)])]
        {
            let mut client = answered(serde_json::json!({
                "sessionId": "x", "scopes": [],
                "users": users, "connections": connections, "more": true,
            }));
            for ask in [Ask::Users, Ask::Connections] {
                let error = client.say(&ask).unwrap_err().to_string();
                assert!(error.contains("its list is not in order"), "{error}");
            }
        }
    }
}
