//! Connections to targets: names to addresses, addresses to a socket, all inside
//! one deadline.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpStream, ToSocketAddrs, UdpSocket};
use std::time::{Duration, Instant};

use crossbeam_channel::{RecvTimeoutError, Sender};

use super::failure::Failure;
use super::native;
use super::pool::Pool;
use super::sources::Sources;

/// How long an attempt has to itself before the next address is tried beside it
/// (RFC 8305, section 5: Connection Attempt Delay).
const STAGGER: Duration = Duration::from_millis(250);

/// Addresses of one name that are used. Whoever owns a zone chooses how many
/// there are, and each dead one may cost a thread until the deadline.
const MOST_ADDRESSES: usize = 16;

/// Asks the system for the addresses of a name, in its order of preference, with
/// the families interleaved (RFC 8305, section 4).
///
/// # Errors
/// The resolver has no deadline of its own, so it works on another thread; when
/// it is not back in time that is [`Failure::TimedOut`].
pub fn resolve(
    pool: &Pool,
    name: &str,
    port: u16,
    deadline: Instant,
) -> Result<Vec<SocketAddr>, Failure> {
    let (answer, answers) = crossbeam_channel::bounded(1);
    let name = name.to_owned();
    let look_up = move || {
        let found = (name.as_str(), port).to_socket_addrs().map_err(cause);
        // Nobody waits any more when the deadline has passed.
        let _ = answer.send(found.map(|found| found.collect::<Vec<_>>()));
    };
    pool.run(look_up).map_err(|_| Failure::Shortage)?;
    match answers.recv_deadline(deadline) {
        Ok(Ok(found)) if found.is_empty() => Err(Failure::NameNotFound),
        Ok(Ok(found)) => Ok(interleave(found)),
        Ok(Err(error)) if super::failure::is_shortage(&error) => Err(Failure::Shortage),
        Ok(Err(_)) => Err(Failure::NameNotFound),
        Err(RecvTimeoutError::Timeout) => Err(Failure::TimedOut),
        Err(RecvTimeoutError::Disconnected) => Err(Failure::Other),
    }
}

/// The resolver has no word for having no descriptor to ask with, and says that
/// there is no such name: whether that is so shows when another one is asked for.
fn cause(error: io::Error) -> io::Error {
    let spare = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0));
    spare.err().filter(super::failure::is_shortage).unwrap_or(error)
}

/// Alternates the families, beginning with that of the first address.
fn interleave(found: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let mut unique = Vec::with_capacity(found.len());
    for address in found {
        if !unique.contains(&address) {
            unique.push(address);
        }
    }
    let first_is_v4 = unique.first().is_some_and(SocketAddr::is_ipv4);
    let (same, other): (Vec<_>, Vec<_>) =
        unique.into_iter().partition(|address| address.is_ipv4() == first_is_v4);
    let mut other = other.into_iter();
    let mut mixed = Vec::new();
    for address in same {
        mixed.push(address);
        mixed.extend(other.next());
    }
    mixed.extend(other);
    mixed.truncate(MOST_ADDRESSES);
    mixed
}

/// Connects to the first of these addresses that answers, from the address that
/// `sources` has for its family.
///
/// # Errors
/// The most informative [`Failure`] when none does before the deadline.
pub fn dial(
    pool: &Pool,
    addresses: &[SocketAddr],
    sources: Sources,
    deadline: Instant,
) -> Result<TcpStream, Failure> {
    match addresses {
        [] => Err(Failure::NameNotFound),
        [only] => connect(*only, sources, deadline),
        several => dial_several(pool, several, sources, deadline),
    }
}

