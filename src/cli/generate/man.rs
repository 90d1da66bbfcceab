//! The manual page: clap's part of it, then what is no option.

use super::super::command;
use super::words::{EXIT_CODES, LAYERS, SIGNALS, VARIABLES};
use crate::settings::DEFAULT_FILE;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};

/// The page in roff.
pub fn text() -> String {
    let man = Man::new(command::whole().disable_help_subcommand(true)).manual("User Commands");
    let mut page = Vec::new();
    // Writing to memory cannot fail.
    let _ = man.render_title(&mut page);
    let _ = man.render_name_section(&mut page);
    let _ = man.render_synopsis_section(&mut page);
    let _ = man.render_description_section(&mut page);
    let _ = man.render_options_section(&mut page);
    let _ = rest().to_writer(&mut page);
    String::from_utf8_lossy(&page).into_owned()
}

fn rest() -> Roff {
    let mut roff = Roff::new();
    let codes: Vec<_> = EXIT_CODES.iter().map(|(code, text)| (code.to_string(), *text)).collect();
    let default_file = "The settings, read from the directory of the start unless config names another file.";
    let generate = "rustcorn generate man, completions, reference, sample-config or schema prints that text; \
                    rustcorn generate all writes them to files. An application called generate is reached as \
                    generate:router.";
    let examples = [
        ("rustcorn hello:router --workers 4 --bind 127.0.0.1:8000", "Serve the router of libhello.so."),
        ("rustcorn hello:router --check-config", "Would it start?"),
        ("kill -HUP $(cat /run/rustcorn.pid)", "Take the new settings and the new library without losing a request."),
    ];
    prose(&mut roff, "SETTINGS", LAYERS);
    list(&mut roff, "SIGNALS", SIGNALS.iter().copied());
    list(&mut roff, "EXIT STATUS", codes.iter().map(|(code, text)| (code.as_str(), *text)));
    list(&mut roff, "ENVIRONMENT", VARIABLES.iter().copied());
    list(&mut roff, "FILES", [(DEFAULT_FILE, default_file)]);
    prose(&mut roff, "GENERATED TEXTS", generate);
    list(&mut roff, "EXAMPLES", examples);
    roff
}

fn prose(roff: &mut Roff, heading: &str, text: &str) {
    roff.control("SH", [heading]);
    roff.text([roman(text)]);
}

fn list<'a>(roff: &mut Roff, heading: &str, entries: impl IntoIterator<Item = (&'a str, &'a str)>) {
    roff.control("SH", [heading]);
    for (term, text) in entries {
        roff.control("TP", []);
        roff.text([bold(term)]);
        roff.text([roman(text)]);
    }
}
