//! Mailboxes as they are on disk, while other programs work on them.

use std::fs;

use crate::harness::clock::until;
use crate::harness::pop3::{Mail, Maildir};

/// Real files and what a client must get.
const FILES: [(&str, &[u8], &[u8]); 9] = [
    ("1.lf", b"a: b\n\ntext\n", b"a: b\r\n\r\ntext\r\n"),
    ("2.crlf", b"a: b\r\n\r\ntext\r\n", b"a: b\r\n\r\ntext\r\n"),
    ("3.mixed", b"a: b\r\n\ntext\n\r\n", b"a: b\r\n\r\ntext\r\n\r\n"),
    ("4.dots", b".\n..\n.a\n\n.", b".\r\n..\r\n.a\r\n\r\n.\r\n"),
    ("5.no-end", b"a: b\n\ntext", b"a: b\r\n\r\ntext\r\n"),
    ("6.empty", b"", b""),
    ("7.cr", b"a\rb\r\r\n\rc\r", b"a\rb\r\r\n\rc\r\r\n"),
    ("8.bytes", b"\0\xff\xe9\n", b"\0\xff\xe9\r\n"),
    ("9.lines", b"\n\n\r\n", b"\r\n\r\n\r\n"),
];

#[test]
fn any_file_is_right_on_the_wire_and_has_its_size() {
    let maildir = Maildir::new();
    for (name, file, _) in FILES {
        maildir.put(&format!("cur/{name}:2,S"), file);
    }
    let (_server, address) = maildir.serve(&[]);
    let mut mail = Mail::open(address);
    let sizes = mail.ask_lines("LIST");
    let total: usize = FILES.iter().map(|(_, _, expected)| expected.len()).sum();
    assert_eq!(mail.ask("STAT"), format!("{} {total}", FILES.len()));
    for (at, (name, _, expected)) in FILES.iter().enumerate() {
        let number = at + 1;
        assert_eq!(mail.ask_long(&format!("RETR {number}")), *expected, "{name}");
        assert_eq!(sizes[at], format!("{number} {}", expected.len()), "{name}");
        assert_eq!(mail.ask(&format!("LIST {number}")), sizes[at], "{name}");
        assert_eq!(mail.ask(&format!("UIDL {number}")), format!("{number} {name}"));
        assert!(expected.starts_with(&mail.ask_long(&format!("TOP {number} 1"))), "{name}");
    }
    mail.quit();
}

/// Whoever delivers mail chooses the names of files.
#[test]
fn a_name_of_a_file_forges_no_line_of_the_log() {
    const NAME: &str = "cur/1.a\nforged level=error\r\u{1b}[31m\u{85}\u{9b}\u{2028}\"";
    for format in ["json", "text", "journal"] {
        let maildir = Maildir::holding(&[(NAME, b"a: b\n\ntext\n")]);
        let (mut server, address) = maildir.serve(&["--log-format", format]);
        let mut mail = Mail::open(address);
        assert_eq!(mail.ask("LIST 1"), "1 14");
        maildir.remove(NAME);
        fs::create_dir(maildir.file(NAME)).expect("a folder where the message was");
        mail.refusal("RETR 1");
        mail.quit();
        let log = server.whole_log();
        let told = log.lines().find(|line| line.contains("mailbox-failed")).expect("its line");
        assert!(told.contains("forged") && told.contains("is no file"), "{told:?}");
        assert!(!log.replace('\n', "").contains(char::is_control), "{log:?}");
        assert!(!log.contains('\u{2028}'), "{log:?}");
    }
}

#[test]
fn a_user_without_a_folder_has_an_empty_mailbox_and_none_is_made() {
    let maildir = Maildir::new();
    let (_server, address) = maildir.serve(&[]);
    let mut mail = Mail::open(address);
    assert_eq!(mail.ask("STAT"), "0 0");
    assert!(mail.ask_lines("LIST").is_empty() && mail.ask_lines("UIDL").is_empty());
    mail.refusal("RETR 1");
    mail.quit();
    assert!(!maildir.file("").exists());
    fs::create_dir_all(maildir.file("tmp")).expect("a folder");
    assert_eq!(Mail::open(address).ask("STAT"), "0 0");
}

#[test]
fn without_its_maildir_it_does_not_call_mailboxes_empty() {
    let maildir = Maildir::holding(&[("new/1.a", b"x\n")]);
    let (server, address) = maildir.serve(&[]);
    fs::remove_dir_all(maildir.path()).expect("removing the maildir");
    let mut mail = Mail::greeted(address);
    mail.ask("USER ana");
    assert!(mail.refusal("PASS 1234").starts_with("[SYS/TEMP]"));
    until("a line of the log", || server.log().contains("mailbox-failed"));
}

