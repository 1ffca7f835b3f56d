//! The rights on a state's folder change, so that its file could still be replaced and
//! nobody could tell whether the disk has that.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::PathBuf;
use std::process;

use crate::harness::shoes::{Admin, add, refusal};
use crate::somebody::Somebody;

struct Folder(PathBuf);

impl Folder {
    fn of(owner: u32) -> Self {
        let path = std::env::temp_dir().join(format!("socksd-state-{}", process::id()));
        // A process that had this number and was killed may have left one behind.
        let _ = fs::remove_dir_all(&path);
        fs::create_dir(&path).expect("a folder");
        chown(&path, Some(owner), None).expect("a folder of somebody");
        Self(path)
    }

    fn allow(&self, mode: u32) {
        fs::set_permissions(&self.0, Permissions::from_mode(mode)).expect("other rights");
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn a_refused_change_is_not_there_after_a_restart() {
    // Rights mean nothing to root.
    let somebody = Somebody::new(200_000_000, &[]);
    if !somebody.is_possible() {
        return;
    }
    let folder = Folder::of(somebody.id);
    folder.allow(0o700);
    let state = folder.0.join("state.toml");
    let args = ["--state", state.to_str().expect("a printable name")];
    let Some(server) = somebody.start(&args) else { return };
    Admin::of(&server).put(&add(b"ana", b"1234"));
    let stored = || fs::read_to_string(&state).expect("a state");
    let before = stored();
    // To be written to, and not to be read: so it can't be opened.
    folder.allow(0o300);
    // SHOES: "01 general failure".
    assert_eq!(refusal(&server, &add(b"bob", b"5678")), 0x01);
    assert!(stored() == before, "the file has what was refused");
    folder.allow(0o700);
    Admin::of(&server).put(&add(b"bob", b"5678"));
    assert!(stored().contains("bob"));
}
