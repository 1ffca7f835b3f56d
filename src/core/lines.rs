//! Where finished lines of a log go: a function that must not block, given by
//! whoever owns the file or the terminal.

/// Takes one line, without its end.
pub type Lines = Box<dyn Fn(String) + Send + Sync>;