fn dial_several(
    pool: &Pool,
    addresses: &[SocketAddr],
    sources: Sources,
    deadline: Instant,
) -> Result<TcpStream, Failure> {
    let (report, reports) = crossbeam_channel::bounded(addresses.len());
    let mut waiting = addresses.iter();
    let mut under_way = 0;
    let mut worst: Option<Failure> = None;
    let mut next_start = Instant::now();
    loop {
        if next_start <= Instant::now() || under_way == 0 {
            match waiting.next() {
                Some(address) if attempt(pool, *address, sources, deadline, report.clone()) => {
                    under_way += 1;
                }
                Some(_) => {
                    worst = worst.max(Some(Failure::Shortage));
                    // Nobody is under way to be waited for.
                    if under_way == 0 {
                        continue;
                    }
                }
                None if under_way == 0 => return Err(worst.unwrap_or(Failure::Other)),
                None => {}
            }
            next_start = Instant::now() + STAGGER;
        }
        let wake = if waiting.len() > 0 { next_start.min(deadline) } else { deadline };
        match reports.recv_deadline(wake) {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(failure)) => {
                worst = worst.max(Some(failure));
                under_way -= 1;
                next_start = Instant::now();
            }
            Err(_) if Instant::now() >= deadline => {
                return Err(worst.max(Some(Failure::TimedOut)).unwrap_or(Failure::TimedOut));
            }
            Err(_) => {}
        }
    }
}

/// Starts one attempt beside the others; `false` when there is no thread for it.
/// A connection that comes too late is closed when its report can't be sent.
fn attempt(
    pool: &Pool,
    address: SocketAddr,
    sources: Sources,
    deadline: Instant,
    report: Sender<Result<TcpStream, Failure>>,
) -> bool {
    let work = move || {
        let _ = report.send(connect(address, sources, deadline));
    };
    pool.run(work).is_ok()
}

fn connect(address: SocketAddr, sources: Sources, deadline: Instant) -> Result<TcpStream, Failure> {
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() {
        return Err(Failure::TimedOut);
    }
    let stream = match sources.towards(address.ip()) {
        None => TcpStream::connect_timeout(&address, left),
        Some(source) => native::connect_from(source, address, left),
    };
    let stream = stream.map_err(|error| Failure::of(&error, address))?;
    if met_itself(&stream) { Err(Failure::Refused) } else { Ok(stream) }
}

