//! An application that is linked into this program: `rustcorn::main!` and `rustcorn::serve`.

use crate::abi::{Inherited, Seat};
use crate::arbiter::{self, LaunchError, Launcher, WatchPlan};
use crate::settings::{self, Resolved, Settings, SettingsError, SettingsSource};
use crate::sys;
use crate::types::{Generation, exit};
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
        Self { main: Box::new(move |seat| worker::main_for(Inherited::of(seat), factory.clone())) }
    }
}

impl Launcher for LinkedLauncher {
    fn launch(&self, _: Generation, seat: &Seat) -> Result<i32, LaunchError> {
        Ok((self.main)(seat))
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
/// Returns when the service has stopped; the exit code is the program's. Settings that are out of range or contradict
/// each other are logged, and the exit code is 1.
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
    if let Err(error) = settings::validate(&settings) {
        error.problems.iter().for_each(|problem| crate::log::critical!("{problem}"));
        return exit_code(exit::FAILURE);
    }
    let source = Fixed(settings);
    let resolved = source.resolved();
    let code = match arbiter::run(&source, &mut LinkedLauncher::new(factory), resolved) {
        Ok(code) => code,
        Err(error) => {
            crate::log::critical!("{error}");
            error.code
        }
    };
    exit_code(code)
}

fn exit_code(code: i32) -> ExitCode {
    ExitCode::from(u8::try_from(code).unwrap_or(u8::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nonsense_is_refused_before_anything_is_bound() {
        let settings = Settings { workers: 0, ..Settings::default() };
        let code = serve(settings, || -> Result<axum::Router, std::io::Error> { unreachable!("no worker is made") });
        assert_eq!(format!("{code:?}"), format!("{:?}", ExitCode::from(1)));
    }
}
