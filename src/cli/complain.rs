//! What goes to standard error when the command ends before it begins: one line for one problem.

use super::Program;
use crate::settings::peers::{Fate, of_flag};
use crate::settings::{Place, Problem, SettingsError};
use crate::types::exit;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use std::fmt::Display;
use std::io::Write;

/// A command line that clap refuses, or that only asks for help or version; the exit code.
pub fn usage(program: &Program, error: &clap::Error) -> i32 {
    if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        // A closed pipe is the reader's decision, as in `rustcorn --help | head`.
        let _ = error.print();
        return exit::OK;
    }
    let complaint = one_line(error);
    match theirs(error) {
        Some(_) => line(program, &complaint),
        None => line(program, &format!("{complaint} (see {} --help)", program.name)),
    }
    exit::USAGE
}

/// One problem a line, each with the program's name in front.
pub fn lines(program: &Program, problems: &SettingsError) {
    for problem in &problems.problems {
        line(program, problem);
    }
}

/// The exit code: a command line that makes no sense is wrong usage, as for a flag that does not exist.
pub fn code(problems: &SettingsError) -> i32 {
    let typed = |problem: &Problem| matches!(problem.place, Place::CommandLine(_));
    if problems.problems.iter().all(typed) { exit::USAGE } else { exit::FAILURE }
}

/// One problem. With standard error closed there is nobody left to tell.
pub fn line(program: &Program, problem: &dyn Display) {
    let _ = writeln!(std::io::stderr(), "{}: {problem}", program.name);
}

/// A flag that Gunicorn or uvicorn has and rustcorn has not: why, and what to do instead.
fn theirs(error: &clap::Error) -> Option<String> {
    let Some(ContextValue::String(word)) = error.get(ContextKind::InvalidArg) else { return None };
    let flag = word.split_once('=').map_or(word.as_str(), |(flag, _)| flag);
    match of_flag(flag) {
        Some((whose, Fate::Refused(why) | Fate::Ignored(why) | Fate::Otherwise(why)))
            if error.kind() == ErrorKind::UnknownArgument =>
        {
            Some(format!("{flag} of {whose} is not supported: {why}"))
        }
        _ => None,
    }
}

/// clap's complaint without its layout: the sentence, and the hint if there is one that helps.
pub fn one_line(error: &clap::Error) -> String {
    if let Some(sentence) = theirs(error) {
        return sentence;
    }
    let text = error.render().to_string();
    let sentence = text.lines().next().unwrap_or_default().trim_start_matches("error: ");
    let tips = text.lines().filter_map(|line| line.trim_start().strip_prefix("tip: "));
    // "to pass it as a value, use --": nobody wants an application called --wrokers.
    let tips = tips.filter(|tip| !tip.starts_with("to pass"));
    let choices = text.lines().map(str::trim).filter(|line| line.starts_with('[') && line.ends_with(']'));
    tips.chain(choices).fold(sentence.trim_end_matches(':').to_owned(), |line, tip| format!("{line}; {tip}"))
}
