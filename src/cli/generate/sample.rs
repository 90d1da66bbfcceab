//! The settings file with every option explained, each commented out at its default.

use super::words::LAYERS;
use super::wrapped;
use crate::settings::{Kind, OPTIONS, OptionSpec};
use std::fmt::Write;

/// Lines of comments are at most this wide, without their mark.
const WIDTH: usize = 98;

/// The file.
pub fn text() -> String {
    let mut text =
        String::from("#:schema ./rustcorn.schema.json\n#\n# The settings of rustcorn. Every option is here, ");
    text.push_str("commented out at its default: `rustcorn generate sample-config`.\n#\n");
    comment(&mut text, LAYERS);
    comment(&mut text, "An unknown key or a value that does not fit is an error. Times are in seconds.");
    let mut section = None;
    for spec in OPTIONS.iter().filter(|spec| spec.in_file) {
        if section.replace(spec.section) != Some(spec.section) {
            let _ = write!(text, "\n# ===== {} =====\n", spec.section.title());
        }
        entry(&mut text, spec);
    }
    text
}

fn entry(text: &mut String, spec: &OptionSpec) {
    text.push('\n');
    comment(text, &format!("{}.", spec.help()));
    for paragraph in spec.paragraphs() {
        comment(text, &paragraph);
    }
    comment(text, &facts(spec));
    // An empty text unsets an option that has no default, and an empty list is the default of such a list.
    let value = spec.default().map_or_else(|| "\"\"".to_owned(), |value| value.to_string());
    let _ = writeln!(text, "#{} = {value}", spec.key);
}

fn facts(spec: &OptionSpec) -> String {
    let mut facts = format!("[{}] [{}]", spec.flag(), spec.variable());
    if !matches!(spec.kind, Kind::Switch | Kind::Text { .. }) {
        let _ = write!(facts, " [{}]", spec.kind.wanted_in_file());
    }
    if !spec.reloadable {
        facts.push_str(" [taken at the start only]");
    }
    facts
}

fn comment(text: &mut String, paragraph: &str) {
    for line in wrapped(paragraph, WIDTH) {
        let _ = writeln!(text, "# {line}");
    }
}
