//! Runs in, one comparison out.

use scant_abi::{Error, Result};
use serde::{Deserialize, Serialize};

use super::against::{self, Beside};
use super::columns::{Column, columns};
use super::expected::Expected;
use super::method::Method;
use super::paired::{self, TestKind, Tests};
use super::repeats;
use super::splits;
use super::summary::RunSummary;
use crate::report::number;
use crate::run::settings::Selection;

/// What a comparison may be told.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// The columns, each `metric` or `metric@split`; each evaluator's first on the test split where empty.
    pub metrics: Vec<String>,
    /// Compare runs on different splits, and mark the table.
    pub allow_different_splits: bool,
    /// The test that decides who wins; chosen by the number of repeats where absent.
    pub test: Option<TestKind>,
    /// A corrected p below this is a difference.
    pub level: f64,
    /// The sources' numbers to stand beside ours.
    pub against: Vec<Expected>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            metrics: Vec::new(),
            allow_different_splits: false,
            test: None,
            level: 0.05,
            against: Vec::new(),
        }
    }
}

/// Methods side by side.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// What is compared.
    pub columns: Vec<Column>,
    /// What else was measured: shown by some forms, tested by none.
    pub more: Vec<Column>,
    /// Who is compared, in the order in which the runs were named.
    pub methods: Vec<Method>,
    /// Who differs from whom.
    pub tests: Tests,
    /// Our numbers beside the sources'.
    pub against: Vec<Beside>,
    /// Whether the methods were run on different splits, so that their numbers do not compare.
    pub different_splits: bool,
    /// What must be known to read the table: different splits, oracles, repeats that are none, unequal budgets.
    pub marks: Vec<String>,
}

impl Comparison {
    /// For each column the row of the best mean, oracles left aside; nothing where no row has one, or none is better.
    pub fn best(&self) -> Vec<Option<usize>> {
        let best = |(i, column): (usize, &Column)| {
            let honest = |row: &usize| self.methods[*row].selection != Selection::Oracle;
            let mean =
                |row: &usize| self.methods[*row].cells[i].mean.filter(|mean| mean.is_finite() && honest(row));
            let rows = (0..self.methods.len()).filter(|row| mean(row).is_some());
            let higher_is_better = column.higher_is_better?;
            let worth =
                |row: &usize| mean(row).map_or(0.0, |mean| if higher_is_better { mean } else { -mean });
            rows.reduce(|best, row| if worth(&row) > worth(&best) { row } else { best })
        };
        self.columns.iter().enumerate().map(best).collect()
    }
}

/// Compares `runs`, which are grouped into methods by name.
pub fn compare(runs: &[RunSummary], options: &Options) -> Result<Comparison> {
    if runs.is_empty() {
        return Err(Error::config("there is nothing to compare: name at least one run folder"));
    }
    if !(options.level > 0.0 && options.level < 1.0) {
        return Err(Error::config(format!(
            "the level of the tests must lie between 0 and 1, as 0.05 does, not {}",
            options.level
        )));
    }
    let (columns, more) = columns(runs, &options.metrics)?;
    let groups = groups(runs);
    let differing = splits::differences(&groups);
    if !differing.is_empty() && !options.allow_different_splits {
        return Err(Error::config(format!(
            "these runs were made on different splits, so their numbers do not compare: {}. Run them with the same \
             `data` and seeds, or say --allow-different-splits and the table will be marked",
            differing.join("; ")
        )));
    }
    let other_data = repeats::on_other_data(&groups);
    if !other_data.is_empty() && !options.allow_different_splits {
        return Err(Error::config(format!(
            "these runs are no repeats of one experiment, so there is no mean of them: {}. Give one of them another \
             label, or say --allow-different-splits and the table will be marked",
            other_data.join("; ")
        )));
    }
    let methods: Result<Vec<Method>> =
        groups.iter().map(|(name, runs)| Method::new(name, runs, &columns, &more)).collect();
    let methods = methods?;
    let mut marks = marks(&methods);
    marks.extend(differing.iter().chain(&other_data).map(|text| format!("DIFFERENT SPLITS: {text}")));
    marks.extend(repeats::otherwise_told(&groups));
    marks.extend(methods.iter().filter_map(repeats::copies));
    let (against, missing) = against::beside(&options.against, &groups, &methods);
    marks.extend(missing);
    let tests = paired::tests(&groups, &methods, &columns, options)?;
    let different_splits = !differing.is_empty() || !other_data.is_empty();
    Ok(Comparison { columns, more, methods, tests, against, different_splits, marks })
}

/// The runs by method, in the order in which they come up.
fn groups(runs: &[RunSummary]) -> Vec<(String, Vec<&RunSummary>)> {
    let mut groups: Vec<(String, Vec<&RunSummary>)> = Vec::new();
    for run in runs {
        match groups.iter_mut().find(|(name, _)| *name == run.method) {
            Some((_, members)) => members.push(run),
            None => groups.push((run.method.clone(), vec![run])),
        }
    }
    groups
}

