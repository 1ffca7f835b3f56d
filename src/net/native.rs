//! What std can't ask a Unix kernel for about sockets. Besides, `rustix` is known to
//! `route.rs` (rtnetlink), `pop3/reach.rs` (files), `client/prompt.rs` (the terminal), and
//! to tests.
//!
//! All of it is optional: elsewhere, or without the feature `native`, these
//! functions do nothing or say that there is no such thing, and everything works
//! with what std has.

use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::time::Duration;
#[cfg(all(unix, feature = "native"))]
use std::time::Instant;

/// Connections that may wait to be accepted. std asks for 128, which drops SYNs
/// when many clients come at one moment.
#[cfg(all(unix, feature = "native"))]
const BACKLOG: i32 = 4096;

/// Lets more connections wait to be accepted. A refusal only costs speed.
#[cfg(all(unix, feature = "native"))]
pub fn raise_backlog(listener: &TcpListener) {
    if let Err(error) = rustix::net::listen(listener, BACKLOG) {
        log::warn!(backlog = BACKLOG, error:%; "backlog-not-raised");
    }
}

/// Lets datagrams of so many octets be sent: macOS allows 9,216 otherwise.
#[cfg(all(unix, feature = "native"))]
pub fn raise_send_buffer(socket: &UdpSocket, octets: usize) {
    use rustix::net::sockopt::{set_socket_send_buffer_size, socket_send_buffer_size};
    // Never less than the system gives by itself. When it gives no more, what does
    // not fit fails on its own.
    if socket_send_buffer_size(socket).is_ok_and(|now| now < octets) {
        let _ = set_socket_send_buffer_size(socket, octets);
    }
}

/// Has the close of this socket reset the connection, so that the peer sees an
/// error and not the end of the data.
#[cfg(all(unix, feature = "native"))]
pub fn reset_on_close(stream: &TcpStream) {
    // Without it the peer sees an end, which is what std alone can do.
    let _ = rustix::net::sockopt::set_socket_linger(stream, Some(Duration::ZERO));
}

/// Resets a connection now, whoever is blocked in it; `false` where that can't be
/// done. "Connectionless sockets [and TCP] may dissolve the association by
/// connecting to an address with the sa_family member set to AF_UNSPEC"
/// (connect(2) of Linux).
#[cfg(all(target_os = "linux", feature = "native"))]
pub fn reset(stream: &TcpStream) -> bool {
    rustix::net::connect_unspec(stream).is_ok()
}

/// Whether the kernel keeps what is sent to an address, though that is on no interface
/// here; what can't be asked is taken for false.
#[cfg(all(target_os = "linux", feature = "native"))]
pub fn leads_here(ip: IpAddr) -> bool {
    super::route::leads_here(ip).unwrap_or(false)
}

/// Whether connections can leave from a chosen address here.
pub const CONNECTS_FROM: bool = cfg!(all(unix, feature = "native"));

/// As [`TcpStream::connect_timeout`], from this address and any free port, where std has
/// no way to bind a socket before it connects.
///
/// The port is taken before the target is known, so it is not shared between targets: there
/// are as many connections at once as there are such ports, some 28,000 on Linux. Those in
/// TIME-WAIT count, for a minute.
///
/// # Errors
/// What the system gives; after `timeout` it is [`io::ErrorKind::TimedOut`].
#[cfg(all(unix, feature = "native"))]
pub fn connect_from(source: IpAddr, to: SocketAddr, timeout: Duration) -> io::Result<TcpStream> {
    use rustix::io::{Errno, FdFlags, fcntl_setfd};
    use rustix::net::{AddressFamily, SocketType, bind, connect, socket};
    let end = Instant::now() + timeout;
    let to = match to.ip().to_canonical() {
        IpAddr::V4(ip) => SocketAddr::new(ip.into(), to.port()),
        // The address itself, because it may have a scope.
        IpAddr::V6(_) => to,
    };
    let family = if to.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let socket = socket(family, SocketType::STREAM, None)?;
    fcntl_setfd(&socket, FdFlags::CLOEXEC)?;
    bind(&socket, &SocketAddr::new(source, 0))?;
    let stream = TcpStream::from(socket);
    stream.set_nonblocking(true)?;
    match connect(&stream, &to) {
        // Interrupted, it goes on all the same (connect(2)).
        Err(Errno::INPROGRESS | Errno::INTR) => await_connection(&stream, end)?,
        connected => connected?,
    }
    stream.set_nonblocking(false)?;
    Ok(stream)
}

