//! Mail programs that others wrote, directly and through our own proxy with the
//! credential monitor on: curl, Python's poplib, mpop.

use std::fs;
use std::net::SocketAddr;
use std::process::Command;

use crate::foreign::is_there;
use crate::harness::file::Scratch;
use crate::harness::pop3::Maildir;
use crate::harness::server::{Run, Server, run};
use crate::harness::web::curl;

const FIRST: &[u8] = b"Subject: one\n\n.dot\n..\nlast line";
const SECOND: &[u8] = b"Subject: two\r\n\r\nwith CRLF\r\n";

/// What a client gets of them.
const FIRST_TEXT: &str = "Subject: one\r\n\r\n.dot\r\n..\r\nlast line\r\n";
const SECOND_TEXT: &str = "Subject: two\r\n\r\nwith CRLF\r\n";

/// A server of two messages, and a proxy whose monitor watches.
struct Post {
    maildir: Maildir,
    address: SocketAddr,
    credentials: Scratch,
    proxy: Server,
    _server: Server,
}

impl Post {
    fn open() -> Self {
        let maildir = Maildir::holding(&[("new/1.one", FIRST), ("cur/2.two:2,S", SECOND)]);
        let (server, address) = maildir.serve(&[]);
        let credentials = Scratch::new("credentials");
        let proxy = Server::start(&["--credentials-log", credentials.path()]);
        Self { maildir, address, credentials, proxy, _server: server }
    }

    /// The monitor has seen so many logins, all of them right.
    #[track_caller]
    fn expect_logins(mut self, count: usize) {
        self.proxy.whole_log();
        let records = self.credentials.records(count);
        let port = self.address.port().to_string();
        let expected = ["anonymous", "P", "POP3", "127.0.0.1", &port, "ana", "1234"];
        for record in &records {
            assert_eq!(record[1..], expected);
        }
        assert_eq!(records.len(), count);
    }

    /// Has curl do something that must succeed; what it prints.
    #[track_caller]
    fn curl(&self, path: &str, args: &[&str], through: bool) -> String {
        let run = self.try_curl(path, &[&["--user", "ana:1234"], args].concat(), through);
        assert!(run.status.success(), "{path} {args:?}: {}", run.stderr);
        run.stdout
    }

    #[track_caller]
    fn try_curl(&self, path: &str, args: &[&str], through: bool) -> Run {
        let url = format!("pop3://{}/{path}", self.address);
        let proxy = self.proxy.socks.to_string();
        let socks = ["--socks5-hostname", proxy.as_str()];
        let socks = if through { &socks[..] } else { &[] };
        curl(&[socks, args, &[&url]].concat())
    }

    /// Runs a Python program with the addresses of the server and the proxy.
    #[track_caller]
    fn python(&self, program: &str, through: bool) -> String {
        let mut command = Command::new("python3");
        let proxy = if through { self.proxy.socks.port().to_string() } else { String::new() };
        command.args(["-c", program, &self.address.port().to_string(), &proxy]);
        let run = run(command);
        assert!(run.status.success(), "{}", run.stderr);
        run.stdout
    }

    /// Has mpop collect everything into a maildir of its own.
    #[track_caller]
    fn mpop(&self, authentication: &str, password: &str, through: bool) -> (Run, Vec<String>) {
        let collected = Maildir::new();
        for part in ["new", "cur", "tmp"] {
            fs::create_dir_all(collected.file(part)).expect("a mailbox");
        }
        let configuration = collected.file("mpoprc");
        let path = |name: &str| collected.file(name).display().to_string();
        let proxy = match through {
            true => format!("proxy_host 127.0.0.1\nproxy_port {}\n", self.proxy.socks.port()),
            false => String::new(),
        };
        let text = format!(
            "account default\nhost 127.0.0.1\nport {}\ntls off\nauth {authentication}\n\
             user ana\npassword {password}\n{proxy}uidls_file {}\nkeep on\n\
             received_header off\ndelivery maildir {}\n",
            self.address.port(),
            path("uidls"),
            path(""),
        );
        fs::write(&configuration, text).expect("a configuration");
        restrict(&configuration);
        let mut command = Command::new("mpop");
        command.arg(format!("--file={}", configuration.display()));
        let run = run(command);
        let files = fs::read_dir(collected.file("new")).expect("new");
        let read = |entry: fs::DirEntry| fs::read_to_string(entry.path()).expect("a message");
        let mut messages: Vec<String> = files.map(|entry| read(entry.expect("an entry"))).collect();
        messages.sort();
        (run, messages)
    }
}

/// mpop reads a password only from a file that nobody else can.
fn restrict(path: &std::path::Path) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(path, fs::Permissions::from_mode(0o600)).expect("its permissions");
    }
}

