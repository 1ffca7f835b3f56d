//! What is wrong with a text of TOML, and where.

/// The message and its line, but not the line itself: it may hold a secret.
pub fn without_source(error: &toml::de::Error, text: &str) -> String {
    let start = error.span().map_or(0, |span| span.start);
    format!("line {}: {}", line(text, start), error.message())
}

/// The number of the line, from 1, in which the octet at `offset` is.
pub fn line(text: &str, offset: usize) -> usize {
    text.get(..offset).unwrap_or("").matches('\n').count() + 1
}

/// The octets as a text.
///
/// # Errors
/// The line with the first octet that is no UTF-8.
pub fn text(octets: &[u8]) -> Result<&str, String> {
    str::from_utf8(octets).map_err(|error| {
        // What is valid before it keeps its place.
        let line = line(&String::from_utf8_lossy(octets), error.valid_up_to());
        format!("line {line}: it is not valid UTF-8")
    })
}
