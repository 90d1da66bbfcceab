//! A Python application, asked of a program without Python: the interpreter of its environment takes over, in this very
//! process, with the package `rustcorn` and the same words.

use super::source::is_script;
use super::{Program, complain};
use crate::app::{AppError, AppSpec, Finder, LibrarySpec};
use crate::arbiter::working_directory;
use crate::settings::{Settings, is_python};
use crate::types::exit;
use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The Python application that these settings name; none: it is a library, or nothing that is known.
pub fn wanted(settings: &Settings) -> Option<String> {
    let text = settings.app.as_deref()?;
    if is_python(settings) {
        return Some(text.to_owned());
    }
    let folder = working_directory().ok()?;
    let folder = settings.chdir.as_ref().map_or_else(|| folder.clone(), |chdir| folder.join(chdir));
    let mut folders: Vec<PathBuf> = settings.app_dir.iter().map(|app_dir| folder.join(app_dir)).collect();
    let more = settings.pythonpath.iter().flat_map(|path| path.split(','));
    folders.extend(more.map(|path| folder.join(path.trim())));
    folders.push(folder.clone());
    let is_here = |name: &str| {
        folders.iter().any(|it| it.join(format!("{name}.py")).is_file() || it.join(name).join("__init__.py").is_file())
    };
    match AppSpec::parse(text) {
        Err(AppError::Python { name }) => Some(name),
        // `shop:create_app("prod")`: no library exports such a name, and a module may have such a function.
        Err(_) => text.split_once(':').map(|(module, _)| module).filter(|module| is_here(module)).map(str::to_owned),
        Ok(AppSpec { library: LibrarySpec::Path(_), .. }) => None,
        Ok(spec) => {
            let LibrarySpec::Name(name) = &spec.library else { return None };
            let is_here = is_here(name);
            if !is_here && std::env::var_os("VIRTUAL_ENV").is_none() {
                return None;
            }
            match Finder::new(settings.app_dir.as_deref(), &folder).search(&spec) {
                Err(AppError::Python { name }) => Some(name),
                Err(AppError::NotFound { .. }) if is_here || is_installed(name) => Some(name.clone()),
                _ => None,
            }
        }
    }
}

/// Becomes the interpreter that has the package; the exit code, if that is impossible.
pub fn hand_over(program: &Program, name: String, words: &[OsString]) -> i32 {
    let Some(python) = interpreter() else {
        complain::line(program, &lacking(name));
        return exit::APP_LOAD;
    };
    let error = Command::new(&python).args(["-m", "rustcorn"]).args(words).exec();
    complain::line(program, &format!("cannot run {} for the Python application {name}: {error}", python.display()));
    exit::APP_LOAD
}

/// What is missing for a module, or for a settings file.
fn lacking(name: String) -> String {
    if !is_script(&name) {
        return AppError::Python { name }.to_string();
    }
    format!(
        "the settings file {name} is Python, and this rustcorn has none: run the rustcorn of the application's virtual \
         environment, and install it there (pip install rustcorn), or write the settings as TOML"
    )
}

/// The active virtual environment's, or else the first in PATH.
fn interpreter() -> Option<PathBuf> {
    let active = std::env::var_os("VIRTUAL_ENV").filter(|folder| !folder.is_empty());
    let active = active.map(|folder| Path::new(&folder).join("bin/python"));
    active.into_iter().chain([PathBuf::from("python3")]).find(|python| finds(python, "rustcorn._rustcorn"))
}

fn is_installed(name: &str) -> bool {
    interpreter().is_some_and(|python| finds(&python, name))
}

/// Whether this interpreter could import a module.
fn finds(python: &Path, module: &str) -> bool {
    const ASK: &str = "import sys, importlib.util\n\
        try: found = importlib.util.find_spec(sys.argv[1])\n\
        except ImportError: found = None\n\
        sys.exit(found is None)";
    let mut ask = Command::new(python);
    ask.args(["-c", ASK, module]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    ask.status().is_ok_and(|status| status.success())
}
