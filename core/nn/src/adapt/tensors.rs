//! Tensors in and out.

use dfdx::prelude::*;
use scant_abi::{Data, Error, Result, TensorView};

use super::Backend;
use crate::ops::ImageDevice;

/// A dfdx shape that can be read off a contract's tensor.
pub trait Layout: Shape {
    /// The shape for a tensor of these extents.
    fn of(dims: &[usize]) -> Result<Self>;
}

impl Layout for (usize, usize, usize, usize) {
    fn of(dims: &[usize]) -> Result<Self> {
        match *dims {
            [items, channels, rows, columns] => Ok((items, channels, rows, columns)),
            _ => Err(Error::shape(format!(
                "images are needed here (items, channels, rows, columns), not a tensor of {dims:?}"
            ))),
        }
    }
}

/// Rows: whatever one item consists of lies in one row.
impl Layout for (usize, usize) {
    fn of(dims: &[usize]) -> Result<Self> {
        match dims {
            [items, rest @ ..] => Ok((*items, rest.iter().product())),
            [] => Err(Error::shape("rows are needed here, not a single number")),
        }
    }
}

/// A copy of a contract's tensor on this build's device.
pub fn tensor<S: Layout>(view: TensorView<'_>) -> Result<Tensor<S, f32, Backend>> {
    let shape = S::of(&view.shape())?;
    match view.data() {
        Data::F32(values) => {
            Backend::default().try_tensor_from_vec(values.to_vec(), shape).map_err(Backend::failed)
        }
        _ => Err(Error::shape(format!(
            "numbers of {:?} on {:?} cannot be trained on",
            view.dtype(),
            view.device()
        ))),
    }
}

/// A dfdx tensor as one of the contract's.
pub fn export<S: Shape>(tensor: &Tensor<S, f32, Backend>) -> Result<scant_abi::Tensor> {
    #[cfg(feature = "cuda")]
    let values = tensor.as_vec();
    // On the CPU dfdx's own way out walks over the elements one by one.
    #[cfg(not(feature = "cuda"))]
    let values = crate::ops::slice(&tensor.clone().try_contiguous().map_err(Backend::failed)?).to_vec();
    scant_abi::Tensor::from_f32(values, tensor.shape().concrete().as_ref())
}
