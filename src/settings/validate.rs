//! The checks of settings that were made in a program instead of being read: no parser has looked at their values.

use super::error::{Fault, Place, Problem, SettingsError};
use super::kind::Kind;
use super::options::{OPTIONS, Settings};
use super::resolve::Resolved;
use super::spec::OptionSpec;
use super::{check, layer::Origin};

/// Holds settings against the ranges of the table and against each other.
///
/// # Errors
///
/// Every value that no source could have given, then, if there is none, every conflict between options.
pub fn validate(settings: &Settings) -> Result<(), SettingsError> {
    let refused = OPTIONS.iter().filter_map(|spec| {
        let fault = Fault::Refused { wanted: wanted(spec, settings)? };
        Some(Problem { place: Place::Key(spec.key), fault })
    });
    let mut problems: Vec<Problem> = refused.collect();
    if problems.is_empty() {
        let provenance = OPTIONS.iter().map(|spec| (spec.key, Origin::Program)).collect();
        problems = check::conflicts(&Resolved { settings: settings.clone(), provenance, warnings: Vec::new() });
    }
    if problems.is_empty() { Ok(()) } else { Err(SettingsError { problems }) }
}

/// What the value would have to be, if it could not have been written on a command line.
fn wanted(spec: &OptionSpec, settings: &Settings) -> Option<String> {
    match spec.of(settings) {
        Some(value) => {
            let unfit = value.plain().into_iter().find(|text| spec.kind.parse(text).is_none())?;
            Some(spec.kind.wanted_instead_of(&unfit))
        }
        // Not set, or, for a number, below zero.
        None => matches!(spec.kind, Kind::Integer { .. }).then(|| spec.kind.wanted()),
    }
}
