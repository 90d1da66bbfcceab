//! The layer of a command line: what clap found, parsed by the table.

use super::error::{Fault, HIDDEN, Place, Problem};
use super::layer::{Entry, Layer, Origin};
use super::spec;
use super::value::Value;

/// An option as it was given on a command line.
#[derive(Clone, Debug, PartialEq)]
pub struct Given {
    /// Which.
    pub key: &'static str,
    /// With which words, in their order. A switch has one too.
    pub texts: Vec<String>,
}

/// The layer of one command line, and what is wrong with it.
pub fn layer(given: &[Given], origin: &Origin) -> (Layer, Vec<Problem>) {
    let mut layer = Layer::new();
    let mut problems = Vec::new();
    for option in given {
        let Some(spec) = spec(option.key) else { continue };
        let (fit, unfit): (Vec<_>, Vec<_>) =
            option.texts.iter().map(|text| (text, spec.kind.parse(text))).partition(|(_, value)| value.is_some());
        let shown = |text: &str| if spec.secret { HIDDEN.to_owned() } else { word(text) };
        problems.extend(unfit.into_iter().map(|(text, _)| Problem {
            place: place(origin, format!("{} {}", spec.flag(), shown(text))),
            fault: Fault::Refused { wanted: spec.kind.wanted_instead_of(text) },
        }));
        let value = fit.into_iter().filter_map(|(_, value)| value).reduce(|sum, next| match (sum, next) {
            (Value::List(mut all), Value::List(more)) => {
                all.extend(more);
                Value::List(all)
            }
            (_, last) => last,
        });
        if let Some(value) = value {
            layer.insert(spec.key, Entry { value, origin: origin.clone() });
        }
    }
    (layer, problems)
}

fn place(origin: &Origin, words: String) -> Place {
    match origin {
        Origin::CmdArgs(variable) => Place::CmdArgs { variable, words },
        _ => Place::CommandLine(words),
    }
}

/// A word as a shell would have to be given it.
pub fn word(text: &str) -> String {
    let short = super::error::shortened(text);
    shlex::try_quote(&short).map_or_else(|_| short.clone(), |quoted| quoted.into_owned())
}
