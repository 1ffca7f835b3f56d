//! What survives a restart: the users, the admins and the changed settings in one
//! file for people, which is replaced as a whole.

mod file;
mod limits;
mod record;
mod settings;
mod toml_error;
mod used;

pub use file::{StateError, StateFile};
pub use limits::Limits;
pub use toml_error::{line, without_source};
