//! The reference page of all options, as Markdown.

use super::words::{EXIT_CODES, LAYERS, SIGNALS, VARIABLES};
use super::wrapped;
use crate::settings::{Kind, OPTIONS, OptionSpec};
use std::fmt::Write;

const WIDTH: usize = 120;

/// The page.
pub fn text() -> String {
    let mut text =
        String::from("# Reference\n\n<!-- From the table of options, by `rustcorn generate reference`. -->\n");
    paragraph(&mut text, LAYERS);
    let mut section = None;
    for spec in OPTIONS {
        if section.replace(spec.section) != Some(spec.section) {
            let _ = write!(text, "\n## {}\n", spec.section.title());
        }
        entry(&mut text, spec);
    }
    table(&mut text, ("Signals", "Signal"), SIGNALS.iter().map(|(name, meaning)| ((*name).to_owned(), *meaning)));
    table(&mut text, ("Exit codes", "Code"), EXIT_CODES.iter().map(|(code, meaning)| (code.to_string(), *meaning)));
    table(
        &mut text,
        ("Environment", "Variable"),
        VARIABLES.iter().map(|(name, meaning)| (format!("`{name}`"), *meaning)),
    );
    text
}

fn entry(text: &mut String, spec: &OptionSpec) {
    let _ = write!(text, "\n### {}\n", spec.key);
    paragraph(text, &format!("{}.", spec.help()));
    for more in spec.paragraphs() {
        paragraph(text, &more);
    }
    let default = spec.default().map_or_else(|| "not set".to_owned(), |value| format!("`{value}`"));
    let reload = if spec.reloadable { "yes" } else { "no, at the start only" };
    let file = if spec.in_file { format!("`{}`", spec.key) } else { "no".to_owned() };
    text.push_str("\n| command line | file | environment | value | default | taken over by a reload |\n");
    text.push_str("|---|---|---|---|---|---|\n");
    let variable = match spec.foreign {
        Some(foreign) => format!("`{}`, `{}`", spec.variable(), foreign.name()),
        None => format!("`{}`", spec.variable()),
    };
    let value = spec.kind.wanted_in_file();
    let _ = writeln!(text, "| {} | {file} | {variable} | {value} | {default} | {reload} |", flags(spec));
}

fn flags(spec: &OptionSpec) -> String {
    if spec.positional {
        return format!("`{}`", spec.flag());
    }
    let value = match (spec.kind, spec.kind.placeholder()) {
        (Kind::Choice { switch: Some(_), .. }, Some(placeholder)) => format!("[={placeholder}]"),
        (_, Some(placeholder)) => format!(" {placeholder}"),
        (_, None) => String::new(),
    };
    let short = spec.short.map(|short| format!("-{short}{value}"));
    let long = format!("--{}{value}", spec.long_flag());
    let aliases = spec.aliases.iter().map(|alias| format!("--{alias}{value}"));
    let twin = spec.no_flag().map(|flag| format!("--{flag}"));
    let all = short.into_iter().chain([long]).chain(aliases).chain(twin);
    all.map(|flag| format!("`{flag}`")).collect::<Vec<_>>().join(", ")
}

fn paragraph(text: &mut String, paragraph: &str) {
    let _ = write!(text, "\n{}\n", wrapped(paragraph, WIDTH).join("\n"));
}

fn table(text: &mut String, (heading, column): (&str, &str), rows: impl Iterator<Item = (String, &'static str)>) {
    let _ = write!(text, "\n## {heading}\n\n| {column} | Meaning |\n|---|---|\n");
    for (name, meaning) in rows {
        let _ = writeln!(text, "| {name} | {meaning} |");
    }
}
