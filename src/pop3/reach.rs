//! The files of a mailbox, reached without following a link at any step: whoever
//! may write to a mailbox may put a link, a FIFO or a folder in the place of
//! anything below it at any moment, also between a look and what follows it.

use std::fs::File;
use std::io;
use std::path::Path;

/// Opens the file `MAILBOX/new/NAME` or `MAILBOX/cur/NAME`.
///
/// # Errors
/// What the system says, and when it is no file.
pub fn open(path: &Path) -> io::Result<File> {
    let file = system::open(path)?;
    if file.metadata()?.is_file() { Ok(file) } else { Err(no_file(path)) }
}

/// Removes such a file, or a link that has taken its place.
///
/// # Errors
/// What the system says.
pub fn remove(path: &Path) -> io::Result<()> {
    system::remove(path)
}

/// The error about something else than a file.
pub fn no_file(path: &Path) -> io::Error {
    io::Error::other(format!("{} is no file", path.display()))
}

#[cfg(all(unix, feature = "native"))]
mod system {
    use std::ffi::OsStr;
    use std::fs::File;
    use std::io;
    use std::os::fd::OwnedFd;
    use std::path::Path;

    use rustix::fs::{AtFlags, Mode, OFlags, openat, unlinkat};

    const FOLDER: OFlags =
        OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);
    /// Without NONBLOCK a FIFO would hold the thread until somebody writes to it.
    const FILE: OFlags = OFlags::RDONLY
        .union(OFlags::NONBLOCK)
        .union(OFlags::NOCTTY)
        .union(OFlags::NOFOLLOW)
        .union(OFlags::CLOEXEC);

    pub fn open(path: &Path) -> io::Result<File> {
        let (part, name) = part(path)?;
        Ok(File::from(openat(part, name, FILE, Mode::empty())?))
    }

    pub fn remove(path: &Path) -> io::Result<()> {
        let (part, name) = part(path)?;
        Ok(unlinkat(part, name, AtFlags::empty())?)
    }

    /// The folder `new` or `cur`, open, and the name in it.
    fn part(path: &Path) -> io::Result<(OwnedFd, &OsStr)> {
        let nothing = || io::Error::from(io::ErrorKind::NotFound);
        let (part, name) = path.parent().zip(path.file_name()).ok_or_else(nothing)?;
        let (mailbox, part) = part.parent().zip(part.file_name()).ok_or_else(nothing)?;
        let mailbox = rustix::fs::open(mailbox, FOLDER, Mode::empty())?;
        Ok((openat(mailbox, part, FOLDER, Mode::empty())?, name))
    }
}

/// What std alone can do: a link that takes the file's place just now is noticed,
/// one in the place of a folder is not.
#[cfg(not(all(unix, feature = "native")))]
mod system {
    use std::fs::{self, File, Metadata};
    use std::io;
    use std::path::Path;

    pub fn open(path: &Path) -> io::Result<File> {
        let before = fs::symlink_metadata(path)?;
        if !before.is_file() {
            return Err(super::no_file(path));
        }
        let file = File::open(path)?;
        if is_same(&before, &file.metadata()?) {
            return Ok(file);
        }
        Err(io::ErrorKind::NotFound.into())
    }

    pub fn remove(path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    #[cfg(unix)]
    fn is_same(one: &Metadata, other: &Metadata) -> bool {
        use std::os::unix::fs::MetadataExt;
        (one.dev(), one.ino()) == (other.dev(), other.ino())
    }

    #[cfg(not(unix))]
    fn is_same(one: &Metadata, other: &Metadata) -> bool {
        one.modified().ok() == other.modified().ok() && other.is_file()
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs;
    use std::io::Read;
    use std::os::unix::fs::symlink;
    use std::path::PathBuf;
    use std::process::{Command, id};

    use super::*;

    /// A mailbox of one's own with a message, gone after the test.
    struct Mailbox(PathBuf);

    impl Mailbox {
        fn new(name: &str) -> Self {
            let folder = std::env::temp_dir().join(format!("socksd-reach-{name}-{}", id()));
            fs::create_dir_all(folder.join("new")).unwrap();
            fs::write(folder.join("new/message"), "text").unwrap();
            Self(folder)
        }

        fn path(&self, below: &str) -> PathBuf {
            self.0.join(below)
        }
    }

    impl Drop for Mailbox {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn a_file_is_opened_and_removed() {
        let mailbox = Mailbox::new("file");
        let path = mailbox.path("new/message");
        let mut text = String::new();
        open(&path).unwrap().read_to_string(&mut text).unwrap();
        assert_eq!(text, "text");
        remove(&path).unwrap();
        assert_eq!(open(&path).unwrap_err().kind(), io::ErrorKind::NotFound);
        assert_eq!(remove(&path).unwrap_err().kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn nothing_else_is_opened_and_nothing_blocks() {
        let mailbox = Mailbox::new("else");
        let fifo = mailbox.path("new/fifo");
        assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
        fs::create_dir(mailbox.path("new/folder")).unwrap();
        symlink(mailbox.path("new/message"), mailbox.path("new/link")).unwrap();
        for name in ["new/fifo", "new/folder", "new/link"] {
            assert!(open(&mailbox.path(name)).is_err(), "{name}");
        }
    }

    #[cfg(feature = "native")]
    #[test]
    fn a_link_in_the_place_of_a_folder_leads_nowhere() {
        let (mailbox, other) = (Mailbox::new("mine"), Mailbox::new("other"));
        fs::rename(mailbox.path("new"), mailbox.path("old")).unwrap();
        symlink(other.path("new"), mailbox.path("new")).unwrap();
        let path = mailbox.path("new/message");
        assert!(open(&path).is_err() && remove(&path).is_err());
        assert!(other.path("new/message").exists());
    }
}
