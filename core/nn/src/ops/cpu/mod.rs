//! The operations on dfdx's CPU device, over the kernels of this crate.

mod convolution;
mod elementwise;
mod losses;
mod norm;
mod spatial;

use super::{BatchNorm, Conv2d, ConvTranspose2d, ImageDevice, Images, NormMode, Rows, Scalar, Wanted, tape};
use crate::kernels::Activation;
use crate::kernels::losses::Target;
use crate::kernels::pool::{PoolKind, Windows};
use crate::kernels::rearrange::{Placement, Upsampling};
use crate::parameters::{RunningStatistics, Weight};
use dfdx::prelude::*;
use scant_abi::{Error, Key, Result};

/// The same tensor with its values in order, without its tape; and the tape.
fn split<S: Shape, T: Tape<f32, Cpu>>(x: Tensor<S, f32, Cpu, T>) -> Result<(Tensor<S, f32, Cpu>, T)> {
    Ok(x.try_contiguous().map_err(Cpu::failed)?.split_tape())
}

impl ImageDevice for Cpu {
    fn failed(error: CpuError) -> Error {
        Error::new(scant_abi::ErrorKind::Unsupported, format!("the CPU's memory: {error}"))
    }

    fn conv2d<T: Tape<f32, Self>>(
        x: Images<Self, T>,
        layer: &Conv2d,
        weight: &Weight<Self>,
        bias: Option<&Weight<Self>>,
        wanted: Wanted,
    ) -> Result<Images<Self, T>> {
        convolution::conv2d(x, layer, weight, bias, wanted)
    }

    fn conv_transpose2d<T: Tape<f32, Self>>(
        x: Images<Self, T>,
        layer: &ConvTranspose2d,
        weight: &Weight<Self>,
        bias: Option<&Weight<Self>>,
        wanted: Wanted,
    ) -> Result<Images<Self, T>> {
        convolution::conv_transpose2d(x, layer, weight, bias, wanted)
    }

    fn linear<T: Tape<f32, Self>>(
        x: Rows<Self, T>,
        outputs: usize,
        weight: &Weight<Self>,
        bias: Option<&Weight<Self>>,
        activation: Activation,
        wanted: Wanted,
    ) -> Result<Rows<Self, T>> {
        convolution::linear(x, outputs, weight, bias, activation, wanted)
    }

    fn batch_norm<S: Shape, T: Tape<f32, Self> + Merge<R>, R: Tape<f32, Self>>(
        x: Tensor<S, f32, Self, T>,
        extent: (usize, usize, usize),
        layer: &BatchNorm,
        gain: &Weight<Self>,
        bias: &Weight<Self>,
        running: &RunningStatistics<Self>,
        mode: NormMode,
        add: Option<Tensor<S, f32, Self, R>>,
        wanted: Wanted,
    ) -> Result<Tensor<S, f32, Self, T>> {
        norm::batch_norm(x, extent, layer, (gain, bias), running, mode, add, wanted)
    }

    fn activate<S: Shape, T: Tape<f32, Self>>(
        x: Tensor<S, f32, Self, T>,
        activation: Activation,
    ) -> Result<Tensor<S, f32, Self, T>> {
        elementwise::activate(x, activation)
    }

    fn add<S: Shape, T: Tape<f32, Self> + Merge<R>, R: Tape<f32, Self>>(
        x: Tensor<S, f32, Self, T>,
        y: Tensor<S, f32, Self, R>,
        activation: Activation,
    ) -> Result<Tensor<S, f32, Self, T>> {
        elementwise::add(x, y, activation)
    }

    fn pool<T: Tape<f32, Self>>(
        x: Images<Self, T>,
        kind: PoolKind,
        rows: Windows,
        columns: Windows,
    ) -> Result<Images<Self, T>> {
        spatial::pool(x, kind, rows, columns)
    }

    fn upsample<T: Tape<f32, Self>>(
        x: Images<Self, T>,
        method: Upsampling,
        to: (usize, usize),
    ) -> Result<Images<Self, T>> {
        spatial::upsample(x, method, to)
    }

    fn place<T: Tape<f32, Self>>(
        x: Images<Self, T>,
        placement: Placement,
        background: Option<&Images<Self>>,
    ) -> Result<Images<Self, T>> {
        spatial::place(x, placement, background)
    }

    fn dropout<S: Shape, T: Tape<f32, Self>>(
        x: Tensor<S, f32, Self, T>,
        p: f32,
        key: Key,
    ) -> Result<Tensor<S, f32, Self, T>> {
        elementwise::dropout(x, p, key)
    }

    fn cross_entropy<T: Tape<f32, Self>>(
        logits: Rows<Self, T>,
        classes: &[usize],
        weights: Option<&[f32]>,
        factor: f32,
    ) -> Result<Scalar<Self, T>> {
        losses::cross_entropy(logits, Target::Classes(classes), weights, factor)
    }

    fn soft_cross_entropy<T: Tape<f32, Self>>(
        logits: Rows<Self, T>,
        target: &Rows<Self>,
        weights: Option<&[f32]>,
        factor: f32,
    ) -> Result<Scalar<Self, T>> {
        let target = target.clone().try_contiguous().map_err(Self::failed)?;
        losses::cross_entropy(logits, Target::Soft(tape::slice(&target)), weights, factor)
    }

    fn squared_error<S: Shape, T: Tape<f32, Self> + Merge<R>, R: Tape<f32, Self>>(
        x: Tensor<S, f32, Self, T>,
        target: Tensor<S, f32, Self, R>,
        factor: f32,
    ) -> Result<Scalar<Self, T>> {
        losses::squared_error(x, target, factor)
    }

    fn bce_with_logits<S: Shape, T: Tape<f32, Self>>(
        x: Tensor<S, f32, Self, T>,
        target: &Tensor<S, f32, Self>,
        factor: f32,
    ) -> Result<Scalar<Self, T>> {
        losses::bce_with_logits(x, target, factor)
    }

    fn gaussian_kl<T: Tape<f32, Self> + Merge<R>, R: Tape<f32, Self>>(
        mean: Rows<Self, T>,
        log_variance: Rows<Self, R>,
        factor: f32,
    ) -> Result<Scalar<Self, T>> {
        losses::gaussian_kl(mean, log_variance, factor)
    }

    fn softmax_kl<T: Tape<f32, Self> + Merge<R>, R: Tape<f32, Self>>(
        p: Rows<Self, R>,
        q: Rows<Self, T>,
        factor: f32,
    ) -> Result<Scalar<Self, T>> {
        losses::softmax_kl(p, q, factor)
    }

    fn private<S: Shape, T: Tape<f32, Self>>(x: Tensor<S, f32, Self, T>) -> Tensor<S, f32, Self, T> {
        tape::mark_private(&x);
        x
    }
}
