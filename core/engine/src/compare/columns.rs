//! Which metrics stand in the table.

use scant_abi::{Error, Result};
use serde::{Deserialize, Serialize};

use super::{RunSummary, Score};
use crate::suggest;

/// A metric that one evaluator found on one split.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    /// The evaluator.
    pub by: String,
    /// The metric's name.
    pub metric: String,
    /// The split.
    pub split: String,
    /// Whether more is better; nothing where neither is better, so that nobody wins by it.
    pub higher_is_better: Option<bool>,
}

impl Column {
    /// How it is asked for: `evaluator/metric@split`.
    pub fn full_name(&self) -> String {
        format!("{}/{}@{}", self.by, self.metric, self.split)
    }

    /// Upwards where more is better, a dash where neither is.
    pub fn arrow(&self) -> char {
        match self.higher_is_better {
            Some(true) => '\u{2191}',
            Some(false) => '\u{2193}',
            None => '\u{2013}',
        }
    }

    /// The same in words.
    pub fn direction(&self) -> &'static str {
        match self.higher_is_better {
            Some(true) => "higher is better",
            Some(false) => "lower is better",
            None => "neither is better",
        }
    }

    /// The number that `run` has for it.
    pub(super) fn value(&self, run: &RunSummary) -> Option<f64> {
        Some(run.scores.iter().find(|score| self.is_of(score))?.value)
    }

    fn is_of(&self, score: &Score) -> bool {
        score.by == self.by && score.name == self.metric && score.split == self.split
    }
}

/// Without a choice, no more columns than this: a table that is too wide is not read.
const MOST: usize = 6;

/// The columns for `wanted` (each `metric`, with `evaluator/` before or `@split` behind it as far as needed), and all
/// others there are.
///
/// Where nothing is wanted, each evaluator's first metric on the test split: an evaluator puts first what it is asked
/// most, and every further column makes the correction for the number of comparisons harsher.
pub(super) fn columns(runs: &[RunSummary], wanted: &[String]) -> Result<(Vec<Column>, Vec<Column>)> {
    let mut known = known(runs.iter());
    let chosen: Vec<Column> = match wanted.is_empty() {
        true => headlines(&known),
        false => asked(&known, wanted)?,
    };
    known.retain(|column| !chosen.contains(column));
    Ok((chosen, known))
}

/// What is wanted, each once: the tests correct for the number of columns.
fn asked(known: &[Column], wanted: &[String]) -> Result<Vec<Column>> {
    let mut chosen = Vec::new();
    for name in wanted {
        let column = find(known, name)?;
        if !chosen.contains(&column) {
            chosen.push(column);
        }
    }
    Ok(chosen)
}

fn headlines(known: &[Column]) -> Vec<Column> {
    let split = default_split(known);
    let mut chosen: Vec<Column> = Vec::new();
    for column in known.iter().filter(|column| Some(&column.split) == split.as_ref()) {
        if chosen.len() < MOST && chosen.iter().all(|other| other.by != column.by) {
            chosen.push(column.clone());
        }
    }
    chosen
}

/// All metrics of all runs, in the order in which they come up.
pub(super) fn known<'a>(runs: impl Iterator<Item = &'a RunSummary>) -> Vec<Column> {
    let mut known: Vec<Column> = Vec::new();
    for score in runs.flat_map(|run| &run.scores) {
        if !known.iter().any(|column| column.is_of(score)) {
            known.push(Column {
                by: score.by.clone(),
                metric: score.name.clone(),
                split: score.split.clone(),
                higher_is_better: score.higher_is_better,
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
    let (before, split) =
        wanted.rsplit_once('@').map_or((wanted, None), |(before, split)| (before, Some(split)));
    let (by, metric) = before.split_once('/').map_or((None, before), |(by, metric)| (Some(by), metric));
    let fits = |column: &&Column| column.metric == metric && by.is_none_or(|by| column.by == by);
    let of_split = |split: &str| known.iter().filter(fits).filter(|column| column.split == split).collect();
    let found: Vec<&Column> = match split {
        Some(split) => of_split(split),
        None if known.iter().filter(fits).any(|column| column.split == "test") => of_split("test"),
        None => known.iter().filter(fits).collect(),
    };
    let names: Vec<String> = known.iter().map(Column::full_name).collect();
    match found.as_slice() {
        [only] => Ok((*only).clone()),
        [] => {
            let hint = match suggest::nearest(wanted, names.iter().map(String::as_str)) {
                Some(near) => format!("did you mean '{near}'?"),
                None => format!("there are {}", names.join(", ")),
            };
            Err(Error::config(format!("no run has the metric '{wanted}'; {hint}")))
        }
        several => {
            let several: Vec<String> = several.iter().map(|column| column.full_name()).collect();
            Err(Error::config(format!("'{wanted}' may be each of {}: say which", several.join(", "))))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples::run;
    use super::*;

    #[test]
    fn the_test_split_is_shown_unless_another_is_named() {
        let mut one = run("a", 0, &[("top-1", 0.5)]);
        let mut train = one.scores[0].clone();
        train.split = "train".into();
        one.scores.insert(0, train);
        let runs = [one];
        assert_eq!(columns(&runs, &[]).unwrap().0[0].split, "test");
        assert_eq!(columns(&runs, &["top-1".into()]).unwrap().0[0].split, "test");
        assert_eq!(columns(&runs, &["top-1@train".into()]).unwrap().0[0].split, "train");
        let error = columns(&runs, &["top-2".into()]).unwrap_err().to_string();
        assert!(error.contains("no run has the metric 'top-2'"), "{error}");
    }

    #[test]
    fn a_column_that_is_asked_for_twice_is_one_column() {
        let wanted = ["top-1", "classification/top-1@test", "error"].map(str::to_owned);
        let chosen = columns(&[run("a", 0, &[("top-1", 0.5), ("error", 0.5)])], &wanted).unwrap().0;
        assert_eq!(
            chosen.iter().map(|column| column.metric.as_str()).collect::<Vec<_>>(),
            ["top-1", "error"]
        );
    }

    #[test]
    fn each_evaluator_has_its_first_metric_shown_and_the_others_named() {
        let mut one = run("a", 0, &[("top-1", 0.5), ("error", 0.5)]);
        let mut acc = one.scores[0].clone();
        (acc.by, acc.name) = ("clustering".into(), "acc".into());
        one.scores.push(acc);
        let (chosen, more) = columns(&[one], &[]).unwrap();
        let names = |columns: &[Column]| columns.iter().map(Column::full_name).collect::<Vec<_>>();
        assert_eq!(names(&chosen), ["classification/top-1@test", "clustering/acc@test"]);
        assert_eq!(names(&more), ["classification/error@test"]);
    }

    #[test]
    fn a_metric_of_two_evaluators_needs_its_evaluator() {
        let mut one = run("a", 0, &[("top-1", 0.5)]);
        let mut probe = one.scores[0].clone();
        probe.by = "linear-probe".into();
        one.scores.push(probe);
        let runs = [one];
        let error = columns(&runs, &["top-1".into()]).unwrap_err().to_string();
        assert!(error.contains("linear-probe/top-1@test"), "{error}");
        assert_eq!(columns(&runs, &["linear-probe/top-1".into()]).unwrap().0[0].by, "linear-probe");
    }
}