#[test]
fn curl_lists_and_retrieves() {
    if !is_there(&["curl", "--version"]) {
        return;
    }
    let post = Post::open();
    for through in [false, true] {
        let sizes = format!("1 {}\r\n2 {}\r\n", FIRST_TEXT.len(), SECOND_TEXT.len());
        let wrong = post.try_curl("1", &["--user", "ana:wrong"], through);
        assert_eq!(wrong.status.code(), Some(67), "CURLE_LOGIN_DENIED: {}", wrong.stderr);
        assert!(wrong.stdout.is_empty());
        assert_eq!(post.curl("", &[], through), sizes);
        assert_eq!(post.curl("1", &[], through), FIRST_TEXT);
        assert_eq!(post.curl("2", &["--sasl-ir"], through), SECOND_TEXT);
        let ids = "1 1.one\r\n2 2.two\r\n";
        assert_eq!(post.curl("", &["--request", "UIDL"], through), ids);
        let top = post.curl("", &["--request", "TOP 1 0"], through);
        assert!(top.starts_with("Subject: one\r\n\r\n") && !top.contains("dot"), "{top}");
        let plain = ["--login-options", "AUTH=PLAIN"];
        assert_eq!(post.curl("2", &plain, through), SECOND_TEXT);
    }
    post.expect_logins(6);
}

#[test]
fn curl_deletes() {
    if !is_there(&["curl", "--version"]) {
        return;
    }
    let post = Post::open();
    post.curl("1", &["--request", "DELE", "--head"], true);
    assert!(!post.maildir.has("new/1.one") && post.maildir.has("cur/2.two:2,S"));
    post.expect_logins(1);
}

/// The proxy and the server in one process: whoever reads mail there is a user of
/// the proxy as well.
#[test]
fn curl_through_the_proxy_of_the_same_process() {
    if !is_there(&["curl", "--version"]) {
        return;
    }
    let maildir = Maildir::holding(&[("new/1.one", FIRST)]);
    let log = Scratch::new("credentials");
    let (server, address) = maildir.serve(&["--credentials-log", log.path()]);
    let (proxy, url) = (server.socks.to_string(), format!("pop3://{address}/1"));
    let users = ["--proxy-user", "ana:1234", "--user", "ana:1234"];
    let run = curl(&[&["--socks5-hostname", &proxy], &users[..], &[&url]].concat());
    assert_eq!(run.stdout, FIRST_TEXT, "{}", run.stderr);
    let record = &log.records(1)[0];
    let port = address.port().to_string();
    assert_eq!(record[1..], ["ana", "P", "POP3", "127.0.0.1", &port, "ana", "1234"]);
}

const POPLIB: &str = r#"
import poplib, socket, struct, sys
port, proxy = int(sys.argv[1]), sys.argv[2]

class Mailbox(poplib.POP3):
    def _create_socket(self, timeout):
        if not proxy:
            return super()._create_socket(timeout)
        end = socket.create_connection(('127.0.0.1', int(proxy)), timeout)
        end.sendall(b'\x05\x01\x00')
        assert end.recv(2, socket.MSG_WAITALL) == b'\x05\x00'
        destination = socket.inet_aton('127.0.0.1') + struct.pack('>H', port)
        end.sendall(b'\x05\x01\x00\x01' + destination)
        assert end.recv(10, socket.MSG_WAITALL)[1] == 0
        return end

mailbox = Mailbox('127.0.0.1', port, timeout=15)
assert mailbox.capa()['SASL'] == ['PLAIN'], mailbox.capa()
mailbox.user('ana')
try:
    mailbox.pass_('wrong')
    raise SystemExit('logged in with a wrong password')
except poplib.error_proto as error:
    assert b'[AUTH]' in error.args[0], error
mailbox.user('ana')
mailbox.pass_('1234')
count, size = mailbox.stat()
sizes = [int(line.split()[1]) for line in mailbox.list()[1]]
assert len(sizes) == count and sum(sizes) == size, (sizes, count, size)
for number in range(1, count + 1):
    lines = mailbox.retr(number)[1]
    text = b''.join(line + b'\r\n' for line in lines)
    assert len(text) == sizes[number - 1], (text, sizes)
    assert mailbox.top(number, 10**6)[1] == lines
    print(mailbox.uidl(number).decode().split()[2], text.hex())
mailbox.dele(count)
mailbox.rset()
mailbox.noop()
mailbox.quit()
"#;

#[test]
fn poplib_does_everything() {
    if !is_there(&["python3", "--version"]) {
        return;
    }
    let post = Post::open();
    let hex = |text: &str| text.bytes().map(|octet| format!("{octet:02x}")).collect::<String>();
    let expected = format!("1.one {}\n2.two {}\n", hex(FIRST_TEXT), hex(SECOND_TEXT));
    for through in [false, true] {
        assert_eq!(post.python(POPLIB, through), expected);
    }
    assert!(post.maildir.has("new/1.one") && post.maildir.has("cur/2.two:2,S"));
    post.expect_logins(1);
}

#[test]
fn mpop_collects() {
    if !is_there(&["mpop", "--version"]) {
        return;
    }
    let post = Post::open();
    let expected = [FIRST_TEXT, SECOND_TEXT].map(|text| text.replace("\r\n", "\n"));
    for through in [false, true] {
        for authentication in ["user", "plain"] {
            let (run, messages) = post.mpop(authentication, "wrong", through);
            assert!(!run.status.success() && messages.is_empty(), "{}", run.stdout);
            let (run, messages) = post.mpop(authentication, "1234", through);
            assert!(run.status.success(), "{}{}", run.stdout, run.stderr);
            assert_eq!(messages, expected, "{authentication}");
        }
    }
    post.expect_logins(2);
}
