//! A maildir of one's own, and the moves of a POP3 client in plain lines.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use super::peer::Peer;
use super::server::Server;

static MADE: AtomicU32 = AtomicU32::new(0);

/// A folder of mailboxes, gone after the test.
pub struct Maildir(PathBuf);

impl Maildir {
    pub fn new() -> Self {
        let number = MADE.fetch_add(1, Ordering::Relaxed);
        let name = format!("maildir-{}-{number}", std::process::id());
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        // A process that had this number and was killed may have left one behind.
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).expect("a folder for mailboxes");
        Self(path)
    }

    /// One in which ana has these files, by their names below her mailbox.
    pub fn holding(files: &[(&str, &[u8])]) -> Self {
        let maildir = Self::new();
        files.iter().for_each(|(name, octets)| maildir.put(name, octets));
        maildir
    }

    pub fn path(&self) -> &str {
        self.0.to_str().expect("the build folder has a printable name")
    }

    /// The path of a file of ana.
    pub fn file(&self, name: &str) -> PathBuf {
        self.0.join("ana").join(name)
    }

    pub fn put(&self, name: &str, octets: &[u8]) {
        let file = self.file(name);
        fs::create_dir_all(file.parent().expect("a folder")).expect("a mailbox");
        fs::write(file, octets).expect("a message");
    }

    pub fn rename(&self, from: &str, to: &str) {
        fs::create_dir_all(self.file(to).parent().expect("a folder")).expect("a mailbox");
        fs::rename(self.file(from), self.file(to)).expect("moving a message");
    }

    pub fn remove(&self, name: &str) {
        fs::remove_file(self.file(name)).expect("removing a message");
    }

    pub fn has(&self, name: &str) -> bool {
        self.file(name).exists()
    }

    /// A server of these mailboxes, and where it serves them.
    #[track_caller]
    pub fn serve(&self, args: &[&str]) -> (Server, SocketAddr) {
        let ours = ["--pop3", "127.0.0.1:0", "--maildir", self.path(), "-u", "ana:1234"];
        let mut server = Server::start(&[&ours, args].concat());
        let address = server.listener("pop3");
        (server, address)
    }
}

impl Drop for Maildir {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A client, a line at a time.
pub struct Mail(pub Peer);

impl Mail {
    /// One that has been greeted.
    #[track_caller]
    pub fn greeted(server: SocketAddr) -> Self {
        let mut mail = Self(Peer::connect(server));
        mail.expect_ok();
        mail
    }

    /// One that has logged in as ana.
    #[track_caller]
    pub fn open(server: SocketAddr) -> Self {
        let mut mail = Self::greeted(server);
        mail.ask("USER ana");
        mail.ask("PASS 1234");
        mail
    }

    #[track_caller]
    pub fn say(&mut self, line: &str) {
        self.0.send(format!("{line}\r\n").as_bytes());
    }

    /// A line without its CRLF.
    #[track_caller]
    pub fn line(&mut self) -> Vec<u8> {
        let mut line = Vec::new();
        while !line.ends_with(b"\r\n") {
            line.extend(self.0.receive(1));
        }
        line.truncate(line.len() - 2);
        line
    }

    #[track_caller]
    fn answer(&mut self) -> String {
        String::from_utf8(self.line()).expect("an answer in ASCII")
    }

    #[track_caller]
    fn expect_ok(&mut self) -> String {
        let answer = self.answer();
        let text = answer.strip_prefix("+OK");
        text.unwrap_or_else(|| panic!("{answer}")).trim_start().to_owned()
    }

    /// The text of the `+OK` that must come.
    #[track_caller]
    pub fn ask(&mut self, line: &str) -> String {
        self.say(line);
        self.expect_ok()
    }

    /// The text of the `-ERR` that must come.
    #[track_caller]
    pub fn refusal(&mut self, line: &str) -> String {
        self.say(line);
        self.expect_err()
    }

    #[track_caller]
    pub fn expect_err(&mut self) -> String {
        let answer = self.answer();
        let text = answer.strip_prefix("-ERR ");
        text.unwrap_or_else(|| panic!("{answer}")).to_owned()
    }

    /// The octets of a long answer, with CRLF, without the dots.
    #[track_caller]
    pub fn ask_long(&mut self, line: &str) -> Vec<u8> {
        self.ask(line);
        let mut octets = Vec::new();
        loop {
            let line = self.line();
            if line == b"." {
                return octets;
            }
            octets.extend_from_slice(line.strip_prefix(b".").unwrap_or(&line));
            octets.extend_from_slice(b"\r\n");
        }
    }

    /// The lines of a long answer.
    #[track_caller]
    pub fn ask_lines(&mut self, line: &str) -> Vec<String> {
        let text = String::from_utf8(self.ask_long(line)).expect("an answer in ASCII");
        text.lines().map(str::to_owned).collect()
    }

    #[track_caller]
    pub fn quit(mut self) {
        self.ask("QUIT");
        self.0.expect_eof();
    }
}
