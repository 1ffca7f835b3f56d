//! SHOES, the client's side.

use std::time::Duration;

use super::connection::Connection;
use super::{Answer, Ask, Client, ClientError, Dialect, Fact, Login, Value};
use crate::core::Setting;
use crate::wire::FIELD_MAX;
use crate::wire::shoes::{Login as LoginMessage, LoginStatus, Request, Response, Status};

/// A SHOES conversation, logged in. After an error, other than
/// [`ClientError::Unsayable`], the server has closed it.
#[derive(Debug)]
pub struct ShoesClient(Connection);

impl ShoesClient {
    /// Connects to `server` (`HOST:PORT`) and logs in. `patience` is how long
    /// connecting may take, and then each answer.
    ///
    /// # Errors
    /// [`ClientError::Usage`] when `server` is no `HOST:PORT`,
    /// [`ClientError::Unreachable`], [`ClientError::Timeout`] and
    /// [`ClientError::Protocol`] when there is no SHOES server,
    /// [`ClientError::LoginRefused`] when it does not let the admin in.
    pub fn connect(server: &str, login: &Login, patience: Duration) -> Result<Self, ClientError> {
        let mut client = Self(Connection::open(server, patience)?);
        client.log_in(login)?;
        Ok(client)
    }

    fn log_in(&mut self, login: &Login) -> Result<(), ClientError> {
        let mut message = Vec::with_capacity(LoginMessage::LEN_MAX);
        LoginMessage {
            username: login.name.as_bytes().to_vec(),
            password: login.password.as_bytes().to_vec(),
        }
        .encode(&mut message);
        match self.0.exchange("logging in to", &message, LoginStatus::decode)? {
            LoginStatus::OK => Ok(()),
            status => Err(ClientError::LoginRefused {
                name: login.name.to_string(),
                why: status.to_string(),
            }),
        }
    }
}

impl Client for ShoesClient {
    fn say(&mut self, ask: &Ask) -> Result<Answer, ClientError> {
        ClientError::check(Dialect::Shoes, ask)?;
        let unsayable = || ClientError::unsayable(Dialect::Shoes, ask);
        let request = request(ask).ok_or_else(unsayable)?;
        let mut message = Vec::with_capacity(Request::LEN_MAX);
        request.encode(&mut message);
        let decode = |bytes: &[u8]| Response::decode(&request, bytes);
        let response = self.0.exchange("asking", &message, decode)?;
        answer(response).map_err(|status| ClientError::Refused {
            command: ask.command(),
            why: format!("{}{}", status.meaning(&request), advice(status, &request)),
        })
    }
}

/// `None` when SHOES has no request for it.
fn request(ask: &Ask) -> Option<Request> {
    Some(match ask {
        Ask::Metrics => Request::Metrics,
        Ask::Users => Request::ListUsers,
        Ask::Spoofing => Request::SpoofingStatus,
        Ask::AddUser { name, password } => Request::AddUser {
            name: name.as_bytes().to_vec(),
            password: password.as_bytes().to_vec(),
        },
        Ask::EditUser { name, password } => Request::EditUser {
            name: name.as_bytes().to_vec(),
            password: password.as_bytes().to_vec(),
        },
        Ask::RemoveUser { name, cut: false } => {
            Request::RemoveUser { name: name.as_bytes().to_vec() }
        }
        Ask::Configure(Setting::BufferSize(Some(size))) => Request::BufferSize(size.octets()),
        Ask::Configure(Setting::Spoofing(on)) => Request::Spoofing(u8::from(*on)),
        _ => return None,
    })
}

fn answer(response: Response) -> Result<Answer, Status> {
    Ok(match response {
        Response::Done => Answer::Done,
        Response::Failed(status) => return Err(status),
        Response::Metrics { historic, current, bytes } => Answer::Facts(vec![
            Fact { name: "current", meaning: "connections now", value: count(current) },
            Fact {
                name: "historic",
                meaning: "connections since the start",
                value: count(historic),
            },
            Fact { name: "bytes", meaning: "bytes relayed", value: octets(bytes) },
        ]),
        // UCOUNT is one octet: a list that fills it may have been cut.
        Response::Users(names) => Answer::Users { complete: names.len() < FIELD_MAX, names },
        Response::Spoofing(on) => {
            let (name, meaning) = ("spoofing", "credential monitor");
            Answer::Facts(vec![Fact { name, meaning, value: Value::Switch(on) }])
        }
    })
}

/// All ones say that the count does not fit.
fn count(number: u32) -> Value {
    match number {
        u32::MAX => Value::CountOrMore(number.into()),
        _ => Value::Count(number.into()),
    }
}

fn octets(number: u32) -> Value {
    match number {
        u32::MAX => Value::OctetsOrMore(number.into()),
        _ => Value::Octets(number.into()),
    }
}

fn advice(status: Status, request: &Request) -> &'static str {
    match (status, request) {
        (Status::COMMAND_FAILURE, Request::AddUser { .. }) => ", edit-user changes its password",
        (Status::COMMAND_FAILURE, Request::EditUser { .. } | Request::RemoveUser { .. }) => {
            ", users lists those that do"
        }
        (Status::LIMIT_REACHED, Request::AddUser { .. }) => ", remove-user makes room",
        (Status::FAILURE, _) => ", the server's log may say why",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::ask::every_ask;

    #[test]
    fn all_ones_mean_or_more() {
        assert_eq!(octets(u32::MAX), Value::OctetsOrMore(4_294_967_295));
        assert_eq!(count(u32::MAX - 1), Value::Count(4_294_967_294));
    }

    #[test]
    fn a_full_list_may_have_been_cut() {
        for (names, expected) in [(254, true), (255, false)] {
            let response = Response::Users(vec![b"u".to_vec(); names]);
            let Ok(Answer::Users { complete, .. }) = answer(response) else { panic!() };
            assert_eq!(complete, expected);
        }
    }

    #[test]
    fn what_the_table_calls_sayable_has_a_request() {
        for ask in every_ask() {
            let sayable = ask.sayable_by().contains(&Dialect::Shoes);
            assert_eq!(request(&ask).is_some(), sayable, "{ask:?}");
        }
    }
}
