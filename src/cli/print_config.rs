//! `--print-config`: every setting with its origin, as a settings file that says the same.

use crate::settings::{OPTIONS, Resolved};
use std::fmt::Write;

/// Comments begin here where the values leave room.
const COMMENT_COLUMN: usize = 36;

/// The text: valid TOML, one option a line, in the order of the table.
pub fn text(resolved: &Resolved) -> String {
    let mut text = String::new();
    for warning in &resolved.warnings {
        let _ = writeln!(text, "# warning: {warning}");
    }
    for spec in OPTIONS {
        let said = match spec.of(&resolved.settings) {
            Some(_) if spec.secret => format!("# {} is set, and not shown", spec.key),
            Some(value) if spec.in_file => format!("{} = {value}", spec.key),
            Some(value) => format!("# {} = {value}", spec.key),
            None => format!("# {} is not set", spec.key),
        };
        let _ = writeln!(text, "{said:COMMENT_COLUMN$}  # {}", resolved.origin(spec.key));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{ConfigFile, Given, Sources, resolve};

    fn sources(file: &str) -> Sources {
        let file = Some(ConfigFile { path: "rustcorn.toml".into(), text: file.to_owned() });
        Sources { command_line: vec![Given { key: "threads", texts: vec!["2".into()] }], file, ..Sources::default() }
    }

    #[test]
    fn what_is_shown_is_a_file_with_the_same_settings() {
        let file = "\n\nworkers = 4\nbind = ['unix:/a \"b\"', ':80']\nraw_env = ['A=#1']\nmax_rss = '3M'\npidfile = ''\numask = 18";
        let resolved = resolve(&sources(file)).expect("good settings");
        let shown = text(&resolved);
        assert_eq!(resolve(&sources(&shown)).expect("what was shown").settings, resolved.settings, "{shown}");
        assert!(shown.contains("\nworkers = 4                           # rustcorn.toml:3\n"), "{shown}");
        assert!(shown.contains("\nthreads = 2                           # the command line\n"), "{shown}");
        assert!(shown.contains("\n# pidfile is not set                  # rustcorn.toml:7\n"), "{shown}");
        assert!(shown.contains("\ntimeout = 30                          # the default\n"), "{shown}");
    }

    #[test]
    fn a_password_is_not_shown() {
        let resolved = resolve(&sources("ssl_keyfile_password = 'opena'")).expect("good settings");
        assert_eq!(resolved.settings.ssl_keyfile_password.as_deref(), Some("opena"));
        let shown = text(&resolved);
        assert!(
            shown.contains("\n# ssl_keyfile_password is set, and not shown") && !shown.contains("opena"),
            "{shown}"
        );
        let complaint = resolve(&sources("ssl_keyfile_password = 31415")).expect_err("a number").to_string();
        assert!(
            complaint.contains("must be a string, found a value that is not shown") && !complaint.contains("31415")
        );
    }
}
