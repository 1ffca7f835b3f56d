//! The one place where a [`Session`] meets a socket: reading, writing, the
//! deadlines and the caps of every conversation.

use std::fmt;
use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use super::session::{Input, Next, Session};

/// What a peer may cost in time and memory.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Until the peer is admitted, however many reads it takes.
    pub total: Option<Duration>,
    /// Without an octet of the peer, unless the session has named a moment.
    pub idle: Option<Duration>,
    /// Octets kept that the session has not taken yet.
    pub longest_input: usize,
}

/// How a conversation ended.
#[derive(Debug)]
pub enum Ending<T> {
    /// It goes on as something else; these octets came behind it.
    Done(T, Vec<u8>),
    /// The session has said its last word: close gracefully.
    Closed,
    /// The peer left; whether it had ever sent anything.
    Left {
        /// False for whoever just knocked (a health check).
        spoke: bool,
    },
}

/// Why a conversation failed.
#[derive(Debug)]
pub enum ConverseError {
    /// A deadline passed.
    TimedOut,
    /// The connection broke.
    Io(io::Error),
}

impl fmt::Display for ConverseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TimedOut => f.write_str("the peer took too long"),
            Self::Io(error) => write!(f, "the connection broke: {error}"),
        }
    }
}

impl std::error::Error for ConverseError {}

impl From<io::Error> for ConverseError {
    fn from(error: io::Error) -> Self {
        if is_timeout(&error) { Self::TimedOut } else { Self::Io(error) }
    }
}

/// Octets asked for in one read.
const CHUNK: usize = 1024;

/// Holds a conversation until it ends one way or another. On success the socket
/// has no read timeout any more.
///
/// # Errors
/// [`ConverseError`] when the peer is too slow or the connection breaks.
#[inline(never)]
pub fn converse<S: Session + ?Sized>(
    stream: &TcpStream,
    session: &mut S,
    bounds: Bounds,
) -> Result<Ending<S::Done>, ConverseError> {
    let mut clock = Clock::start(stream, bounds)?;
    let mut input = Input::default();
    let mut output = Vec::new();
    let mut spoke = false;
    loop {
        let next = session.advance(&mut input, &mut output, Instant::now());
        if session.admitted() {
            clock.bounds.total = None;
        }
        clock.write(&output)?;
        output.clear();
        match next {
            Next::Write => {}
            Next::Close => return Ok(Ending::Closed),
            Next::Done(value) => {
                clock.forget()?;
                return Ok(Ending::Done(value, input.into_rest()));
            }
            Next::Read { until } => {
                let room = bounds.longest_input.saturating_sub(input.bytes().len());
                if input.ended() || room == 0 {
                    let Some(until) = until else { return Ok(Ending::Left { spoke }) };
                    clock.sleep(until)?;
                } else {
                    match clock.read(&mut input, room, until) {
                        Ok(came) => spoke |= came,
                        // Some knock and leave with a reset.
                        Err(ConverseError::Io(_)) if !spoke => return Ok(Ending::Left { spoke }),
                        Err(error) => return Err(error),
                    }
                }
            }
        }
    }
}

/// The deadlines of one conversation, and the read timeout that follows them.
struct Clock<'a> {
    stream: &'a TcpStream,
    bounds: Bounds,
    started: Instant,
    active: Instant,
    timeout: Option<Duration>,
    /// Octets that were written while the total deadline ran.
    written: usize,
}

/// Octets that fit the buffers of any fresh socket, so that writing them can't
/// block: most handshakes say less, and are spared the system calls.
const FITS: usize = 2048;

/// A read timeout is renewed only when it is off by more than this, to save the
/// system call.
const SLACK: Duration = Duration::from_millis(50);

impl<'a> Clock<'a> {
    fn start(stream: &'a TcpStream, bounds: Bounds) -> io::Result<Self> {
        // A peer that does not read its replies must not hold the thread.
        if bounds.idle.is_some() {
            stream.set_write_timeout(bounds.idle)?;
        }
        let now = Instant::now();
        Ok(Self { stream, bounds, started: now, active: now, timeout: None, written: 0 })
    }

