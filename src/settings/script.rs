//! The layer of a settings file that is a program: Gunicorn's gunicorn.conf.py. Whoever can run it hands in what it has
//! said; what that means is decided here, in the words of the table and of Gunicorn.

use super::error::{Fault, HIDDEN, Place, Problem, shortened};
use super::kind::Kind;
use super::layer::{Entry, Layer, Origin};
use super::options::OPTIONS;
use super::peers::{self, Fate};
use super::spec::{OptionSpec, Section};
use super::value::Value;
use super::{spellings, suggest};
use std::path::PathBuf;

/// What such a file has said.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Script {
    /// As messages name it.
    pub path: PathBuf,
    /// Each name with its value.
    pub values: Vec<ScriptValue>,
}

/// What a function of such a file makes of the settings when all the sources are merged: it outranks them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Amendment {
    /// The function.
    pub hook: String,
    /// What is other than before.
    pub script: Script,
    /// The keys of what asks for less security than before: told, where somebody has set them.
    pub weakened: Vec<String>,
    /// One sentence each, for the log.
    pub warnings: Vec<String>,
}

/// A name in the file.
#[derive(Clone, Debug, PartialEq)]
pub struct ScriptValue {
    /// As written.
    pub name: String,
    /// Where it was set last, counted from 1.
    pub line: usize,
    /// Its value.
    pub said: Said,
    /// The file reads it itself: it may be a variable of its own, as in `bind = f"{host}:{port}"`.
    pub used: bool,
}

/// A value, as far as settings can be told by it.
#[derive(Clone, Debug, PartialEq)]
pub enum Said {
    /// None: as if the name were not there.
    Nothing,
    /// True or False.
    Switch(bool),
    /// A number, as text.
    Number(String),
    /// A string.
    Text(String),
    /// Strings or numbers as texts, or a mapping's `NAME=VALUE`.
    List(Vec<String>),
    /// Something else, as it would be shown.
    Other(String),
}

impl Said {
    /// Whether it asks for nothing: every setting of Gunicorn's that is off by default is off with this.
    fn is_empty(&self) -> bool {
        match self {
            Self::Nothing | Self::Switch(false) => true,
            Self::Number(text) => text == "0",
            Self::Text(text) => text.is_empty(),
            Self::List(texts) => texts.is_empty(),
            Self::Switch(true) | Self::Other(_) => false,
        }
    }

    fn shown(&self) -> String {
        match self {
            Self::Nothing => "None".to_owned(),
            Self::Switch(on) => (if *on { "True" } else { "False" }).to_owned(),
            Self::Number(text) | Self::Other(text) => shortened(text),
            Self::Text(text) => format!("\"{}\"", shortened(text)),
            Self::List(texts) => shortened(&format!("{texts:?}")),
        }
    }

    /// What an option of this kind makes of it.
    fn read(&self, kind: &Kind) -> Option<Value> {
        match (kind, self) {
            (Kind::List(_), Self::List(texts)) => {
                let mut all = Vec::new();
                for text in texts {
                    match kind.parse(text)? {
                        Value::List(more) => all.extend(more),
                        _ => return None,
                    }
                }
                Some(Value::List(all))
            }
            // An empty text is no element, and says that there is none.
            (Kind::List(_), Self::Text(text)) if text.is_empty() => Some(Value::List(Vec::new())),
            (Kind::Switch | Kind::Choice { .. }, Self::Switch(on)) => kind.parse(if *on { "true" } else { "false" }),
            (Kind::Text { .. }, Self::Number(_)) | (Kind::Switch, Self::Number(_)) => None,
            (_, Self::Number(text) | Self::Text(text)) => kind.parse(text),
            _ => None,
        }
    }
}

/// The layer of what a script has said, and what is wrong with it.
pub fn layer(script: &Script) -> (Layer, Vec<Problem>) {
    let mut layer = Layer::new();
    let mut problems = Vec::new();
    for value in &script.values {
        match entry(script, value) {
            Ok(Some((key, entry))) => {
                layer.insert(key, entry);
            }
            Ok(None) => {}
            Err(fault) => problems.push(Problem { place: place(script, value), fault }),
        }
    }
    (layer, problems)
}

/// One sentence for each of Gunicorn's settings that is there and has no effect.
pub fn warnings(script: &Script) -> Vec<String> {
    let meant = script.values.iter().filter(|value| !value.said.is_empty());
    meant
        .filter_map(|value| match peers::of_gunicorn(&value.name) {
            // It says nothing that anybody would miss.
            Some(Fate::Ignored(_)) if value.name == "default_proc_name" => None,
            Some(Fate::Ignored(why)) => Some(format!("{} ({}) has no effect: {why}", value.name, place(script, value))),
            _ => None,
        })
        .collect()
}

