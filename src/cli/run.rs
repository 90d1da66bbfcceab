//! From resolved settings to the life of an arbiter.

use super::{Program, Source, complain, print_config};
use crate::arbiter::{self, Launcher};
use crate::settings::Resolved;
use crate::types::exit;
use std::io::{ErrorKind, Write};

/// Does what the settings ask for; the exit code.
pub fn run(program: &Program, launcher: &mut dyn Launcher, source: &Source, resolved: Resolved) -> i32 {
    let settings = &resolved.settings;
    if settings.print_config && !print(program, &print_config::text(&resolved)) {
        return exit::FAILURE;
    }
    if settings.app.is_none() && !program.linked {
        let advice = "name it on the command line, as in `rustcorn hello:router`, or set `app` in rustcorn.toml";
        complain::line(program, &format!("no application to serve: {advice}"));
        return exit::FAILURE;
    }
    let done = if settings.check_config || settings.print_config {
        arbiter::check(launcher, &resolved).map(|()| exit::OK)
    } else {
        arbiter::run(source, launcher, resolved)
    };
    done.unwrap_or_else(|error| {
        complain::line(program, &error.message);
        error.code
    })
}

/// Writes to standard output; false if that failed for another reason than a reader that has seen enough.
pub(super) fn print(program: &Program, text: &str) -> bool {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            complain::line(program, &format!("cannot write to standard output: {error}"));
            false
        }
        _ => true,
    }
}
