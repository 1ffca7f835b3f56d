//! The POP3 conversation (RFC 1939), as a state machine.
//!
//! ```text
//! AUTHORIZATION --USER, PASS or AUTH PLAIN--> TRANSACTION --QUIT--> UPDATE, close
//!       +--QUIT--> close                           +--anything else--> close
//! ```
//!
//! Commands may come in any number at once (PIPELINING, RFC 2449, section 6.6) and
//! are answered in order.

use std::time::{Duration, Instant};

use super::mailboxes::{Mailbox, Mailboxes, Unavailable};
use super::message::WireForm;
use super::transaction::{ENOUGH_OUTPUT, Transaction};
use crate::core::{Client, ClientRefused, Connection, Core, Ended, State as Doing};
use crate::net::session::{Input, Next, Session};
use crate::wire::base64;
use crate::wire::pop3::{
    Command, LINE_LEN_MAX, Plain, Request, RequestError, ResponseCode, decode_line, put_continue,
    put_end, put_err, put_err_with, put_line, put_ok,
};

/// The name of the service in the core, in logs and in thread names.
pub const NAME: &str = "pop3";

/// Octets that may wait: a line, and what a pipelining client sends behind it.
pub const LONGEST_INPUT: usize = 4 * LINE_LEN_MAX;

/// Failed logins after which a session is closed: each is a line in the log.
const MOST_FAILURES: u32 = 10;

/// The autologout timer "MUST be of at least 10 minutes' duration. The receipt of any
/// command from the client during that interval should suffice to reset" it (RFC 1939,
/// section 3): before the login too, where people type.
const TOLERATED_SILENCE: Duration = Duration::from_secs(10 * 60);

/// What CAPA says (RFC 2449, section 6; RFC 3206, section 6; RFC 5034, section 6).
const CAPABILITIES: [&str; 9] = [
    "TOP",
    "USER",
    "SASL PLAIN",
    "RESP-CODES",
    "AUTH-RESP-CODE",
    "PIPELINING",
    "EXPIRE NEVER",
    "UIDL",
    "IMPLEMENTATION socksd",
];

/// One POP3 conversation.
pub struct Pop3Session<'a> {
    core: &'a Core,
    connection: &'a Connection,
    mailboxes: &'a dyn Mailboxes,
    state: State,
    failures: u32,
    outcome: Ended,
}

enum State {
    /// Nothing has been said yet.
    Greeting,
    Authorization(Login),
    Transaction(Box<Transaction>),
    /// The last word is said.
    Over,
}

/// How far a login is.
enum Login {
    /// Not begun.
    Idle,
    /// "immediately after a successful USER command" PASS may come.
    Named(Vec<u8>),
    /// The next line is the message of PLAIN.
    Plain,
}

impl<'a> Pop3Session<'a> {
    /// A conversation on behalf of a connection.
    pub fn new(core: &'a Core, connection: &'a Connection, mailboxes: &'a dyn Mailboxes) -> Self {
        let (state, outcome) = (State::Greeting, Ended::ClientError);
        connection.tolerate(TOLERATED_SILENCE);
        Self { core, connection, mailboxes, state, failures: 0, outcome }
    }

    /// How it has ended, or would if the client left now.
    pub fn outcome(&self) -> Ended {
        self.outcome
    }

    /// Says what is pending, or takes a line; `None` to go on.
    fn step(&mut self, input: &mut Input, output: &mut Vec<u8>) -> Option<Next<()>> {
        match &mut self.state {
            State::Over => return Some(Next::Close),
            State::Greeting => {
                put_ok(output, "socksd POP3 server ready");
                self.state = State::Authorization(Login::Idle);
            }
            State::Transaction(transaction) if transaction.is_sending() => {
                if let Err(error) = transaction.send_on(output) {
                    // Without its end the client knows that the message is not whole.
                    log::warn!(doing = "reading", error:%; "mailbox-failed");
                    self.end(Ended::TargetError);
                }
            }
            _ => match decode_line(input.bytes()) {
                Ok(None) => return Some(Next::READ),
                Ok(Some((line, _))) if !output.is_empty() && self.updates(line) => {
                    // Before anything is removed the answers so far must be on
                    // their way: on a broken connection nothing is.
                    return Some(Next::Write);
                }
                Ok(Some((line, used))) => {
                    let line = line.to_vec();
                    input.take(used);
                    self.take_line(&line, output);
                }
                Err(error) => {
                    put_err(output, error);
                    self.end(Ended::ProtocolError);
                }
            },
        }
        None
    }

