//! One direction of a relay: moves octets from one socket to another until the
//! end of the data, counting as it goes.
//!
//! A quiet direction costs a few KiB of stack. When reads come back full it
//! moves to a larger buffer, and when those come back full too, to the zero-copy
//! [`Duct`] where there is one, or else to a large buffer. When the burst is
//! over, all of it is given back.

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::buffers::Loan;
use super::driver::is_timeout;
use super::native::Duct;
use crate::core::{Halted, Pace};

/// The buffer of a quiet direction, on the stack.
const SMALL: usize = 2 * 1024;
/// The buffer once reads of the small one come back full.
const MEDIUM: usize = 64 * 1024;
/// The buffer in bulk, where there is no duct.
const LARGE: usize = 256 * 1024;
/// Full reads in a row that prove a direction to be bulk.
const PROOF: u32 = 2;
/// Small reads in a row that prove a burst to be over.
const CALM: u32 = 16;
/// Silence that proves a burst to be over.
const SILENCE: Duration = Duration::from_secs(1);

/// Which side broke a direction.
#[derive(Debug)]
pub(super) enum Broken {
    /// Reading failed.
    From,
    /// Writing failed. `reset`: the side broke, and did not just finish; whoever
    /// reads it may see an end of its data all the same, because the system tells
    /// an error only once.
    To { reset: bool },
}

impl Broken {
    /// Writing failed with this error; `certain` when it can't be the first one.
    fn to(error: &io::Error, certain: bool) -> Self {
        Self::To { reset: certain || error.kind() != ErrorKind::BrokenPipe }
    }
}

/// Shows a chunk to whoever watches; `false` once that has seen enough.
pub(super) type Look<'a> = &'a dyn Fn(&[u8]) -> bool;

/// A direction that has to stop because its connection was ended from outside.
impl From<Halted> for Broken {
    fn from(_: Halted) -> Self {
        // Whoever has ended it has ended both sides, so this draws no conclusion.
        Self::From
    }
}

/// One direction of a relay.
pub(super) struct Copier<'a> {
    pub from: &'a TcpStream,
    pub to: &'a TcpStream,
    pub count: &'a AtomicU64,
    /// Asked before octets move.
    pub pace: Pace<'a>,
    /// Sees each chunk first; `None` once it has seen enough.
    pub watch: Option<Look<'a>>,
    /// Told once, when the first octets have come.
    pub first: Option<&'a dyn Fn()>,
    /// An admin's size, in octets, used exactly.
    pub fixed: Option<usize>,
}

/// Why a stage of the copying is over.
enum Stage {
    /// The end of the data.
    End,
    /// The traffic has outgrown the stage.
    Rising,
    /// The burst is over.
    Falling,
}

