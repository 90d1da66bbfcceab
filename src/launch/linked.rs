//! An application that is linked into this program: `rustcorn::main!` and `rustcorn::serve`.

use crate::abi::Seat;
use crate::arbiter::{self, Launcher, WatchPlan};
use crate::settings::{Resolved, Settings, SettingsError, SettingsSource};
use crate::sys;
use crate::types::Generation;
use crate::worker::{self, IntoApp};
use std::process::ExitCode;

/// Launches the one application that was linked in. Its code changes by an upgrade (USR2) only; a reload takes the
/// settings.
pub struct LinkedLauncher {
    main: Box<dyn Fn(&Seat) -> i32>,
}

impl LinkedLauncher {
    /// A launcher for what `factory` builds; each worker calls it once.
    pub fn new<F, R, Shape>(factory: F) -> Self
    where
        F: Fn() -> R + Clone + 'static,
        R: IntoApp<Shape> + 'static,
    {
        Self { main: Box::new(move |seat| worker::main_for(seat, factory.clone())) }
    }
}

impl Launcher for LinkedLauncher {
    fn prepare(&mut self, _: Generation, _: &Settings, _: bool) -> Result<(), String> {
        Ok(())
    }

    fn forget(&mut self, _: Generation) {}

    fn descriptors(&self, _: Generation) -> Vec<i32> {
        Vec::new()
    }

    fn rehearse(&self, _: Generation) -> Result<(), String> {
        Ok(())
    }

    fn launch(&self, _: Generation, seat: &Seat) -> i32 {
        (self.main)(seat)
    }

    fn watch(&self, _: &Settings) -> Result<WatchPlan, String> {
        Err("--reload needs an application that is loaded by name; this one is linked into the program: \
             rebuild it and send USR2, or serve its library with rustcorn"
            .into())
    }
}

/// Settings that were made in the program: a reload finds them unchanged.
struct Fixed(Settings);

impl SettingsSource for Fixed {
    fn load(&self) -> Result<Resolved, SettingsError> {
        Ok(self.resolved())
    }
}

impl Fixed {
    fn resolved(&self) -> Resolved {
        Resolved { settings: self.0.clone(), provenance: Default::default(), warnings: Vec::new() }
    }
}

/// Serves what `factory` builds, with settings made in the program instead of on a command line. Forks, so it has to be
/// called by a process that has one thread and no async runtime: from `main`, first of all.
///
/// Returns when the service has stopped; the exit code is the program's.
///
/// ```no_run
/// fn router() -> axum::Router {
///     axum::Router::new()
/// }
///
/// fn main() -> std::process::ExitCode {
///     let settings = rustcorn::Settings { workers: 4, bind: vec!["0.0.0.0:8000".into()], ..Default::default() };
///     rustcorn::serve(settings, router)
/// }
/// ```
pub fn serve<F, R, Shape>(settings: Settings, factory: F) -> ExitCode
where
    F: Fn() -> R + Clone + 'static,
    R: IntoApp<Shape> + 'static,
{
    sys::title::init();
    let source = Fixed(settings);
    let resolved = source.resolved();
    let code = match arbiter::run(&source, &mut LinkedLauncher::new(factory), resolved) {
        Ok(code) => code,
        Err(error) => {
            crate::log::critical!("{error}");
            error.code
        }
    };
    ExitCode::from(u8::try_from(code).unwrap_or(u8::MAX))
}
