//! The command line. Everything an operator types at, and everything printed for them.
//!
//! Owns clap's command, built from the table of options, the real sources of the settings (arguments, environment, file),
//! `--print-config` and the generators of manual, completions, reference, schema and sample. The only part that prints.
//! Decides nothing about values: that is `settings`, its counterpart.

mod args;
mod command;
mod complain;
mod generate;
mod interpreter;
mod print_config;
mod program;
pub mod run;
mod source;
#[cfg(test)]
mod tests;
mod words;

pub use program::{Program, ScriptReader};
pub use source::Source;

use crate::arbiter::Launcher;
use crate::launch::LibraryLauncher;
use crate::settings::SettingsSource;
use crate::sys;
use std::ffi::OsString;
use std::process::ExitCode;

/// The whole life of the `rustcorn` program.
#[must_use]
pub fn main() -> ExitCode {
    start(&Program::loader(), &mut LibraryLauncher::default())
}

/// The whole life of a program with this command line: `rustcorn` itself, or an application that it is linked into.
#[must_use]
pub fn start(program: &Program, launcher: &mut dyn Launcher) -> ExitCode {
    let code = obey(program, launcher, std::env::args_os().skip(1).collect());
    ExitCode::from(u8::try_from(code).unwrap_or(u8::MAX))
}

/// The same with the words that follow the program's name, for a program whose arguments are not all its own; the exit
/// code.
pub fn obey(program: &Program, launcher: &mut dyn Launcher, words: Vec<OsString>) -> i32 {
    sys::title::init();
    let matches = match command::parse(program, words.clone()) {
        Ok(matches) => matches,
        Err(error) => return complain::usage(program, &error),
    };
    if let Some((generate::COMMAND, what)) = matches.subcommand() {
        return generate::obey(what);
    }
    let source = match Source::new(program, &matches) {
        Ok(source) => source,
        Err(error) => {
            complain::lines(program, &error);
            return complain::code(&error);
        }
    };
    if program.lacks_python
        && let Some(file) = source.script()
    {
        return interpreter::hand_over(program, file, &words);
    }
    let loaded = source.load().map(|resolved| (resolved, source));
    match loaded {
        Ok((resolved, source)) => {
            let settings = &resolved.settings;
            match program.lacks_python.then(|| interpreter::wanted(settings)).flatten() {
                Some(module) => interpreter::hand_over(program, module, &words),
                None => run::run(program, launcher, &source, resolved),
            }
        }
        Err(error) => {
            complain::lines(program, &error);
            complain::code(&error)
        }
    }
}
