//! The live page: one document, its style and its script, all from here.

use super::response::Answer;

const SCRIPT: &str = "text/javascript; charset=utf-8";

/// The media types, and the texts as they stand in `page/`.
const FILES: [(&str, &str, &str); 9] = [
    ("/", "text/html; charset=utf-8", include_str!("page/page.html")),
    ("/page.css", "text/css; charset=utf-8", include_str!("page/page.css")),
    ("/page.js", SCRIPT, include_str!("page/page.js")),
    ("/icon.svg", "image/svg+xml", include_str!("page/icon.svg")),
    ("/cut.js", SCRIPT, include_str!("page/cut.js")),
    ("/format.js", SCRIPT, include_str!("page/format.js")),
    ("/limits.js", SCRIPT, include_str!("page/limits.js")),
    ("/graph.js", SCRIPT, include_str!("page/graph.js")),
    ("/rows.js", SCRIPT, include_str!("page/rows.js")),
];

/// It loads from here only, runs no script but these files, makes no HTML of texts,
/// sends no form, and stands in nobody's frame.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
                      connect-src 'self'; base-uri 'none'; form-action 'none'; \
                      frame-ancestors 'none'; require-trusted-types-for 'script'; \
                      trusted-types 'none'";

/// The part of the page at that path.
pub(super) fn file(path: &str) -> Option<Answer> {
    let (_, content_type, text) = FILES.iter().find(|(known, _, _)| *known == path)?;
    Some(Answer { policy: POLICY, ..Answer::ok(content_type, *text) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_names_nothing_that_is_elsewhere() {
        for (path, _, text) in FILES {
            let text = text.replace("http://www.w3.org/2000/svg", "");
            let elsewhere = ["http:", "https:", "\"//", "(//", "url(", "@import"];
            assert!(elsewhere.iter().all(|mark| !text.contains(mark)), "{path}");
        }
        let page = file("/").unwrap().body;
        for (path, _, _) in FILES.iter().take(4).skip(1) {
            assert!(page.contains(&format!("=\"{path}\"")), "{path}");
        }
        // The policy forbids both.
        let handler = |word: &str| word.starts_with("on") && word.contains('=');
        assert!(!page.contains("style=") && !page.split_whitespace().any(handler));
    }
}
