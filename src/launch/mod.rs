//! What plugs an application into the arbiter. `library`: one that is loaded by name; `linked`: one that is
//! part of this program. The only place that knows both the arbiter and the sides that run in its workers.

mod library;
mod linked;

pub use library::LibraryLauncher;
pub use linked::{LinkedLauncher, serve};
