//! What a device must be able to do, beyond dfdx's own operations.

use super::{BatchNorm, Conv2d, ConvTranspose2d, NormMode};
use crate::kernels::Activation;
use crate::kernels::pool::{PoolKind, Windows};
use crate::kernels::rearrange::{Placement, Upsampling};
use crate::parameters::{RunningStatistics, Weight};
use dfdx::prelude::*;
use scant_abi::{Error, ErrorKind, Key, Result};

/// Images: (items, channels, rows, columns).
pub type Images<D, T = NoneTape> = Tensor<(usize, usize, usize, usize), f32, D, T>;
/// Rows: (items, features).
pub type Rows<D, T = NoneTape> = Tensor<(usize, usize), f32, D, T>;
/// A flat tensor.
pub type Flat<D, T = NoneTape> = Tensor<(usize,), f32, D, T>;
/// A single number.
pub type Scalar<D, T = NoneTape> = Tensor<(), f32, D, T>;

/// The gradients that an operation's backward pass computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// That of the input; the first layer of a network usually needs none.
    pub input: bool,
    /// Those of the weights; an adversarial pass needs none.
    pub weights: bool,
}

impl Wanted {
    /// Both.
    pub const ALL: Self = Self { input: true, weights: true };
    /// The input's alone.
    pub const INPUT: Self = Self { input: true, weights: false };
    /// The weights' alone.
    pub const WEIGHTS: Self = Self { input: false, weights: true };
}

/// A device for image operations. Call the functions of [`ops`](crate::ops), which check shapes first; these
/// methods are their device's part.
#[allow(missing_docs, reason = "each method is described at the function of the same name")]
pub trait ImageDevice: Device<f32> + Cache {
    /// The contract's error for a failure of this device.
    fn failed(error: Self::Err) -> Error {
        Error::new(ErrorKind::Unsupported, format!("the device failed: {error}"))
    }

    fn conv2d<T: Tape<f32, Self>>(
        x: Images<Self, T>,
        layer: &Conv2d,
        weight: &Weight<Self>,
        bias: Option<&Weight<Self>>,
        wanted: Wanted,
    ) -> Result<Images<Self, T>>;

    fn conv_transpose2d<T: Tape<f32, Self>>(
        x: Images<Self, T>,
        layer: &ConvTranspose2d,
        weight: &Weight<Self>,
        bias: Option<&Weight<Self>>,
        wanted: Wanted,
    ) -> Result<Images<Self, T>>;

    fn linear<T: Tape<f32, Self>>(
        x: Rows<Self, T>,
        outputs: usize,
        weight: &Weight<Self>,
        bias: Option<&Weight<Self>>,
        activation: Activation,
        wanted: Wanted,
    ) -> Result<Rows<Self, T>>;

    /// `extent` is (items, channels, pixels).
    #[allow(clippy::too_many_arguments)]
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
    ) -> Result<Tensor<S, f32, Self, T>>;

    fn activate<S: Shape, T: Tape<f32, Self>>(
        x: Tensor<S, f32, Self, T>,
        activation: Activation,
    ) -> Result<Tensor<S, f32, Self, T>>;

    fn add<S: Shape, T: Tape<f32, Self> + Merge<R>, R: Tape<f32, Self>>(
        x: Tensor<S, f32, Self, T>,
        y: Tensor<S, f32, Self, R>,
        activation: Activation,
    ) -> Result<Tensor<S, f32, Self, T>>;

    /// dfdx's own: a contiguous tensor keeps its values and even its identity.
    fn reshape<S: Shape, R: Shape, T: Tape<f32, Self>>(
        x: Tensor<S, f32, Self, T>,
        shape: R,
    ) -> Result<Tensor<R, f32, Self, T>> {
        x.try_reshape_like(&shape).map_err(Self::failed)
    }

    fn pool<T: Tape<f32, Self>>(
        x: Images<Self, T>,
        kind: PoolKind,
        rows: Windows,
        columns: Windows,
    ) -> Result<Images<Self, T>>;

    fn upsample<T: Tape<f32, Self>>(
        x: Images<Self, T>,
        method: Upsampling,
        to: (usize, usize),
    ) -> Result<Images<Self, T>>;

    fn place<T: Tape<f32, Self>>(
        x: Images<Self, T>,
        placement: Placement,
        background: Option<&Images<Self>>,
    ) -> Result<Images<Self, T>>;

    fn dropout<S: Shape, T: Tape<f32, Self>>(
        x: Tensor<S, f32, Self, T>,
        p: f32,
        key: Key,
    ) -> Result<Tensor<S, f32, Self, T>>;

    fn cross_entropy<T: Tape<f32, Self>>(
        logits: Rows<Self, T>,
        classes: &[usize],
        weights: Option<&[f32]>,
        factor: f32,
    ) -> Result<Scalar<Self, T>>;

    fn soft_cross_entropy<T: Tape<f32, Self>>(
        logits: Rows<Self, T>,
        target: &Rows<Self>,
        weights: Option<&[f32]>,
        factor: f32,
    ) -> Result<Scalar<Self, T>>;

    fn squared_error<S: Shape, T: Tape<f32, Self> + Merge<R>, R: Tape<f32, Self>>(
        x: Tensor<S, f32, Self, T>,
        target: Tensor<S, f32, Self, R>,
        factor: f32,
    ) -> Result<Scalar<Self, T>>;

    fn bce_with_logits<S: Shape, T: Tape<f32, Self>>(
        x: Tensor<S, f32, Self, T>,
        target: &Tensor<S, f32, Self>,
        factor: f32,
    ) -> Result<Scalar<Self, T>>;

    fn gaussian_kl<T: Tape<f32, Self> + Merge<R>, R: Tape<f32, Self>>(
        mean: Rows<Self, T>,
        log_variance: Rows<Self, R>,
        factor: f32,
    ) -> Result<Scalar<Self, T>>;

    fn softmax_kl<T: Tape<f32, Self> + Merge<R>, R: Tape<f32, Self>>(
        p: Rows<Self, R>,
        q: Rows<Self, T>,
        factor: f32,
    ) -> Result<Scalar<Self, T>>;

    /// Marks a tensor made by these operations as read by these operations only; see [`private`](super::private).
    fn private<S: Shape, T: Tape<f32, Self>>(x: Tensor<S, f32, Self, T>) -> Tensor<S, f32, Self, T> {
        x
    }
}
