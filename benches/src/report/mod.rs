//! What a command found out, as a page of Markdown: on stdout, and in benches/results for the record.

mod machine;

use anyhow::{Context, Result};
use std::fmt::{self, Write as _};
use std::io::Write as _;

use crate::process::workspace;
use crate::series::Series;
use machine::Machine;

/// A table of results.
pub struct Table {
    head: Vec<&'static str>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// An empty table with these columns.
    pub fn new(head: &[&'static str]) -> Self {
        Self { head: head.to_vec(), rows: Vec::new() }
    }

    /// Adds a row, one text for each column.
    pub fn row<const N: usize>(&mut self, cells: [String; N]) {
        debug_assert_eq!(N, self.head.len());
        self.rows.push(cells.into());
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| {} |", self.head.join(" | "))?;
        writeln!(f, "|{}", " --- |".repeat(self.head.len()))?;
        self.rows.iter().try_for_each(|row| writeln!(f, "| {} |", row.join(" | ")))
    }
}

/// One command's page.
pub struct Report {
    name: &'static str,
    page: String,
}

impl Report {
    /// Begins the page of the command `name`.
    pub fn new(name: &'static str, title: &str) -> Self {
        let machine = Machine::read();
        let arguments: Vec<String> = std::env::args().skip(1).collect();
        let page = format!(
            "# {title}\n\n{machine}\nRepeat: `cargo run --release -p rustcorn-benches -- {}`\n\n",
            arguments.join(" ")
        );
        Self { name, page }
    }

    /// Adds a paragraph.
    pub fn say(&mut self, text: &str) {
        self.page.push_str(text);
        self.page.push_str("\n\n");
    }

    /// Adds a table.
    pub fn table(&mut self, table: &Table) {
        // Writing to a String cannot fail.
        let _ = writeln!(self.page, "{table}");
    }

    /// Adds a goal and whether this run has met it.
    pub fn goal(&mut self, met: bool, what: &str) {
        let verdict = if met { "met" } else { "MISSED" };
        let _ = writeln!(self.page, "- {verdict}: {what}");
    }

    /// Prints the page and, if wanted, keeps it in benches/results.
    pub fn publish(&self, save: bool) -> Result<()> {
        writeln!(std::io::stdout(), "{}", self.page).context("cannot print the result")?;
        if save {
            let folder = workspace().join("benches/results");
            let file = folder.join(self.name).with_extension("md");
            std::fs::create_dir_all(&folder)
                .and_then(|()| std::fs::write(&file, &self.page))
                .with_context(|| format!("cannot write {}", file.display()))?;
        }
        Ok(())
    }
}

/// A series as `median (min - max)`.
pub fn spread(series: &Series, digits: usize) -> String {
    let number = |value: f64| if value.is_infinite() { "∞".to_owned() } else { format!("{value:.digits$}") };
    format!("{} ({} - {})", number(series.median()), number(series.min()), number(series.max()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_markdown() {
        let mut table = Table::new(&["who", "how much"]);
        table.row(["we".to_owned(), "1".to_owned()]);
        assert_eq!(table.to_string(), "| who | how much |\n| --- | --- |\n| we | 1 |\n");
    }

    #[test]
    fn a_spread_shows_the_middle_and_the_extremes() {
        let series: Series = [2.0, 1.0, f64::INFINITY].into_iter().collect();
        assert_eq!(spread(&series, 1), "2.0 (1.0 - ∞)");
    }
}
