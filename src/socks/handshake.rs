//! The SOCKS5 conversation up to the request (RFC 1928, sections 3 and 4; RFC
//! 1929), as a state machine.
//!
//! ```text
//! (Header) --> Greeting --+-- no login required --------------> Request --> Done(Accepted)
//!                         +-- login required ---> Login --ok--> Request
//!                                                       +-----> 01 01, close
//! ```
//!
//! The header is that of the PROXY protocol, on connections of which a trusted proxy has
//! yet to say where they come from.

use std::fmt::Display;
use std::time::Instant;

use crate::core::{Client, Connection, Core, Ended};
use crate::net::session::{Input, Next, Session};
use crate::wire::proxy_protocol::Header;
use crate::wire::socks5::{
    Address, Command, Greeting, Login, LoginStatus, Method, MethodSelection, Reply, ReplyCode,
    Request, Socks5Error,
};

/// Octets that may wait while the handshake goes on: a proxy's header, if one is due, and
/// what came right behind it. Of others no message is longer than 515.
pub const LONGEST_INPUT: usize = Header::LEN_MAX + 4096;

/// What a handshake ends in: a client that may ask, and what it asks for.
#[derive(Debug)]
pub struct Accepted {
    /// Who asks.
    pub client: Client,
    /// For what.
    pub command: Supported,
    /// The target, the peer, or where datagrams will come from.
    pub destination: Address,
}

/// The commands of RFC 1928, section 4.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Supported {
    /// A connection to the target.
    Connect,
    /// A listener for one connection of the peer.
    Bind,
    /// A relay of datagrams.
    UdpAssociate,
}

enum State {
    Header,
    Greeting,
    Login,
    Request(Client),
}

/// One handshake.
pub struct Handshake<'a> {
    core: &'a Core,
    connection: &'a Connection,
    state: State,
    /// Whether anything but a whole header has come.
    spoke: bool,
}

impl<'a> Handshake<'a> {
    /// A handshake on behalf of a connection.
    pub fn new(core: &'a Core, connection: &'a Connection) -> Self {
        let state = if connection.is_identified() { State::Greeting } else { State::Header };
        Self { core, connection, state, spoke: false }
    }

    /// Whether the client has said anything: a proxy's health check says no more than
    /// its header.
    pub fn spoke(&self) -> bool {
        self.spoke
    }

    /// Takes the header that is due, and counts the connection for the client that it
    /// names. `None`: go on with the greeting.
    fn identify(&mut self, input: &mut Input) -> Option<Next<Accepted>> {
        let (header, used) = match Header::decode(input.bytes()) {
            Ok(None) => return Some(Next::READ),
            Ok(Some(whole)) => whole,
            // "Any sequence which does not exactly match the protocol must be discarded and
            // cause the receiver to abort the connection."
            Err(error) => {
                self.misses_header(error);
                self.connection.ended(Ended::ProxyProtocolError);
                return Some(Next::Close);
            }
        };
        input.take(used);
        self.state = State::Greeting;
        let counted = self.core.identify(self.connection, header.source);
        counted.is_err().then_some(Next::Close)
    }

    /// Says so where a proxy should have sent a header, and why there is none.
    pub fn misses_header(&self, error: impl Display) {
        if matches!(self.state, State::Header) {
            let proxy = self.connection.client().ip();
            log::warn!(service = "socks", address:% = proxy, error:%; "proxy-protocol-error");
        }
    }

    fn greeted(&mut self, greeting: &Greeting, output: &mut Vec<u8>) -> Option<Next<Accepted>> {
        let (method, state) = match self.core.open_access() {
            Some(client) => (Method::NO_AUTHENTICATION, State::Request(client)),
            None => (Method::USERNAME_PASSWORD, State::Login),
        };
        if greeting.offers(method) {
            MethodSelection(method).encode(output);
            self.state = state;
            return None;
        }
        // "If the selected METHOD is X'FF', none of the methods listed by the
        // client are acceptable" (section 3).
        MethodSelection(Method::NO_ACCEPTABLE).encode(output);
        self.connection.ended(Ended::LoginFailed);
        Some(Next::Close)
    }

