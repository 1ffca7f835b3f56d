//! The mailboxes on disk, opened without a conversation.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use socksd::core::{Command, Core, Credential, Maildir, Name, Setting, Settings, Start};
use socksd::pop3::mailboxes::{Mailbox, Mailboxes, Unavailable};
use socksd::pop3::maildir::Maildirs;

/// A folder, gone after the test.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new(name: &str) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR"))
            .join(format!("maildirs-{}-{name}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }

    pub fn has(&self, file: &str) -> bool {
        self.0.join(file).exists()
    }

    pub fn put(&self, file: &str, octets: &[u8]) {
        let file = self.0.join(file);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, octets).unwrap();
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn core(maildir: Option<&Folder>) -> Core {
    let maildir = maildir.map(|folder| folder.0.clone());
    let settings = Settings { maildir, ..Settings::default() };
    Core::new(Start { settings, ..Start::default() }).unwrap().0
}

fn open(maildirs: &Maildirs, user: &[u8]) -> Result<Box<dyn Mailbox>, Unavailable> {
    maildirs.open(&Name::new(user).unwrap())
}

fn read(mailbox: &mut dyn Mailbox, message: usize) -> Vec<u8> {
    let mut octets = Vec::new();
    mailbox.read(message).unwrap().read_to_end(&mut octets).unwrap();
    octets
}

#[test]
fn the_next_session_uses_a_changed_maildir() {
    let (one, other) = (Folder::new("one"), Folder::new("other"));
    one.put("ana/new/1.a", b"one\n");
    other.put("ana/new/1.a", b"other\n");
    let core = core(Some(&one));
    let maildirs = Maildirs::new(core.clone());
    let mut before = open(&maildirs, b"ana").unwrap();
    let proof = Credential::Checked(Ok(("test".into(), None)));
    let caller = core.log_in("test", proof, [127, 0, 0, 1].into()).unwrap();
    let changed = Setting::Maildir(Maildir::open(&other.0).unwrap());
    core.apply(&caller, Command::SetConfig(changed)).unwrap();
    // Another mailbox, so it is not in use.
    let mut after = open(&maildirs, b"ana").unwrap();
    assert_eq!(read(before.as_mut(), 0), b"one\n");
    assert_eq!(read(after.as_mut(), 0), b"other\n");
}

#[test]
fn a_mailbox_has_one_lock_whatever_its_maildir_is_called() {
    let folder = Folder::new("lock");
    folder.put("ana/new/1.a", b"x");
    let core = core(Some(&folder));
    let maildirs = Maildirs::new(core.clone());
    let held = open(&maildirs, b"ana").unwrap();
    let proof = Credential::Checked(Ok(("test".into(), None)));
    let caller = core.log_in("test", proof, [127, 0, 0, 1].into()).unwrap();
    let same = Setting::Maildir(Maildir::open(&folder.0.join("ana/..")).unwrap());
    core.apply(&caller, Command::SetConfig(same)).unwrap();
    assert!(matches!(open(&maildirs, b"ana"), Err(Unavailable::InUse)));
    drop(held);
    assert!(open(&maildirs, b"ana").is_ok());
}

#[test]
fn a_remembered_size_is_that_of_the_file() {
    let folder = Folder::new("sizes");
    folder.put("ana/new/1.a", b"1\n");
    let maildirs = Maildirs::new(core(Some(&folder)));
    for _ in 0..2 {
        assert_eq!(open(&maildirs, b"ana").unwrap().size(0).unwrap(), 3);
    }
    folder.put("ana/new/1.a", b"longer\n");
    assert_eq!(open(&maildirs, b"ana").unwrap().size(0).unwrap(), 8);
}

#[test]
fn without_a_maildir_there_are_no_mailboxes() {
    let maildirs = Maildirs::new(core(None));
    assert!(matches!(open(&maildirs, b"ana"), Err(Unavailable::NoMaildir)));
}

#[test]
fn a_name_is_the_folder_of_the_same_text() {
    let folder = Folder::new("names");
    folder.put("\u{f1}and\u{fa}/new/1.a", b"x");
    folder.put("..ana/new/1.a", b"x");
    let maildirs = Maildirs::new(core(Some(&folder)));
    for user in [&b"\xf1and\xfa"[..], b"..ana"] {
        assert_eq!(open(&maildirs, user).unwrap().count(), 1);
    }
    assert_eq!(open(&maildirs, b"ana").unwrap().count(), 0);
}
