//! `classification`: the model's own scores against the true classes.

use scant_abi::{Component, Evaluation, Evaluator, Findings, Reading, Result, Setup};
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

    fn new(config: ClassificationConfig, _: &Setup) -> Result<Self> {
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
            let own = if self.0.probabilities {
                scores.values().to_vec()
            } else {
                softmax(scores.values(), scores.width())
            };
            report::add(&mut findings, evaluation, split, scores, &own)?;
        }
        Ok(findings)
    }
}
