//! The nearest option to a name that is none.

use super::options::OPTIONS;
use super::spec::OptionSpec;

/// The option that somebody who wrote this probably meant: by another name of it, or by a slip of the finger.
pub fn nearest(written: &str) -> Option<&'static OptionSpec> {
    let written = written.trim().trim_start_matches('-').to_ascii_lowercase().replace('-', "_");
    if written.chars().count() > LONGEST {
        return None;
    }
    let closest = |spec: &OptionSpec| names(spec).iter().map(|name| strsim::damerau_levenshtein(&written, name)).min();
    OPTIONS
        .iter()
        .filter_map(|spec| Some((closest(spec)?, spec)))
        .filter(|(slips, _)| *slips <= tolerance(&written))
        .min_by_key(|(slips, _)| *slips)
        .map(|(_, spec)| spec)
}

/// Nothing longer resembles an option, and comparing would only take time.
const LONGEST: usize = 40;

/// Every name an option goes by, including Gunicorn's where ours differs.
fn names(spec: &OptionSpec) -> Vec<String> {
    let mut names = vec![spec.key.to_owned(), spec.long_flag().replace('-', "_")];
    names.extend(spec.aliases.iter().map(|alias| alias.replace('-', "_")));
    if spec.key == "app" {
        names.push("wsgi_app".to_owned());
    }
    names
}

/// One slip in a short name, two in a longer one, three in a long one.
fn tolerance(written: &str) -> usize {
    match written.chars().count() {
        0..=2 => 0,
        3..=4 => 1,
        5..=9 => 2,
        _ => 3,
    }
}
