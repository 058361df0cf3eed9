//! Elementwise operations.

use super::ImageDevice;
use crate::kernels::Activation;
use dfdx::prelude::*;
use scant_abi::{Error, Result};

/// The activation of each value.
pub fn activate<D: ImageDevice, S: Shape, T: Tape<f32, D>>(
    x: Tensor<S, f32, D, T>,
    activation: Activation,
) -> Result<Tensor<S, f32, D, T>> {
    D::activate(x, activation)
}

/// `activation(x + y)`: the end of a residual block.
pub fn add<D: ImageDevice, S: Shape, T: Tape<f32, D> + Merge<R>, R: Tape<f32, D>>(
    x: Tensor<S, f32, D, T>,
    y: Tensor<S, f32, D, R>,
    activation: Activation,
) -> Result<Tensor<S, f32, D, T>> {
    same_shape("add", x.shape(), y.shape())?;
    D::add(x, y, activation)
}

pub(super) fn same_shape<S: Shape>(what: &str, a: &S, b: &S) -> Result<()> {
    if a.concrete() == b.concrete() {
        Ok(())
    } else {
        Err(Error::shape(format!("{what}: {:?} and {:?} differ", a.concrete(), b.concrete())))
    }
}
