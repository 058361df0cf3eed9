//! How far a reconstruction is from the image.

use scant_abi::{Component, Error, Loss, LossInput, LossValue, Model, Result, Setup};
use scant_nn::adapt::{loss_on, tensor};
use scant_nn::ops::{bce_with_logits, mse};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Mean;

/// The squared error of a reconstruction.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct MseConfig {
    /// The output that is held against the target image.
    pub output: String,
    /// What the sum of squares is divided by: values or images.
    pub mean: Mean,
}

impl Default for MseConfig {
    fn default() -> Self {
        Self { output: "reconstruction".to_owned(), mean: Mean::Values }
    }
}

/// `sum (x - target)²`, divided by the number of values or of images.
pub struct Mse(MseConfig);

impl Component for Mse {
    const NAME: &'static str = "mse";
    const SUMMARY: &'static str = "Squared error between an output and the target image.";
    type Config = MseConfig;

    fn new(config: MseConfig, setup: &Setup) -> Result<Self> {
        check_size(setup, &config.output)?;
        Ok(Self(config))
    }
}

impl Loss for Mse {
    fn reads(&self) -> Vec<String> {
        vec![self.0.output.clone()]
    }

    fn evaluate(&mut self, input: &LossInput<'_>, _: &mut dyn Model) -> Result<LossValue> {
        let target = tensor(input.targets.images()?)?;
        loss_on::<(usize, usize)>(input, &self.0.output, |x| mse(x, target, self.0.mean.into()))
    }
}

/// The cross-entropy of a reconstruction's pixels.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct BceConfig {
    /// The output, before the sigmoid, that is held against the target image.
    pub output: String,
    /// What the sum is divided by: values or images.
    pub mean: Mean,
}

impl Default for BceConfig {
    fn default() -> Self {
        Self { output: "reconstruction_logits".to_owned(), mean: Mean::Values }
    }
}

/// `-sum (t log s(x) + (1 - t) log (1 - s(x)))` with the sigmoid s, divided by the number of values or of images.
pub struct Bce(BceConfig);

impl Component for Bce {
    const NAME: &'static str = "bce";
    const SUMMARY: &'static str =
        "Binary cross-entropy between an output before its sigmoid and the target image.";
    type Config = BceConfig;

    fn new(config: BceConfig, setup: &Setup) -> Result<Self> {
        check_size(setup, &config.output)?;
        Ok(Self(config))
    }
}

impl Loss for Bce {
    fn reads(&self) -> Vec<String> {
        vec![self.0.output.clone()]
    }

    fn evaluate(&mut self, input: &LossInput<'_>, _: &mut dyn Model) -> Result<LossValue> {
        let target = tensor(input.targets.images()?)?;
        loss_on::<(usize, usize)>(input, &self.0.output, |x| bce_with_logits(x, &target, self.0.mean.into()))
    }
}

/// Refuses an output that is not as large as the image which it is held against.
fn check_size(setup: &Setup, output: &str) -> Result<()> {
    let values: usize = setup.output(output)?.iter().product();
    let pixels: usize = setup.image.iter().product();
    match values == pixels {
        true => Ok(()),
        false => Err(Error::config(format!(
            "the output '{output}' has {values} values and an image {pixels}: it is no reconstruction"
        ))),
    }
}