#[test]
fn the_order_is_that_of_arrival_and_is_kept() {
    let maildir = Maildir::new();
    let names = ["new/9.x", "cur/10.b:2,", "new/10.a", "cur/1700000000.x:2,S", "new/no-time"];
    names.iter().rev().for_each(|name| maildir.put(name, b"x\n"));
    let (_server, address) = maildir.serve(&[]);
    let expected = ["1 9.x", "2 10.a", "3 10.b", "4 1700000000.x", "5 no-time"];
    for _ in 0..2 {
        let mut mail = Mail::open(address);
        assert_eq!(mail.ask_lines("UIDL"), expected);
        mail.quit();
        // Another program has looked at it: nothing changes for POP3.
        if maildir.has("new/9.x") {
            maildir.rename("new/9.x", "cur/9.x:2,S");
        }
    }
}

#[test]
fn what_is_no_message_is_not_served() {
    let maildir = Maildir::holding(&[("new/1.a", b"x\n"), ("tmp/2.b", b"x\n")]);
    maildir.put("new/.hidden", b"x\n");
    maildir.put("cur/.3.c:2,", b"x\n");
    maildir.put("4.d", b"x\n");
    maildir.put("new/folder/5.e", b"x\n");
    let (_server, address) = maildir.serve(&[]);
    let mut mail = Mail::open(address);
    assert_eq!(mail.ask_lines("UIDL"), ["1 1.a"]);
    mail.quit();
}

#[test]
fn no_link_leads_out_of_the_maildir() {
    use std::os::unix::fs::symlink;
    let (maildir, elsewhere) = (Maildir::holding(&[("new/1.a", b"x\n")]), Maildir::new());
    elsewhere.put("new/2.secret", b"secret\n");
    symlink(elsewhere.file("new/2.secret"), maildir.file("new/2.b")).expect("a link");
    let (_server, address) = maildir.serve(&["-u", "bea:1234"]);
    let mut mail = Mail::open(address);
    assert_eq!(mail.ask_lines("UIDL"), ["1 1.a"]);
    // Also when the link takes a message's place later.
    maildir.remove("new/1.a");
    symlink(elsewhere.file("new/2.secret"), maildir.file("new/1.a")).expect("a link");
    mail.refusal("RETR 1");
    mail.quit();

    symlink(elsewhere.file(""), format!("{}/bea", maildir.path())).expect("a link");
    let mut mail = Mail::greeted(address);
    mail.ask("USER bea");
    mail.refusal("PASS 1234");
    maildir.put("cur/3.c", b"x\n");
    fs::remove_dir_all(maildir.file("new")).expect("removing new");
    symlink(elsewhere.file("new"), maildir.file("new")).expect("a link");
    mail.ask("USER ana");
    mail.refusal("PASS 1234");
}

/// Whatever takes a message's place while a session is open.
#[test]
fn what_takes_the_place_of_a_message_is_not_read() {
    let all = ["new/1.a", "new/2.b", "new/3.c", "new/4.d"];
    let maildir = Maildir::holding(&all.map(|name| (name, &b"mine\n"[..])));
    let (_server, address) = maildir.serve(&[]);
    let mut mail = Mail::open(address);
    assert_eq!(mail.ask_lines("LIST").len(), 4);
    all[..3].iter().for_each(|name| maildir.remove(name));
    let fifo = std::process::Command::new("mkfifo").arg(maildir.file(all[0])).status();
    assert!(fifo.expect("running mkfifo").success());
    fs::create_dir(maildir.file(all[1])).expect("a folder");
    std::os::unix::fs::symlink("/etc/passwd", maildir.file(all[2])).expect("a link");
    for number in 1..4 {
        assert!(mail.refusal(&format!("RETR {number}")).contains("not in the mailbox any more"));
        assert!(mail.refusal(&format!("TOP {number} 1")).contains("not in the mailbox any more"));
    }
    assert_eq!(mail.ask_long("RETR 4"), b"mine\r\n");
    mail.quit();
}

/// A link in the place of a folder leads to somebody else's messages.
#[cfg(feature = "native")]
#[test]
fn what_takes_the_place_of_a_folder_is_not_entered() {
    let maildir = Maildir::holding(&[("new/1.a", b"mine\n"), ("new/2.b", b"mine\n")]);
    let (_server, address) = maildir.serve(&[]);
    let mut mail = Mail::open(address);
    maildir.rename("new", "old");
    maildir.put("../bea/new/1.a", b"not mine\n");
    maildir.put("../bea/new/2.b", b"not mine\n");
    std::os::unix::fs::symlink("../bea/new", maildir.file("new")).expect("a link");
    mail.refusal("RETR 1");
    mail.ask("DELE 2");
    mail.say("QUIT");
    mail.line();
    mail.0.expect_eof();
    assert!(maildir.has("../bea/new/1.a") && maildir.has("../bea/new/2.b"));
}