    fn logged_in(&mut self, login: &Login, output: &mut Vec<u8>) -> Option<Next<Accepted>> {
        self.connection.claims(&login.username);
        let from = self.connection.client().ip();
        match self.core.log_in_user("socks", &login.username, &login.password, from) {
            Ok(client) => {
                LoginStatus::SUCCESS.encode(output);
                self.state = State::Request(client);
                None
            }
            // "If the server returns a `failure' (STATUS value other than X'00')
            // status, it MUST close the connection" (RFC 1929, section 2).
            Err(_) => {
                LoginStatus::FAILURE.encode(output);
                self.connection.ended(Ended::LoginFailed);
                Some(Next::Close)
            }
        }
    }

    /// A request that may be tried; otherwise the reply that says why not.
    fn requested(&self, client: &Client, request: Request) -> Result<Accepted, ReplyCode> {
        let destination = request.destination;
        self.connection.heads_for(destination.host.to_string(), destination.port);
        let command = match request.command {
            Command::Connect => Supported::Connect,
            Command::Bind => Supported::Bind,
            Command::UdpAssociate => Supported::UdpAssociate,
            Command::Other(_) => return Err(ReplyCode::COMMAND_NOT_SUPPORTED),
        };
        let admitted = self.core.admit_client(self.connection, client);
        admitted.map_err(|_| ReplyCode::NOT_ALLOWED)?;
        // "connection not allowed by ruleset": the login was right, the quota is used up.
        self.core.meter(self.connection).map_err(|_| ReplyCode::NOT_ALLOWED)?;
        Ok(Accepted { client: client.clone(), command, destination })
    }

    fn refuse(&self, code: ReplyCode, output: &mut Vec<u8>) {
        self.connection.answered(code.0);
        self.connection.ended(Ended::Refused);
        Reply::failure(code).encode(output);
    }

    fn broken(&self, error: Socks5Error, output: &mut Vec<u8>) -> Next<Accepted> {
        // Said before `refuse` does. What has a reply of its own is no broken rule, as a
        // command that is not supported is none.
        if !matches!(error, Socks5Error::AddressType(_)) {
            self.connection.ended(Ended::ProtocolError);
        }
        match (&self.state, error) {
            (State::Header | State::Greeting, _) => {}
            (State::Login, _) => LoginStatus::FAILURE.encode(output),
            (State::Request(_), Socks5Error::AddressType(_)) => {
                self.refuse(ReplyCode::ADDRESS_TYPE_NOT_SUPPORTED, output);
            }
            (State::Request(_), _) => self.refuse(ReplyCode::GENERAL_FAILURE, output),
        }
        Next::Close
    }

    /// Takes one message, if it is whole; `Ok(None)` to go on: more may have come in the
    /// same segment.
    fn step(
        &mut self,
        input: &mut Input,
        output: &mut Vec<u8>,
    ) -> Result<Option<Next<Accepted>>, Socks5Error> {
        Ok(match &self.state {
            State::Header => self.identify(input),
            State::Greeting => match take(input, Greeting::decode)? {
                Some(greeting) => self.greeted(&greeting, output),
                None => Some(Next::READ),
            },
            State::Login => match take(input, Login::decode)? {
                Some(login) => self.logged_in(&login, output),
                None => Some(Next::READ),
            },
            State::Request(client) => Some(match take(input, Request::decode)? {
                Some(request) => match self.requested(client, request) {
                    Ok(accepted) => Next::Done(accepted),
                    Err(code) => {
                        self.refuse(code, output);
                        Next::Close
                    }
                },
                None => Next::READ,
            }),
        })
    }
}

/// Takes a message off the front; `Ok(None)` when it is not whole.
fn take<T, E>(
    input: &mut Input,
    decode: impl Fn(&[u8]) -> Result<Option<(T, usize)>, E>,
) -> Result<Option<T>, E> {
    let Some((message, used)) = decode(input.bytes())? else { return Ok(None) };
    input.take(used);
    Ok(Some(message))
}

impl Session for Handshake<'_> {
    type Done = Accepted;

    fn advance(
        &mut self,
        input: &mut Input,
        output: &mut Vec<u8>,
        _now: Instant,
    ) -> Next<Accepted> {
        let next = loop {
            match self.step(input, output) {
                Ok(None) => {}
                Ok(Some(next)) => break next,
                Err(error) => break self.broken(error, output),
            }
        };
        let greeted = matches!(self.state, State::Login | State::Request(_));
        self.spoke = greeted || !input.bytes().is_empty();
        next
    }
}
