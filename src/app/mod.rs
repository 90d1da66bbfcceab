//! The application as the arbiter sees it: a name on the command line, a library on disk, a copy that workers load.
//!
//! Owns the way from `hello:router` to a file, what is read of that file without running any of it, the snapshot that
//! a generation keeps, and the load in a fresh child. Runs no application code in the arbiter, and does not wait: the
//! builds that it describes are run by the caller. The counterpart on the application's side is `worker`.
//!
//! - `spec`: the words of the operator. Pure.
//! - `find`: which file is meant; `cargo`: the package that it could be built from; `watch`: what it is built from.
//! - `elf`: what a library exports, read from the file; `exports`: whether that fits. Pure but for the reads.
//! - `snapshot`: the copy of one generation; `launch`: loading it in a worker.

mod cargo;
mod elf;
mod error;
mod exports;
mod find;
mod launch;
mod snapshot;
mod spec;
#[cfg(test)]
mod testkit;
mod watch;

pub use cargo::{Package, Profile, Workspace};
pub use elf::inspect;
pub use error::AppError;
pub use exports::{Export, Exports};
pub use find::{Finder, Found, Search};
pub use launch::{launch, load};
pub use snapshot::Snapshot;
pub use spec::{AppSpec, LibrarySpec};
pub use watch::Watched;
