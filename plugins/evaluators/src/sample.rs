//! What every evaluator does first: take an output's rows and their true classes out of a split.

use scant_abi::{Context, Error, Key, Metric, Result, Setup, Split};
use scant_nn::Rows;
use scant_nn::train::largest;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Some rows of one output, with their true classes.
pub(crate) struct Sample {
    values: Vec<f32>,
    width: usize,
    pub(crate) labels: Vec<i64>,
}

/// Which training labels a probe may use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ProbeLabels {
    /// Those that training was allowed to see.
    #[default]
    Labelled,
    /// All that the data set has, also where training saw none of them.
    All,
}

/// A split that a run may have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SplitName {
    /// What was trained on.
    Train,
    /// What `data.validation` holds back.
    Validation,
    /// What nobody trains on.
    #[default]
    Test,
}

impl SplitName {
    /// The name, as the engine has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Validation => "validation",
            Self::Test => "test",
        }
    }

    /// Refuses an evaluator that would not be shown this split, as far as it is known which it is shown.
    pub(crate) fn check(self, setup: &Setup) -> Result<()> {
        match setup.splits.is_empty() || setup.splits.iter().any(|split| split == self.as_str()) {
            true => Ok(()),
            false => Err(Error::config(format!(
                "it needs the split '{}' and is shown only {}: put it into `splits`",
                self.as_str(),
                setup.splits.join(", ")
            ))),
        }
    }
}

impl ProbeLabels {
    /// Refuses a run that shows a probe no sample to learn from: not the training split, or no label of it.
    pub(crate) fn check(self, setup: &Setup) -> Result<()> {
        SplitName::Train.check(setup)?;
        match self == Self::Labelled && setup.labelled == 0 {
            true => {
                Err(Error::config(format!("`data.labels` leaves no label that the probe may see: {REMEDY}")))
            }
            false => Ok(()),
        }
    }
}

const REMEDY: &str = "set labels = \"all\", or label some samples";

/// The rows of `output` in `split`, checked; the first `limit` of them where given.
pub(crate) fn rows<'a>(split: &'a Split, output: &str, limit: Option<usize>) -> Result<Rows<'a>> {
    let view = split.output(output)?;
    let what = || format!("output '{output}' of split '{}'", split.name);
    let rows = view.shape().rows().min(limit.unwrap_or(usize::MAX));
    let width = view.shape().row_len();
    if view.shape().len() < 2 || view.shape().rows() > split.labels.len() {
        return Err(Error::shape(format!(
            "{} has shape {:?}; wanted are rows of numbers, at most {} of them",
            what(),
            view.shape(),
            split.labels.len()
        )));
    }
    let values = view.f32().context(what)?;
    Rows::new(&values[..rows * width], width).context(what)
}

impl Sample {
    /// Those of `rows` at the places where `wanted` says so.
    pub(crate) fn of(rows: Rows, labels: &[i64], wanted: impl Fn(usize) -> bool) -> Self {
        let places: Vec<usize> = (0..rows.len()).filter(|&i| wanted(i)).collect();
        Self {
            values: places.iter().flat_map(|&i| rows.row(i)).copied().collect(),
            width: rows.width(),
            labels: places.iter().map(|&i| labels[i]).collect(),
        }
    }

    /// The rows of a probe's training: those of `split` whose classes it may know.
    pub(crate) fn for_probe(split: &Split, output: &str, labels: ProbeLabels) -> Result<Self> {
        let rows = rows(split, output, None)?;
        let known = |i: usize| split.labels[i] >= 0 && (labels == ProbeLabels::All || split.labelled[i]);
        let sample = Self::of(rows, &split.labels, known);
        if sample.labels.is_empty() {
            return Err(Error::config(format!(
                "split '{}' has no label that the probe may see: {REMEDY}",
                split.name
            )));
        }
        Ok(sample)
    }

    pub(crate) fn rows(&self) -> Result<Rows<'_>> {
        Rows::new(&self.values, self.width)
    }

    /// Two parts by chance: a share of the samples, and the rest.
    pub(crate) fn cut(&self, share: f64, key: Key) -> Result<(Self, Self)> {
        let rows = self.rows()?;
        let mut order: Vec<usize> = (0..rows.len()).collect();
        key.rng().shuffle(&mut order);
        let count = ((share * rows.len() as f64).round() as usize).min(rows.len());
        let mut chosen = vec![false; rows.len()];
        order[..count].iter().for_each(|&i| chosen[i] = true);
        Ok((Self::of(rows, &self.labels, |i| chosen[i]), Self::of(rows, &self.labels, |i| !chosen[i])))
    }
}

/// A metric of `split` of which more is better.
pub(crate) fn more_is_better(split: &Split, name: &str, value: f64) -> Metric {
    Metric { name: name.to_owned(), split: split.name.clone(), value, higher_is_better: Some(true) }
}

/// A metric of `split` of which less is better.
pub(crate) fn less_is_better(split: &Split, name: &str, value: f64) -> Metric {
    Metric { higher_is_better: Some(false), ..more_is_better(split, name, value) }
}

/// The largest of each row of scores, the first of equals.
pub(crate) fn argmax(scores: &[f32], classes: usize) -> Vec<i64> {
    scores.chunks_exact(classes.max(1)).map(|row| largest(row) as i64).collect()
}
