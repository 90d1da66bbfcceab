//! From clap's matches to what the settings take: which options were given, with which words.

use crate::settings::{Given, Kind, OPTIONS, OptionSpec, SWITCH_OFF, SWITCH_ON};
use clap::ArgMatches;

/// The options that were given, in the order of the table.
pub fn given(matches: &ArgMatches) -> Vec<Given> {
    OPTIONS.iter().filter_map(|spec| Some(Given { key: spec.key, texts: texts(spec, matches)? })).collect()
}

fn texts(spec: &OptionSpec, matches: &ArgMatches) -> Option<Vec<String>> {
    let is_set = |id: &str| matches!(matches.try_get_one::<bool>(id), Ok(Some(true)));
    if spec.no_flag().is_some_and(|flag| is_set(&flag)) {
        return Some(vec![SWITCH_OFF.to_owned()]);
    }
    match spec.kind {
        Kind::Switch => is_set(spec.key).then(|| vec![SWITCH_ON.to_owned()]),
        // A linked program has no argument for the application: asking clap for it is an error, not an absence.
        _ => matches.try_get_many::<String>(spec.key).ok().flatten().map(|texts| texts.cloned().collect()),
    }
}
