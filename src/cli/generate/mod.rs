//! `rustcorn generate`: every text that follows from the table of options. The results are committed under `config/`; a
//! test tells when one is stale.

mod completions;
mod man;
mod peers;
mod reference;
mod sample;
mod schema;
mod words;

#[cfg(test)]
mod tests;

use super::{Program, complain, run};
use crate::types::exit;
use clap::{Arg, ArgMatches, Command, ValueHint, builder::PossibleValuesParser};
use clap_complete::Shell;
use std::path::{Path, PathBuf};
use std::{fs, io};

/// The first word that asks for a text. An application of this name is reached as `generate:router`.
pub const COMMAND: &str = "generate";

/// Everything that is committed: where, and what.
fn files() -> Vec<(&'static str, String)> {
    vec![
        ("rustcorn.1", man::text()),
        ("completions/rustcorn.bash", completions::text(Shell::Bash)),
        ("completions/_rustcorn", completions::text(Shell::Zsh)),
        ("completions/rustcorn.fish", completions::text(Shell::Fish)),
        ("REFERENCE.md", reference::text()),
        ("PEERS.md", peers::text()),
        ("rustcorn.toml", sample::text()),
        ("rustcorn.schema.json", schema::text()),
    ]
}

/// The subcommand for clap.
pub fn command() -> Command {
    let shell = Arg::new("shell")
        .value_name("SHELL")
        .value_parser(PossibleValuesParser::new(["bash", "zsh", "fish"]))
        .help("For which shell; without it, for the one in $SHELL");
    let directory =
        Arg::new("dir").value_name("DIR").default_value("config").value_hint(ValueHint::DirPath).help("Where to");
    Command::new(COMMAND)
        .about("Print the manual, completions or settings texts that follow from the options")
        .subcommand_required(true)
        .disable_help_subcommand(true)
        .subcommand(Command::new("man").about("Print the manual page"))
        .subcommand(Command::new("completions").about("Print completions for a shell").arg(shell))
        .subcommand(Command::new("reference").about("Print the reference of all options as Markdown"))
        .subcommand(Command::new("peers").about("Print what becomes of Gunicorn's and uvicorn's options, as Markdown"))
        .subcommand(Command::new("sample-config").about("Print a settings file with every option explained"))
        .subcommand(Command::new("schema").about("Print the JSON schema of the settings file"))
        .subcommand(Command::new("all").about("Write all of them to files").arg(directory))
}

/// Does what was asked for; the exit code.
pub fn obey(matches: &ArgMatches) -> i32 {
    let program = Program::loader();
    let text = match matches.subcommand() {
        Some(("man", _)) => man::text(),
        Some(("completions", matches)) => completions::text(shell(matches)),
        Some(("reference", _)) => reference::text(),
        Some(("peers", _)) => peers::text(),
        Some(("sample-config", _)) => sample::text(),
        Some(("schema", _)) => schema::text(),
        Some(("all", matches)) => {
            let directory = matches.get_one::<String>("dir").map_or_else(PathBuf::new, PathBuf::from);
            return match write(&directory) {
                Ok(()) => exit::OK,
                Err(message) => {
                    complain::line(&program, &message);
                    exit::FAILURE
                }
            };
        }
        // clap asks for one of the above before it comes to this.
        _ => return exit::USAGE,
    };
    if run::print(&program, &text) { exit::OK } else { exit::FAILURE }
}

fn shell(matches: &ArgMatches) -> Shell {
    let named = matches.get_one::<String>("shell").and_then(|name| name.parse().ok());
    named.or_else(Shell::from_env).unwrap_or(Shell::Bash)
}

fn write(directory: &Path) -> Result<(), String> {
    for (name, text) in files() {
        let path = directory.join(name);
        let parent = path.parent().unwrap_or(directory);
        let written = fs::create_dir_all(parent).and_then(|()| fs::write(&path, text));
        written.map_err(|error: io::Error| format!("cannot write {}: {error}", path.display()))?;
    }
    Ok(())
}

/// Breaks a paragraph into lines of at most `width` characters.
fn wrapped(paragraph: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in paragraph.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}
