//! The table of Gunicorn's and uvicorn's options, and what rustcorn does with each, as Markdown.

use super::wrapped;
use crate::settings::peers::{Fate, GUNICORN, UVICORN, of_gunicorn, of_uvicorn};
use std::fmt::Write;

const WIDTH: usize = 120;

const HEAD: &str = "What Gunicorn 27.0 and uvicorn 0.54 call their options, and what rustcorn does with each. A link leads to \
the option of rustcorn that it is, under the same flag and, in files, the same name; behind it stands what is different. What has no \
effect is accepted and told once in the log. What is refused ends the start with an error, for leaving it out would change \
what somebody relies on.";

/// The page.
pub fn text() -> String {
    let mut text = String::from("# Options of Gunicorn and uvicorn\n\n<!-- By `rustcorn generate peers`. -->\n");
    let _ = write!(text, "\n{}\n", wrapped(HEAD, WIDTH).join("\n"));
    text.push_str("\n## Gunicorn\n\n| setting | command line | in rustcorn |\n|---|---|---|\n");
    for (name, flags, _) in GUNICORN {
        let flags: Vec<String> = flags.split_whitespace().map(|flag| format!("`{flag}`")).collect();
        let _ = writeln!(text, "| {name} | {} | {} |", flags.join(", "), told(of_gunicorn(name)));
    }
    text.push_str("\n## uvicorn\n\n| option | in rustcorn |\n|---|---|\n");
    for flag in UVICORN {
        let _ = writeln!(text, "| `--{flag}` | {} |", told(of_uvicorn(flag)));
    }
    text
}

fn told(fate: Option<Fate>) -> String {
    match fate {
        None => "?".to_owned(),
        Some(Fate::Ours(spec, how)) => {
            let how = how.map_or_else(String::new, |how| format!(": {how}"));
            format!("[{}](REFERENCE.md#{}){how}", spec.key, spec.key)
        }
        Some(Fate::NoEffect(why)) => format!("no effect: {why}"),
        Some(Fate::Ignored(why)) => format!("no effect in a gunicorn.conf.py, no such flag: {why}"),
        Some(Fate::Hook(None)) => "called, from a gunicorn.conf.py".to_owned(),
        Some(Fate::Hook(Some(how))) => format!("called, from a gunicorn.conf.py: {how}"),
        Some(Fate::Refused(instead)) => format!("refused: {instead}"),
        Some(Fate::Otherwise(how)) => how.to_owned(),
    }
}