    fn updates(&self, line: &[u8]) -> bool {
        matches!(self.state, State::Transaction(_)) && Request::parse(line) == Ok(Request::Quit)
    }

    fn end(&mut self, outcome: Ended) {
        self.state = State::Over;
        self.outcome = outcome;
    }

    fn take_line(&mut self, line: &[u8], output: &mut Vec<u8>) {
        if let State::Authorization(login @ Login::Plain) = &mut self.state {
            *login = Login::Idle;
            // "If the client wishes to cancel the authentication exchange, it issues a
            // line with a single "*"" (RFC 5034, section 4).
            return match line {
                b"*" => put_err(output, "cancelled"),
                response => self.log_in_plain(response, output),
            };
        }
        match Request::parse(line) {
            Ok(Request::Capabilities) => capabilities(output),
            Ok(Request::Quit) => self.quit(output),
            Ok(request) => match &mut self.state {
                State::Transaction(transaction) => answer(transaction, request, output),
                _ => self.authorize(request, output),
            },
            Err(error) => self.put_mistake(error, output),
        }
    }

    /// A line that is no request. A name before it doesn't count any more.
    fn put_mistake(&mut self, error: RequestError, output: &mut Vec<u8>) {
        if let State::Authorization(login) = &mut self.state {
            *login = Login::Idle;
        }
        put_err(output, error);
    }

    fn authorize(&mut self, request: Request<'_>, output: &mut Vec<u8>) {
        let State::Authorization(login) = &mut self.state else { return };
        let before = std::mem::replace(login, Login::Idle);
        let Request::LogIn(command) = request else {
            return put_err(output, "log in first");
        };
        match (command, before) {
            (Command::User(name), _) => {
                // Whether there is such a user is not for strangers to know.
                *login = Login::Named(name.into());
                put_ok(output, "and the password?");
            }
            (Command::Pass(password), Login::Named(name)) => self.log_in(&name, password, output),
            (Command::Pass(_), _) => put_err(output, "give a name with USER first"),
            (Command::Auth { .. }, _) if !command.is_plain() => {
                put_err(output, "there is no such mechanism, use PLAIN");
            }
            (Command::Auth { initial_response: None, .. }, _) => {
                *login = Login::Plain;
                put_continue(output);
            }
            (Command::Auth { initial_response: Some(initial), .. }, _) => {
                self.log_in_plain(initial, output);
            }
            (Command::Other { .. }, _) => put_err(output, RequestError::Unknown),
        }
    }

    fn log_in_plain(&mut self, response: &[u8], output: &mut Vec<u8>) {
        let Ok(message) = base64::decode(response) else {
            return put_err(output, "this is not base64");
        };
        match Plain::parse(&message) {
            Some(plain) if plain.authzid.is_empty() || plain.authzid == plain.authcid => {
                self.log_in(plain.authcid, plain.passwd, output);
            }
            Some(_) => put_err_with(output, ResponseCode::Auth, "nobody may act as another user"),
            None => put_err(output, "this is no name and password"),
        }
    }

    fn log_in(&mut self, name: &[u8], password: &[u8], output: &mut Vec<u8>) {
        self.connection.claims(name);
        let from = self.connection.client().ip();
        let client = self.core.log_in_user(NAME, name, password, from).ok();
        let Some((client, name)) =
            client.as_ref().and_then(|client| Some((client, client.name()?)))
        else {
            self.outcome = Ended::LoginFailed;
            self.failures += 1;
            if self.failures >= MOST_FAILURES {
                self.end(Ended::LoginFailed);
            }
            return put_wrong_login(output);
        };
        match self.mailboxes.open(name) {
            Ok(mailbox) => self.let_in(client, mailbox, output),
            Err(why) => put_unavailable(&why, output),
        }
    }

