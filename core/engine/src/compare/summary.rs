//! What a comparison and a report need to know of one run.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::run::settings::Selection;

/// One run: one method, one seed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunSummary {
    /// The run folder, as the user named it.
    pub folder: String,
    /// The method's name in tables.
    pub method: String,
    /// The seed of this repeat.
    pub seed: u64,
    /// How it ended.
    pub outcome: Outcome,
    /// What it was told, without what may differ between repeats: seeds and names.
    #[serde(default)]
    pub configuration: Value,
    /// The hash over all that it computed, once it has finished: equal digests, equal runs.
    #[serde(default)]
    pub digest: Option<String>,
    /// The data it was run on.
    pub data: DataFacts,
    /// Which epoch's numbers stand for the run.
    pub selection: Selection,
    /// The numbers that stand for the run.
    pub scores: Vec<Score>,
    /// What was said of each sample, for paired tests.
    pub predictions: Vec<Predictions>,
    /// What it cost.
    pub budget: Budget,
}

impl RunSummary {
    /// Whether it came to its end, so that its numbers count.
    pub fn is_finished(&self) -> bool {
        self.outcome == Outcome::Finished
    }
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// All stages were trained and evaluated.
    Finished,
    /// It ended with this error.
    Failed(String),
    /// It has not come to its end yet, or was killed.
    Unfinished,
}

impl Outcome {
    /// One word for tables.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Finished => "finished",
            Self::Failed(_) => "failed",
            Self::Unfinished => "unfinished",
        }
    }
}

/// The data of a run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DataFacts {
    /// The data set's name.
    pub dataset: String,
    /// Which labels training may see, as the configuration says it: `"all"`, `{ "per_class": 25 }`, ...
    pub labels: Value,
    /// A hash for each part of the splits: what must be equal for numbers to be compared.
    pub hashes: BTreeMap<String, String>,
    /// The number of samples of each part, where known.
    pub samples: BTreeMap<String, usize>,
}

/// The rule by which epochs were selected as tables show it; the dishonest one is loud.
pub fn selection_in_words(selection: Selection) -> &'static str {
    match selection {
        Selection::Oracle => "oracle (chosen on test!)",
        honest => honest.name(),
    }
}

/// A number that stands for a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// The evaluator that found it.
    pub by: String,
    /// The metric's name.
    pub name: String,
    /// The split it was found on.
    pub split: String,
    /// The number.
    pub value: f64,
    /// Whether more is better; nothing where neither is better, so that nobody wins by it.
    pub higher_is_better: Option<bool>,
}

/// The class that was said for each sample of a split.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Predictions {
    /// Who said it: the evaluator's name.
    pub by: String,
    /// The split.
    pub split: String,
    /// What was said.
    pub said: Vec<i64>,
    /// What is true; -1 where it is not known.
    pub truth: Vec<i64>,
}

impl Predictions {
    /// Whether each sample with a known class was said right; nothing for the others.
    pub fn right(&self) -> impl Iterator<Item = Option<bool>> + '_ {
        self.said.iter().zip(&self.truth).map(|(said, truth)| (*truth >= 0).then_some(said == truth))
    }
}

/// What a run cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Budget {
    /// Epochs over all stages.
    pub epochs: u64,
    /// Images in the batches of training, over all streams, views counted one by one.
    pub images: u64,
    /// Seconds of training and evaluation.
    pub seconds: f64,
    /// The most memory the process held, in bytes, where the system tells.
    pub peak_bytes: Option<u64>,
}

/// Which labels training may see, in words: `{ "per_class": 25 }` reads "per class 25".
pub fn labels_in_words(labels: &Value) -> String {
    match labels {
        Value::Null => "unknown".to_owned(),
        Value::String(word) => word.clone(),
        Value::Object(table) => {
            let words = |(key, value): (&String, &Value)| {
                let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                format!("{} {value}", key.replace('_', " "))
            };
            table.iter().map(words).collect::<Vec<_>>().join(", ")
        }
        other => other.to_string(),
    }
}
