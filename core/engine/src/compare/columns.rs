//! Which metrics stand in the table.

use std::fmt;

use scant_abi::{Error, Result};
use serde::{Deserialize, Serialize};

use super::RunSummary;
use crate::suggest;

/// A metric on a split.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    /// The metric's name.
    pub metric: String,
    /// The split.
    pub split: String,
    /// Whether more is better.
    pub higher_is_better: bool,
}

impl fmt::Display for Column {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} ({}) {}",
            self.metric,
            self.split,
            if self.higher_is_better { '\u{2191}' } else { '\u{2193}' }
        )
    }
}

/// Without a choice, no more columns than this: a table that is too wide is not read.
const MOST: usize = 6;

/// The columns for `wanted` (each `metric` or `metric@split`); where nothing is wanted, the first metrics on the test split.
/// The second part says how many were left out.
pub(super) fn columns(runs: &[RunSummary], wanted: &[String]) -> Result<(Vec<Column>, usize)> {
    let known = known(runs);
    if wanted.is_empty() {
        let split = default_split(&known);
        let mut chosen: Vec<Column> =
            known.into_iter().filter(|column| Some(&column.split) == split.as_ref()).collect();
        let left_out = chosen.len().saturating_sub(MOST);
        chosen.truncate(MOST);
        return Ok((chosen, left_out));
    }
    let chosen: Result<Vec<Column>> = wanted.iter().map(|name| find(&known, name)).collect();
    Ok((chosen?, 0))
}

/// All metrics of all runs, in the order in which they come up.
fn known(runs: &[RunSummary]) -> Vec<Column> {
    let mut known: Vec<Column> = Vec::new();
    for metric in runs.iter().flat_map(|run| &run.metrics) {
        if !known.iter().any(|column| column.metric == metric.name && column.split == metric.split) {
            known.push(Column {
                metric: metric.name.clone(),
                split: metric.split.clone(),
                higher_is_better: metric.higher_is_better,
            });
        }
    }
    known
}

fn default_split(known: &[Column]) -> Option<String> {
    let split = known.iter().find(|column| column.split == "test").or(known.first())?;
    Some(split.split.clone())
}

fn find(known: &[Column], wanted: &str) -> Result<Column> {
    let (metric, split) = match wanted.rsplit_once('@') {
        Some((metric, split)) => (metric, Some(split)),
        None => (wanted, None),
    };
    let mut named = known.iter().filter(|column| column.metric == metric);
    let found = match split {
        Some(split) => named.find(|column| column.split == split),
        None => named.clone().find(|column| column.split == "test").or_else(|| named.next()),
    };
    found.cloned().ok_or_else(|| {
        let names: Vec<String> =
            known.iter().map(|column| format!("{}@{}", column.metric, column.split)).collect();
        let hint = match suggest::nearest(wanted, names.iter().map(String::as_str)) {
            Some(near) => format!("did you mean '{near}'?"),
            None => format!("there are {}", names.join(", ")),
        };
        Error::config(format!("no run has the metric '{wanted}'; {hint}"))
    })
}

#[cfg(test)]
mod tests {
    use super::super::samples::run;
    use super::*;

    #[test]
    fn the_test_split_is_shown_unless_another_is_named() {
        let mut one = run("a", 0, &[("top-1", 0.5)]);
        let mut train = one.metrics[0].clone();
        train.split = "train".into();
        one.metrics.insert(0, train);
        let runs = [one];
        assert_eq!(columns(&runs, &[]).unwrap().0[0].split, "test");
        assert_eq!(columns(&runs, &["top-1".into()]).unwrap().0[0].split, "test");
        assert_eq!(columns(&runs, &["top-1@train".into()]).unwrap().0[0].split, "train");
        let error = columns(&runs, &["top-2".into()]).unwrap_err().to_string();
        assert!(error.contains("no run has the metric 'top-2'"), "{error}");
    }
}
