//! Losses that are no method's own.

mod classify;
mod latent;
mod reconstruct;

use scant_nn::ops::Reduction;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use classify::{CrossEntropy, CrossEntropyConfig};
pub use latent::{GaussianKl, GaussianKlConfig, L1, L1Config, L2, L2Config};
pub use reconstruct::{Bce, BceConfig, Mse, MseConfig};

/// What a sum over all values is divided by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Mean {
    /// The number of values: the mean over images and pixels.
    #[default]
    Values,
    /// The number of images: each counts with the sum over its pixels.
    Images,
}

impl From<Mean> for Reduction {
    fn from(mean: Mean) -> Self {
        match mean {
            Mean::Values => Self::Values,
            Mean::Images => Self::Items,
        }
    }
}

scant_abi::plugin! {
    loss Mse,
    loss Bce,
    loss CrossEntropy,
    loss GaussianKl,
    loss L1,
    loss L2,
}
