//! Who is measured. A `Server` is a program and its words, a row in servers.rs; an `Entry` is a server with so many
//! workers and further options, a line in a measurement; a `Contender` is an entry whose program is there.
//!
//! What is not installed or does not know an option is left out with a line that says so. Starting and ending is
//! `process`'s.

mod python;
mod servers;
mod words;

use anyhow::{Context, Result};
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::options::Effort;
use crate::process::{Artifacts, Cpus, Ready, Running, Start, workspace};
use words::Words;

pub use python::{
    GRANIAN_ASGI, GRANIAN_WSGI, GUNICORN_ASGI, GUNICORN_GTHREAD, GUNICORN_SYNC, GUNICORN_UVICORN, HYPERCORN, PEERS,
    RUSTCORN_PYTHON, RUSTCORN_THREADS, UVICORN,
};
pub use servers::{AXUM_SERVE, BARE, GUNICORN, NGINX, RUSTCORN};

/// A program that can serve the hello route, and how.
#[derive(Debug)]
pub struct Server {
    /// How the tables call it.
    pub name: &'static str,
    /// Where its program is: the first of these that exists. With a slash a path, otherwise looked for in the PATH.
    pub program: &'static [&'static str],
    /// What it is started with. `{more}` becomes the options of the entry; for the other words see words.rs.
    pub args: &'static [&'static str],
    /// Files that it finds in its working directory, by name and text, with the same words.
    pub files: &'static [(&'static str, &'static str)],
    /// How it is known to serve.
    pub ready: Ready,
    /// What its workers are: processes of their own, or threads of one.
    pub unit: Unit,
    /// The argument that makes it tell its version; none if that is the one of this workspace.
    pub version: Option<&'static str>,
}

/// What a contender has several of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Child processes.
    Worker,
    /// Child processes, and whatever others the server likes to have.
    Family,
    /// Threads of one process.
    Thread,
}

/// A server as it takes part in one measurement.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    server: &'static Server,
    workers: usize,
    label: &'static str,
    app: &'static str,
    more: &'static [&'static str],
}

impl Server {
    /// Takes part with so many workers.
    pub const fn with(&'static self, workers: usize) -> Entry {
        Entry { server: self, workers, label: "", app: "", more: &[] }
    }
}

impl Entry {
    /// The same with further options, and a label that tells it apart.
    #[must_use]
    pub const fn and(self, label: &'static str, more: &'static [&'static str]) -> Self {
        Self { label, more, ..self }
    }

    /// The same with this application, which the server's words call `{app}`.
    #[must_use]
    pub const fn serving(self, app: &'static str) -> Self {
        Self { app, ..self }
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = if self.server.unit == Unit::Thread { "thread" } else { "worker" };
        let plural = if self.workers == 1 { "" } else { "s" };
        write!(f, "{}, {} {unit}{plural}", self.server.name, self.workers)?;
        if self.label.is_empty() { Ok(()) } else { write!(f, ", {}", self.label) }
    }
}

/// One side of a comparison; can be started any number of times.
pub struct Contender<'a> {
    /// How the tables call it.
    pub name: String,
    /// Its child processes when it is ready; none if nobody knows.
    workers: Option<usize>,
    entry: Entry,
    program: PathBuf,
    artifacts: &'a Artifacts,
}

impl Contender<'_> {
    /// Starts it, on one processor if `cpu` says which.
    pub fn start(&self, cpu: Option<usize>) -> Result<Running> {
        let server = self.entry.server;
        Running::start(Start {
            name: &self.name,
            workers: self.workers,
            ready: server.ready,
            cpu,
            command: &|home, port| {
                let (workers, app) = (self.entry.workers, self.entry.app);
                let words = Words { artifacts: self.artifacts, home, port, workers, app };
                for (name, text) in server.files {
                    let text = text.replace("{more}", &self.entry.more.join(" "));
                    std::fs::write(home.join(name), words.fill(&text))
                        .with_context(|| format!("cannot write {name} in {}", home.display()))?;
                }
                let mut command = Command::new(&self.program);
                // Where those that serve Python find it.
                command.env("PYTHONPATH", workspace().join("benches/peers/python"));
                for arg in server.args {
                    let one = [*arg];
                    let args = if *arg == "{more}" { self.entry.more } else { &one };
                    command.args(args.iter().map(|arg| words.fill(arg)));
                }
                Ok(command)
            },
        })
    }

    /// What its program says of its version.
    fn version(&self) -> Option<String> {
        let output = Command::new(&self.program).arg(self.entry.server.version?).output().ok()?;
        // nginx tells it on stderr.
        let text = [output.stdout, output.stderr].concat();
        let text = String::from_utf8_lossy(&text);
        text.lines()
            .next()
            .map(|line| line.trim_start_matches("nginx version: ").replace(['(', ')'], "").trim().to_owned())
    }
}

