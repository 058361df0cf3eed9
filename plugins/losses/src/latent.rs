//! What an embedding should look like.

use scant_abi::{Component, Loss, LossInput, LossValue, Model, Result, Setup};
use scant_nn::adapt::{Backend, differentiate_two, loss_on};
use scant_nn::dfdx::prelude::*;
use scant_nn::ops::{ImageDevice, Reduction, gaussian_kl};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Mean;

/// The distance of an embedding's distribution from the standard normal one.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct GaussianKlConfig {
    /// The output that is the distribution's mean.
    pub mean_output: String,
    /// The output that is the logarithm of its variance.
    pub log_variance_output: String,
    /// What the sum is divided by: values or images.
    pub mean: Mean,
}

impl Default for GaussianKlConfig {
    fn default() -> Self {
        Self {
            mean_output: "mean".to_owned(),
            log_variance_output: "log_variance".to_owned(),
            mean: Mean::Images,
        }
    }
}

/// `-1/2 sum (1 + v - m² - exp v)` with mean m and logarithm of the variance v: the second term of a VAE's loss.
pub struct GaussianKl(GaussianKlConfig);

impl Component for GaussianKl {
    const NAME: &'static str = "gaussian-kl";
    const SUMMARY: &'static str =
        "KL divergence of a normal distribution from the standard normal one (VAE).";
    type Config = GaussianKlConfig;

    fn new(config: GaussianKlConfig, setup: &Setup) -> Result<Self> {
        setup.output(&config.mean_output)?;
        setup.output(&config.log_variance_output)?;
        Ok(Self(config))
    }
}

impl Loss for GaussianKl {
    fn reads(&self) -> Vec<String> {
        vec![self.0.mean_output.clone(), self.0.log_variance_output.clone()]
    }

    fn evaluate(&mut self, input: &LossInput<'_>, _: &mut dyn Model) -> Result<LossValue> {
        let GaussianKlConfig { mean_output, log_variance_output, mean } = &self.0;
        let reduction: Reduction = (*mean).into();
        let (m, v) = (input.output(mean_output)?, input.output(log_variance_output)?);
        let (value, [of_mean, of_log_variance]) =
            differentiate_two(m, v, |m, v| gaussian_kl(m, v, reduction))?;
        Ok(LossValue {
            value,
            gradients: vec![
                input.gradient(mean_output, of_mean),
                input.gradient(log_variance_output, of_log_variance),
            ],
            ..LossValue::default()
        })
    }
}

macro_rules! penalty {
    ($loss:ident $config:ident $name:literal $summary:literal $formula:literal $x:ident => $sum:expr) => {
        #[doc = $summary]
        #[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
        #[serde(default, deny_unknown_fields)]
        pub struct $config {
            /// The output that is to be small.
            pub output: String,
        }

        impl Default for $config {
            fn default() -> Self {
                Self { output: "embedding".to_owned() }
            }
        }

        #[doc = $formula]
        pub struct $loss($config);

        impl Component for $loss {
            const NAME: &'static str = $name;
            const SUMMARY: &'static str = $summary;
            type Config = $config;

            fn new(config: $config, setup: &Setup) -> Result<Self> {
                setup.output(&config.output)?;
                Ok(Self(config))
            }
        }

        impl Loss for $loss {
            fn reads(&self) -> Vec<String> {
                vec![self.0.output.clone()]
            }

            fn evaluate(&mut self, input: &LossInput<'_>, _: &mut dyn Model) -> Result<LossValue> {
                let images = input.rows.len() as f32;
                loss_on::<(usize, usize)>(input, &self.0.output, |$x| {
                    let sum = $sum.and_then(|x| x.try_sum::<Rank0, _>());
                    sum.and_then(|sum| sum.try_div(images)).map_err(Backend::failed)
                })
            }
        }
    };
}

penalty! {
    L1 L1Config "l1" "Keeps few features of an output away from zero." "`sum |x|`, divided by the number of images."
    x => x.try_abs()
}

penalty! {
    L2 L2Config "l2" "Keeps the features of an output small." "`sum x²`, divided by the number of images."
    x => x.try_square()
}