impl Copier<'_> {
    /// Passes on what was received before the relay began.
    pub(super) fn pass(&mut self, chunk: &[u8]) -> Result<(), Broken> {
        if chunk.is_empty() {
            return Ok(());
        }
        if let Some(first) = self.first.take() {
            first();
        }
        if self.watch.is_some_and(|watch| !watch(chunk)) {
            self.watch = None;
        }
        let mut left = chunk;
        while !left.is_empty() {
            let granted = self.pace.take(left.len())?;
            let (now, later) = left.split_at_checked(granted).unwrap_or((left, &[]));
            (&mut &*self.to).write_all(now).map_err(|error| Broken::to(&error, false))?;
            self.count.fetch_add(now.len() as u64, Ordering::Relaxed);
            left = later;
        }
        Ok(())
    }

    /// Copies until the end of the data.
    pub(super) fn run(&mut self) -> Result<(), Broken> {
        if let Some(size) = self.fixed {
            return self.copy(&mut vec![0; size], |_| None).map(drop);
        }
        loop {
            // A function of its own, so that its buffer leaves the stack with it.
            if let Stage::End = self.quiet()? {
                return Ok(());
            }
            if let Stage::End = self.burst()? {
                return Ok(());
            }
        }
    }

    #[inline(never)]
    fn quiet(&mut self) -> Result<Stage, Broken> {
        let mut buffer = [0; SMALL];
        self.copy(&mut buffer, |count| (count == SMALL).then_some(Stage::Rising))
    }

    #[inline(never)]
    fn burst(&mut self) -> Result<Stage, Broken> {
        // Silence wakes the read, so that an idle connection holds no buffer.
        let silence = Silence::begin(self.from);
        let mut stage = self.medium()?;
        while let Stage::Rising = stage {
            stage = match Duct::new() {
                Ok(duct) if self.watch.is_none() => self.splice(&duct)?,
                _ => self.large()?,
            };
            if let Stage::Rising = stage {
                stage = self.medium()?;
            }
        }
        drop(silence);
        Ok(stage)
    }

    fn medium(&mut self) -> Result<Stage, Broken> {
        let Some(mut loan) = Loan::take(MEDIUM) else { return self.quiet() };
        let (mut streak, pace) = (Streak::default(), self.pace);
        self.copy(loan.as_mut(), |count| {
            // What waits for its rate must not keep what others need to be fast.
            if streak.of(count == MEDIUM) >= PROOF && !pace.is_slow() {
                return Some(Stage::Rising);
            }
            (streak.calm(count <= SMALL) >= CALM).then_some(Stage::Falling)
        })
    }

    fn large(&mut self) -> Result<Stage, Broken> {
        let Some(mut loan) = Loan::take(LARGE) else { return self.quiet() };
        let (mut streak, pace) = (Streak::default(), self.pace);
        self.copy(loan.as_mut(), |count| {
            (streak.calm(count <= SMALL) >= CALM || pace.is_slow()).then_some(Stage::Falling)
        })
    }

    /// Reads and writes until the data or the stage ends.
    fn copy(
        &mut self,
        buffer: &mut [u8],
        mut judge: impl FnMut(usize) -> Option<Stage>,
    ) -> Result<Stage, Broken> {
        loop {
            let count = match (&mut &*self.from).read(buffer) {
                Ok(0) => return Ok(Stage::End),
                Ok(count) => count,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) if is_timeout(&error) => return Ok(Stage::Falling),
                Err(_) => return Err(Broken::From),
            };
            self.pass(buffer.get(..count).unwrap_or_default())?;
            if let Some(stage) = judge(count) {
                return Ok(stage);
            }
        }
    }

    /// Moves octets without copying them into this process.
    fn splice(&mut self, duct: &Duct) -> Result<Stage, Broken> {
        let mut streak = Streak::default();
        loop {
            let mut held = match duct.fill(self.from) {
                Ok(0) => return Ok(Stage::End),
                Ok(count) => count,
                Err(error) if is_timeout(&error) => return Ok(Stage::Falling),
                Err(_) => return Err(Broken::From),
            };
            let over = streak.calm(held <= SMALL) >= CALM || self.pace.is_slow();
            // The system tells an error only once, and swallows it when it comes
            // behind some octets that were moved.
            let (mut short, mut granted) = (false, 0);
            while held > 0 {
                if granted == 0 {
                    granted = self.pace.take(held)?;
                }
                let moved =
                    duct.drain(self.to, granted).map_err(|error| Broken::to(&error, short))?;
                short = moved < granted;
                if moved == 0 {
                    return Err(Broken::To { reset: true });
                }
                held = held.saturating_sub(moved);
                granted = granted.saturating_sub(moved);
                self.count.fetch_add(moved as u64, Ordering::Relaxed);
            }
            if over {
                return Ok(Stage::Falling);
            }
        }
    }
}

/// Reads of one kind in a row.
#[derive(Default)]
struct Streak {
    full: u32,
    calm: u32,
}

impl Streak {
    fn of(&mut self, full: bool) -> u32 {
        self.full = if full { self.full + 1 } else { 0 };
        self.full
    }

    fn calm(&mut self, calm: bool) -> u32 {
        self.calm = if calm { self.calm + 1 } else { 0 };
        self.calm
    }
}

/// A read timeout for as long as it lives.
struct Silence<'a>(&'a TcpStream);

impl<'a> Silence<'a> {
    fn begin(stream: &'a TcpStream) -> Self {
        // A failure shows at the next read, or costs a buffer at worst.
        let _ = stream.set_read_timeout(Some(SILENCE));
        Self(stream)
    }
}

impl Drop for Silence<'_> {
    fn drop(&mut self) {
        let _ = self.0.set_read_timeout(None);
    }
}
