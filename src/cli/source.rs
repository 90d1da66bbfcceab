//! The real sources of the settings: the command line as it was, the environment as it was, the file as it is now.

use super::{Program, args, command, complain};
use crate::settings::{
    self, CMD_ARGS, ConfigFile, DEFAULT_FILE, Environment, Fault, Given, Place, Problem, Resolved, SettingsError,
    SettingsSource, Sources,
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
    /// A relative path of the file goes on from here, wherever `chdir` leads.
    start_dir: PathBuf,
    /// The default file was there once: that it is gone is then an error, not a wish for the defaults.
    relies_on_default_file: Cell<bool>,
}

impl Source {
    /// A source of the running process with this command line. The environment is taken now: nobody can change it from
    /// outside later, and what `raw_env` puts into it is not meant for us.
    ///
    /// # Errors
    ///
    /// `RUSTCORN_CMD_ARGS` is no command line.
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
        let cmd_args = cmd_args(program, environment.get(OsStr::new(CMD_ARGS)).map(AsRef::as_ref))?;
        let given = Sources { command_line, cmd_args, environment, file: None };
        Ok(Self { given, linked: program.linked, start_dir, relies_on_default_file: Cell::new(false) })
    }

    /// The settings file as it is now, with the way by which messages name it.
    fn file(&self) -> Result<Option<ConfigFile>, Problem> {
        let named = settings::config_path(&self.given)
            .map(|(path, origin)| (without_scheme(path), format!("named by {origin}")));
        let (path, named_by) = match named {
            Some(named) => named,
            None if self.has_default_file() => (PathBuf::from(DEFAULT_FILE), "that was read at the start".to_owned()),
            None => return Ok(None),
        };
        let unreadable = |reason: String| Problem {
            place: Place::WholeFile(path.clone()),
            fault: Fault::Unreadable { named_by, reason },
        };
        match read(&self.start_dir.join(&path)) {
            Ok(text) => Ok(Some(ConfigFile { path, text })),
            Err(reason) => Err(unreadable(reason)),
        }
    }

    fn has_default_file(&self) -> bool {
        let is_there = self.relies_on_default_file.get() || self.start_dir.join(DEFAULT_FILE).exists();
        self.relies_on_default_file.set(is_there);
        is_there
    }
}

impl SettingsSource for Source {
    fn load(&self) -> Result<Resolved, SettingsError> {
        let file = self.file()?;
        let path = file.as_ref().map(|file| file.path.clone());
        let mut resolved = settings::resolve(&Sources { file, ..self.given.clone() })?;
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

fn cmd_args(program: &Program, text: Option<&OsStr>) -> Result<Vec<Given>, Problem> {
    let problem = |fault| Problem { place: Place::CmdArgs(String::new()), fault };
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
