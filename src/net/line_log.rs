//! A log that never holds up who writes to it.

use std::fs::File;
use std::io::{self, ErrorKind, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender};

/// Lines that may wait for the disk; more are dropped and counted.
const WAITING: usize = 8192;

enum Message {
    Line(String),
    /// Dropped when everything before it is written.
    Flush(Sender<()>),
}

/// A file or standard output, and the thread that appends lines to it.
pub struct LineLog {
    messages: Sender<Message>,
    lost: Arc<AtomicU64>,
}

impl LineLog {
    /// Opens a file for appending; only its owner may read a new one.
    ///
    /// # Errors
    /// When it can't be opened, or there is no thread for it.
    pub fn open(name: &'static str, path: &Path) -> io::Result<Self> {
        Self::start(name, path.display().to_string(), Box::new(private(path)?))
    }

    /// Lines to standard output, whose reader may be slow or gone.
    ///
    /// # Errors
    /// When there is no thread for it.
    pub fn stdout(name: &'static str) -> io::Result<Self> {
        Self::start(name, "standard output".into(), Box::new(io::stdout()))
    }

    /// Lines to standard error, whose reader may be slow or gone.
    ///
    /// # Errors
    /// When there is no thread for it.
    pub fn stderr(name: &'static str) -> io::Result<Self> {
        Self::start(name, "standard error".into(), Box::new(io::stderr()))
    }

    fn start(name: &str, place: String, file: Box<dyn Write + Send>) -> io::Result<Self> {
        let (messages, waiting) = crossbeam_channel::bounded(WAITING);
        let lost = Arc::new(AtomicU64::new(0));
        let writer = Writer { place, file, lost: Arc::clone(&lost), healthy: true, torn: false };
        let builder = thread::Builder::new().name(format!("log-{name}"));
        builder.spawn(move || writer.run(&waiting))?;
        Ok(Self { messages, lost })
    }

    /// A function that appends a line, or drops it when the disk can't keep up.
    pub fn sink(&self) -> impl Fn(String) + Send + Sync + use<> {
        let (messages, lost) = (self.messages.clone(), Arc::clone(&self.lost));
        move |line| {
            if messages.try_send(Message::Line(line)).is_err() {
                lost.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// Waits until all lines so far are written, but no longer than `most`.
    pub fn flush(&self, most: Duration) {
        let (done, written) = crossbeam_channel::bounded(1);
        if self.messages.send_timeout(Message::Flush(done), most).is_ok() {
            // Too late or never: the disk is stuck, and stopping matters more.
            let _ = written.recv_timeout(most);
        }
    }
}

#[cfg(unix)]
fn private(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    File::options().append(true).create(true).mode(0o600).open(path)
}

#[cfg(not(unix))]
fn private(path: &Path) -> io::Result<File> {
    File::options().append(true).create(true).open(path)
}

struct Writer {
    place: String,
    file: Box<dyn Write + Send>,
    lost: Arc<AtomicU64>,
    healthy: bool,
    /// What has been written last is a part of a line.
    torn: bool,
}

impl Writer {
    fn run(mut self, waiting: &Receiver<Message>) {
        while let Ok(first) = waiting.recv() {
            let mut batch = String::new();
            let mut flushes = Vec::new();
            for message in std::iter::once(first).chain(waiting.try_iter().take(WAITING)) {
                match message {
                    Message::Line(line) => batch.extend([line.as_str(), "\n"]),
                    Message::Flush(done) => flushes.push(done),
                }
            }
            self.write(&batch);
            drop(flushes);
        }
    }

    /// Writes a batch or loses it: a full disk must not fill the memory too.
    fn write(&mut self, batch: &str) {
        let end = if self.torn { "\n" } else { "" };
        let written = self.append(end).and_then(|()| self.append(batch));
        let place = &self.place;
        if let (Err(error), true) = (&written, self.healthy) {
            log::error!(place:%, error:%; "log-failed");
        }
        self.healthy = written.is_ok();
        let lost = self.lost.swap(0, Ordering::Relaxed);
        if lost > 0 {
            log::warn!(place:%, lines = lost; "log-lines-lost");
        }
    }

    fn append(&mut self, text: &str) -> io::Result<()> {
        let mut left = text.as_bytes();
        while !left.is_empty() {
            match self.file.write(left) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(count) => {
                    let (written, rest) = left.split_at_checked(count).unwrap_or((left, &[]));
                    self.torn = !written.ends_with(b"\n");
                    left = rest;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.file.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_arrive_whole_and_in_order() {
        let file = Arc::new(parking_lot::Mutex::new(Vec::new()));
        let log = LineLog::start("test", "memory".into(), Box::new(Shared(file.clone()))).unwrap();
        let sink = log.sink();
        (0..1000).for_each(|n| sink(n.to_string()));
        log.flush(Duration::from_secs(10));
        let written = String::from_utf8(file.lock().clone()).unwrap();
        let expected: Vec<_> = (0..1000).map(|n| n.to_string()).collect();
        assert_eq!(written.lines().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn a_failing_file_holds_nobody_up() {
        let log = LineLog::start("test", "nowhere".into(), Box::new(Broken)).unwrap();
        let sink = log.sink();
        (0..3 * WAITING).for_each(|n| sink(n.to_string()));
        log.flush(Duration::from_secs(10));
    }

    #[test]
    fn what_a_full_disk_cut_off_is_a_line_of_its_own() {
        let file = Arc::new(parking_lot::Mutex::new(Vec::new()));
        let full = Full { file: file.clone(), room: 9 };
        let log = LineLog::start("test", "memory".into(), Box::new(full)).unwrap();
        let sink = log.sink();
        for line in ["first", "second", "third", "fourth"] {
            sink(line.into());
            log.flush(Duration::from_secs(10));
        }
        let written = String::from_utf8(file.lock().clone()).unwrap();
        assert_eq!(written, "first\nsec\nthird\nfourth\n");
    }

    struct Shared(Arc<parking_lot::Mutex<Vec<u8>>>);

    impl Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    struct Broken;

    impl Write for Broken {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::StorageFull.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// Takes so many octets, fails once, and then has room for all.
    struct Full {
        file: Arc<parking_lot::Mutex<Vec<u8>>>,
        room: usize,
    }

    impl Write for Full {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if self.room == 0 {
                self.room = usize::MAX;
                return Err(io::ErrorKind::StorageFull.into());
            }
            let count = bytes.len().min(self.room);
            self.room -= count;
            self.file.lock().write(&bytes[..count])
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
}
