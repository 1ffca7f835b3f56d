//! The process under test: started on free ports, watched, never left behind.

use std::io::{self, BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;

use super::clock::eventually;

pub const ADMIN: (&str, &str) = ("admin", "secret");
const BASE: [&str; 6] = ["-p", "0", "-P", "0", "-U", "admin:secret"];

pub struct Server {
    pub socks: SocketAddr,
    pub shoes: SocketAddr,
    child: Child,
    stdout: Lines,
    stderr: Lines,
}

impl Server {
    /// With no proxy user, so open to this machine.
    #[track_caller]
    pub fn open() -> Self {
        Self::start(&[])
    }

    /// With these arguments besides the free ports and the one admin.
    #[track_caller]
    pub fn start(args: &[&str]) -> Self {
        Self::with_arguments(&[&BASE, args].concat())
    }

    /// With exactly these arguments.
    #[track_caller]
    pub fn with_arguments(args: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_socksd"));
        command.args(args);
        Self::launch(command)
    }

    /// As [`Self::start`], with so many descriptors at most.
    #[cfg(target_os = "linux")]
    #[track_caller]
    pub fn start_with_descriptors(limit: u32, args: &[&str]) -> Self {
        let limited = format!("ulimit -n {limit}; exec \"$0\" \"$@\"");
        Self::start_under(&["sh", "-c", &limited, env!("CARGO_BIN_EXE_socksd")], args)
    }

    /// As [`Self::start`], by this command, which must end up executing the server:
    /// the last of its words.
    #[cfg(target_os = "linux")]
    #[track_caller]
    pub fn start_under(words: &[&str], args: &[&str]) -> Self {
        let mut command = Command::new(words[0]);
        command.args(&words[1..]).args(BASE).args(args);
        Self::launch(command)
    }

    /// As [`Self::start`], with its log going there.
    #[cfg(target_os = "linux")]
    #[track_caller]
    pub fn start_logging_to(log: impl Into<Stdio>, args: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_socksd"));
        command.args(BASE).args(args);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log);
        let child = command.spawn().expect("starting socksd");
        Self::of(child, Lines::of(io::empty()))
    }

    /// As [`Self::start`], with a log that goes into a pipe which nobody reads.
    #[track_caller]
    pub fn start_unheard(args: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_socksd"));
        command.args(BASE).args(args);
        let child = spawn(&mut command);
        Self::of(child, Lines::of(io::empty()))
    }

    /// Starts it, as this command does, and waits for its listeners.
    #[track_caller]
    pub fn launch(mut command: Command) -> Self {
        let mut child = spawn(&mut command);
        let stderr = Lines::of(child.stderr.take().expect("a pipe"));
        Self::of(child, stderr)
    }

    #[track_caller]
    fn of(mut child: Child, stderr: Lines) -> Self {
        let stdout = Lines::of(child.stdout.take().expect("a pipe"));
        let nowhere = SocketAddr::from(([0, 0, 0, 0], 0));
        let mut server = Self { socks: nowhere, shoes: nowhere, child, stdout, stderr };
        server.socks = server.listener("socks");
        server.shoes = server.listener("shoes");
        server
    }

    /// The address that it announced for a listener.
    #[track_caller]
    pub fn listener(&mut self, name: &str) -> SocketAddr {
        let prefix = format!("listening {name} ");
        eventually(&format!("'{prefix}ADDRESS' on stdout"), || {
            if let Some(status) = self.child.try_wait().expect("its state") {
                self.stderr.read_to_end();
                panic!("socksd ended with {status}: {}", self.stderr.text());
            }
            let text = self.stdout.text();
            let address = text.lines().find_map(|line| line.strip_prefix(&prefix));
            address.map(|address| address.trim().parse().expect("an address and a port"))
        })
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it has printed so far: a line after its listeners may come later. All of it
    /// once [`Self::whole_log`] has been asked for.
    pub fn stdout(&self) -> String {
        self.stdout.text()
    }

    /// What it has logged so far, which may lack what it has done just now:
    /// a thread of its own writes the log.
    pub fn log(&self) -> String {
        self.stderr.text()
    }

    /// Ends it, in order where the system has a way to; all that it has logged.
    #[track_caller]
    pub fn whole_log(&mut self) -> String {
        #[cfg(unix)]
        self.terminate();
        #[cfg(not(unix))]
        self.child.kill().expect("killing socksd");
        self.wait_for_exit();
        self.stdout.read_to_end();
        self.stderr.read_to_end();
        self.stderr.text()
    }

    /// Ends it as `kill -9` does.
    pub fn kill(&mut self) {
        self.child.kill().expect("killing socksd");
        self.child.wait().expect("its end");
    }

    #[cfg(unix)]
    pub fn terminate(&self) {
        self.signal("TERM");
    }

    #[cfg(unix)]
    pub fn signal(&self, name: &str) {
        let id = self.id().to_string();
        let status = Command::new("sh").args(["-c", "kill -$1 \"$0\"", &id, name]).status();
        assert!(status.expect("running kill").success(), "sending SIG{name} to socksd");
    }

    #[track_caller]
    pub fn wait_for_exit(&mut self) -> ExitStatus {
        eventually("the end of socksd", || self.child.try_wait().expect("its state"))
    }

    #[cfg(unix)]
    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().expect("its state").is_none()
    }
}

#[track_caller]
fn spawn(command: &mut Command) -> Child {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().expect("starting socksd")
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking() {
            self.stderr.read_to_end();
            eprintln!("socksd logged:\n{}", self.stderr.text());
        }
    }
}

/// What a run to the end has printed.
pub struct Run {
    pub status: ExitStatus,
    pub stdout: String,
    pub stderr: String,
}

/// Runs a command that must end by itself.
#[track_caller]
pub fn run(mut command: Command) -> Run {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap_or_else(|error| {
        panic!("{:?} is needed by this test, install it: {error}", command.get_program())
    });
    let mut stdout = Lines::of(child.stdout.take().expect("a pipe"));
    let mut stderr = Lines::of(child.stderr.take().expect("a pipe"));
    let mut child = Killed(child);
    let status = eventually("the end of a command", || child.0.try_wait().expect("its state"));
    stdout.read_to_end();
    stderr.read_to_end();
    Run { status, stdout: stdout.text(), stderr: stderr.text() }
}

struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// An output that is read by a thread as it comes.
struct Lines {
    text: Arc<Mutex<String>>,
    reader: Option<thread::JoinHandle<()>>,
}

impl Lines {
    fn of(output: impl Read + Send + 'static) -> Self {
        let text = Arc::new(Mutex::new(String::new()));
        let shared = Arc::clone(&text);
        let reader = thread::spawn(move || {
            let mut output = BufReader::new(output);
            let mut line = Vec::new();
            while output.read_until(b'\n', &mut line).is_ok_and(|count| count > 0) {
                shared.lock().expect("a whole text").push_str(&String::from_utf8_lossy(&line));
                line.clear();
            }
        });
        Self { text, reader: Some(reader) }
    }

    fn text(&self) -> String {
        self.text.lock().expect("a whole text").clone()
    }

    /// Reads what is left once nobody writes to it any more.
    fn read_to_end(&mut self) {
        if let Some(reader) = self.reader.take() {
            reader.join().expect("reading an output");
        }
    }
}
