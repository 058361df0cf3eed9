//! Convolutions and their mirrors, with bias and activation in the same pass.

use super::{ImageDevice, Images, Wanted};
use crate::kernels::Activation;
use crate::kernels::convolution::{ConvShape, Convolution};
use crate::parameters::Weight;
use dfdx::prelude::*;
use scant_abi::{Error, Result};

/// A convolution layer; weights are (output channels, channels / groups, rows, columns).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Conv2d {
    /// Channels of the output.
    pub out_channels: usize,
    /// Rows and columns of the kernel.
    pub kernel: (usize, usize),
    /// Stride, padding, dilation, groups.
    pub walk: Convolution,
    /// What happens to the sums.
    pub activation: Activation,
}

/// A transposed convolution layer; weights are (channels, output channels / groups, rows, columns).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ConvTranspose2d {
    /// Channels of the output.
    pub out_channels: usize,
    /// Rows and columns of the kernel.
    pub kernel: (usize, usize),
    /// Stride, padding, dilation, groups of the convolution that this mirrors.
    pub walk: Convolution,
    /// Rows and columns added at the far ends, to tell apart the sizes that a stride maps to one.
    pub output_padding: usize,
    /// What happens to the sums.
    pub activation: Activation,
}

impl Conv2d {
    /// All sizes for images of this shape.
    pub fn shape(&self, input: (usize, usize, usize, usize)) -> Result<ConvShape> {
        ConvShape::new(input, self.out_channels, self.kernel, self.walk)
    }
}

impl ConvTranspose2d {
    /// The convolution that this layer mirrors, for images of this shape: its input is this layer's output.
    pub fn shape(&self, input: (usize, usize, usize, usize)) -> Result<ConvShape> {
        ConvShape::mirrored(input, self.out_channels, self.kernel, self.walk, self.output_padding)
    }
}

/// Convolution, bias and activation.
pub fn conv2d<D: ImageDevice, T: Tape<f32, D>>(
    x: Images<D, T>,
    layer: &Conv2d,
    weight: &Weight<D>,
    bias: Option<&Weight<D>>,
    wanted: Wanted,
) -> Result<Images<D, T>> {
    let shape = layer.shape(*x.shape())?;
    some("conv2d", shape.input_len())?;
    weight.check("conv2d's weights", shape.weight_len())?;
    bias.map_or(Ok(()), |b| b.check("conv2d's bias", layer.out_channels))?;
    D::conv2d(x, layer, weight, bias, wanted)
}

/// Transposed convolution, bias and activation.
pub fn conv_transpose2d<D: ImageDevice, T: Tape<f32, D>>(
    x: Images<D, T>,
    layer: &ConvTranspose2d,
    weight: &Weight<D>,
    bias: Option<&Weight<D>>,
    wanted: Wanted,
) -> Result<Images<D, T>> {
    let shape = layer.shape(*x.shape())?;
    some("conv_transpose2d", shape.output_len())?;
    weight.check("conv_transpose2d's weights", shape.weight_len())?;
    bias.map_or(Ok(()), |b| b.check("conv_transpose2d's bias", layer.out_channels))?;
    D::conv_transpose2d(x, layer, weight, bias, wanted)
}

pub(super) fn some(what: &str, len: usize) -> Result<()> {
    if len == 0 { Err(Error::shape(format!("{what}: the input is empty"))) } else { Ok(()) }
}
