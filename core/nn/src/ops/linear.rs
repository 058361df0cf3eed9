//! Fully connected layers.

use super::convolution::some;
use super::{ImageDevice, Rows, Wanted};
use crate::kernels::Activation;
use crate::parameters::Weight;
use dfdx::prelude::*;
use scant_abi::Result;

/// `activation(x w^T + bias)` with weights (outputs, inputs).
pub fn linear<D: ImageDevice, T: Tape<f32, D>>(
    x: Rows<D, T>,
    outputs: usize,
    weight: &Weight<D>,
    bias: Option<&Weight<D>>,
    activation: Activation,
    wanted: Wanted,
) -> Result<Rows<D, T>> {
    let (rows, inputs) = *x.shape();
    some("linear", rows * inputs * outputs)?;
    weight.check("linear's weights", inputs * outputs)?;
    bias.map_or(Ok(()), |b| b.check("linear's bias", outputs))?;
    D::linear(x, outputs, weight, bias, activation, wanted)
}