fn marks(methods: &[Method]) -> Vec<String> {
    let mut marks = Vec::new();
    for method in methods {
        if method.selection == Selection::Oracle {
            marks.push(format!(
                "ORACLE: the test split chose the epochs of '{}'; its numbers are no honest result",
                method.name
            ));
        }
        let mut unfinished: Vec<String> = Vec::new();
        for repeat in &method.repeats {
            let seed = repeat.seed;
            match &repeat.outcome {
                super::Outcome::Finished => {}
                super::Outcome::Failed(error) => {
                    marks.push(format!(
                        "'{}' failed with seed {seed} and is not averaged: {error}",
                        method.name
                    ));
                }
                super::Outcome::Unfinished => unfinished.push(seed.to_string()),
            }
        }
        if !unfinished.is_empty() {
            let (s, seeds) = (if unfinished.len() == 1 { "" } else { "s" }, unfinished.join(", "));
            marks.push(format!(
                "'{}' is unfinished with seed{s} {seeds} and is not averaged there",
                method.name
            ));
        }
    }
    let rules: std::collections::BTreeSet<&str> = methods.iter().map(|m| m.selection.name()).collect();
    if rules.len() > 1 {
        let rules: Vec<&str> = rules.into_iter().collect();
        marks.push(format!("the methods choose their epochs by different rules: {}", rules.join(", ")));
    }
    let images: Vec<f64> = methods.iter().filter(|m| m.finished() > 0).map(|m| m.budget.images).collect();
    let (least, most) = images.iter().fold((f64::INFINITY, 0.0f64), |(l, h), n| (l.min(*n), h.max(*n)));
    if least.is_finite() && most > 1.1 * least {
        let (least, most) = (number::count(least.round() as u64), number::count(most.round() as u64));
        marks.push(format!("the budgets differ: {least} to {most} images seen"));
    }
    marks
}

#[cfg(test)]
mod tests {
    use super::super::samples::{failed, run};
    use super::*;

    #[test]
    fn a_failed_repeat_is_shown_and_never_averaged() {
        let runs = [
            run("vat", 0, &[("top-1", 0.5)]),
            run("vat", 1, &[("top-1", 0.7)]),
            failed(run("vat", 2, &[("top-1", 0.0)]), "the loss became NaN"),
        ];
        let comparison = compare(&runs, &Options::default()).unwrap();
        let method = &comparison.methods[0];
        assert!((method.cells[0].mean.unwrap() - 0.6).abs() < 1e-12);
        assert!((method.cells[0].std.unwrap() - 0.02f64.sqrt()).abs() < 1e-12);
        assert_eq!(method.repeats_in_words(), "2 (1 failed)");
        assert!(comparison.marks[0].contains("failed with seed 2 and is not averaged: the loss became NaN"));
    }

    #[test]
    fn different_splits_are_refused_or_marked() {
        let mut other = run("b", 0, &[("top-1", 0.9)]);
        other.data.hashes.insert("test-labels".into(), "1e".into());
        let runs = [run("a", 0, &[("top-1", 0.5)]), other];
        let error = compare(&runs, &Options::default()).unwrap_err().to_string();
        assert!(error.contains("different splits") && error.contains("test-labels"), "{error}");
        let allowed = Options { allow_different_splits: true, ..Options::default() };
        let marks = compare(&runs, &allowed).unwrap().marks;
        assert!(marks.iter().any(|mark| mark.starts_with("DIFFERENT SPLITS")), "{marks:?}");
    }

    #[test]
    fn one_seed_twice_and_two_rules_in_one_method_are_refused() {
        let twice = [run("a", 0, &[]), run("a", 0, &[])];
        assert!(compare(&twice, &Options::default()).unwrap_err().to_string().contains("seed 0"));
        let mut oracle = run("a", 1, &[]);
        oracle.selection = Selection::Oracle;
        let rules = [run("a", 0, &[]), oracle];
        assert!(compare(&rules, &Options::default()).unwrap_err().to_string().contains("different rules"));
    }

    #[test]
    fn a_metric_of_which_neither_more_nor_less_is_better_is_shown_and_nobody_wins_by_it() {
        let run = |method, seed: u64, slope| run(method, seed, &[("slope", slope + 1e-3 * seed as f64)]);
        let runs: Vec<RunSummary> =
            (0..3).flat_map(|seed| [run("a", seed, 0.5), run("b", seed, 0.9)]).collect();
        let comparison = compare(&runs, &Options::default()).unwrap();
        assert_eq!(comparison.columns[0].metric, "slope");
        assert_eq!((comparison.best(), comparison.tests.families.as_slice()), (vec![None], [].as_slice()));
    }

    #[test]
    fn a_level_that_is_no_probability_is_refused() {
        for level in [0.0, 1.0, 2.0, -0.1, f64::NAN] {
            let options = Options { level, ..Options::default() };
            let error = compare(&[run("a", 0, &[])], &options).unwrap_err().to_string();
            assert!(error.contains(&format!("between 0 and 1, as 0.05 does, not {level}")), "{error}");
        }
    }

    #[test]
    fn oracles_and_unequal_budgets_are_marked() {
        let mut oracle = run("b", 0, &[]);
        oracle.selection = Selection::Oracle;
        oracle.budget.images *= 2;
        let marks = compare(&[run("a", 0, &[]), oracle], &Options::default()).unwrap().marks.join("\n");
        assert!(marks.contains("ORACLE") && marks.contains("budgets differ"), "{marks}");
    }
}
