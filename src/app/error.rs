//! Why an application cannot be named, found or loaded. Each is shown to the operator as it is.

use crate::abi::{ABI, STAMP_PREFIX};
use std::path::PathBuf;

/// The version that this program was built as.
const HERE: &str = env!("CARGO_PKG_VERSION");

/// What is wrong with an application, as one sentence.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum AppError {
    /// The words of the operator cannot be understood.
    #[error("{text:?} names no application: {problem}")]
    Spec {
        /// What was written.
        text: String,
        /// What is wrong with it and how it should look.
        problem: String,
    },
    /// It is one of Python's.
    #[error(
        "{} is a Python application, and no Python with the package rustcorn was found: activate the application's \
         virtual environment, and install it there (pip install rustcorn)",
        name.escape_debug()
    )]
    Python {
        /// The module.
        name: String,
    },
    /// There is no such library, and no package to build it from.
    #[error("no library {file} was found; looked in {}{hint}", looked_in.join(", "))]
    NotFound {
        /// The name of the file that was searched for.
        file: String,
        /// Every place, in the order of the search.
        looked_in: Vec<String>,
        /// Empty, or the rest of the sentence: what else could be meant, or why cargo did not help.
        hint: String,
    },
    /// The package is there but makes no library that could be loaded.
    #[error(
        "the package {package} is not built as a shared library: add crate-type = [\"cdylib\"] under [lib] in {}",
        manifest.display()
    )]
    NotCdylib {
        /// Its name.
        package: String,
        /// Its Cargo.toml.
        manifest: PathBuf,
    },
    /// cargo said that all is well, but the library is nowhere.
    #[error("cargo has built the package {package}, but no library {file} is in {}", looked_in.join(", "))]
    BuiltNowhere {
        /// Its name.
        package: String,
        /// The name of the file that was searched for.
        file: String,
        /// Every place, in the order of the search.
        looked_in: Vec<String>,
    },
    /// The file cannot be read, or is no library for this machine.
    #[error("{} {problem}", path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// The rest of the sentence, from its verb on.
        problem: String,
    },
    /// A library, but none of ours.
    #[error("{} exports no rustcorn application; add rustcorn::export!({wanted}) to it and build it again", path.display())]
    NoExports {
        /// Which file.
        path: PathBuf,
        /// The name that was searched for.
        wanted: String,
    },
    /// One of ours, but without this name.
    #[error("{} exports no application {wanted}; it exports {}", path.display(), list(names))]
    NoSuchExport {
        /// Which file.
        path: PathBuf,
        /// The name that was searched for.
        wanted: String,
        /// The names that are there, those most like `wanted` first.
        names: Vec<String>,
    },
    /// The application was built for another arbiter.
    #[error(
        "{} was built against rustcorn {version} with {theirs}; this is rustcorn {HERE} with ABI {ABI}: \
         rebuild the application with rustcorn {HERE}",
        path.display()
    )]
    OtherAbi {
        /// Which file.
        path: PathBuf,
        /// The rustcorn in it.
        version: String,
        /// "ABI 7", or in what else it differs.
        theirs: String,
    },
    /// The application's symbol is there, what tells its ABI is not.
    #[error(
        "{} does not say which rustcorn it was built against (it has no {STAMP_PREFIX}{name}): \
         rebuild the application with rustcorn {HERE}",
        path.display()
    )]
    NoStamp {
        /// Which file.
        path: PathBuf,
        /// The application's name.
        name: String,
    },
}

/// "a", "a and b", "a, b and c".
fn list(names: &[String]) -> String {
    match names {
        [first @ .., last] if !first.is_empty() => format!("{} and {last}", first.join(", ")),
        names => names.concat(),
    }
}
