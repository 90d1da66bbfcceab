//! Measured numbers by contender, metric and round: from one sheet come the table, the plot and the JSON.

use serde_json::{Value, json};

use super::{Table, number, spread};
use crate::series::Series;

/// A column of a sheet.
#[derive(Debug)]
pub struct Metric {
    /// Its name in the JSON.
    pub key: &'static str,
    /// Its name with the unit, for readers.
    pub title: &'static str,
    /// Digits after the point.
    pub digits: usize,
    /// Whether each row is compared with its base, in a column of its own.
    pub ratio: bool,
    /// Whether there is a plot of it.
    pub plot: bool,
}

impl Metric {
    /// A column that is only told.
    pub const fn told(key: &'static str, title: &'static str, digits: usize) -> Self {
        Self { key, title, digits, ratio: false, plot: false }
    }

    /// A column that is plotted too.
    pub const fn plotted(key: &'static str, title: &'static str, digits: usize) -> Self {
        Self { plot: true, ..Self::told(key, title, digits) }
    }

    /// The same, compared with the base of each row.
    #[must_use]
    pub const fn compared(self) -> Self {
        Self { ratio: true, ..self }
    }
}

/// A contender's numbers.
struct Row {
    name: String,
    /// The row that this one is compared with; none if that was left out.
    base: Option<usize>,
    cells: Vec<Series>,
}

/// One comparison.
pub struct Sheet {
    key: &'static str,
    metrics: &'static [Metric],
    /// The title of a column of ratios: base over this one.
    against: &'static str,
    rows: Vec<Row>,
}

impl Sheet {
    /// An empty one. `key` tells it apart from the others of its page; `against` is the title of its ratios.
    pub const fn new(key: &'static str, metrics: &'static [Metric], against: &'static str) -> Self {
        Self { key, metrics, against, rows: Vec::new() }
    }

    /// Adds a contender, compared with an earlier row, itself or the one of the given name; a series for each metric.
    pub fn row(&mut self, name: &str, base: &str, cells: Vec<Series>) {
        debug_assert_eq!(cells.len(), self.metrics.len());
        let itself = (base == name).then_some(self.rows.len());
        let base = self.rows.iter().position(|row| row.name == base).or(itself);
        self.rows.push(Row { name: name.to_owned(), base, cells });
    }

    /// Its name within its page.
    pub fn key(&self) -> &'static str {
        self.key
    }

    /// The numbers of one contender; none if it did not take part.
    pub fn series(&self, name: &str, key: &str) -> Option<&Series> {
        self.rows.iter().find(|row| row.name == name)?.cells.get(self.column(key)?)
    }

    /// The numbers of one contender over those of another, round by round; none unless both took part.
    pub fn ratio(&self, ours: &str, theirs: &str, key: &str) -> Option<Series> {
        Some(self.series(ours, key)?.over(self.series(theirs, key)?))
    }

    fn column(&self, key: &str) -> Option<usize> {
        self.metrics.iter().position(|metric| metric.key == key)
    }

    /// The sheet for readers.
    pub fn table(&self) -> Table {
        let mut head = vec!["contender".to_owned()];
        for metric in self.metrics {
            head.push(metric.title.to_owned());
            head.extend(metric.ratio.then(|| self.against.to_owned()));
        }
        let mut table = Table::new(head);
        for row in &self.rows {
            let mut cells = vec![row.name.clone()];
            for (column, (metric, series)) in self.metrics.iter().zip(&row.cells).enumerate() {
                cells.push(spread(series, metric.digits));
                if metric.ratio {
                    let base = row.base.map(|base| self.rows[base].cells[column].over(series));
                    cells.push(spread(&base.unwrap_or_default(), 3));
                }
            }
            table.row(cells);
        }
        table
    }

    /// What is to be plotted: for each metric its title and for each contender its name, numbers and their text.
    pub fn panels(&self) -> Vec<Panel<'_>> {
        let plotted = self.metrics.iter().enumerate().filter(|(_, metric)| metric.plot);
        plotted
            .map(|(column, metric)| Panel {
                title: metric.title,
                bars: self
                    .rows
                    .iter()
                    .map(|row| {
                        (row.name.as_str(), &row.cells[column], number(row.cells[column].median(), metric.digits))
                    })
                    .collect(),
            })
            .collect()
    }

    /// Every number of every round.
    pub fn json(&self) -> Value {
        let rows = self.rows.iter().map(|row| {
            let cells = self.metrics.iter().zip(&row.cells);
            let numbers: serde_json::Map<String, Value> =
                cells.map(|(metric, series)| (metric.key.to_owned(), json!(series.values()))).collect();
            json!({ "contender": row.name, "rounds": numbers })
        });
        let metrics: serde_json::Map<String, Value> =
            self.metrics.iter().map(|metric| (metric.key.to_owned(), json!(metric.title))).collect();
        json!({ "sheet": self.key, "metrics": metrics, "rows": rows.collect::<Vec<_>>() })
    }
}

/// One plot: a bar for each contender.
pub struct Panel<'a> {
    /// What is plotted.
    pub title: &'a str,
    /// Name, numbers, and the text of the number in the middle.
    pub bars: Vec<(&'a str, &'a Series, String)>,
}

#[cfg(test)]
mod tests {
    use super::*;

    const METRICS: &[Metric] = &[Metric::plotted("cost", "us", 1).compared(), Metric::told("rss", "MB", 0)];

    fn sheet() -> Sheet {
        let mut sheet = Sheet::new("one", METRICS, "a / this");
        let series = |values: &[f64]| values.iter().copied().collect::<Series>();
        sheet.row("a", "a", vec![series(&[2.0, 2.0]), series(&[5.0])]);
        sheet.row("b", "a", vec![series(&[4.0, 1.0]), series(&[f64::INFINITY])]);
        sheet.row("d", "left out", vec![series(&[3.0]), series(&[1.0])]);
        sheet
    }

    #[test]
    fn ratios_stand_beside_their_metric() {
        let lines: Vec<String> = sheet().table().to_string().lines().map(str::to_owned).collect();
        assert_eq!(lines[0], "| contender | us | a / this | MB |");
        assert_eq!(lines[2], "| a | 2.0 (2.0 - 2.0) | 1.000 (1.000 - 1.000) | 5 |");
        assert_eq!(lines[3], "| b | 2.5 (1.0 - 4.0) | 1.250 (0.500 - 2.000) | ∞ |");
        assert_eq!(lines[4], "| d | 3.0 | - | 1 |");
    }

    #[test]
    fn numbers_are_found_by_name_and_are_none_for_who_was_left_out() {
        let sheet = sheet();
        assert!((sheet.ratio("b", "a", "cost").unwrap().median() - 1.25).abs() < 1e-9);
        assert!(sheet.ratio("a", "c", "cost").is_none() && sheet.series("a", "speed").is_none());
        assert_eq!(sheet.panels().len(), 1);
        assert_eq!(sheet.json()["rows"][1]["rounds"]["cost"], json!([4.0, 1.0]));
    }
}
