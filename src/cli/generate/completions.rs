//! Completions, by clap.

use super::super::command;
use clap_complete::Shell;

/// The script for a shell.
pub fn text(shell: Shell) -> String {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command::whole(), "rustcorn", &mut script);
    String::from_utf8_lossy(&script).into_owned()
}
