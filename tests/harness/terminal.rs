//! A terminal in which a program runs: what it shows, and the keys that are typed.

use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::process::{Child, ExitStatus};
use std::sync::{Arc, Mutex};
use std::thread;

use pty_process::Size;
use pty_process::blocking::{Command, Pty, open};

use super::clock::{eventually, until};

pub struct Terminal {
    child: Child,
    pty: Arc<Pty>,
    /// What has been written to it, as a terminal understands it.
    shown: Arc<Mutex<vt100::Parser>>,
    reader: Option<thread::JoinHandle<()>>,
}

impl Terminal {
    /// Runs a command in a terminal of that size, which is its controlling one.
    #[track_caller]
    pub fn run(columns: u16, rows: u16, command: Command) -> Self {
        let (pty, pts) = open().expect("a pseudo terminal");
        pty.resize(Size::new(rows, columns)).expect("giving it a size");
        let child = command.env("TERM", "xterm").spawn(pts).expect("starting a program in it");
        let pty = Arc::new(pty);
        let shown = Arc::new(Mutex::new(vt100::Parser::new(some(rows), some(columns), 0)));
        let (output, parser) = (Arc::clone(&pty), Arc::clone(&shown));
        let reader = thread::spawn(move || {
            let mut buffer = [0; 4096];
            // Linux tells the end by an error, others by an end.
            while let Ok(count @ 1..) = (&*output).read(&mut buffer) {
                parser.lock().expect("a whole screen").process(&buffer[..count]);
            }
        });
        Self { child, pty, shown, reader: Some(reader) }
    }

    /// Asks the screen.
    pub fn screen<T>(&self, ask: impl FnOnce(&vt100::Screen) -> T) -> T {
        ask(self.shown.lock().expect("a whole screen").screen())
    }

    pub fn text(&self) -> String {
        self.screen(vt100::Screen::contents)
    }

    /// The first line in which this stands.
    pub fn line_with(&self, part: &str) -> Option<String> {
        self.text().lines().find(|line| line.contains(part)).map(str::to_owned)
    }

    /// Waits until this is on the screen.
    #[track_caller]
    pub fn wait_for(&self, part: &str) {
        self.wait(part, |text| text.contains(part));
    }

    /// Waits until this is not on the screen.
    #[track_caller]
    pub fn wait_without(&self, part: &str) {
        self.wait(part, |text| !text.contains(part));
    }

    #[track_caller]
    fn wait(&self, what: &str, so: impl Fn(&str) -> bool) {
        until(&format!("{what:?} on or off the screen"), || so(&self.text()));
    }

    #[track_caller]
    pub fn type_keys(&self, keys: &str) {
        (&*self.pty).write_all(keys.as_bytes()).expect("typing");
    }

    #[track_caller]
    pub fn resize(&self, columns: u16, rows: u16) {
        let mut shown = self.shown.lock().expect("a whole screen");
        shown.screen_mut().set_size(some(rows), some(columns));
        drop(shown);
        self.pty.resize(Size::new(rows, columns)).expect("giving it another size");
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Whether it echoes what is typed, as terminals do for a shell.
    #[cfg(feature = "native")]
    pub fn echoes(&self) -> bool {
        use rustix::termios::{LocalModes, tcgetattr};
        let modes = tcgetattr(&*self.pty).expect("its modes").local_modes;
        modes.contains(LocalModes::ECHO | LocalModes::ICANON)
    }

    /// Waits for the end of the program and of what it writes.
    #[track_caller]
    pub fn wait_for_exit(&mut self) -> ExitStatus {
        let status = eventually("the end of it", || self.child.try_wait().expect("its state"));
        if let Some(reader) = self.reader.take() {
            reader.join().expect("reading its screen");
        }
        status
    }
}

fn some(count: u16) -> NonZeroU16 {
    NonZeroU16::new(count).expect("a terminal has lines and columns")
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking() {
            eprintln!(
                "the screen:\n{}",
                self.shown.lock().expect("a whole screen").screen().contents()
            );
        }
    }
}
