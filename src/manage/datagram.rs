//! The datagram dialect, the server's side: each datagram is a request by itself.
//!
//! # Wrong tokens
//!
//! An address that has guessed too often is answered as before, 02, but its tokens
//! are no longer compared, not even the right one. So a guesser can't tell which
//! guesses counted, silence is never mistaken for a lost datagram, and the 7 octets
//! are fewer than were sent. Who sends a datagram is not proved: what is guessed in
//! the name of an address keeps it out of no other service, and the log names it in
//! other words than those of a login. Where others can forge the addresses of
//! admins, this dialect should listen on a loopback address.

use std::net::IpAddr;

use crate::core::{
    BadAccount, Caller, Command, Core, Credential, Denied, Name, Outcome, PageSize, Password,
    Setting,
};
use crate::manage::secrets::SharedToken;
use crate::net::complaints::Complaints;
use crate::wire::datagram::{Header, Reply, Request, RequestError, Response, Status, VERSION};

/// Who the token stands for, as it stands for no admin.
const HOLDER: &str = "datagram-token";

/// Answers datagrams.
pub struct DatagramResponder {
    core: Core,
    token: SharedToken,
    stopping: bool,
    wrong: Complaints,
}

impl DatagramResponder {
    /// Answers whoever knows the token.
    pub fn new(core: Core, token: SharedToken) -> Self {
        let wrong = Complaints::about("auth-failed", "datagram");
        Self { core, token, stopping: false, wrong }
    }

    /// The reply to a datagram from that address; `None` when it is too short to be
    /// a request.
    pub fn respond(&mut self, datagram: &[u8], from: IpAddr) -> Option<Vec<u8>> {
        let (header, data) = Header::decode(datagram)?;
        let answer = self.answer(&header, data, from);
        let mut reply = Vec::new();
        Reply::to(&header, &answer).encode(&mut reply);
        Some(reply)
    }

    /// Checks version, token, type, command and argument, in this order.
    fn answer(&mut self, header: &Header, data: &[u8], from: IpAddr) -> Result<Response, Status> {
        if header.version != VERSION {
            return Err(Status::BAD_VERSION);
        }
        let caller = self.log_in(header.token, from).ok_or(Status::BAD_TOKEN)?;
        let request = Request::decode(header.kind, header.command, data).map_err(refused)?;
        match request {
            // One datagram may arrive twice, but a second stop would cut what drains.
            Request::Stop if self.stopping => Ok(Response::Done),
            request => self.carry_out(&caller, request),
        }
    }

    fn log_in(&mut self, token: u32, from: IpAddr) -> Option<Caller> {
        // The token is a shared secret and names nobody.
        let holder = self.token.matches(token).then(|| HOLDER.to_owned());
        let caller = self.core.log_in("datagram", Credential::Unproved(holder), from).ok();
        if caller.is_none() {
            // A line for each would be the sender's choice, of any length.
            self.wrong.note(format_args!("a wrong token, as if from {}", from.to_canonical()));
        }
        caller
    }

    fn carry_out(&mut self, caller: &Caller, request: Request) -> Result<Response, Status> {
        let command = command(&request)?;
        let outcome = self.core.apply(caller, command).map_err(denied)?;
        self.stopping |= request == Request::Stop;
        Ok(match (outcome, request) {
            (Outcome::Done, _) => Response::Done,
            (Outcome::Users(names), Request::Users { page }) => {
                let size = self.core.settings().page_size;
                Response::Users(names_in(&names, page, size).ok_or(Status::BAD_ARGUMENT)?)
            }
            (Outcome::Metrics(metrics), Request::Historic) => Response::Historic(metrics.historic),
            (Outcome::Metrics(metrics), Request::Current) => {
                // A count that two octets can't say is all ones: it never wraps.
                Response::Current(u16::try_from(metrics.current).unwrap_or(u16::MAX))
            }
            (Outcome::Metrics(metrics), Request::Bytes) => Response::Bytes(metrics.bytes()),
            (Outcome::Config(settings), _) => Response::PageSize(settings.page_size.names()),
            // No command of this dialect has another outcome.
            _ => return Err(Status::FAILURE),
        })
    }
}

