//! `classification`: the model's own scores against the true classes.

use scant_abi::{Component, Error, Evaluation, Evaluator, Findings, Reading, Result, Setup, Split};
use scant_nn::Rows;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::metrics::softmax;
use crate::report;
use crate::sample::rows;

/// Settings of `classification`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ClassificationConfig {
    /// The output with one score for each class.
    pub on: String,
    /// The scores are probabilities already; otherwise they are logits.
    pub probabilities: bool,
}

impl Default for ClassificationConfig {
    fn default() -> Self {
        Self { on: "logits".to_owned(), probabilities: false }
    }
}

/// `classification`: accuracy, precision, recall, F1, calibration and confusion on every split.
#[derive(Clone, Debug)]
pub struct Classification(ClassificationConfig);

impl Component for Classification {
    const NAME: &'static str = "classification";
    const SUMMARY: &'static str =
        "Accuracy, precision, recall, F1, calibration and confusion of the model's own scores.";
    type Config = ClassificationConfig;

    fn new(config: ClassificationConfig, setup: &Setup) -> Result<Self> {
        // What trainer and losses add to the model's outputs is not known here.
        if let Some(output) = setup.outputs.iter().find(|output| output.name == config.on) {
            check_width(&config.on, output.dims.iter().product(), setup.classes)?;
        }
        Ok(Self(config))
    }
}

impl Evaluator for Classification {
    fn reads(&self) -> Vec<Reading> {
        vec![Reading { output: self.0.on.clone(), rows: None }]
    }

    fn evaluate(&mut self, evaluation: &Evaluation) -> Result<Findings> {
        let mut findings = Findings::default();
        for split in &evaluation.splits {
            let scores = rows(split, &self.0.on, None)?;
            check_width(&self.0.on, scores.width(), evaluation.classes.len())?;
            let own = if self.0.probabilities {
                self.check_probabilities(split, scores)?;
                scores.values().to_vec()
            } else {
                softmax(scores.values(), scores.width())
            };
            report::add(&mut findings, evaluation, split, scores, &own)?;
        }
        Ok(findings)
    }
}

impl Classification {
    /// Refuses rows that are no shares of 1: of logits everything but the calibration would still look right.
    fn check_probabilities(&self, split: &Split, scores: Rows) -> Result<()> {
        let is_none = |row: &[f32]| {
            row.iter().any(|share| *share < 0.0) || (row.iter().sum::<f32>() - 1.0).abs() > 1e-3
        };
        match scores.iter().enumerate().find(|(_, row)| is_none(row)) {
            Some((sample, row)) => Err(Error::config(format!(
                "output '{}' of split '{}': the numbers of sample {sample} are no probabilities: the least is {}, their \
                 sum {}; of logits, say probabilities = false",
                self.0.on,
                split.name,
                row.iter().copied().fold(f32::INFINITY, f32::min),
                row.iter().sum::<f32>()
            ))),
            None => Ok(()),
        }
    }
}

fn check_width(output: &str, width: usize, classes: usize) -> Result<()> {
    match width == classes {
        true => Ok(()),
        false => Err(Error::config(format!(
            "on: '{output}' has {width} numbers for each sample, and there are {classes} classes; name an output with \
             one score for each class"
        ))),
    }
}
