//! Who is measured: a name, a command, and how many workers it must show.

use anyhow::Result;
use std::process::Command;

use super::{Artifacts, Running, workspace};

/// One side of a comparison; can be started any number of times.
pub struct Contender<'a> {
    /// How the tables call it.
    pub name: String,
    /// Its child processes when it is ready.
    pub workers: usize,
    command: Box<dyn Fn() -> Command + 'a>,
}

impl<'a> Contender<'a> {
    /// rustcorn with the hello library, `workers` workers and further arguments.
    pub fn rustcorn(artifacts: &'a Artifacts, workers: usize, more: &'static [&'static str]) -> Self {
        let mut words = vec![format!("rustcorn, {workers} worker{}", plural(workers))];
        words.extend(more.iter().map(|word| format!("`{word}`")));
        let command = move || {
            let mut app = artifacts.hello.clone().into_os_string();
            app.push(":router");
            let mut command = Command::new(&artifacts.rustcorn);
            command.arg(app).args(["--bind", "127.0.0.1:0", "--workers", &workers.to_string()]).args(more);
            command
        };
        Self { name: words.join(" "), workers, command: Box::new(command) }
    }

    /// The hand-written hyper loop: one process, one thread.
    pub fn bare(artifacts: &'a Artifacts) -> Self {
        let command = || {
            let mut command = Command::new(&artifacts.ourselves);
            command.args(["peer", "bare"]);
            command
        };
        Self { name: "hyper by hand, 1 thread".into(), workers: 0, command: Box::new(command) }
    }

    /// `axum::serve` on a multi-threaded runtime.
    pub fn axum_serve(artifacts: &'a Artifacts, threads: usize) -> Self {
        let command = move || {
            let mut command = Command::new(&artifacts.ourselves);
            command.args(["peer", "axum-serve", "--threads", &threads.to_string()]);
            command
        };
        let name = format!("axum::serve, {threads} thread{}", plural(threads));
        Self { name, workers: 0, command: Box::new(command) }
    }

    /// Gunicorn with its default worker and an application that only tells its process id; none if it is not installed.
    pub fn gunicorn(workers: usize) -> Option<Self> {
        let version =
            Command::new("gunicorn").arg("--version").output().ok().filter(|output| output.status.success())?;
        let version = String::from_utf8_lossy(&version.stdout).trim().replace(['(', ')'], "").replace(" version", "");
        let command = move || {
            let mut command = Command::new("gunicorn");
            command.args(["whoami:app", "--bind", "127.0.0.1:0", "--workers", &workers.to_string(), "--chdir"]);
            command.arg(workspace().join("benches/peers"));
            command.env("PYTHONDONTWRITEBYTECODE", "1");
            command
        };
        Some(Self { name: format!("{version}, sync workers"), workers, command: Box::new(command) })
    }

    /// Starts it on a free port.
    pub fn start(&self) -> Result<Running> {
        Running::start(&self.name, (self.command)(), self.workers)
    }
}

fn plural(count: usize) -> &'static str {
    if count == 1 { "" } else { "s" }
}
