//! Batch normalisation, with a second summand and the activation in the same pass.

use super::activation::same_shape;
use super::convolution::some;
use super::{ImageDevice, Wanted};
use crate::kernels::Activation;
use crate::parameters::{RunningStatistics, Weight};
use dfdx::prelude::*;
use scant_abi::{Error, Result};

/// A batch norm layer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BatchNorm {
    /// Added to the variance.
    pub epsilon: f32,
    /// Share of the batch in the new running statistics.
    pub momentum: f32,
    /// What happens to the normalised values.
    pub activation: Activation,
}

impl Default for BatchNorm {
    fn default() -> Self {
        Self { epsilon: 1e-5, momentum: 0.1, activation: Activation::Identity }
    }
}

/// Which statistics normalise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NormMode {
    /// The batch's own, which also move the running ones.
    Train,
    /// The batch's own; the running ones stay as they are.
    TrainFrozen,
    /// The running ones.
    Eval,
}

/// Batch norm over images (items, channels, rows, columns) or rows (items, features): normalises each channel,
/// scales and shifts it, adds `add` where given, and applies the activation.
#[allow(clippy::too_many_arguments)]
pub fn batch_norm<D: ImageDevice, S: Shape, T: Tape<f32, D> + Merge<R>, R: Tape<f32, D>>(
    x: Tensor<S, f32, D, T>,
    layer: &BatchNorm,
    gain: &Weight<D>,
    bias: &Weight<D>,
    running: &RunningStatistics<D>,
    mode: NormMode,
    add: Option<Tensor<S, f32, D, R>>,
    wanted: Wanted,
) -> Result<Tensor<S, f32, D, T>> {
    let sizes: Vec<usize> = x.shape().concrete().into();
    let [batch, channels, pixels @ ..] = sizes.as_slice() else {
        return Err(Error::shape(format!("batch_norm needs items and channels, not {sizes:?}")));
    };
    let extent = (*batch, *channels, pixels.iter().product());
    some("batch_norm", sizes.iter().product())?;
    if mode != NormMode::Eval && extent.0 * extent.2 < 2 {
        return Err(Error::shape("batch_norm: one value a channel has no variance to train on"));
    }
    for (what, part) in [("mean", &running.mean), ("variance", &running.variance)] {
        if part.len() != extent.1 || part.end > running.buffer.len() {
            return Err(Error::shape(format!(
                "batch_norm: the running {what} at {part:?} does not fit {} channels in a buffer of {}",
                extent.1,
                running.buffer.len()
            )));
        }
    }
    gain.check("batch_norm's gain", extent.1)?;
    bias.check("batch_norm's bias", extent.1)?;
    if let Some(add) = &add {
        same_shape("batch_norm's summand", x.shape(), add.shape())?;
    }
    D::batch_norm(x, extent, layer, gain, bias, running, mode, add, wanted)
}
