//! The layer of the settings file: TOML with every complaint at its line and column, all of them at once.

use super::error::{Fault, HIDDEN, Place, Problem, quoted, shortened};
use super::layer::{Entry, Layer, Origin};
use super::spec::OptionSpec;
use super::{spec, suggest};
use std::ops::Range;
use std::path::Path;
use toml::de::{DeTable, DeValue};

/// The layer of a file's text, and what is wrong with it. `path` is how messages name the file.
pub fn layer(path: &Path, text: &str) -> (Layer, Vec<Problem>) {
    let document = Document { path, text };
    let (table, broken) = DeTable::parse_recoverable(text);
    if !broken.is_empty() {
        // What the parser made of a broken document is a guess; complaints about a guess only confuse.
        return (Layer::new(), broken.iter().map(|error| document.syntax(error)).collect());
    }
    let mut layer = Layer::new();
    let mut problems = Vec::new();
    for (key, value) in table.get_ref() {
        match document.entry(key.get_ref(), key.span(), value.get_ref(), value.span()) {
            Ok((key, entry)) => {
                layer.insert(key, entry);
            }
            Err(problem) => problems.push(problem),
        }
    }
    problems.sort_by_key(|problem| match problem.place {
        Place::File { line, column, .. } => (line, column),
        _ => (0, 0),
    });
    (layer, problems)
}

struct Document<'a> {
    path: &'a Path,
    text: &'a str,
}

impl Document<'_> {
    fn entry(
        &self,
        key: &str,
        key_span: Range<usize>,
        value: &DeValue<'_>,
        span: Range<usize>,
    ) -> Result<(&'static str, Entry), Problem> {
        let spec = spec(key).ok_or_else(|| self.problem(key_span.start, unknown(key, value)))?;
        if !spec.in_file {
            return Err(self.problem(key_span.start, Fault::NotInFile { key: spec.key, flag: spec.flag() }));
        }
        let value = spec.kind.read(value, span).map_err(|at| self.problem(at.start, self.unfit(spec, at.clone())))?;
        let (line, _) = self.position(key_span.start);
        Ok((spec.key, Entry { value, origin: Origin::File { path: self.path.to_owned(), line } }))
    }

    fn unfit(&self, spec: &OptionSpec, span: Range<usize>) -> Fault {
        let found = if spec.secret { HIDDEN.to_owned() } else { shortened(self.text.get(span).unwrap_or_default()) };
        Fault::Unfit { key: spec.key, wanted: spec.kind.wanted_in_file(), found }
    }

    fn syntax(&self, error: &toml::de::Error) -> Problem {
        let span = error.span().unwrap_or_default();
        let hint = if self.path.extension().is_some_and(|extension| extension == "py") {
            "; the settings file is TOML, not Python: `rustcorn generate sample-config` prints one"
        } else if error.message().contains("leading zero") {
            "; an octal number is written 0o22"
        } else {
            ""
        };
        self.problem(span.start, Fault::Syntax { message: one_line(error.message()), hint })
    }

    fn problem(&self, offset: usize, fault: Fault) -> Problem {
        let (line, column) = self.position(offset);
        Problem { place: Place::File { path: self.path.to_owned(), line, column }, fault }
    }

    /// Line and column of a byte, both counted from 1, the column in characters.
    fn position(&self, offset: usize) -> (usize, usize) {
        let before = self.text.get(..offset).unwrap_or(self.text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let line = before.matches('\n').count() + 1;
        (line, before.get(line_start..).unwrap_or_default().chars().count() + 1)
    }
}

fn unknown(key: &str, value: &DeValue<'_>) -> Fault {
    let hint = match (suggest::nearest(key), value.is_table()) {
        (_, true) => "; every option stands at the top level of the file, outside of tables".to_owned(),
        (Some(spec), false) => format!("; did you mean {}?", quoted(spec.key)),
        (None, false) => String::new(),
    };
    Fault::UnknownKey { key: shortened(key), hint }
}

/// The parser's words on one line.
fn one_line(message: &str) -> String {
    message.split_whitespace().collect::<Vec<_>>().join(" ")
}
