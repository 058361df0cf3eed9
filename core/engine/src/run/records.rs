//! What a run writes down as it goes: one JSON object on each line of `metrics.jsonl`.

use std::collections::BTreeMap;

use scant_abi::{Metric, PastMetric};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// One line of `metrics.jsonl`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Record {
    /// An epoch of training ended.
    Epoch(EpochRecord),
    /// An evaluator judged the model.
    Evaluation(EvaluationRecord),
    /// A trainer ended its stage before the last epoch.
    Stop {
        /// The stage, from 0.
        stage: usize,
        /// The epoch of the stage, from 0.
        epoch: usize,
        /// Why.
        reason: String,
    },
}

/// What training reported over one epoch: means over the steps, and what was reported at the end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EpochRecord {
    /// The stage, from 0.
    pub stage: usize,
    /// The stage's name.
    pub name: String,
    /// The epoch of the stage, from 0.
    pub epoch: usize,
    /// The steps it had.
    pub steps: usize,
    /// The images that its batches held, over all streams, views counted one by one; 0 in folders from before they
    /// were counted.
    #[serde(default)]
    pub images: u64,
    /// The numbers by name.
    pub metrics: BTreeMap<String, Number>,
    /// The weight of each loss at the epoch's end.
    pub weights: BTreeMap<String, Number>,
    /// How long it took; no part of the digest.
    pub seconds: f64,
    /// How much of that the trainer's steps took; the rest is the engine's. No part of the digest.
    pub step_seconds: f64,
    /// Images of the first stream in each second; no part of the digest.
    pub images_per_second: f64,
}

/// What an evaluator found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EvaluationRecord {
    /// The stage, from 0.
    pub stage: usize,
    /// The epochs of the stage that were done, less one.
    pub epoch: usize,
    /// Whether this is the evaluation at the end of the stage.
    pub end: bool,
    /// The evaluator.
    pub evaluator: String,
    /// The numbers.
    pub metrics: Vec<MetricRecord>,
    /// How long it took; no part of the digest.
    pub seconds: f64,
}

/// A number that an evaluator found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MetricRecord {
    /// Its name.
    pub name: String,
    /// The split it was found on.
    pub split: String,
    /// The number.
    pub value: Number,
    /// Whether more is better; nothing where neither is better, so that nobody wins by it.
    pub higher_is_better: Option<bool>,
}

impl From<&Metric> for MetricRecord {
    fn from(metric: &Metric) -> Self {
        Self {
            name: metric.name.clone(),
            split: metric.split.clone(),
            value: Number(metric.value),
            higher_is_better: metric.higher_is_better,
        }
    }
}

/// A number that may be NaN or infinite, which JSON cannot say: then it is written as text.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Number(pub f64);

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0.is_finite() {
            true => serializer.serialize_f64(self.0),
            false => serializer.serialize_str(&self.0.to_string()),
        }
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            Number(f64),
            Text(String),
        }
        match Written::deserialize(deserializer)? {
            Written::Number(value) => Ok(Self(value)),
            Written::Text(text) => text.parse().map(Self).map_err(serde::de::Error::custom),
        }
    }
}

impl Record {
    /// The stage and the epoch of it to which the numbers belong.
    pub fn place(&self) -> (usize, usize) {
        match self {
            Self::Epoch(record) => (record.stage, record.epoch),
            Self::Evaluation(record) => (record.stage, record.epoch),
            Self::Stop { stage, epoch, .. } => (*stage, *epoch),
        }
    }

    /// The time that training took of it.
    pub(crate) fn train_seconds(&self) -> f64 {
        match self {
            Self::Epoch(record) => record.seconds,
            _ => 0.0,
        }
    }

    /// The numbers as evaluators see them in later epochs.
    pub fn past(&self) -> Vec<PastMetric> {
        let past = |stage, epoch, by: &str, split: &str, name: &str, value: Number| PastMetric {
            stage,
            epoch,
            by: by.to_owned(),
            split: split.to_owned(),
            name: name.to_owned(),
            value: value.0,
        };
        match self {
            Self::Epoch(record) => record
                .metrics
                .iter()
                .map(|(name, value)| past(record.stage, record.epoch, "", "", name, *value))
                .collect(),
            Self::Evaluation(record) => record
                .metrics
                .iter()
                .map(|metric| {
                    let (by, split) = (&record.evaluator, &metric.split);
                    past(record.stage, record.epoch, by, split, &metric.name, metric.value)
                })
                .collect(),
            Self::Stop { .. } => Vec::new(),
        }
    }

    /// The same line without what differs between equal runs: times.
    #[must_use]
    pub fn without_times(mut self) -> Self {
        match &mut self {
            Self::Epoch(record) => {
                (record.seconds, record.step_seconds, record.images_per_second) = (0.0, 0.0, 0.0);
            }
            Self::Evaluation(record) => record.seconds = 0.0,
            Self::Stop { .. } => {}
        }
        self
    }
}
