//! A row of the table: all repeats of one method.

use scant_abi::{Error, Result};
use serde::{Deserialize, Serialize};

use super::{Column, DataFacts, Outcome, RunSummary};
use crate::run::settings::Selection;
use crate::stats;

/// All repeats of one method.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Method {
    /// Its name.
    pub name: String,
    /// The data it was run on, as its first repeat says.
    pub data: DataFacts,
    /// Which epoch's numbers stand for each repeat.
    pub selection: Selection,
    /// Every repeat, finished or not.
    pub repeats: Vec<Repeat>,
    /// One cell for each column.
    pub cells: Vec<Cell>,
    /// One cell for each of the columns that are not compared.
    pub more: Vec<Cell>,
    /// The mean cost of a finished repeat.
    pub budget: MeanBudget,
}

/// One repeat.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Repeat {
    /// Its seed.
    pub seed: u64,
    /// How it ended.
    pub outcome: Outcome,
    /// Its run folder.
    pub folder: String,
    /// The seed of an earlier repeat that came out the same to the last bit: then this one is no repeat of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub copy_of: Option<u64>,
}

/// A metric over the finished repeats of a method.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Cell {
    /// The value of each finished repeat that has one, with its seed.
    pub values: Vec<(u64, f64)>,
    /// Their mean; nothing without a value.
    pub mean: Option<f64>,
    /// Their sample standard deviation; nothing with fewer than two.
    pub std: Option<f64>,
}

/// The mean cost of the finished repeats.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct MeanBudget {
    /// Epochs over all stages.
    pub epochs: f64,
    /// Images shown in training.
    pub images: f64,
    /// Seconds.
    pub seconds: f64,
    /// The largest memory of any repeat, in bytes.
    pub peak_bytes: Option<u64>,
}

impl Method {
    /// The number of repeats that came to their end.
    pub fn finished(&self) -> usize {
        self.repeats.iter().filter(|repeat| repeat.outcome == Outcome::Finished).count()
    }

    /// Whether the repeat with this seed is a copy of an earlier one.
    pub(super) fn is_copy(&self, seed: u64) -> bool {
        self.repeats.iter().any(|repeat| repeat.seed == seed && repeat.copy_of.is_some())
    }

    /// The number of repeats, and in words how many of them are not counted.
    pub fn repeats_in_words(&self) -> String {
        let count = |word: &str| self.repeats.iter().filter(|repeat| repeat.outcome.word() == word).count();
        let left_out: Vec<String> = ["failed", "unfinished"]
            .iter()
            .filter(|word| count(word) > 0)
            .map(|word| format!("{} {word}", count(word)))
            .collect();
        match left_out.is_empty() {
            true => self.finished().to_string(),
            false => format!("{} ({})", self.finished(), left_out.join(", ")),
        }
    }

    /// The row for `runs`, which all belong to one method.
    pub(super) fn new(name: &str, runs: &[&RunSummary], columns: &[Column], more: &[Column]) -> Result<Self> {
        let first = runs[0];
        if let Some(other) = runs.iter().find(|run| run.selection != first.selection) {
            return Err(Error::config(format!(
                "the repeats of '{name}' choose their epoch by different rules, '{}' and '{}' ({}): give one of them \
                 another label",
                first.selection.name(),
                other.selection.name(),
                other.folder
            )));
        }
        let finished: Vec<&RunSummary> =
            runs.iter().copied().filter(|run| run.outcome == Outcome::Finished).collect();
        for (i, run) in finished.iter().enumerate() {
            if let Some(twin) = finished[..i].iter().find(|twin| twin.seed == run.seed) {
                return Err(Error::config(format!(
                    "'{}' and '{}' are both '{name}' with seed {}: leave one out, or give it another label",
                    twin.folder, run.folder, run.seed
                )));
            }
        }
        let repeat = |run: &&RunSummary| Repeat {
            seed: run.seed,
            outcome: run.outcome.clone(),
            folder: run.folder.clone(),
            copy_of: finished
                .iter()
                .take_while(|earlier| earlier.folder != run.folder)
                .find(|earlier| run.digest.is_some() && earlier.digest == run.digest)
                .map(|earlier| earlier.seed),
        };
        Ok(Self {
            name: name.to_owned(),
            data: first.data.clone(),
            selection: first.selection,
            repeats: runs.iter().map(repeat).collect(),
            cells: columns.iter().map(|column| Cell::new(&finished, column)).collect(),
            more: more.iter().map(|column| Cell::new(&finished, column)).collect(),
            budget: MeanBudget::new(&finished),
        })
    }
}

impl Cell {
    pub(super) fn new(finished: &[&RunSummary], column: &Column) -> Self {
        let value = |run: &&RunSummary| Some((run.seed, column.value(run)?));
        let mut values: Vec<(u64, f64)> = finished.iter().filter_map(value).collect();
        values.sort_by_key(|(seed, _)| *seed);
        let numbers: Vec<f64> = values.iter().map(|(_, value)| *value).collect();
        Self {
            mean: (!numbers.is_empty()).then(|| stats::mean(&numbers)),
            std: stats::sample_deviation(&numbers),
            values,
        }
    }

    /// The value of the repeat with this seed.
    pub fn of_seed(&self, seed: u64) -> Option<f64> {
        self.values.iter().find(|(s, _)| *s == seed).map(|(_, value)| *value)
    }
}

impl MeanBudget {
    fn new(finished: &[&RunSummary]) -> Self {
        let mean_of = |cost: fn(&RunSummary) -> f64| {
            let costs: Vec<f64> = finished.iter().map(|run| cost(run)).collect();
            if costs.is_empty() { 0.0 } else { stats::mean(&costs) }
        };
        Self {
            epochs: mean_of(|run| run.budget.epochs as f64),
            images: mean_of(|run| run.budget.images as f64),
            seconds: mean_of(|run| run.budget.seconds),
            peak_bytes: finished.iter().filter_map(|run| run.budget.peak_bytes).max(),
        }
    }
}
