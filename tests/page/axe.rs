//! axe-core, which knows the rules of accessibility (WCAG) better than we do.

use std::path::PathBuf;

use crate::browser::Browser;

/// Where `.ci/run` puts it; another place can be given in `SOCKSD_AXE`.
const PLACE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/target/axe-core/package/axe.min.js");

/// Fails when axe-core has anything against the page as it is now; `what` says how
/// that is.
#[track_caller]
pub fn finds_nothing(browser: &Browser, what: &str) {
    let place = std::env::var_os("SOCKSD_AXE").map_or_else(|| PLACE.into(), PathBuf::from);
    let Ok(axe) = std::fs::read_to_string(&place) else {
        let missing = format!("{} is not there: see .ci/run", place.display());
        assert!(std::env::var_os("CI").is_none(), "{missing}");
        eprintln!("left out: {missing}");
        return;
    };
    browser.run(&axe);
    let found = browser.run_async(
        "const done = arguments[arguments.length - 1];
         axe.run(document, { resultTypes: ['violations'] }).then(
           (found) => done(found.violations.flatMap((one) =>
             one.nodes.map((node) => `${one.id}: ${node.html} ${node.failureSummary}`))),
           (error) => done([String(error)]));",
    );
    let found = found.as_array().unwrap();
    assert!(found.is_empty(), "{what}: {found:#?}");
}
