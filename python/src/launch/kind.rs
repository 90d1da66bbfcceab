//! Which language an application's name means. Nothing of the application runs here: the arbiter asks.

use pyo3::prelude::*;
use rustcorn::Settings;
use rustcorn::app::{AppError, AppSpec, Finder, LibrarySpec};
use rustcorn::arbiter::working_directory;
use rustcorn::settings::is_python;

/// A language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A module is imported.
    Python,
    /// A library is loaded.
    Library,
}

/// The language of the application that the settings name. A path is a library; a name is a module if there is one, and
/// a library if there is that and no module. A name that nothing answers to is taken for a module: the error of its
/// import says more.
pub fn of(py: Python<'_>, settings: &Settings) -> Result<Kind, String> {
    let text = settings.app.as_deref().unwrap_or_default();
    if is_python(settings) {
        return Ok(Kind::Python);
    }
    let spec = match AppSpec::parse(text) {
        Ok(spec) => spec,
        // Dots, calls and attributes of attributes are Python's.
        Err(AppError::Python { .. } | AppError::Spec { .. }) => return Ok(Kind::Python),
        Err(error) => return Err(error.to_string()),
    };
    let LibrarySpec::Name(name) = &spec.library else { return Ok(Kind::Library) };
    if is_module(py, settings, name) {
        return Ok(Kind::Python);
    }
    let folder = working_directory().map_err(|error| format!("the working directory is not accessible: {error}"))?;
    let found = Finder::new(settings.app_dir.as_deref(), &folder).search(&spec);
    Ok(if matches!(found, Err(AppError::NotFound { .. })) { Kind::Python } else { Kind::Library })
}

/// Whether an import of this name would find something.
fn is_module(py: Python<'_>, settings: &Settings, name: &str) -> bool {
    let asked = py.import("rustcorn._app").and_then(|module| {
        module.call_method1("is_module", (name, &settings.app_dir, &settings.pythonpath))?.extract()
    });
    asked.unwrap_or(false)
}