#[test]
fn messages_that_move_are_found() {
    let maildir = Maildir::holding(&[("new/1.a", b"one\n"), ("new/2.b", b"two\n")]);
    let (_server, address) = maildir.serve(&[]);
    let mut mail = Mail::open(address);
    maildir.rename("new/1.a", "cur/1.a:2,");
    assert_eq!(mail.ask_long("RETR 1"), b"one\r\n");
    maildir.rename("cur/1.a:2,", "cur/1.a:2,S");
    assert_eq!(mail.ask("LIST 1"), "1 5");
    maildir.rename("cur/1.a:2,S", "cur/1.a:2,RS");
    assert_eq!(mail.ask_long("TOP 1 0"), b"one\r\n");
    mail.ask("DELE 1");
    maildir.rename("cur/1.a:2,RS", "cur/1.a:2,FRS");
    maildir.rename("new/2.b", "cur/2.b:2,S");
    mail.quit();
    assert!(!maildir.has("cur/1.a:2,FRS") && maildir.has("cur/2.b:2,S"));
}

#[test]
fn messages_that_vanish_leave_the_others() {
    let maildir =
        Maildir::holding(&[("new/1.a", b"1\n"), ("new/2.b", b"22\n"), ("new/3.c", b"333\n")]);
    let (_server, address) = maildir.serve(&[]);
    let mut mail = Mail::open(address);
    maildir.remove("new/2.b");
    mail.refusal("RETR 2");
    mail.refusal("TOP 2 0");
    assert_eq!(mail.ask("STAT"), "2 8");
    assert_eq!(mail.ask_lines("LIST"), ["1 3", "3 5"]);
    assert_eq!(mail.ask_long("RETR 3"), b"333\r\n");
    maildir.remove("new/1.a");
    mail.refusal("RETR 1");
    mail.ask("DELE 1");
    mail.ask("DELE 2");
    mail.ask("DELE 3");
    mail.quit();
    assert!(!maildir.has("new/3.c"));
}

#[test]
fn unique_ids_stay_and_fit() {
    let long = format!("new/{}", "n".repeat(200));
    let files = [(long.as_str(), &b"x\n"[..]), ("cur/1.M2P3V4.host,S=2:2,S", b"x\n")];
    let maildir = Maildir::holding(&files);
    maildir.put("new/7.with space", b"x\n");
    let (server, address) = maildir.serve(&[]);
    let mut mail = Mail::open(address);
    let ids = mail.ask_lines("UIDL");
    assert_eq!(ids[0], "1 1.M2P3V4.host,S=2");
    for line in &ids {
        let id = line.split_once(' ').expect("a number and an id").1;
        assert!((1..=70).contains(&id.len()), "{id}");
        assert!(id.bytes().all(|octet| (0x21..=0x7e).contains(&octet)), "{id}");
    }
    mail.quit();
    drop(server);
    let (_server, address) = maildir.serve(&[]);
    assert_eq!(Mail::open(address).ask_lines("UIDL"), ids);
}

#[test]
fn thousands_of_messages() {
    const COUNT: usize = 5000;
    let maildir = Maildir::new();
    for n in 1..=COUNT {
        maildir.put(&format!("new/{n}.M{n}.host"), format!("a: b\n\n{n}\n").as_bytes());
    }
    let (_server, address) = maildir.serve(&[]);
    let mut mail = Mail::open(address);
    let list = mail.ask_lines("LIST");
    assert_eq!(list.len(), COUNT);
    assert_eq!(list[COUNT - 1], format!("{COUNT} 14"));
    // Another program takes them all into `cur` meanwhile.
    for n in 1..=COUNT {
        maildir.rename(&format!("new/{n}.M{n}.host"), &format!("cur/{n}.M{n}.host:2,S"));
    }
    assert_eq!(mail.ask_long("RETR 4321"), b"a: b\r\n\r\n4321\r\n");
    let all: String = (1..=COUNT).map(|n| format!("DELE {n}\r\n")).collect();
    // Pipelined while the answers are read, or both ends would wait.
    let mut sender = mail.0.twin();
    let sending = std::thread::spawn(move || sender.send(all.as_bytes()));
    for n in 1..=COUNT {
        assert_eq!(mail.line(), format!("+OK message {n} is deleted at QUIT").as_bytes());
    }
    sending.join().expect("sending");
    mail.quit();
    assert_eq!(fs::read_dir(maildir.file("cur")).expect("cur").count(), 0);
}
