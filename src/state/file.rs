//! The state file: whoever reads it finds a whole one, the old or the new.

use std::fmt;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::record;
use super::toml_error::text;
use crate::core::Snapshot;

/// A file that holds a [`Snapshot`]. Only one server may use it, see
/// [`StateFile::lock`].
#[derive(Debug, Clone)]
pub struct StateFile {
    path: PathBuf,
    temporary: PathBuf,
    /// Locked for as long as it is open; the system lets go of it with the process.
    lock: Option<Arc<File>>,
}

/// Why there is no state to start with.
#[derive(Debug)]
pub enum StateError {
    /// The file can't be read.
    Read(PathBuf, io::Error),
    /// What it holds is no state.
    Content(PathBuf, String),
    /// It can't be written.
    Write(PathBuf, String),
    /// Another server has it.
    InUse(PathBuf),
    /// What is to be locked is something else than a file.
    Lock(PathBuf),
}

impl fmt::Display for StateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read(path, error) => {
                write!(f, "reading the state {} failed: {error}", path.display())
            }
            Self::Content(path, error) => write!(
                f,
                "the state {} can't be used: {error}; mend it, or move it away to begin anew",
                path.display()
            ),
            Self::Write(path, error) => write!(
                f,
                "writing the state {} failed: {error}; name a file in a folder that can be \
                 written to",
                path.display()
            ),
            Self::InUse(path) => write!(
                f,
                "the state {} is in use by another server, and each would undo what the other \
                 stores: stop that one first, or name another file",
                path.display()
            ),
            Self::Lock(path) => write!(
                f,
                "locking the state failed: {} is no regular file; move it away, or name another \
                 state",
                path.display()
            ),
        }
    }
}

impl std::error::Error for StateError {}

impl StateFile {
    /// The file at that path, which may not exist yet. Links are followed now, so
    /// that a replacement does not replace a link.
    pub fn new(path: &Path) -> Self {
        let path = fs::canonicalize(path).unwrap_or_else(|_| path.into());
        let temporary = beside(&path, ".new");
        Self { path, temporary, lock: None }
    }

    /// Keeps other servers from it for as long as this or a clone of it lives. What
    /// is locked is an empty file beside it, since it is itself replaced.
    ///
    /// # Errors
    /// [`StateError::InUse`], [`StateError::Read`] when it is no regular file,
    /// [`StateError::Lock`] when the other is none, and [`StateError::Write`] when there
    /// can't be one.
    pub fn lock(&mut self) -> Result<(), StateError> {
        if self.lock.is_some() {
            return Ok(());
        }
        self.exists()?;
        let path = beside(&self.path, ".lock");
        if fs::metadata(&path).is_ok_and(|found| !found.is_file()) {
            return Err(StateError::Lock(path));
        }
        let failed = |error: io::Error| StateError::Write(self.path.clone(), error.to_string());
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false);
        let file = private(&mut options).open(path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(StateError::InUse(self.path.clone())),
            // Some file systems of other machines have no locks.
            Err(TryLockError::Error(error)) => log::warn!(error:%; "state-not-locked"),
        }
        self.lock = Some(Arc::new(file));
        Ok(())
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What it holds; `None` when there is no such file. Who has locked it also closes
    /// it to others, to whom an editor may have opened it.
    ///
    /// # Errors
    /// [`StateError::Read`] and [`StateError::Content`].
    pub fn read(&self) -> Result<Option<Snapshot>, StateError> {
        if !self.exists()? {
            return Ok(None);
        }
        let failed = |error| StateError::Read(self.path.clone(), error);
        let octets = fs::read(&self.path).map_err(failed)?;
        let content = |error| StateError::Content(self.path.clone(), error);
        let snapshot = text(&octets).and_then(record::parse).map_err(content)?;
        // Not before it is known to be a state. Somebody else's stays as it is: the next
        // change replaces it.
        #[cfg(unix)]
        if self.lock.is_some() {
            let private = std::os::unix::fs::PermissionsExt::from_mode(0o600);
            let _ = fs::set_permissions(&self.path, private);
        }
        Ok(Some(snapshot))
    }

    /// Whether there is one, and then a regular file: opening a pipe waits for somebody
    /// to write, and a device need not come to an end.
    fn exists(&self) -> Result<bool, StateError> {
        let error = match fs::metadata(&self.path) {
            Ok(found) if found.is_file() => return Ok(true),
            Ok(_) => io::Error::other("it is no regular file; name another one"),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) => error,
        };
        Err(StateError::Read(self.path.clone(), error))
    }

    /// Replaces what it holds. When this comes back well, the system has it on
    /// the disk; when it fails, the file is still the old one, unless the disk
    /// itself failed at the last step, which is to keep that it was replaced.
    ///
    /// # Errors
    /// What the system says.
    pub fn write(&self, snapshot: &Snapshot) -> io::Result<()> {
        let text = record::format(snapshot)?;
        // First of all, as once the file is the new one it can't be undone for sure.
        let folder = open_folder(&self.path)?;
        let written = self.write_temporary(text.as_bytes());
        if let Err(error) = written.and_then(|()| fs::rename(&self.temporary, &self.path)) {
            // It may hold the room that was lacking.
            let _ = fs::remove_file(&self.temporary);
            return Err(error);
        }
        folder.map_or(Ok(()), |folder| folder.sync_all())
    }

    fn write_temporary(&self, text: &[u8]) -> io::Result<()> {
        // One of a server that was killed may lie around; a link there could lead
        // anywhere. So it is removed and never opened.
        match fs::remove_file(&self.temporary) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = create(&self.temporary)?;
        file.write_all(text)?;
        file.sync_all()
    }
}

/// Creates a file that only its owner can read.
fn create(path: &Path) -> io::Result<File> {
    private(OpenOptions::new().write(true).create_new(true)).open(path)
}

/// What is created belongs to its owner alone.
fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut path = path.to_path_buf().into_os_string();
    path.push(suffix);
    path.into()
}

/// A rename is on the disk when its folder is.
#[cfg(unix)]
fn open_folder(path: &Path) -> io::Result<Option<File>> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new("."))).map(Some)
}

/// Windows opens no folders, and brings renames to the disk by itself.
#[cfg(not(unix))]
fn open_folder(_: &Path) -> io::Result<Option<File>> {
    Ok(None)
}
