//! The operations on NVIDIA GPUs: all composed of dfdx's own.

use super::composed;
use super::{BatchNorm, Conv2d, ConvTranspose2d, ImageDevice, Images, NormMode, Rows, Scalar, Wanted};
use crate::kernels::Activation;
use crate::kernels::pool::{PoolKind, Windows};
use crate::kernels::rearrange::{Placement, Upsampling};
use crate::parameters::{RunningStatistics, Weight};
use dfdx::prelude::*;
use scant_abi::{Error, ErrorKind, Key, Result};

impl ImageDevice for Cuda {
    fn failed(error: CudaError) -> Error {
        Error::new(ErrorKind::Unsupported, format!("the CUDA device failed: {error:?}"))
    }

    fn conv2d<T: Tape<f32, Self>>(
        x: Images<Self, T>,
        layer: &Conv2d,
        weight: &Weight<Self>,
        bias: Option<&Weight<Self>>,
        wanted: Wanted,
    ) -> Result<Images<Self, T>> {
        let shape = layer.shape(*x.shape())?;
        composed::conv2d(x, &shape, weight, bias, layer.activation, wanted).map_err(Self::failed)
    }

    fn conv_transpose2d<T: Tape<f32, Self>>(
        x: Images<Self, T>,
        layer: &ConvTranspose2d,
        weight: &Weight<Self>,
        bias: Option<&Weight<Self>>,
        wanted: Wanted,
    ) -> Result<Images<Self, T>> {
        let shape = layer.shape(*x.shape())?;
        composed::conv_transpose2d(x, &shape, weight, bias, layer.activation, wanted).map_err(Self::failed)
    }

    fn linear<T: Tape<f32, Self>>(
        x: Rows<Self, T>,
        outputs: usize,
        weight: &Weight<Self>,
        bias: Option<&Weight<Self>>,
        activation: Activation,
        wanted: Wanted,
    ) -> Result<Rows<Self, T>> {
        composed::linear(x, outputs, weight, bias, activation, wanted).map_err(Self::failed)
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
        composed::batch_norm(x, extent, layer, (gain, bias), running, mode, add, wanted).map_err(Self::failed)
    }

    fn activate<S: Shape, T: Tape<f32, Self>>(
        x: Tensor<S, f32, Self, T>,
        activation: Activation,
    ) -> Result<Tensor<S, f32, Self, T>> {
        composed::activate(x, activation).map_err(Self::failed)
    }

    fn add<S: Shape, T: Tape<f32, Self> + Merge<R>, R: Tape<f32, Self>>(
        x: Tensor<S, f32, Self, T>,
        y: Tensor<S, f32, Self, R>,
        activation: Activation,
    ) -> Result<Tensor<S, f32, Self, T>> {
        composed::add(x, y, activation).map_err(Self::failed)
    }

    fn pool<T: Tape<f32, Self>>(
        x: Images<Self, T>,
        kind: PoolKind,
        rows: Windows,
        columns: Windows,
    ) -> Result<Images<Self, T>> {
        composed::pool(x, kind, &rows, &columns).map_err(Self::failed)
    }

    fn upsample<T: Tape<f32, Self>>(
        x: Images<Self, T>,
        method: Upsampling,
        to: (usize, usize),
    ) -> Result<Images<Self, T>> {
        composed::upsample(x, method, to).map_err(Self::failed)
    }

    fn place<T: Tape<f32, Self>>(
        x: Images<Self, T>,
        placement: Placement,
        background: Option<&Images<Self>>,
    ) -> Result<Images<Self, T>> {
        composed::place(x, &placement, background).map_err(Self::failed)
    }

    fn dropout<S: Shape, T: Tape<f32, Self>>(
        x: Tensor<S, f32, Self, T>,
        p: f32,
        key: Key,
    ) -> Result<Tensor<S, f32, Self, T>> {
        composed::dropout(x, p, key).map_err(Self::failed)
    }

    fn cross_entropy<T: Tape<f32, Self>>(
        logits: Rows<Self, T>,
        classes: &[usize],
        weights: Option<&[f32]>,
        factor: f32,
    ) -> Result<Scalar<Self, T>> {
        composed::cross_entropy(logits, classes, weights, factor).map_err(Self::failed)
    }

    fn soft_cross_entropy<T: Tape<f32, Self>>(
        logits: Rows<Self, T>,
        target: &Rows<Self>,
        weights: Option<&[f32]>,
        factor: f32,
    ) -> Result<Scalar<Self, T>> {
        composed::soft_cross_entropy(logits, target, weights, factor).map_err(Self::failed)
    }

    fn squared_error<S: Shape, T: Tape<f32, Self> + Merge<R>, R: Tape<f32, Self>>(
        x: Tensor<S, f32, Self, T>,
        target: Tensor<S, f32, Self, R>,
        factor: f32,
    ) -> Result<Scalar<Self, T>> {
        composed::squared_error(x, target, factor).map_err(Self::failed)
    }

    fn bce_with_logits<S: Shape, T: Tape<f32, Self>>(
        x: Tensor<S, f32, Self, T>,
        target: &Tensor<S, f32, Self>,
        factor: f32,
    ) -> Result<Scalar<Self, T>> {
        composed::bce_with_logits(x, target, factor).map_err(Self::failed)
    }

    fn gaussian_kl<T: Tape<f32, Self> + Merge<R>, R: Tape<f32, Self>>(
        mean: Rows<Self, T>,
        log_variance: Rows<Self, R>,
        factor: f32,
    ) -> Result<Scalar<Self, T>> {
        composed::gaussian_kl(mean, log_variance, factor).map_err(Self::failed)
    }

    fn softmax_kl<T: Tape<f32, Self> + Merge<R>, R: Tape<f32, Self>>(
        p: Rows<Self, R>,
        q: Rows<Self, T>,
        factor: f32,
    ) -> Result<Scalar<Self, T>> {
        composed::softmax_kl(p, q, factor).map_err(Self::failed)
    }
}
