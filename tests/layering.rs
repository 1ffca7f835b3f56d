//! Imports point downwards only: reads the `crate::` paths of every source file
//! and fails when one points up, sideways, or into a room it must not know.

use std::fs;
use std::path::{Path, PathBuf};

/// The floors of the house, lowest first. Rooms on one floor don't know each
/// other.
const FLOORS: [&[&str]; 7] = [
    &["core", "wire"],
    &["net", "state", "manual", "printed", "words"],
    &["logger"],
    &["socks", "pop3", "manage", "http", "client"],
    &["server", "token", "hash", "health"],
    &["args", "welcome"],
    &["run"],
];

/// Downwards, and still forbidden: the sockets know no protocol.
const FORBIDDEN: [(&str, &str); 1] = [("net", "wire")];

fn floor(room: &str) -> usize {
    let found = FLOORS.iter().position(|rooms| rooms.contains(&room));
    found.unwrap_or_else(|| panic!("the room {room} stands on no floor, add it to FLOORS"))
}

fn may_import(from: &str, to: &str) -> bool {
    from == to || (floor(to) < floor(from) && !FORBIDDEN.contains(&(from, to)))
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The rooms named in `crate::room` paths of code, comments left out.
fn imports(source: &str) -> Vec<String> {
    let code = source.lines().filter(|line| !line.trim_start().starts_with("//"));
    let code = code.collect::<Vec<_>>().join("\n");
    let mut rooms = Vec::new();
    for after in code.split("crate::").skip(1) {
        let group = after.strip_prefix('{').map(|group| group.split('}').next().unwrap_or(""));
        for path in group.unwrap_or(after).split(',') {
            let word = |c: char| c.is_alphanumeric() || c == '_';
            let room: String = path.trim_start().chars().take_while(|c| word(*c)).collect();
            rooms.push(room);
            if group.is_none() {
                break;
            }
        }
    }
    rooms.retain(|room| !room.is_empty());
    rooms
}

#[test]
fn imports_point_downwards() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    let mut checked = 0;
    let mut wrong = Vec::new();
    for file in files {
        let inside = file.strip_prefix(&root).unwrap();
        let first = inside.components().next().unwrap().as_os_str().to_str().unwrap();
        let room = first.trim_end_matches(".rs");
        if matches!(room, "lib" | "bin") {
            continue;
        }
        for import in imports(&fs::read_to_string(&file).unwrap()) {
            checked += 1;
            if !may_import(room, &import) {
                wrong.push(format!("{} imports crate::{import}", inside.display()));
            }
        }
    }
    assert!(checked > 20, "only {checked} imports were found, does this test still see them?");
    assert!(wrong.is_empty(), "imports that point up or sideways:\n{}", wrong.join("\n"));
}

#[test]
fn the_test_sees_what_it_forbids() {
    assert_eq!(imports("use crate::net::pool;\n// use crate::server;"), ["net"]);
    assert_eq!(
        imports("use crate::{core, wire::socks5};\nlet x = crate::socks::y();"),
        ["core", "wire", "socks"]
    );
    assert!(!may_import("core", "wire") && !may_import("wire", "core"));
    assert!(!may_import("net", "socks") && !may_import("net", "wire"));
    assert!(!may_import("socks", "manage") && !may_import("manage", "server"));
    assert!(may_import("net", "core") && may_import("server", "socks"));
}
