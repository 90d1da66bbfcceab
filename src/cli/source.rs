//! The real sources of the settings: the command line as it was, the environment as it was, the file as it is now.

use super::program::ScriptReader;
use super::{Program, args, command, complain};
use crate::settings::{
    self, Amendment, CMD_ARGS, ConfigFile, DEFAULT_FILE, Environment, Fault, GUNICORN_CMD_ARGS, Given, Place, Problem,
    Resolved, Script, Settings, SettingsError, SettingsSource, Sources,
};
use clap::ArgMatches;
use clap::error::ErrorKind;
use std::cell::Cell;
use std::ffi::OsStr;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

/// Produces the settings at the start and at every reload.
#[derive(Debug)]
pub struct Source {
    given: Sources,
    linked: bool,
    /// What runs a file that is a program.
    reader: Option<ScriptReader>,
    /// A relative path of the file goes on from here, wherever `chdir` leads.
    start_dir: PathBuf,
    /// The default file that was there once: that it is gone is then an error, not a wish for the defaults.
    relies_on: Cell<Option<&'static str>>,
}

impl Source {
    /// A source of the running process with this command line. The environment is taken now: nobody can change it from
    /// outside later, and what `raw_env` puts into it is not meant for us.
    ///
    /// # Errors
    ///
    /// `RUSTCORN_CMD_ARGS` or `GUNICORN_CMD_ARGS` is no command line, or they are two different ones.
    pub fn new(program: &Program, matches: &ArgMatches) -> Result<Self, SettingsError> {
        Self::with(program, args::given(matches), env::vars_os().collect(), start_dir())
    }

    /// The same with everything given, as the tests do.
    pub(super) fn with(
        program: &Program,
        command_line: Vec<Given>,
        environment: Environment,
        start_dir: PathBuf,
    ) -> Result<Self, SettingsError> {
        let variable = cmd_args_variable(&environment)?;
        let cmd_args = cmd_args(program, variable, environment.get(OsStr::new(variable)).map(AsRef::as_ref))?;
        let cmd_args_from = Some(variable);
        let given = Sources { command_line, cmd_args, cmd_args_from, environment, ..Sources::default() };
        Ok(Self { given, linked: program.linked, reader: program.script, start_dir, relies_on: Cell::new(None) })
    }

    /// The settings file that somebody has named and that is a program of Python's.
    pub(super) fn script(&self) -> Option<String> {
        let (path, _) = settings::config_path(&self.given)?;
        path.to_str().filter(|location| is_script(location)).map(str::to_owned)
    }

    /// The settings file as it is now, with the way by which messages name it.
    fn file(&self) -> Result<Found, SettingsError> {
        let named = settings::config_path(&self.given)
            .map(|(path, origin)| (without_scheme(path), format!("named by {origin}")));
        let (path, named_by) = match named {
            Some(named) => named,
            None => match self.default_file() {
                Some(name) => (PathBuf::from(name), "that was read at the start".to_owned()),
                None => return Ok(Found::Nothing),
            },
        };
        let unreadable = |reason: String| {
            SettingsError::from(Problem {
                place: Place::WholeFile(path.clone()),
                fault: Fault::Unreadable { named_by, reason },
            })
        };
        if let (Some(reader), Some(location)) = (self.reader, path.to_str().filter(|location| is_script(location))) {
            let is_file = !location.starts_with(MODULE);
            if is_file && let Err(error) = fs::metadata(self.start_dir.join(&path)) {
                return Err(unreadable(reason(&error)));
            }
            return (reader.read)(location, &self.start_dir).map(Found::Script);
        }
        match read(&self.start_dir.join(&path)) {
            Ok(text) => Ok(Found::Text(ConfigFile { path, text })),
            Err(reason) => Err(unreadable(reason)),
        }
    }

    fn default_file(&self) -> Option<&'static str> {
        let is_there = |name: &&'static str| self.start_dir.join(name).exists();
        let ours = || Some(DEFAULT_FILE).filter(is_there);
        let gunicorns = || self.reader.and(Some(DEFAULT_SCRIPT)).filter(is_there);
        let name = self.relies_on.get().or_else(ours).or_else(gunicorns);
        self.relies_on.set(name);
        name
    }
}

