//! The operations composed of dfdx's own, for any of its devices.
//!
//! On the CPU the fast kernels take their place, and tests hold the two to each other; on CUDA these are the
//! operations. Everything spatial is one weighted gather ([`PixelMap`]), so that no kernel of our own is needed.

mod layers;
mod losses;
mod maps;
mod spatial;
#[cfg(test)]
mod tests;

#[cfg(feature = "cuda")]
pub(super) use layers::add;
pub(super) use layers::{activate, batch_norm, conv_transpose2d, conv2d, linear};
pub(super) use losses::{
    bce_with_logits, cross_entropy, gaussian_kl, soft_cross_entropy, softmax_kl, squared_error,
};
pub(super) use spatial::{dropout, place, pool, upsample};

use crate::ops::ImageDevice;
use dfdx::prelude::*;
use maps::PixelMap;

/// A tensor, or the device's own error.
type Out<S, D, T> = Result<Tensor<S, f32, D, T>, <D as HasErr>::Err>;

/// A tensor of constants.
fn constant<S: Shape, D: ImageDevice>(device: &D, values: Vec<f32>, shape: S) -> Out<S, D, NoneTape> {
    device.try_tensor_from_vec(values, shape)
}

/// For each plane (row) of `x`: (planes, taps, outputs), each the input pixel that a tap reads times its weight.
fn gather<D: ImageDevice, T: Tape<f32, D>>(
    x: Tensor<(usize, usize), f32, D, T>,
    map: &PixelMap,
) -> Out<(usize, usize, usize), D, T> {
    let device = x.device().clone();
    let (planes, len) = (x.shape().0, map.taps * map.outputs);
    let index: Tensor<(usize,), usize, D> = device.try_tensor_from_vec(map.index.clone(), (len,))?;
    let index: Tensor<(usize, usize), usize, D> = index.try_broadcast_like::<_, Axis<0>>(&(planes, len))?;
    let read: Tensor<(usize, usize), f32, D, T> = x.try_gather(index)?;
    let weight = constant(&device, map.weight.clone(), (len,))?;
    let weight = weight.try_broadcast_like::<_, Axis<0>>(&(planes, len))?;
    read.try_mul(weight)?.try_reshape_like(&(planes, map.taps, map.outputs))
}
