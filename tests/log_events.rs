//! What is logged is an event with a name, and the README lists them all.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// The names in the calls of `log::info!` and its like, and those of complaints.
fn events(source: &str) -> Vec<String> {
    let code = source.lines().filter(|line| !line.trim_start().starts_with("//"));
    let code = code.collect::<Vec<_>>().join("\n");
    let calls = ["error", "warn", "info", "debug", "trace"].map(|level| format!("log::{level}!("));
    let calls = calls.iter().flat_map(|call| code.split(call.as_str()).skip(1));
    // The name is the text at the end of the call.
    let logged = calls.map(|call| {
        let parts: Vec<&str> = call.split('"').collect();
        let ends =
            |part: &str| part.trim_start().trim_start_matches(',').trim_start().starts_with(')');
        let texts = parts.windows(2).skip(1).step_by(2);
        texts.into_iter().find(|pair| ends(pair[1])).expect(call)[0]
    });
    let complaints = code.split("Complaints::about(\"").skip(1);
    let complaints = complaints.map(|call| call.split('"').next().expect("a name"));
    logged.chain(complaints).map(str::to_owned).collect()
}

fn sources(folder: &Path, texts: &mut Vec<String>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            sources(&path, texts);
        } else {
            texts.push(fs::read_to_string(&path).expect("a source"));
        }
    }
}

#[test]
fn the_readme_lists_every_event() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut texts = Vec::new();
    sources(&root.join("src"), &mut texts);
    let mut found: BTreeSet<String> = texts.iter().flat_map(|text| events(text)).collect();
    // The two that are made at run time.
    assert!(found.remove("{event}"), "a complaint");
    assert!(found.remove("{kind}-ignored"), "something given that is ignored");
    found.extend(["user", "admin", "token", "setting"].map(|kind| format!("{kind}-ignored")));
    assert!(found.len() > 10, "{found:?}");
    let readme = fs::read_to_string(root.join("README.md")).expect("the README");
    let (_, list) = readme.split_once("\n| event | ").expect("a list of events");
    let list = list.split("\n\n").next().expect("its end");
    let cells = list.lines().filter_map(|line| line.strip_prefix("| `")?.split(" |").next());
    let cells = cells.flat_map(|cell| cell.split('`').step_by(2)).filter(|word| !word.is_empty());
    let listed = cells.map(|name| name.trim_matches([',', ' ']).to_owned());
    let listed: BTreeSet<String> = listed.filter(|name| !name.is_empty()).collect();
    for name in &found {
        let is_name = name.bytes().all(|octet| octet.is_ascii_lowercase() || octet == b'-');
        assert!(is_name, "{name:?}: an event has a name, its values are fields (src/logger.rs)");
    }
    assert_eq!(listed, found);
}

#[test]
fn the_test_sees_what_it_looks_for() {
    let source = "log::warn!(error:%; \"a-b\");\n// log::info!(\"no\");\nlog::info!(\n  \"c\"\n);\n\
                  x.map_err(|e| log::error!(e:%, x = f(); \"d\"));\nComplaints::about(\"e\", x)";
    assert_eq!(events(source), ["d", "a-b", "c", "e"]);
}
