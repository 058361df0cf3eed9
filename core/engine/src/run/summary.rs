//! What several runs came to: the mean over seeds of each method's numbers, and what failed.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::PathBuf;

use scant_abi::Result;

use super::settings::Selection;
use super::suite::{Ending, Suite};

/// The numbers of the methods of a suite, one row for each.
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    /// The folder of the suite.
    pub folder: PathBuf,
    /// The split whose numbers these are.
    pub split: String,
    /// The names of the columns: evaluator and metric.
    pub columns: Vec<String>,
    /// The methods in the order of the file.
    pub rows: Vec<Row>,
}

/// One method.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// What it is called.
    pub label: String,
    /// The rule by which its numbers were selected.
    pub selection: Selection,
    /// Mean, sample standard deviation and number of values in each column, where there are any.
    pub cells: Vec<Option<Cell>>,
    /// The runs that came to their end.
    pub finished: usize,
    /// The runs that failed, which no mean contains.
    pub failed: usize,
    /// The runs that have not ended.
    pub unfinished: usize,
}

/// A mean over seeds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cell {
    /// The mean.
    pub mean: f64,
    /// The sample standard deviation; none of a single value.
    pub deviation: Option<f64>,
    /// The number of values.
    pub count: usize,
}

impl Summary {
    /// The first number that each evaluator found on `split`.
    pub fn of(suite: &Suite, split: &str) -> Result<Self> {
        let mut columns: Vec<String> = Vec::new();
        let mut labels: Vec<String> = Vec::new();
        let mut values: BTreeMap<(String, String), Vec<f64>> = BTreeMap::new();
        let mut rows: BTreeMap<String, Row> = BTreeMap::new();
        for trial in suite.trials() {
            let label = trial.settings.label().to_owned();
            if !labels.contains(&label) {
                labels.push(label.clone());
            }
            let row = rows.entry(label.clone()).or_insert_with(|| Row {
                label: label.clone(),
                selection: trial.settings.select,
                cells: Vec::new(),
                finished: 0,
                failed: 0,
                unfinished: 0,
            });
            match suite.ending(trial)? {
                Ending::Failed(_) => row.failed += 1,
                Ending::Unfinished => row.unfinished += 1,
                Ending::Finished(result) => {
                    row.finished += 1;
                    let mut told = BTreeSet::new();
                    let of_split = result.metrics.iter().filter(|metric| metric.split == split);
                    // An evaluator puts first what it is asked most; the rest stands in the reports.
                    for metric in of_split.filter(|metric| told.insert(metric.evaluator.as_str())) {
                        let column = format!("{}/{}", metric.evaluator, metric.name);
                        if !columns.contains(&column) {
                            columns.push(column.clone());
                        }
                        values.entry((label.clone(), column)).or_default().push(metric.value.0);
                    }
                }
            }
        }
        for row in rows.values_mut() {
            let of_column = |column: &String| values.get(&(row.label.clone(), column.clone()));
            row.cells = columns.iter().map(|column| of_column(column).map(|values| cell(values))).collect();
        }
        let rows = labels.iter().filter_map(|label| rows.remove(label)).collect();
        Ok(Self { folder: suite.path().to_owned(), split: split.to_owned(), columns, rows })
    }
}

impl Cell {
    fn text(&self) -> String {
        match self.deviation {
            Some(deviation) => format!("{:.4} ± {deviation:.4}", self.mean),
            None => format!("{:.4}", self.mean),
        }
    }
}

/// A table for a terminal.
impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rows = vec![vec!["method".to_owned(), "runs".to_owned(), "selected".to_owned()]];
        rows[0].extend(self.columns.iter().cloned());
        for row in &self.rows {
            let mut runs = row.finished.to_string();
            for (count, what) in [(row.failed, "failed"), (row.unfinished, "unfinished")] {
                if count > 0 {
                    runs += &format!(" + {count} {what}");
                }
            }
            // A choice made by the test split is no result, and must not look like one.
            let mark = if row.selection == Selection::Oracle { " (by the test split)" } else { "" };
            let mut cells = vec![row.label.clone(), runs, format!("{}{mark}", row.selection.name())];
            cells.extend(row.cells.iter().map(|cell| cell.map_or("-".to_owned(), |cell| cell.text())));
            rows.push(cells);
        }
        let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
        let widths: Vec<usize> = (0..rows[0].len()).map(width).collect();
        for row in &rows {
            let cells: Vec<String> =
                row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
            writeln!(f, "{}", cells.join("  ").trim_end())?;
        }
        match self.columns.is_empty() {
            true => Ok(()),
            false => writeln!(
                f,
                "Each evaluator's first metric on the {} split, mean ± standard deviation over runs; all metrics and \
                 tests: scant compare {}",
                self.split,
                self.folder.display()
            ),
        }
    }
}

fn cell(values: &[f64]) -> Cell {
    let count = values.len();
    let mean = values.iter().sum::<f64>() / count as f64;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    let deviation = (count > 1).then(|| (squares / (count - 1) as f64).sqrt());
    Cell { mean, deviation, count }
}
