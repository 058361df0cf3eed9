//! Pools, sizes, frames and dropout.

use super::maps::PixelMap;
use super::{Out, constant, gather};
use crate::kernels::pool::{PoolKind, Windows};
use crate::kernels::rearrange::{self, Placement, Upsampling};
use crate::ops::{ImageDevice, Images};
use dfdx::prelude::*;
use scant_abi::Key;

/// Each output pixel as the sum of what it reads.
fn mapped<D: ImageDevice, T: Tape<f32, D>>(
    x: Images<D, T>,
    map: &PixelMap,
    to: (usize, usize),
) -> Out<(usize, usize, usize, usize), D, T> {
    let (n, c, height, width) = *x.shape();
    let read = gather(x.try_reshape_like(&(n * c, height * width))?, map)?;
    let y: Tensor<(usize, usize), f32, D, T> = read.try_sum::<_, Axis<1>>()?;
    y.try_reshape_like(&(n, c, to.0, to.1))
}

/// Pools; where several pixels of a window hold its maximum, each gets the window's gradient.
pub(in crate::ops) fn pool<D: ImageDevice, T: Tape<f32, D>>(
    x: Images<D, T>,
    kind: PoolKind,
    rows: &Windows,
    columns: &Windows,
) -> Out<(usize, usize, usize, usize), D, T> {
    let map = PixelMap::windows(rows, columns, kind == PoolKind::Average);
    let to = (rows.count(), columns.count());
    if kind == PoolKind::Average {
        return mapped(x, &map, to);
    }
    let device = x.device().clone();
    let (n, c, height, width) = *x.shape();
    let read = gather(x.try_reshape_like(&(n * c, height * width))?, &map)?;
    // What lies outside of the image must not win.
    let outside = map.weight.iter().map(|w| if *w == 0.0 { -1e30 } else { 0.0 }).collect();
    let outside = constant(&device, outside, (map.taps, map.outputs))?;
    let outside = outside.try_broadcast_like::<_, Axis<0>>(&(n * c, map.taps, map.outputs))?;
    let y: Tensor<(usize, usize), f32, D, T> = read.try_add(outside)?.try_max::<_, Axis<1>>()?;
    y.try_reshape_like(&(n, c, to.0, to.1))
}

pub(in crate::ops) fn upsample<D: ImageDevice, T: Tape<f32, D>>(
    x: Images<D, T>,
    method: Upsampling,
    to: (usize, usize),
) -> Out<(usize, usize, usize, usize), D, T> {
    let (_, _, height, width) = *x.shape();
    mapped(x, &PixelMap::upsampling(method, (height, width), to), to)
}

pub(in crate::ops) fn place<D: ImageDevice, T: Tape<f32, D>>(
    x: Images<D, T>,
    placement: &Placement,
    background: Option<&Images<D>>,
) -> Out<(usize, usize, usize, usize), D, T> {
    let (n, c, ..) = *x.shape();
    let map = PixelMap::placement(placement);
    let to = (placement.frame_height, placement.frame_width);
    let y = mapped(x, &map, to)?;
    let Some(background) = background else { return Ok(y) };
    let mut around = background.as_vec();
    for frame in around.chunks_exact_mut(map.outputs) {
        frame.iter_mut().zip(&map.weight).filter(|(_, w)| **w != 0.0).for_each(|(v, _)| *v = 0.0);
    }
    let around = constant(y.device(), around, (c, to.0, to.1))?;
    y.try_add(around.try_broadcast_like::<_, Axis<0>>(&(n, c, to.0, to.1))?)
}

pub(in crate::ops) fn dropout<D: ImageDevice, S: Shape, T: Tape<f32, D>>(
    x: Tensor<S, f32, D, T>,
    p: f32,
    key: Key,
) -> Out<S, D, T> {
    let shape = *x.shape();
    let mut mask = vec![1.0; shape.num_elements()];
    rearrange::dropout(p, key, &mut mask);
    let mask = constant(x.device(), mask, shape)?;
    x.try_mul(mask)
}
