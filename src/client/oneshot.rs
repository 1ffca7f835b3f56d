//! oneshot, the client's side.

use std::time::Duration;

use super::connection::Connection;
use super::{Answer, Ask, Client, ClientError, Dialect, Fact, Token, Value};
use crate::core::Setting;
use crate::wire::oneshot::{Counter, Opening, Request, Response, Status};

/// Asks with a token; every request has a connection of its own.
pub struct OneshotClient {
    server: String,
    opening: Opening,
    patience: Duration,
}

impl OneshotClient {
    /// Will ask `server` (`HOST:PORT`) with a token of 16 characters. `patience` is
    /// how long connecting may take, and then each answer. Whether anybody is there
    /// and knows the token tells the first answer.
    ///
    /// # Errors
    /// [`ClientError::Usage`] when the token can't be one.
    pub fn new(server: &str, token: &Token, patience: Duration) -> Result<Self, ClientError> {
        let token = token.as_str().as_bytes().try_into().map_err(|_| {
            let why = "the token can't be used: write 16 printable ASCII characters";
            ClientError::Usage(why.into())
        })?;
        Ok(Self { server: server.into(), opening: Opening { token }, patience })
    }

    fn ask(&self, ask: &Ask, request: &Request) -> Result<Response, ClientError> {
        let mut message = Vec::new();
        self.opening.encode(&mut message);
        request.encode(&mut message).ok_or_else(|| {
            ClientError::Usage(format!("{} can't be said: it is too long", ask.command()))
        })?;
        let mut connection = Connection::open(&self.server, self.patience)?;
        let response = connection.exchange("asking", &message, |bytes| {
            // What is behind a status "SHOULD NOT be read by the client".
            Response::decode(request, bytes).map(|whole| whole.map(|(said, _)| (said, bytes.len())))
        })?;
        match response {
            Response::Failed(status @ Status::NOT_AUTHENTICATED) => {
                Err(ClientError::TokenRefused(status.to_string()))
            }
            // Nothing that the document knows: another protocol.
            Response::Failed(status) if status.0 > Status::SERVER_ERROR.0 => {
                Err(connection.nonsense(status.to_string()))
            }
            Response::Failed(status) => Err(ClientError::Refused {
                command: ask.command(),
                why: format!("{status}{}", advice(status, request)),
            }),
            said => Ok(said),
        }
    }

    fn metrics(&self, ask: &Ask) -> Result<Answer, ClientError> {
        let mut facts = Vec::new();
        for counter in [Counter::Current, Counter::Historic, Counter::Bytes] {
            if let Response::Count(number) = self.ask(ask, &Request::Get(counter))? {
                facts.push(fact(counter, number));
            }
        }
        Ok(Answer::Facts(facts))
    }
}

impl Client for OneshotClient {
    fn say(&mut self, ask: &Ask) -> Result<Answer, ClientError> {
        ClientError::check(Dialect::Oneshot, ask)?;
        if let Ask::Metrics = ask {
            return self.metrics(ask);
        }
        let unsayable = || ClientError::unsayable(Dialect::Oneshot, ask);
        let request = request(ask).ok_or_else(unsayable)?;
        self.ask(ask, &request).map(|_| Answer::Done)
    }
}

/// The one request that says it; `None` for [`Ask::Metrics`], which takes three, and
/// for what oneshot can't say.
fn request(ask: &Ask) -> Option<Request> {
    Some(match ask {
        Ask::AddUser { name, password } => Request::AddUser {
            name: name.as_bytes().to_vec(),
            password: password.as_bytes().to_vec(),
        },
        Ask::RemoveUser { name, cut: false } => {
            Request::RemoveUser { name: name.as_bytes().to_vec() }
        }
        Ask::AddAdmin { name, token } => {
            Request::AddAdmin { name: name.as_bytes().to_vec(), token: token.as_bytes().to_vec() }
        }
        Ask::RemoveAdmin { name } => Request::RemoveAdmin { name: name.as_bytes().to_vec() },
        Ask::Maildir(path) => Request::Maildir(path.as_bytes().to_vec()),
        Ask::Configure(Setting::BufferSize(Some(size))) => {
            Request::BufferSize(size.octets().to_string().into_bytes())
        }
        _ => return None,
    })
}

fn fact(counter: Counter, number: u32) -> Fact {
    let (name, meaning) = match counter {
        Counter::Current => ("current", "connections now"),
        Counter::Historic => ("historic", "connections since the start"),
        Counter::Bytes => ("bytes", "bytes relayed"),
    };
    let count = u64::from(number);
    // All ones say that the count does not fit.
    let value = match (counter, number) {
        (Counter::Bytes, u32::MAX) => Value::OctetsOrMore(count),
        (Counter::Bytes, _) => Value::Octets(count),
        (_, u32::MAX) => Value::CountOrMore(count),
        _ => Value::Count(count),
    };
    Fact { name, meaning, value }
}

/// Oneshot has one status for all that can be wrong with what it was given.
fn advice(status: Status, request: &Request) -> &'static str {
    match (status, request) {
        (Status::BAD_DATA, Request::AddUser { .. }) => {
            "; the user may exist, the directory be full, or name and password be other than \
             letters and digits"
        }
        (Status::BAD_DATA, Request::RemoveUser { .. }) => "; there may be no such user",
        (Status::BAD_DATA, Request::AddAdmin { .. }) => {
            "; the admin may exist, or its name be other than letters and digits"
        }
        (Status::BAD_DATA, Request::RemoveAdmin { .. }) => {
            "; there may be no such admin, or it is the last one"
        }
        (Status::BAD_DATA, Request::Maildir(_)) => {
            "; the folder must exist on the server, in letters, digits and / . _ -"
        }
        (Status::SERVER_ERROR, _) => ", the server's log may say why",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::ask::every_ask;

    #[test]
    fn what_the_table_calls_sayable_has_a_request() {
        for ask in every_ask() {
            let sayable = ask.sayable_by().contains(&Dialect::Oneshot);
            let said = request(&ask).is_some() || matches!(ask, Ask::Metrics);
            assert_eq!(said, sayable, "{ask:?}");
        }
    }

    #[test]
    fn all_ones_mean_or_more() {
        assert_eq!(fact(Counter::Bytes, u32::MAX).value, Value::OctetsOrMore(4_294_967_295));
        assert_eq!(fact(Counter::Historic, u32::MAX).value, Value::CountOrMore(4_294_967_295));
        assert_eq!(fact(Counter::Current, 7).value, Value::Count(7));
    }
}