impl SettingsSource for Source {
    fn load(&self) -> Result<Resolved, SettingsError> {
        let mut sources = self.given.clone();
        let path = match self.file()? {
            Found::Nothing => None,
            Found::Text(file) => Some(sources.file.insert(file).path.clone()),
            Found::Script(script) => Some(sources.script.insert(script).path.clone()),
        };
        let amend = |settings: &Settings| {
            let Some(reader) = self.reader else { return Ok(Amendment::default()) };
            let directory =
                settings.chdir.as_ref().map_or_else(|| self.start_dir.clone(), |to| self.start_dir.join(to));
            (reader.amend)(settings, &directory)
        };
        let mut resolved = settings::resolve_amended(&sources, amend)?;
        resolved.settings.config = path;
        if self.linked && resolved.settings.app.is_some() {
            let origin = resolved.origin("app");
            let message =
                format!("is set ({origin}), but this program serves the application it is linked with; remove it");
            return Err(Problem { place: Place::Key("app"), fault: Fault::Conflict { message } }.into());
        }
        Ok(resolved)
    }
}

/// A settings file, by its kind.
enum Found {
    Nothing,
    Text(ConfigFile),
    Script(Script),
}

/// What is read where Python is, without being named, unless there is our own.
const DEFAULT_SCRIPT: &str = "gunicorn.conf.py";

/// What begins the location of a settings file that is imported.
const MODULE: &str = "python:";

/// Whether this location of a settings file is that of a program of Python's.
pub(super) fn is_script(location: &str) -> bool {
    let extension = Path::new(location).extension();
    location.starts_with(MODULE) || extension.is_some_and(|extension| extension == "py" || extension == "pyc")
}

/// Which variable has the command line of the environment.
fn cmd_args_variable(environment: &Environment) -> Result<&'static str, Problem> {
    let text = |name: &str| environment.get(OsStr::new(name)).filter(|text| !text.is_empty());
    match (text(CMD_ARGS), text(GUNICORN_CMD_ARGS)) {
        (Some(ours), Some(gunicorns)) if ours != gunicorns => {
            let message = format!("and {GUNICORN_CMD_ARGS} are both set, and differ; unset one of them");
            let place = Place::CmdArgs { variable: CMD_ARGS, words: String::new() };
            Err(Problem { place, fault: Fault::Conflict { message } })
        }
        (None, Some(_)) => Ok(GUNICORN_CMD_ARGS),
        _ => Ok(CMD_ARGS),
    }
}

fn cmd_args(program: &Program, variable: &'static str, text: Option<&OsStr>) -> Result<Vec<Given>, Problem> {
    let problem = |fault| Problem { place: Place::CmdArgs { variable, words: String::new() }, fault };
    let text = text.unwrap_or_default();
    let text = text.to_str().ok_or_else(|| problem(Fault::Refused { wanted: "UTF-8".to_owned() }))?;
    let words = shlex::split(text).ok_or_else(|| problem(Fault::OpenQuote))?;
    let matches = command::parse_cmd_args(program, words).map_err(|error| {
        let message = match error.kind() {
            ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
                "options only; help and version are for people".to_owned()
            }
            _ => complain::one_line(&error),
        };
        problem(Fault::Usage { message })
    })?;
    Ok(args::given(&matches))
}

/// Gunicorn also takes `file:PATH`.
fn without_scheme(path: PathBuf) -> PathBuf {
    match path.to_str().and_then(|text| text.strip_prefix("file:")) {
        Some(rest) => PathBuf::from(rest),
        None => path,
    }
}

fn read(path: &Path) -> Result<String, String> {
    let bytes = fs::read(path).map_err(|error| reason(&error))?;
    String::from_utf8(bytes).map_err(|error| {
        let line =
            error.as_bytes().iter().take(error.utf8_error().valid_up_to()).filter(|byte| **byte == b'\n').count() + 1;
        format!("line {line} is not UTF-8")
    })
}

/// The system's words without the number.
fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "it does not exist".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        io::ErrorKind::IsADirectory => "it is a directory".to_owned(),
        _ => error.to_string(),
    }
}

/// The working directory by the name under which the shell entered it: a reload then follows a link that a deployment
/// has turned to the next release, as with Gunicorn.
fn start_dir() -> PathBuf {
    let here = env::current_dir().unwrap_or_else(|_| PathBuf::from("."));
    let identity = |path: &Path| fs::metadata(path).ok().map(|found| (found.dev(), found.ino()));
    match env::var_os("PWD").map(PathBuf::from) {
        Some(named) if named.is_absolute() && identity(&named).is_some() && identity(&named) == identity(&here) => {
            named
        }
        _ => here,
    }
}