    /// Writes all of it. Who does not read its replies must not outstay the total
    /// deadline either.
    fn write(&mut self, mut output: &[u8]) -> Result<(), ConverseError> {
        self.written = self.written.saturating_add(output.len());
        let Some(total) = self.bounds.total.filter(|_| self.written > FITS) else {
            return Ok((&mut &*self.stream).write_all(output)?);
        };
        while !output.is_empty() {
            let left = (self.started + total).saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(ConverseError::TimedOut);
            }
            self.stream.set_write_timeout(Some(left))?;
            match (&mut &*self.stream).write(output) {
                Ok(count) => output = output.get(count..).unwrap_or_default(),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
        self.stream.set_write_timeout(self.bounds.idle)?;
        Ok(())
    }

    /// Reads once; `Ok(false)` when the peer is done or `until` has come.
    fn read(
        &mut self,
        input: &mut Input,
        room: usize,
        until: Option<Instant>,
    ) -> Result<bool, ConverseError> {
        let mut chunk = [0; CHUNK];
        let chunk = &mut chunk[..room.min(CHUNK)];
        loop {
            let now = Instant::now();
            let end = self.end(until);
            if end.is_some_and(|end| end <= now) {
                return Err(ConverseError::TimedOut);
            }
            if until.is_some_and(|until| until <= now) {
                return Ok(false);
            }
            let first = [end, until].into_iter().flatten().min();
            self.set_timeout(first.map(|first| first - now))?;
            match read_some(self.stream, chunk) {
                Ok(received) => {
                    self.active = Instant::now();
                    input.receive(received);
                    return Ok(!received.is_empty());
                }
                Err(error) if is_timeout(&error) => {}
                Err(error) => return Err(ConverseError::Io(error)),
            }
        }
    }

    /// Waits for a moment without reading: there is no room, or nothing to come.
    fn sleep(&self, until: Instant) -> Result<(), ConverseError> {
        let end = self.end(Some(until)).unwrap_or(until);
        let now = Instant::now();
        if end <= now && end < until {
            return Err(ConverseError::TimedOut);
        }
        std::thread::sleep(until.min(end).saturating_duration_since(now));
        Ok(())
    }

    /// When to give up. A session that names a moment keeps its own time: while it
    /// waits for it, silence is not idleness.
    fn end(&self, until: Option<Instant>) -> Option<Instant> {
        let total = self.bounds.total.map(|total| self.started + total);
        let idle = self.bounds.idle.filter(|_| until.is_none()).map(|idle| self.active + idle);
        [total, idle].into_iter().flatten().min()
    }

    fn set_timeout(&mut self, wanted: Option<Duration>) -> io::Result<()> {
        let near = match (self.timeout, wanted) {
            (Some(set), Some(wanted)) => set.abs_diff(wanted) <= SLACK && wanted > SLACK,
            (set, wanted) => set == wanted,
        };
        if !near {
            // Zero would mean no timeout at all.
            let wanted = wanted.map(|wanted| wanted.max(Duration::from_millis(1)));
            self.stream.set_read_timeout(wanted)?;
            self.timeout = wanted;
        }
        Ok(())
    }

    fn forget(&mut self) -> io::Result<()> {
        self.set_timeout(None)?;
        if self.bounds.idle.is_some() {
            self.stream.set_write_timeout(None)?;
        }
        Ok(())
    }
}

/// Reads once; nothing means the end.
///
/// # Errors
/// Any but that of an interruption, after which it is read again.
pub fn read_some(mut from: impl Read, buffer: &mut [u8]) -> io::Result<&[u8]> {
    loop {
        match from.read(buffer) {
            Ok(count) => return Ok(buffer.get(..count).unwrap_or_default()),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Unix says `WouldBlock`, Windows says `TimedOut`.
pub(super) fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    /// Closes at the moment that it has named, if it names one.
    struct Waiting(Option<Instant>);

    impl Session for Waiting {
        type Done = ();

        fn advance(&mut self, _: &mut Input, _: &mut Vec<u8>, now: Instant) -> Next<()> {
            match self.0 {
                Some(until) if until <= now => Next::Close,
                until => Next::Read { until },
            }
        }
    }

    #[test]
    fn a_session_that_names_a_moment_is_not_idle() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let idle = Some(Duration::from_millis(50));
        let bounds = Bounds { total: None, idle, longest_input: 1 };
        let silent = converse(&stream, &mut Waiting(None), bounds);
        assert!(matches!(silent, Err(ConverseError::TimedOut)));
        let until = Some(Instant::now() + Duration::from_millis(200));
        let waiting = converse(&stream, &mut Waiting(until), bounds);
        assert!(matches!(waiting, Ok(Ending::Closed)));
    }
}
