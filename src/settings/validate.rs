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
    let refused = OPTIONS
        .iter()
        .filter(|spec| !fits(spec, settings))
        .map(|spec| Problem { place: Place::Key(spec.key), fault: Fault::Refused { wanted: spec.kind.wanted() } });
    let mut problems: Vec<Problem> = refused.collect();
    if problems.is_empty() {
        let provenance = OPTIONS.iter().map(|spec| (spec.key, Origin::Program)).collect();
        problems = check::conflicts(&Resolved { settings: settings.clone(), provenance, warnings: Vec::new() });
    }
    if problems.is_empty() { Ok(()) } else { Err(SettingsError { problems }) }
}

/// Whether the value could have been written on a command line.
fn fits(spec: &OptionSpec, settings: &Settings) -> bool {
    match spec.of(settings) {
        Some(value) => value.plain().iter().all(|text| spec.kind.parse(text).is_some()),
        // Not set, or, for a number, below zero.
        None => !matches!(spec.kind, Kind::Integer { .. }),
    }
}