/// Where nobody listens on a port of this machine, the system may choose that very
/// port for our own end: both ends open at once (RFC 9293, section 3.5), and the
/// connection is with itself.
fn met_itself(stream: &TcpStream) -> bool {
    let (local, peer) = (stream.local_addr(), stream.peer_addr());
    local.is_ok_and(|local| peer.is_ok_and(|peer| local == peer))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    /// The system's choice.
    const ANY: Sources = Sources::ANY;

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(10)
    }

    /// An address on which nothing listens, and stays so: it is the near end of a
    /// connection that is never closed.
    fn closed_port() -> SocketAddr {
        let far = TcpListener::bind("127.0.0.1:0").unwrap();
        let near = TcpStream::connect(far.local_addr().unwrap()).unwrap();
        let address = near.local_addr().unwrap();
        std::mem::forget((near, far));
        address
    }

    #[test]
    fn without_threads_nobody_waits_for_the_deadline() {
        let addresses = [closed_port(), closed_port(), closed_port()];
        let deadline = Instant::now() + Duration::from_secs(3600);
        let dialled = dial(&Pool::new("test", 0), &addresses, ANY, deadline);
        assert_eq!(dialled.unwrap_err(), Failure::Shortage);
    }

    #[cfg(all(target_os = "linux", feature = "native"))]
    #[test]
    fn a_connection_with_itself_is_known() {
        use rustix::net::{AddressFamily, SocketType, bind, connect, socket};
        let socket = socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
        bind(&socket, &SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
        let stream = TcpStream::from(socket);
        connect(&stream, &stream.local_addr().unwrap()).unwrap();
        assert!(met_itself(&stream));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        assert!(!met_itself(&super::connect(listener.local_addr().unwrap(), ANY, soon()).unwrap()));
    }

    #[test]
    fn families_take_turns() {
        let parse = |list: &[&str]| -> Vec<SocketAddr> {
            list.iter().map(|address| address.parse().unwrap()).collect()
        };
        let found = parse(&["[::1]:1", "[::2]:1", "[::3]:1", "1.1.1.1:1", "[::1]:1"]);
        assert_eq!(interleave(found), parse(&["[::1]:1", "1.1.1.1:1", "[::2]:1", "[::3]:1"]));
        assert_eq!(interleave(Vec::new()), Vec::new());
    }

    #[test]
    fn a_dead_address_does_not_keep_from_a_live_one() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let live = listener.local_addr().unwrap();
        let pool = Pool::new("test", 8);
        let stream = dial(&pool, &[closed_port(), live], ANY, soon()).unwrap();
        assert_eq!(stream.peer_addr().unwrap(), live);
    }

    #[cfg(all(target_os = "linux", feature = "native"))]
    #[test]
    fn connections_leave_from_the_address_that_is_given() {
        let source = std::net::IpAddr::from([127, 0, 0, 3]);
        let sources = Sources::new(&[source]).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (live, pool) = (listener.local_addr().unwrap(), Pool::new("test", 8));
        let mapped = SocketAddr::new("::ffff:127.0.0.1".parse().unwrap(), live.port());
        for addresses in [vec![live], vec![mapped], vec![closed_port(), live]] {
            let stream = dial(&pool, &addresses, sources, soon()).unwrap();
            assert_eq!(stream.local_addr().unwrap().ip(), source);
            let (_peer, from) = listener.accept().unwrap();
            assert_eq!(from, stream.local_addr().unwrap());
            // It blocks, as the relay expects it to.
            stream.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
            let begun = Instant::now();
            assert!(std::io::Read::read(&mut &stream, &mut [0]).is_err());
            assert!(begun.elapsed() >= Duration::from_millis(20));
        }
        let refused = dial(&pool, &[closed_port()], sources, soon()).unwrap_err();
        assert_eq!(refused, Failure::Refused);
        let late = dial(&pool, &[live], sources, Instant::now()).unwrap_err();
        assert_eq!(late, Failure::TimedOut);
    }

    /// A listener whose queue is full answers no more, which is what a dead host does.
    #[cfg(all(target_os = "linux", feature = "native"))]
    #[test]
    fn a_connection_from_a_given_address_keeps_the_deadline_too() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        rustix::net::listen(&listener, 0).unwrap();
        let (full, pool) = (listener.local_addr().unwrap(), Pool::new("test", 8));
        let sources = Sources::new(&[[127, 0, 0, 3].into()]).unwrap();
        let soon = || Instant::now() + Duration::from_millis(100);
        let tried = (0..10).map(|_| dial(&pool, &[full], sources, soon()));
        let tried: Vec<_> = tried.collect();
        assert!(tried.iter().any(|tried| matches!(tried, Err(Failure::TimedOut))), "{tried:?}");
    }

    #[test]
    fn the_failures_of_all_addresses_become_one() {
        let pool = Pool::new("test", 8);
        let failure = dial(&pool, &[closed_port(), closed_port()], ANY, soon()).unwrap_err();
        assert_eq!(failure, Failure::Refused);
        assert_eq!(dial(&pool, &[], ANY, soon()).unwrap_err(), Failure::NameNotFound);
        let late = dial(&pool, &[closed_port()], ANY, Instant::now());
        assert_eq!(late.unwrap_err(), Failure::TimedOut);
    }

    #[test]
    fn localhost_resolves_and_nonsense_does_not() {
        let pool = Pool::new("test", 8);
        let found = resolve(&pool, "localhost", 7, soon()).unwrap();
        assert!(found.iter().all(|address| address.ip().is_loopback() && address.port() == 7));
        assert!(resolve(&pool, "no.such.name.invalid", 7, soon()).is_err());
    }
}
