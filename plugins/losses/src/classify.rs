//! How far a classifier is from the classes.

use scant_abi::{Component, Loss, LossInput, LossValue, Model, Result, Setup};
use scant_nn::adapt::{loss_on, tensor};
use scant_nn::ops::{Reduction, soft_cross_entropy};
use scant_nn::train;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The cross-entropy of a classifier.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CrossEntropyConfig {
    /// The output that holds one number for each class.
    pub output: String,
}

impl Default for CrossEntropyConfig {
    fn default() -> Self {
        Self { output: "logits".to_owned() }
    }
}

/// `-sum t log softmax(x)`, the mean over the rows: against distributions where the trainer gives them, else against
/// labels, of which unknown ones do not count.
pub struct CrossEntropy(CrossEntropyConfig);

impl Component for CrossEntropy {
    const NAME: &'static str = "cross-entropy";
    const SUMMARY: &'static str = "Softmax cross-entropy against labels or distributions.";
    type Config = CrossEntropyConfig;

    fn new(config: CrossEntropyConfig, setup: &Setup) -> Result<Self> {
        setup.output(&config.output)?;
        Ok(Self(config))
    }
}

impl Loss for CrossEntropy {
    fn reads(&self) -> Vec<String> {
        vec![self.0.output.clone()]
    }

    fn evaluate(&mut self, input: &LossInput<'_>, _: &mut dyn Model) -> Result<LossValue> {
        match input.targets.soft {
            Some(soft) => {
                let target = tensor(soft)?;
                let weights = input.targets.weights;
                loss_on(input, &self.0.output, |x| soft_cross_entropy(x, &target, weights, Reduction::Items))
            }
            None => train::cross_entropy(input, &self.0.output),
        }
    }
}
