//! Which program the command line belongs to.

use crate::settings::{Amendment, Script, Settings, SettingsError};
use std::path::Path;

/// A program with rustcorn's command line.
#[derive(Clone, Debug)]
pub struct Program {
    /// What it is called in help and messages.
    pub name: String,
    /// It serves the application that it is linked with, and therefore takes none by name.
    pub linked: bool,
    /// It loads applications by name, and cannot run those of Python itself.
    pub lacks_python: bool,
    /// What runs a settings file that is a program of Python's; none: it cannot be run here.
    pub script: Option<ScriptReader>,
}

/// Runs settings files that are programs.
#[derive(Clone, Copy, Debug)]
pub struct ScriptReader {
    /// Runs the file of this location (a path, or `python:MODULE`) and tells what it has said. A relative path goes on
    /// from the directory.
    pub read: fn(location: &str, directory: &Path) -> Result<Script, SettingsError>,
    /// Calls what a program has for settings that all sources have made together, in the directory that the service will
    /// work in.
    pub amend: fn(&Settings, &Path) -> Result<Amendment, SettingsError>,
}

impl Program {
    /// `rustcorn`, which loads an application by name.
    #[must_use]
    pub fn loader() -> Self {
        Self { name: "rustcorn".to_owned(), linked: false, lacks_python: true, script: None }
    }

    /// `rustcorn` inside a Python interpreter, which loads applications of both languages.
    #[must_use]
    pub fn with_python(reader: ScriptReader) -> Self {
        Self { lacks_python: false, script: Some(reader), ..Self::loader() }
    }

    /// The running program, an application with rustcorn linked in.
    #[must_use]
    pub fn linked() -> Self {
        let path = std::env::args_os().next().unwrap_or_default();
        let name = Path::new(&path).file_name().map(|name| name.to_string_lossy().into_owned());
        Self { name: name.unwrap_or_else(|| "rustcorn".to_owned()), linked: true, lacks_python: false, script: None }
    }

    /// What `--version` says after the name.
    pub(super) fn version(&self) -> &'static str {
        if self.linked { concat!("(rustcorn ", env!("CARGO_PKG_VERSION"), ")") } else { env!("CARGO_PKG_VERSION") }
    }
}

/// Makes the program an application with rustcorn's whole command line: `./app --workers 4 --bind 0.0.0.0:8000`.
///
/// Takes what [`export!`](crate::export) takes, one name.
///
/// ```no_run
/// fn router() -> axum::Router {
///     axum::Router::new()
/// }
///
/// rustcorn::main!(router);
/// ```
#[macro_export]
macro_rules! main {
    ($factory:path) => {
        fn main() -> ::std::process::ExitCode {
            $crate::cli::start(&$crate::cli::Program::linked(), &mut $crate::launch::LinkedLauncher::new($factory))
        }
    };
}
