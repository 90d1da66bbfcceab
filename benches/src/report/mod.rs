//! What a measurement found out: a page of Markdown on stdout, and with plots and every single number in benches/results
//! for the record.

mod machine;
mod plot;
mod sheet;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use std::fmt::{self, Write as _};
use std::io::Write as _;

use crate::contenders::Field;
use crate::process::workspace;
use crate::series::Series;
use machine::Machine;

pub use sheet::{Metric, Sheet};

/// A table of results.
pub struct Table {
    head: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// An empty table with these columns.
    pub fn new(head: Vec<String>) -> Self {
        Self { head, rows: Vec::new() }
    }

    /// Adds a row, one text for each column.
    pub fn row(&mut self, cells: Vec<String>) {
        debug_assert_eq!(cells.len(), self.head.len());
        self.rows.push(cells);
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| {} |", self.head.join(" | "))?;
        writeln!(f, "|{}", " --- |".repeat(self.head.len()))?;
        self.rows.iter().try_for_each(|row| writeln!(f, "| {} |", row.join(" | ")))
    }
}

/// One measurement's page.
pub struct Report {
    name: &'static str,
    page: String,
    facts: Value,
    sheets: Vec<Value>,
    goals: Vec<Value>,
    /// Pictures by file name.
    plots: Vec<(String, String)>,
}

impl Report {
    /// Begins the page of the measurement `name`: which machine, who takes part, and who does not.
    pub fn new(name: &'static str, title: &str, fields: &[&Field<'_>]) -> Self {
        let machine = Machine::read();
        let mut versions: Vec<&str> = Vec::new();
        for version in fields.iter().flat_map(|field| &field.versions).chain(&*machine::LIBRARIES) {
            if !versions.contains(&version.as_str()) {
                versions.push(version);
            }
        }
        let arguments: Vec<String> = std::env::args().skip(1).collect();
        let repeat = format!("cargo run --release -p rustcorn-benches -- {}", arguments.join(" "));
        let repeat = repeat.trim_end();
        let mut page = format!("# {title}\n\n{machine}Versions: {}.\n\nRepeat: `{repeat}`\n\n", versions.join(", "));
        for reason in fields.iter().flat_map(|field| &field.skipped) {
            let _ = writeln!(page, "- {reason}.\n");
        }
        let facts = json!({ "machine": machine.to_string().trim(), "versions": versions, "repeat": repeat });
        Self { name, page, facts, sheets: Vec::new(), goals: Vec::new(), plots: Vec::new() }
    }

    /// Adds a paragraph.
    pub fn say(&mut self, text: &str) {
        self.page.push_str(text);
        self.page.push_str("\n\n");
    }

    /// Adds a sheet: its table and, if it has any, its plots.
    pub fn sheet(&mut self, sheet: &Sheet) {
        // Writing to a String cannot fail.
        let _ = writeln!(self.page, "{}", sheet.table());
        let panels = sheet.panels();
        if !panels.is_empty() {
            let file = format!("{}-{}.svg", self.name, sheet.key());
            let _ = writeln!(self.page, "![{} {}]({file})\n", self.name, sheet.key());
            self.plots.push((file, plot::svg(&panels)));
        }
        self.sheets.push(sheet.json());
    }

    /// Adds a sheet's table alone: for sheets of many rows.
    pub fn sheet_unplotted(&mut self, sheet: &Sheet) {
        // Writing to a String cannot fail.
        let _ = writeln!(self.page, "{}", sheet.table());
        self.sheets.push(sheet.json());
    }

    /// Adds a goal and whether this run has met it.
    pub fn goal(&mut self, met: bool, what: &str) {
        let verdict = if met { "met" } else { "MISSED" };
        let _ = writeln!(self.page, "- {verdict}: {what}");
        self.goals.push(json!({ "met": met, "goal": what }));
    }

    /// Adds the goal that a ratio stays within a limit, if those that it compares took part.
    pub fn goal_within(&mut self, ratio: Option<&Series>, most: f64, what: &str) {
        if let Some(ratio) = ratio {
            self.goal(ratio.median() <= most, &format!("{what} at most {most:.2}: {}", spread(ratio, 3)));
        }
    }

    /// Prints the page and, if wanted, keeps it in benches/results with its plots and its numbers.
    pub fn publish(&self, save: bool) -> Result<()> {
        writeln!(std::io::stdout(), "{}", self.page).context("cannot print the result")?;
        if !save {
            return Ok(());
        }
        let folder = workspace().join("benches/results");
        std::fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let numbers = json!({ "facts": self.facts, "sheets": self.sheets, "goals": self.goals });
        let numbers = serde_json::to_string(&numbers).context("cannot write the numbers as JSON")? + "\n";
        let files = [(format!("{}.md", self.name), &self.page), (format!("{}.json", self.name), &numbers)];
        let plots = self.plots.iter().map(|(name, plot)| (name.clone(), plot));
        for (name, text) in files.into_iter().chain(plots) {
            let file = folder.join(name);
            std::fs::write(&file, text).with_context(|| format!("cannot write {}", file.display()))?;
        }
        Ok(())
    }
}

/// A series as `median (min - max)`; a single number as it is.
pub fn spread(series: &Series, digits: usize) -> String {
    match series.values() {
        [] => "-".to_owned(),
        [only] => number(*only, digits),
        _ => format!(
            "{} ({} - {})",
            number(series.median(), digits),
            number(series.min(), digits),
            number(series.max(), digits)
        ),
    }
}

/// A number with so many digits after the point.
pub fn number(value: f64, digits: usize) -> String {
    if value.is_infinite() { "∞".to_owned() } else { format!("{value:.digits$}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_markdown() {
        let mut table = Table::new(vec!["who".to_owned(), "how much".to_owned()]);
        table.row(vec!["we".to_owned(), "1".to_owned()]);
        assert_eq!(table.to_string(), "| who | how much |\n| --- | --- |\n| we | 1 |\n");
    }

    #[test]
    fn a_spread_shows_the_middle_and_the_extremes() {
        let series: Series = [2.0, 1.0, f64::INFINITY].into_iter().collect();
        assert_eq!(spread(&series, 1), "2.0 (1.0 - ∞)");
    }
}
