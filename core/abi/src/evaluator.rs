//! Evaluators: outputs and true labels in, numbers and pictures out.

use serde::{Deserialize, Serialize};

use crate::{Error, Key, Result, Tensor, TensorView};

/// The name under which an evaluator asks for the images themselves.
pub const INPUT: &str = "input";

/// An output that an evaluator reads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reading {
    /// The output's name, or [`INPUT`].
    pub output: String,
    /// The number of rows of each split that suffice; all where absent.
    pub rows: Option<usize>,
}

/// One split of the data, run through the model.
#[derive(Debug)]
pub struct Split {
    /// `train`, `validation` or `test`.
    pub name: String,
    /// The true classes; -1 where the data set has none.
    pub labels: Vec<i64>,
    /// Whether training was allowed to see the label of each row.
    pub labelled: Vec<bool>,
    /// The outputs by name; each covers the first rows of the split, as many as were asked for.
    pub outputs: Vec<(String, Tensor)>,
}

impl Split {
    /// The output called `name`.
    pub fn output(&self, name: &str) -> Result<TensorView<'_>> {
        self.outputs.iter().find(|(n, _)| n == name).map(|(_, tensor)| tensor.view()).ok_or_else(|| {
            let known: Vec<&str> = self.outputs.iter().map(|(n, _)| n.as_str()).collect();
            Error::config(format!(
                "split '{}' has no output '{name}'; it has {}",
                self.name,
                known.join(", ")
            ))
        })
    }
}

/// A metric as it was at the end of an epoch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PastMetric {
    /// The stage, from 0.
    pub stage: usize,
    /// The epoch of the stage, from 0.
    pub epoch: usize,
    /// The label of the evaluator that found it, empty for what training itself reported.
    pub by: String,
    /// The split, empty for what training itself reported.
    pub split: String,
    /// The metric's name.
    pub name: String,
    /// Its value.
    pub value: f64,
}

/// What an evaluator judges.
#[derive(Debug)]
pub struct Evaluation {
    /// The splits, run through the model.
    pub splits: Vec<Split>,
    /// The names of the classes.
    pub classes: Vec<String>,
    /// All metrics of earlier epochs, oldest first.
    pub history: Vec<PastMetric>,
    /// The randomness of this evaluation; the same for every method compared.
    pub key: Key,
}

impl Evaluation {
    /// The split called `name`.
    pub fn split(&self, name: &str) -> Result<&Split> {
        self.splits.iter().find(|split| split.name == name).ok_or_else(|| {
            let known: Vec<&str> = self.splits.iter().map(|split| split.name.as_str()).collect();
            Error::config(format!("there is no split '{name}'; there are {}", known.join(", ")))
        })
    }
}

/// A number that an evaluator found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Metric {
    /// Its name: `top-1`, `nmi`, ...
    pub name: String,
    /// The split it was found on.
    pub split: String,
    /// The number.
    pub value: f64,
    /// Whether more is better; nothing where neither is better, so that nobody wins by it.
    pub higher_is_better: Option<bool>,
}

/// Something to look at.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Artefact {
    /// Its name: letters, digits and hyphens; it becomes a file's name.
    pub name: String,
    /// One line that says what is seen.
    pub caption: String,
    /// What it is.
    pub content: Content,
}

/// What an artefact shows; reports draw each kind in their own way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Content {
    /// Rows under column headings.
    Table {
        /// The headings.
        columns: Vec<String>,
        /// The cells, row by row.
        rows: Vec<Vec<String>>,
    },
    /// Counts of true class (row) against said class (column).
    Confusion {
        /// The names of the classes.
        classes: Vec<String>,
        /// The counts, row by row.
        counts: Vec<Vec<u64>>,
    },
    /// Points on a plane, coloured by class.
    Scatter {
        /// The names of the classes.
        classes: Vec<String>,
        /// The points.
        points: Vec<[f32; 2]>,
        /// The class of each point; -1 where it has none.
        labels: Vec<i64>,
    },
    /// One bar for each name.
    Bars {
        /// The names.
        names: Vec<String>,
        /// The heights.
        values: Vec<f64>,
    },
    /// A line through points, and perhaps its line of best fit.
    Curve {
        /// The name of the x axis.
        x_name: String,
        /// The name of the y axis.
        y_name: String,
        /// The points.
        points: Vec<[f64; 2]>,
        /// Slope and intercept of the line of best fit.
        fit: Option<[f64; 2]>,
    },
    /// A picture in PNG format.
    Picture {
        /// The file's bytes.
        png: Vec<u8>,
    },
}

/// What an evaluator found.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Findings {
    /// Numbers.
    pub metrics: Vec<Metric>,
    /// Things to look at.
    pub artefacts: Vec<Artefact>,
    /// The class that was said for each row of a split, where the evaluator says one; kept for paired tests.
    pub predictions: Vec<(String, Vec<i64>)>,
}

/// Judges a model by its outputs.
pub trait Evaluator {
    /// The outputs it reads.
    fn reads(&self) -> Vec<Reading>;

    /// What it finds.
    fn evaluate(&mut self, evaluation: &Evaluation) -> Result<Findings>;
}