/// The contenders of one measurement.
pub struct Field<'a> {
    /// Those that take part, in the order of their entries.
    pub contenders: Vec<Contender<'a>>,
    /// Why others do not, a sentence each.
    pub skipped: Vec<String>,
    /// What their programs say of their versions.
    pub versions: Vec<String>,
    /// The processors that one-worker measurements give to the server and to the load.
    pub cpus: Cpus,
}

impl<'a> Field<'a> {
    /// Finds the programs of the entries that the command line wants.
    pub fn of(entries: &[Entry], artifacts: &'a Artifacts, effort: &Effort) -> Result<Self> {
        let mut field =
            Self { contenders: Vec::new(), skipped: Vec::new(), versions: Vec::new(), cpus: Cpus::choose()? };
        for entry in entries.iter().filter(|entry| effort.wants(&entry.to_string())) {
            match program(entry, artifacts) {
                Ok(program) => {
                    let workers = match entry.server.unit {
                        Unit::Worker => Some(entry.workers),
                        Unit::Family => None,
                        Unit::Thread => Some(0),
                    };
                    let contender = Contender { name: entry.to_string(), workers, entry: *entry, program, artifacts };
                    field.versions.extend(contender.version().filter(|version| !field.versions.contains(version)));
                    field.contenders.push(contender);
                }
                Err(reason) => field.skipped.push(format!("{entry}: left out, {reason}")),
            }
        }
        Ok(field)
    }
}

/// The program of an entry, or why it cannot take part.
fn program(entry: &Entry, artifacts: &Artifacts) -> Result<PathBuf, String> {
    let nowhere = Path::new("");
    let words = Words { artifacts, home: nowhere, port: 0, workers: entry.workers, app: entry.app };
    let names: Vec<String> = entry.server.program.iter().map(|name| words.fill(name)).collect();
    let program = names.iter().find_map(|name| find(name));
    let program = program.ok_or_else(|| format!("there is no program {}", names.join(" or ")))?;
    // An option may be newer, or older, than the program that is here.
    let options: Vec<&str> = entry.more.iter().copied().filter(|word| word.starts_with("--")).collect();
    if options.is_empty() {
        return Ok(program);
    }
    let help = Command::new(&program).arg("--help").output().map_err(|error| format!("it does not start: {error}"))?;
    let help = String::from_utf8_lossy(&help.stdout);
    let known = |option: &str| help.split([' ', ',', '\n', '=', '[', ']', '/']).any(|word| word == option);
    match options.into_iter().find(|option| !known(option)) {
        Some(option) => Err(format!("{} knows no {option}", program.display())),
        None => Ok(program),
    }
}

fn find(name: &str) -> Option<PathBuf> {
    if name.contains('/') {
        return Some(PathBuf::from(name)).filter(|path| path.is_file());
    }
    std::env::split_paths(&std::env::var_os("PATH")?).map(|folder| folder.join(name)).find(|path| path.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_entries_apart() {
        assert_eq!(RUSTCORN.with(1).to_string(), "rustcorn, 1 worker");
        assert_eq!(AXUM_SERVE.with(2).to_string(), "axum::serve, 2 threads");
        assert_eq!(
            RUSTCORN.with(4).and("unbalanced", &["--no-balance"]).to_string(),
            "rustcorn, 4 workers, unbalanced"
        );
    }

    #[test]
    fn programs_are_found_in_the_path_only_if_they_have_no_slash() {
        assert!(find("sh").is_some_and(|path| path.is_absolute()));
        assert!(find("no-such-program").is_none() && find("/no/such/program").is_none());
    }
}
