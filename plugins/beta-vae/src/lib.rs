//! β-VAEs with a fixed or cyclically annealed β (source 003; Higgins et al., 2017; Fu et al., 2019).

use scant_abi::{Change, Component, Loss, LossInput, LossValue, Model, Result, Schedule, Setup};
use scant_nn::adapt::{differentiate_two, loss_on, tensor};
use scant_nn::ops::{Reduction, bce_with_logits, gaussian_kl, mse};
use scant_nn::train::check_weights;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

const MEAN: &str = "mean";
const LOG_VARIANCE: &str = "log_variance";

/// How a reconstruction is held against the image.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Reconstruction {
    /// Binary cross-entropy of each pixel, from the output `reconstruction_logits`.
    #[default]
    Bce,
    /// Squared error of each pixel, from the output `reconstruction`.
    Mse,
}

impl Reconstruction {
    fn output(self) -> &'static str {
        match self {
            Self::Bce => "reconstruction_logits",
            Self::Mse => "reconstruction",
        }
    }
}

/// What a β-VAE makes small.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct BetaVaeConfig {
    /// How much the divergence counts: a number, or a schedule; by default the thesis' cycles from 0 to 1.5.
    #[schemars(extend("minimum" = 0))]
    pub beta: Schedule,
    /// How a reconstruction is held against the image: bce or mse, the sum over an image's pixels.
    pub reconstruction: Reconstruction,
}

impl Default for BetaVaeConfig {
    fn default() -> Self {
        let cycles = Change::Cyclical { from: 0.0, to: 1.5, period: 40.0, ramp: 0.75 };
        Self { beta: Schedule::Changing(cycles), reconstruction: Reconstruction::Bce }
    }
}

/// The objective of a β-VAE: the reconstruction's error plus β times the embedding's divergence from a standard normal.
pub struct BetaVae(BetaVaeConfig);

impl Component for BetaVae {
    const NAME: &'static str = "beta-vae";
    const SUMMARY: &'static str =
        "The β-VAE's objective: reconstruction plus β times KL, β fixed or annealed.";
    type Config = BetaVaeConfig;

    fn new(config: BetaVaeConfig, setup: &Setup) -> Result<Self> {
        check_weights("beta", &config.beta)?;
        for output in [config.reconstruction.output(), MEAN, LOG_VARIANCE] {
            setup.output(output)?;
        }
        Ok(Self(config))
    }
}

impl Loss for BetaVae {
    fn reads(&self) -> Vec<String> {
        [self.0.reconstruction.output(), MEAN, LOG_VARIANCE].map(str::to_owned).to_vec()
    }

    fn evaluate(&mut self, input: &LossInput<'_>, _: &mut dyn Model) -> Result<LossValue> {
        let beta = self.0.beta.at(&input.clock) as f32;
        let target = tensor::<(usize, usize)>(input.targets.images()?)?;
        let name = self.0.reconstruction.output();
        let LossValue { value: reconstruction, mut gradients, .. } =
            loss_on(input, name, |x| match self.0.reconstruction {
                Reconstruction::Bce => bce_with_logits(x, &target, Reduction::Items),
                Reconstruction::Mse => mse(x, target, Reduction::Items),
            })?;
        let (divergence, of_outputs) =
            differentiate_two(input.output(MEAN)?, input.output(LOG_VARIANCE)?, |mean, log_variance| {
                gaussian_kl(mean, log_variance, Reduction::Items)
            })?;
        for (name, gradient) in [MEAN, LOG_VARIANCE].into_iter().zip(of_outputs) {
            let mut gradient = input.gradient(name, gradient);
            gradient.weight *= beta;
            gradients.push(gradient);
        }
        let parts = [("reconstruction", reconstruction), ("kl", divergence), ("beta", beta)];
        Ok(LossValue {
            value: reconstruction + beta * divergence,
            parts: parts.map(|(name, value)| (name.to_owned(), value)).to_vec(),
            gradients,
            ..LossValue::default()
        })
    }
}

scant_abi::plugin! {
    loss BetaVae,
}