#[cfg(all(unix, feature = "native"))]
fn await_connection(stream: &TcpStream, end: Instant) -> io::Result<()> {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    loop {
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        let left = Timespec::try_from(left).map_err(io::Error::other)?;
        match poll(&mut [PollFd::new(stream, PollFlags::OUT)], Some(&left)) {
            Ok(0) | Err(rustix::io::Errno::INTR) => {}
            // Whether it succeeded or failed, it can be written to.
            Ok(_) => return stream.take_error()?.map_or(Ok(()), Err),
            Err(error) => return Err(error.into()),
        }
    }
}

/// Allows this process as many descriptors as the system lets it have.
#[cfg(all(unix, feature = "native"))]
pub fn raise_descriptor_limit() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        log::warn!(error:%; "descriptors-not-raised");
    }
}

#[cfg(not(all(unix, feature = "native")))]
pub fn raise_backlog(_: &TcpListener) {}

#[cfg(not(all(unix, feature = "native")))]
pub fn raise_send_buffer(_: &UdpSocket, _: usize) {}

#[cfg(not(all(unix, feature = "native")))]
pub fn reset_on_close(_: &TcpStream) {}

#[cfg(not(all(target_os = "linux", feature = "native")))]
pub fn reset(_: &TcpStream) -> bool {
    false
}

#[cfg(not(all(target_os = "linux", feature = "native")))]
pub fn leads_here(_: IpAddr) -> bool {
    false
}

/// Nobody gets here: what needs it is refused at the start.
#[cfg(not(all(unix, feature = "native")))]
pub fn connect_from(_: IpAddr, _: SocketAddr, _: Duration) -> io::Result<TcpStream> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Here std has no limit to raise.
#[cfg(not(all(unix, feature = "native")))]
pub fn raise_descriptor_limit() {}

/// A pipe through which octets go from socket to socket without being copied
/// into this process (splice(2)).
#[cfg(all(target_os = "linux", feature = "native"))]
pub struct Duct {
    read: std::os::fd::OwnedFd,
    write: std::os::fd::OwnedFd,
    holds: usize,
}

#[cfg(all(target_os = "linux", feature = "native"))]
impl Duct {
    /// A pipe that holds as many octets as the system allows, of the sizes that
    /// are worth it.
    ///
    /// # Errors
    /// When there are no descriptors left, or only small pipes (pipe(7): the
    /// pages in the pipes of one user are limited).
    pub fn new() -> io::Result<Self> {
        let (read, write) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)?;
        let sized = |octets| rustix::pipe::fcntl_setpipe_size(&write, octets);
        let holds = sized(1024 * 1024).or_else(|_| sized(256 * 1024))?;
        Ok(Self { read, write, holds })
    }

    /// Takes what there is out of a socket, 0 at the end of its data. What the
    /// pipe held before has to be drained.
    ///
    /// # Errors
    /// What reading the socket gives, its read timeout included.
    pub fn fill(&self, from: &TcpStream) -> io::Result<usize> {
        splice(from, &self.write, self.holds)
    }

    /// Puts up to `most` octets into a socket.
    ///
    /// # Errors
    /// What writing to the socket gives.
    pub fn drain(&self, to: &TcpStream, most: usize) -> io::Result<usize> {
        splice(&self.read, to, most)
    }
}

#[cfg(all(target_os = "linux", feature = "native"))]
fn splice(
    from: impl std::os::fd::AsFd,
    to: impl std::os::fd::AsFd,
    most: usize,
) -> io::Result<usize> {
    loop {
        let flags = rustix::pipe::SpliceFlags::MOVE;
        match rustix::pipe::splice(&from, None, &to, None, most, flags) {
            Err(rustix::io::Errno::INTR) => {}
            moved => return Ok(moved?),
        }
    }
}

/// There is no such thing here: nothing can make a value of it.
#[cfg(not(all(target_os = "linux", feature = "native")))]
pub enum Duct {}

#[cfg(not(all(target_os = "linux", feature = "native")))]
impl Duct {
    pub fn new() -> io::Result<Self> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub fn fill(&self, _: &TcpStream) -> io::Result<usize> {
        match *self {}
    }

    pub fn drain(&self, _: &TcpStream, _: usize) -> io::Result<usize> {
        match *self {}
    }
}