impl Drop for DatagramResponder {
    fn drop(&mut self) {
        self.wrong.end();
    }
}

fn command(request: &Request) -> Result<Command, Status> {
    Ok(match request {
        Request::Users { .. } => Command::ListUsers,
        Request::Historic | Request::Current | Request::Bytes => Command::GetMetrics,
        Request::PageSize => Command::GetConfig,
        Request::Stop => Command::Stop,
        Request::AddUser { name, password } => Command::AddUser {
            name: Name::new(name).map_err(unacceptable)?,
            password: Password::new(password).map_err(unacceptable)?,
        },
        Request::RemoveUser { name } => {
            Command::RemoveUser { name: Name::new(name).map_err(unacceptable)?, cut: false }
        }
        Request::SetPageSize(names) => {
            // "debe estar entre 1 y 200"
            let size = PageSize::new(*names).ok_or(Status::BAD_ARGUMENT)?;
            Command::SetConfig(Setting::PageSize(size))
        }
    })
}

/// The names in a page: none behind the last one. Pages are counted from 1: `None` for
/// page 0.
fn names_in(names: &[Name], page: u8, size: PageSize) -> Option<Vec<Vec<u8>>> {
    let size = usize::from(size.names());
    let before = usize::from(page.checked_sub(1)?) * size;
    let page = names.iter().skip(before).take(size);
    Some(page.map(|name| name.as_bytes().to_vec()).collect())
}

fn refused(why: RequestError) -> Status {
    match why {
        RequestError::Kind(_) => Status::BAD_TYPE,
        RequestError::Command(_) => Status::BAD_COMMAND,
        RequestError::Argument => Status::BAD_ARGUMENT,
    }
}

fn unacceptable(_: BadAccount) -> Status {
    Status::BAD_ARGUMENT
}