fn entry(script: &Script, value: &ScriptValue) -> Result<Option<(&'static str, Entry)>, Fault> {
    let ScriptValue { name, line, said, used } = value;
    let Some(spec) = named(name).filter(|spec| !used || !spellings::says_where(spec.key)) else {
        return match peers::of_gunicorn(name) {
            // `protocol` has a default that says something.
            Some(Fate::Refused(_)) if said.is_empty() || *said == Said::Text("http".to_owned()) => Ok(None),
            Some(Fate::Refused(why)) => Err(Fault::NotHere { key: name.clone(), why: format!("is refused: {why}") }),
            Some(_) => Ok(None),
            None if *used => Ok(None),
            None => {
                let hint = match suggest::nearest(name) {
                    Some(spec) => format!("; did you mean \"{}\"?", spec.key),
                    None => "; it is no setting: begin the names of your own variables with _".to_owned(),
                };
                Err(Fault::UnknownKey { key: shortened(name), hint })
            }
        };
    };
    if *said == Said::Nothing {
        return Ok(None);
    }
    if !spec.in_file {
        return Err(Fault::NotInFile { key: spec.key, flag: spec.flag() });
    }
    let found = || if spec.secret { HIDDEN.to_owned() } else { said.shown() };
    let unfit = || Fault::Unfit { key: spec.key, wanted: spec.kind.wanted_in_file(), found: found() };
    let value = match said {
        // ssl_version is one of Python's numbers.
        Said::Number(text) if spec.section == Section::Spellings => spec.kind.parse(text),
        _ => said.read(&spec.kind),
    };
    let value = value.ok_or_else(unfit)?;
    let origin = Origin::File { path: script.path.clone(), line: *line };
    Ok(Some((spec.key, Entry { value, origin })))
}

/// The option of this name: by its key, by its flag as Python would write it, or by Gunicorn's name.
fn named(name: &str) -> Option<&'static OptionSpec> {
    if name == "wsgi_app" {
        return OPTIONS.iter().find(|spec| spec.positional);
    }
    let is = |flag: &str| flag.replace('-', "_") == name;
    OPTIONS.iter().find(|spec| spec.key == name).or_else(|| {
        let mut flagged = OPTIONS.iter().filter(|spec| !spec.positional);
        flagged.find(|spec| is(&spec.long_flag()) || spec.aliases.iter().any(|alias| is(alias)))
    })
}

fn place(script: &Script, value: &ScriptValue) -> Place {
    Place::File { path: script.path.clone(), line: value.line, column: 1 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{Sources, resolve};

    fn script(values: Vec<(&str, Said)>) -> Sources {
        let value = |(line, (name, said)): (usize, (&str, Said))| {
            let (name, used) = name.strip_suffix('*').map_or((name, false), |name| (name, true));
            ScriptValue { name: name.into(), line, said, used }
        };
        let values = (1..).zip(values).map(value).collect();
        Sources { script: Some(Script { path: "gunicorn.conf.py".into(), values }), ..Sources::default() }
    }

    fn text(text: &str) -> Said {
        Said::Text(text.into())
    }

    #[test]
    fn gunicorns_names_and_types_are_understood() {
        let resolved = resolve(&script(vec![
            ("bind", text("127.0.0.1:80")),
            ("workers", Said::Number("5".into())),
            ("threads", text("2")),
            ("timeout", Said::Number("2.5".into())),
            ("umask", Said::Number("18".into())),
            ("wsgi_app", text("shop:app")),
            ("raw_env", Said::List(vec!["A=1".into()])),
            ("secure_scheme_headers", Said::List(vec!["X-FORWARDED-PROTO=https".into()])),
            ("forwarded_allow_ips", text("*")),
            ("user", Said::Number("33".into())),
            ("accesslog", Said::Nothing),
            ("reload", Said::Switch(true)),
            ("sendfile", Said::Switch(false)),
            ("statsd_host", Said::Nothing),
            ("logconfig_dict", Said::Other("{}".into())),
            ("ssl_version", Said::Number("17".into())),
        ]));
        let settings = resolved.expect("all of it is fine").settings;
        assert_eq!((settings.workers, settings.threads, settings.umask), (5, 2, Some(0o22)));
        assert_eq!((settings.bind.join(" "), settings.app.as_deref()), ("127.0.0.1:80".into(), Some("shop:app")));
        assert_eq!((settings.timeout.as_millis(), settings.user.as_deref()), (2500, Some("33")));
        assert_eq!(settings.env, [("A".to_owned(), "1".to_owned())]);
        assert!(settings.reload && !settings.sendfile && settings.accesslog.is_none());
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        let told = resolve(&script(vec![
            ("wrokers", Said::Number("5".into())),
            ("workers", text("many")),
            ("statsd_host", text("localhost:8125")),
            ("banana", Said::Number("1".into())),
            ("proc_name", Said::Number("1".into())),
        ]));
        let told = told.expect_err("nothing of it is fine").to_string();
        let lines: Vec<_> = told.lines().collect();
        assert_eq!(lines[0], "gunicorn.conf.py:1:1: unknown key \"wrokers\"; did you mean \"workers\"?");
        assert!(lines[1].starts_with("gunicorn.conf.py:2:1: workers must be an integer"), "{told}");
        assert!(lines[2].starts_with("gunicorn.conf.py:3:1: statsd_host "), "{told}");
        assert!(lines[3].contains("banana") && lines[3].contains("begin the names"), "{told}");
        assert!(lines[4].contains("proc_name must be a string, found 1"), "{told}");
    }

    #[test]
    fn variables_of_the_file_itself_are_its_own() {
        let resolved = resolve(&script(vec![
            ("host*", text("0.0.0.0")),
            ("port*", text("80")),
            ("workers_per_core_str*", text("1")),
            ("bind*", text("0.0.0.0:80")),
        ]));
        assert_eq!(resolved.expect("fine").settings.bind, ["0.0.0.0:80"]);
    }

    #[test]
    fn what_has_no_effect_is_told() {
        let values = vec![("permit_obsolete_folding", Said::Switch(false)), ("uwsgi_allow_ips", text("*"))];
        let warnings = resolve(&script(values)).expect("fine").warnings;
        assert_eq!(warnings.len(), 1, "{warnings:?}");
        assert!(warnings[0].starts_with("uwsgi_allow_ips (gunicorn.conf.py:2:1) has no effect: "), "{warnings:?}");
    }
}
