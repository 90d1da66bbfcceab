//! From the sources to the settings: every layer read, merged, checked; or every problem told.

use super::environment::{self, CMD_ARGS, Environment};
use super::error::{Problem, SettingsError};
use super::layer::{Entry, Layer, Origin, merge};
use super::options::{OPTIONS, Settings};
use super::script::{self, Amendment, Script};
use super::spec::spec;
use super::value::Value;
use super::{Given, check, file, given, spellings, uvicorn};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// The file that is read without being named, if it is in the directory of the start.
pub const DEFAULT_FILE: &str = "rustcorn.toml";

/// Everything that settings are made from.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// The command line.
    pub command_line: Vec<Given>,
    /// The command line in `RUSTCORN_CMD_ARGS` or `GUNICORN_CMD_ARGS`.
    pub cmd_args: Vec<Given>,
    /// Which of the two; none: the first.
    pub cmd_args_from: Option<&'static str>,
    /// The environment.
    pub environment: Environment,
    /// The settings file, if there is one.
    pub file: Option<ConfigFile>,
    /// The settings file, if it is a program: what it has said.
    pub script: Option<Script>,
}

/// The text of the settings file.
#[derive(Clone, Debug)]
pub struct ConfigFile {
    /// As messages name it.
    pub path: PathBuf,
    /// What is in it.
    pub text: String,
}

/// Settings, and where each of them came from.
#[derive(Clone, Debug)]
pub struct Resolved {
    /// Checked, ready for use.
    pub settings: Settings,
    /// The origin of every key that is not at its default.
    pub provenance: BTreeMap<&'static str, Origin>,
    /// What works but surely is not meant; one sentence each, for the log.
    pub warnings: Vec<String>,
}

impl Resolved {
    /// Where the value of this key came from.
    #[must_use]
    pub fn origin(&self, key: &str) -> &Origin {
        self.provenance.get(key).unwrap_or(&Origin::Default)
    }

    fn take(&mut self, layer: &Layer) {
        for spec in OPTIONS {
            // `put` cannot fail: a test holds every option's kind against its field.
            if let Some(Entry { value, origin }) = layer.get(spec.key)
                && spec.put(&mut self.settings, value)
            {
                self.provenance.insert(spec.key, origin.clone());
            }
        }
    }
}

/// Whoever can produce the settings again: asked at the start and at every reload.
pub trait SettingsSource {
    /// Reads everything anew, except what cannot have changed.
    ///
    /// # Errors
    ///
    /// Whatever is wrong, all of it.
    fn load(&self) -> Result<Resolved, SettingsError>;
}

/// Merges the layers and checks the result.
///
/// # Errors
///
/// Every problem of every layer, then, if there is none, every conflict between options.
pub fn resolve(sources: &Sources) -> Result<Resolved, SettingsError> {
    resolve_amended(sources, |_| Ok(Amendment::default()))
}

/// The same with somebody who may change what has come of the layers, before it is checked.
///
/// # Errors
///
/// As [`resolve`], and those of `amend`.
pub fn resolve_amended(
    sources: &Sources,
    amend: impl FnOnce(&Settings) -> Result<Amendment, SettingsError>,
) -> Result<Resolved, SettingsError> {
    let (layer, problems) = layers(sources);
    let mut resolved = Resolved {
        settings: Settings::default(),
        provenance: BTreeMap::new(),
        warnings: environment::near_misses(&sources.environment),
    };
    resolved.take(&whole(layer, problems)?);
    let amendment = amend(&resolved.settings)?;
    let (layer, problems) = script::layer(&amendment.script);
    let before = resolved.provenance.clone();
    resolved.take(&whole(layer, problems)?);
    whole((), check::conflicts(&resolved))?;
    resolved.warnings.extend(check::warnings(&resolved));
    resolved.warnings.extend(sources.script.as_ref().map(script::warnings).unwrap_or_default());
    resolved.warnings.extend(overruled(&amendment, &before, &resolved));
    resolved.warnings.extend(amendment.warnings);
    Ok(resolved)
}

/// One sentence for each setting that somebody has set, and that is weaker now.
fn overruled(amendment: &Amendment, before: &BTreeMap<&'static str, Origin>, resolved: &Resolved) -> Vec<String> {
    let told = |key: &String| {
        let origin = before.get(key.as_str())?;
        let now = spec(key)?.of(&resolved.settings).map_or_else(|| "the default".to_owned(), |value| value.to_string());
        let (hook, place) = (&amendment.hook, resolved.origin(key));
        Some(format!("{key} ({origin}) is overruled by {hook} ({place}), which makes it {now}"))
    };
    amendment.weakened.iter().filter_map(told).collect()
}

fn whole<T>(result: T, problems: Vec<Problem>) -> Result<T, SettingsError> {
    if problems.is_empty() { Ok(result) } else { Err(SettingsError { problems }) }
}

/// Which file the command line or the environment name, and who does; none: the default one, if it exists.
#[must_use]
pub fn config_path(sources: &Sources) -> Option<(PathBuf, Origin)> {
    let above_the_file = Sources { file: None, script: None, ..sources.clone() };
    let (mut layer, _) = layers(&above_the_file);
    match layer.remove("config") {
        Some(Entry { value: Value::Text(path), origin }) if !path.is_empty() => Some((path.into(), origin)),
        _ => None,
    }
}

fn layers(sources: &Sources) -> (Layer, Vec<Problem>) {
    let mut problems = Vec::new();
    let mut take = |(layer, found): (Layer, Vec<Problem>)| {
        problems.extend(found);
        layer
    };
    let mut higher = merge([
        take(given::layer(&sources.command_line, &Origin::CommandLine)),
        take(given::layer(&sources.cmd_args, &Origin::CmdArgs(sources.cmd_args_from.unwrap_or(CMD_ARGS)))),
        take(environment::own_layer(&sources.environment)),
        take(uvicorn::layer(&sources.environment)),
        take(sources.file.as_ref().map(|file| file::layer(&file.path, &file.text)).unwrap_or_default()),
        take(sources.script.as_ref().map(script::layer).unwrap_or_default()),
    ]);
    let found = spellings::fold(&mut higher);
    take((Layer::new(), found));
    let foreign = take(environment::foreign_layer(&sources.environment, &higher));
    (merge([higher, foreign]), problems)
}

/// A key whose value a reload would change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Which.
    pub key: &'static str,
    /// A reload takes it over; otherwise only a new start does.
    pub reloadable: bool,
}

/// What differs between two settings, in the order of the table.
#[must_use]
pub fn changed(old: &Settings, new: &Settings) -> Vec<Change> {
    let differing = OPTIONS.iter().filter(|spec| spec.of(old) != spec.of(new));
    differing.map(|spec| Change { key: spec.key, reloadable: spec.reloadable }).collect()
}