fn denied(why: Denied) -> Status {
    match why {
        Denied::UsersFull(_) => Status::USERS_FULL,
        Denied::UserExists(_) => Status::USER_EXISTS,
        Denied::UserUnknown(_) => Status::USER_UNKNOWN,
        _ => Status::FAILURE,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::core::{FIRST_REFUSAL, FREE_FAILURES, Settings, Start};

    const TOKEN: u32 = 0x0102_0304;
    const PEER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 7));

    fn responder(settings: Settings) -> DatagramResponder {
        let (core, _) = Core::new(Start { settings, ..Start::default() }).unwrap();
        DatagramResponder::new(core, SharedToken::new(TOKEN))
    }

    fn asked(kind: u8, command: u16, data: &[u8]) -> Vec<u8> {
        let header = Header { version: VERSION, kind, command, id: 0xabcd, token: TOKEN };
        let mut datagram = Vec::new();
        header.encode(&mut datagram);
        datagram.extend_from_slice(data);
        datagram
    }

    /// STATUS and DATA of the reply, whose other fields are checked.
    #[track_caller]
    fn said(to: &mut DatagramResponder, datagram: &[u8]) -> (u8, Vec<u8>) {
        let reply = to.respond(datagram, PEER).expect("a reply");
        assert_eq!((reply[0], &reply[2..7]), (VERSION, &datagram[1..6]));
        assert!(reply[1] == 0 || reply.len() == Reply::HEADER_LEN, "an error with data");
        (reply[1], reply[7..].to_vec())
    }

    #[test]
    fn checks_have_their_order() {
        let mut to = responder(Settings::default());
        // Everything is wrong; then, from the front, one thing after the other is right.
        let mut datagram = asked(9, 9, b"");
        datagram[0] = 2;
        datagram[9] ^= 1;
        for (at, octet, status) in [(0, 2, 1), (0, 1, 2), (9, 4, 3), (1, 1, 4), (3, 3, 5)] {
            datagram[at] = octet;
            assert_eq!(said(&mut to, &datagram), (status, vec![]));
        }
        datagram.push(200);
        assert_eq!(said(&mut to, &datagram), (0, vec![]));
        for length in 0..Header::LEN {
            assert_eq!(to.respond(&datagram[..length], PEER), None);
        }
    }

    #[test]
    fn a_guesser_hears_the_same_and_others_are_served() {
        let mut to = responder(Settings::default());
        let right = asked(0, 4, b"");
        let mut wrong = right.clone();
        wrong[6] ^= 0x80;
        let mut last = Instant::now();
        for _ in 0..=FREE_FAILURES {
            last = Instant::now();
            assert_eq!(said(&mut to, &wrong), (2, vec![]));
        }
        let (status, _) = said(&mut to, &right);
        // A machine that stood still for the second that it lasts sees the end of it.
        assert!(status == 2 || last.elapsed() >= FIRST_REFUSAL, "{status}");
        let neighbour = IpAddr::from([192, 0, 2, 8]);
        assert_eq!(to.respond(&right, neighbour).expect("a reply")[1], 0);
    }

    #[test]
    fn a_stop_that_arrives_twice_drains_once() {
        let (core, stops) = Core::new(Start::default()).unwrap();
        let mut to = DatagramResponder::new(core, SharedToken::new(TOKEN));
        for _ in 0..3 {
            assert_eq!(said(&mut to, &asked(1, 0, b"ignored")), (0, vec![]));
        }
        assert_eq!(stops.try_iter().count(), 1);
    }

    #[test]
    fn pages_are_cut_from_the_sorted_names() {
        let names = [b"a", b"b", b"c"].map(|name| Name::new(name).unwrap());
        let page = |page, size| {
            let page = names_in(&names, page, PageSize::new(size).unwrap());
            page.map(|names| names.concat())
        };
        assert_eq!(page(0, 2), None);
        assert_eq!(page(1, 2), Some(b"ab".to_vec()));
        assert_eq!(page(2, 2), Some(b"c".to_vec()));
        assert_eq!(page(3, 1), Some(b"c".to_vec()));
        assert_eq!(page(1, 200), Some(b"abc".to_vec()));
        for behind in [(3, 2), (4, 1), (2, 200), (255, 200)] {
            assert_eq!(page(behind.0, behind.1), Some(vec![]));
        }
    }

    #[test]
    fn users_come_and_go_within_their_limits() {
        let mut to = responder(Settings { max_users: 2, ..Settings::default() });
        let long = [&[b'n'; 40][..], b":", &[b'p'; 40]].concat();
        for (command, data, status) in [
            (1, &b"ana:1:2\0ignored"[..], 0),
            (1, b"ana:x", 7),
            (1, &long, 0),
            (1, b"bea:x", 6),
            (1, b"ana:x", 7),
            (2, b"cid", 8),
            (2, &[b'n'; 41], 5),
            (2, &[b'n'; 40], 0),
            (2, b"ana\0ana", 0),
            (2, b"ana", 8),
        ] {
            let shown = data.escape_ascii();
            assert_eq!(said(&mut to, &asked(1, command, data)).0, status, "{shown}");
        }
        for bad in [
            &b""[..],
            b"\0",
            b"ana",
            b":x",
            b"ana:",
            b"ana:\0x",
            b"ana\0:x",
            b"a/b:x",
            b"..:x",
            b"a\nb:x",
            &[b"a:", &[b'p'; 41][..]].concat(),
            &[&[b'n'; 41][..], b":p"].concat(),
        ] {
            let shown = bad.escape_ascii();
            assert_eq!(said(&mut to, &asked(1, 1, bad)).0, 5, "{shown}");
        }
    }
}