    fn let_in(&mut self, client: &Client, mailbox: Box<dyn Mailbox>, output: &mut Vec<u8>) {
        match self.core.admit_client(self.connection, client) {
            Ok(()) => {
                self.connection.enter(Doing::Open);
                self.outcome = Ended::ClientError;
                put_ok(output, format_args!("{} messages", mailbox.count()));
                self.state = State::Transaction(Box::new(Transaction::new(mailbox)));
            }
            Err(ClientRefused::OverLimit) => {
                let why = "you have as many connections open as are allowed";
                put_err_with(output, ResponseCode::SysTemp, why);
                self.end(Ended::Refused);
            }
            // "After returning a negative status indicator, the server may close the
            // connection" (section 4).
            Err(ClientRefused::NotWelcome) => {
                put_wrong_login(output);
                self.end(Ended::LoginFailed);
            }
        }
    }

    /// "If a session terminates for some reason other than a client-issued QUIT
    /// command, the POP3 session does NOT enter the UPDATE state and MUST not remove
    /// any messages from the maildrop" (section 6).
    fn quit(&mut self, output: &mut Vec<u8>) {
        match std::mem::replace(&mut self.state, State::Over) {
            // A cut came first: what was in the buffer behind it doesn't count.
            _ if self.connection.is_ended() => {}
            State::Transaction(transaction) => transaction.update(output),
            _ => put_ok(output, "goodbye"),
        }
        self.outcome = Ended::Closed;
    }
}

impl Session for Pop3Session<'_> {
    type Done = ();

    fn admitted(&self) -> bool {
        matches!(self.state, State::Transaction(_))
    }

    fn advance(&mut self, input: &mut Input, output: &mut Vec<u8>, _now: Instant) -> Next<()> {
        loop {
            if let Some(next) = self.step(input, output) {
                return next;
            }
            if output.len() >= ENOUGH_OUTPUT {
                return Next::Write;
            }
        }
    }
}

fn capabilities(output: &mut Vec<u8>) {
    put_ok(output, "this is what there is");
    CAPABILITIES.iter().for_each(|capability| put_line(output, capability));
    put_end(output);
}

fn put_wrong_login(output: &mut Vec<u8>) {
    put_err_with(output, ResponseCode::Auth, "the name or the password is wrong");
}

fn put_unavailable(why: &Unavailable, output: &mut Vec<u8>) {
    match why {
        Unavailable::InUse => return put_err_with(output, ResponseCode::InUse, why),
        Unavailable::NoMaildir => {
            put_err_with(output, ResponseCode::SysPerm, "there are no mailboxes here");
        }
        // Paths are for the log only.
        Unavailable::Io(_) => {
            put_err_with(output, ResponseCode::SysTemp, "the mailbox can't be read now");
        }
    }
    log::warn!(doing = "opening", error:% = why; "mailbox-failed");
}

/// Answers a request of the TRANSACTION state.
fn answer(transaction: &mut Transaction, request: Request<'_>, output: &mut Vec<u8>) {
    match request {
        Request::Stat => transaction.stat(output),
        Request::List(None) => transaction.list(output),
        Request::List(Some(message)) => transaction.list_one(message, output),
        Request::UniqueIds(None) => transaction.list_ids(output),
        Request::UniqueIds(Some(message)) => transaction.list_one_id(message, output),
        Request::Retrieve(message) => {
            transaction.retrieve(message, WireForm::whole(), output);
        }
        Request::Top { message, lines } => {
            transaction.retrieve(message, WireForm::top(lines), output);
        }
        Request::Delete(message) => transaction.delete(message, output),
        Request::Reset => transaction.reset(output),
        Request::Nothing => put_ok(output, "nothing done"),
        Request::LogIn(_) => put_err(output, "you are logged in already"),
        // Answered in every state, before this.
        Request::Capabilities | Request::Quit => {}
    }
}
