//! Pooling.

use super::convolution::some;
use super::{ImageDevice, Images};
use crate::kernels::pool::{PoolKind, Windows};
use dfdx::prelude::*;
use scant_abi::Result;

/// A pooling layer over square windows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pool {
    /// What a window becomes.
    pub kind: PoolKind,
    /// Rows and columns of a window.
    pub kernel: usize,
    /// Pixels from one window to the next.
    pub stride: usize,
    /// Pixels around the image: nothing for a maximum, zeros for a mean.
    pub padding: usize,
    /// Whether a last window that only begins inside the image counts.
    pub ceil: bool,
}

/// The maximum or mean of each window.
pub fn pool<D: ImageDevice, T: Tape<f32, D>>(x: Images<D, T>, layer: &Pool) -> Result<Images<D, T>> {
    let (n, c, height, width) = *x.shape();
    some("pool", n * c * height * width)?;
    let side = |size| Windows::sliding(size, layer.kernel, layer.stride, layer.padding, layer.ceil);
    let (rows, columns) = (side(height)?, side(width)?);
    D::pool(x, layer.kind, rows, columns)
}

/// The means of `to` (rows, columns) windows that together cover the image; (1, 1) is the global mean.
pub fn adaptive_average_pool<D: ImageDevice, T: Tape<f32, D>>(
    x: Images<D, T>,
    to: (usize, usize),
) -> Result<Images<D, T>> {
    let (n, c, height, width) = *x.shape();
    some("adaptive_average_pool", n * c * height * width)?;
    let (rows, columns) = (Windows::adaptive(height, to.0)?, Windows::adaptive(width, to.1)?);
    D::pool(x, PoolKind::Average, rows, columns)
}
