//! A file name of one's own, gone after the test.

use std::fs;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};

use super::clock::eventually;

static NAMED: AtomicU32 = AtomicU32::new(0);

/// The path of a file that does not exist yet.
pub struct Scratch(PathBuf);

impl Scratch {
    pub fn new(suffix: &str) -> Self {
        let number = NAMED.fetch_add(1, Ordering::Relaxed);
        let name = format!("{}-{number}.{suffix}", process::id());
        let file = Self(Path::new(env!("CARGO_TARGET_TMPDIR")).join(name));
        // A process that had this number and was killed may have left one behind.
        file.remove();
        file
    }

    fn remove(&self) {
        let _ = fs::remove_file(&self.0);
        // What a server keeps beside its state.
        let _ = fs::remove_file(self.0.with_extension("toml.lock"));
    }

    pub fn path(&self) -> &str {
        self.0.to_str().expect("the build folder has a printable name")
    }

    pub fn text(&self) -> String {
        fs::read_to_string(&self.0).unwrap_or_default()
    }

    /// Each line's tab-separated fields, once there are `count` lines.
    #[track_caller]
    pub fn records(&self, count: usize) -> Vec<Vec<String>> {
        eventually(&format!("{count} lines in {}", self.path()), || {
            let text = self.text();
            let complete = text.ends_with('\n') && text.lines().count() >= count;
            complete.then(|| text.lines().map(fields).collect())
        })
    }
}

fn fields(line: &str) -> Vec<String> {
    line.split('\t').map(str::to_owned).collect()
}

/// Whether it looks like `2026-11-21T12:34:56Z`.
pub fn is_date(text: &str) -> bool {
    let mut octets = text.bytes();
    let shape = b"dddd-dd-ddTdd:dd:ddZ";
    text.len() == shape.len()
        && shape.iter().all(|expected| {
            octets.next().is_some_and(|octet| match expected {
                b'd' => octet.is_ascii_digit(),
                literal => octet == *literal,
            })
        })
}

impl Drop for Scratch {
    fn drop(&mut self) {
        self.remove();
    }
}
