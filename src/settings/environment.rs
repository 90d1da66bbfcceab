//! The layers of the environment: `RUSTCORN_*` above the file, other people's variables just above the default.

use super::error::{Fault, HIDDEN, Place, Problem};
use super::given::word;
use super::kind::Kind;
use super::layer::{Entry, Layer, Origin};
use super::options::OPTIONS;
use super::parse;
use super::spec::{Foreign, OptionSpec};
use super::suggest;
use super::value::Value;
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};

/// What the names of our variables begin with.
pub const PREFIX: &str = "RUSTCORN_";

/// A whole command line in a variable, ranking just below the real one.
pub const CMD_ARGS: &str = "RUSTCORN_CMD_ARGS";

/// The same in Gunicorn's words.
pub const GUNICORN_CMD_ARGS: &str = "GUNICORN_CMD_ARGS";

/// The environment of a process, by name.
pub type Environment = BTreeMap<OsString, OsString>;

/// The layer of the `RUSTCORN_*` variables, and what is wrong with them. An empty variable counts as unset.
pub fn own_layer(environment: &Environment) -> (Layer, Vec<Problem>) {
    let mut heard = Heard::default();
    for spec in OPTIONS {
        let name = spec.variable();
        if !is_injected(environment, &name) {
            heard.take(spec, &name, text_of(environment, spec, &name).map(|text| value(spec, &name, &text?)));
        }
    }
    heard.told()
}

/// What variables have said so far, and what is wrong with it.
#[derive(Default)]
pub(super) struct Heard(Layer, Vec<Problem>);

impl Heard {
    /// One more variable; none: it is not set.
    pub(super) fn take(&mut self, spec: &OptionSpec, name: &str, said: Option<Result<Value, Problem>>) {
        match said {
            Some(Ok(value)) => {
                self.0.insert(spec.key, Entry { value, origin: Origin::Environment(name.to_owned()) });
            }
            Some(Err(problem)) => self.1.push(problem),
            None => {}
        }
    }

    pub(super) fn told(self) -> (Layer, Vec<Problem>) {
        (self.0, self.1)
    }
}

/// The layer of the variables that other programs set, for keys that no higher layer has: a `PORT` that is no port
/// is nobody's business as long as `bind` is set.
pub fn foreign_layer(environment: &Environment, higher: &Layer) -> (Layer, Vec<Problem>) {
    let mut heard = Heard::default();
    for spec in OPTIONS.iter().filter(|spec| !higher.contains_key(spec.key)) {
        let Some(foreign) = spec.foreign else { continue };
        let name = foreign.name();
        let said = |text: Result<String, Problem>| match foreign {
            Foreign::Value(_) => value(spec, name, &text?),
            Foreign::Port(_) => port(spec, name, &text?),
        };
        heard.take(spec, name, text_of(environment, spec, name).map(said));
    }
    heard.told()
}

/// Variables that look like ours but are none. Not an error: orchestrators inject `RUSTCORN_PORT_...` and the like for a
/// service that happens to be called rustcorn.
pub fn near_misses(environment: &Environment) -> Vec<String> {
    let ours = |name: &str| OPTIONS.iter().any(|spec| spec.variable() == name) || name == CMD_ARGS;
    let names = environment.keys().filter_map(|name| name.to_str());
    names
        .filter(|name| !ours(name))
        .filter_map(|name| {
            let meant = suggest::nearest(name.strip_prefix(PREFIX)?)?.variable();
            Some(format!("the environment variable {name} is not an option; did you mean {meant}?"))
        })
        .collect()
}

/// Kubernetes tells of a service that happens to be called rustcorn: `RUSTCORN_PORT=tcp://10.0.0.1:80`. No option has such
/// a value.
pub(super) fn is_injected(environment: &Environment, name: &str) -> bool {
    let text = environment.get(OsStr::new(name)).and_then(|text| text.to_str());
    ["RUSTCORN_PORT", "UVICORN_PORT"].contains(&name) && text.is_some_and(|text| text.contains("://"))
}

pub(super) fn text_of(environment: &Environment, spec: &OptionSpec, name: &str) -> Option<Result<String, Problem>> {
    let text = environment.get(OsString::from(name).as_os_str()).filter(|text| !text.is_empty())?;
    let refused = || Problem {
        place: place(spec, name, &text.to_string_lossy()),
        fault: Fault::Refused { wanted: "UTF-8".to_owned() },
    };
    Some(text.to_str().map(str::to_owned).ok_or_else(refused))
}

fn place(spec: &OptionSpec, name: &str, text: &str) -> Place {
    let text = if spec.secret { HIDDEN.to_owned() } else { word(text) };
    Place::Environment { name: name.to_owned(), text }
}

pub(super) fn value(spec: &OptionSpec, name: &str, text: &str) -> Result<Value, Problem> {
    let problem = |fault| Problem { place: place(spec, name, text), fault };
    let refused = |text: &str| problem(Fault::Refused { wanted: spec.kind.wanted_instead_of(text) });
    let Kind::List(_) = spec.kind else { return spec.kind.parse(text).ok_or_else(|| refused(text)) };
    let mut all = Vec::new();
    for element in shlex::split(text).ok_or_else(|| problem(Fault::OpenQuote))? {
        match spec.kind.parse(&element) {
            Some(Value::List(more)) => all.extend(more),
            _ => return Err(refused(&element)),
        }
    }
    Ok(Value::List(all))
}

fn port(spec: &OptionSpec, name: &str, text: &str) -> Result<Value, Problem> {
    match parse::digits(text).and_then(|port| u16::try_from(port).ok()) {
        Some(port) => Ok(Value::List(vec![format!("0.0.0.0:{port}")])),
        None => Err(Problem {
            place: place(spec, name, text),
            fault: Fault::Refused { wanted: "a port number from 0 to 65535".to_owned() },
        }),
    }
}
