//! Shapes, frames, sizes, dropout and fixed filters.

use super::convolution::some;
use super::{Conv2d, ImageDevice, Images, Rows, Wanted, conv2d};
use crate::kernels::Activation;
use crate::kernels::convolution::Convolution;
use crate::kernels::rearrange::{Placement, Upsampling};
use crate::parameters::Weight;
use dfdx::prelude::*;
use scant_abi::{Error, Key, Result};

/// The same numbers in another shape.
pub fn reshape<D: ImageDevice, S: Shape, R: Shape, T: Tape<f32, D>>(
    x: Tensor<S, f32, D, T>,
    shape: R,
) -> Result<Tensor<R, f32, D, T>> {
    if x.shape().num_elements() != shape.num_elements() {
        return Err(Error::shape(format!("reshape: {:?} does not fill {shape:?}", x.shape())));
    }
    D::reshape(x, shape)
}

/// Each image as one row.
pub fn flatten<D: ImageDevice, T: Tape<f32, D>>(x: Images<D, T>) -> Result<Rows<D, T>> {
    let (n, c, height, width) = *x.shape();
    D::reshape(x, (n, c * height * width))
}

/// Images in a frame: pixel (0, 0) goes to `offset` of a frame of `size` (rows, columns); what lies outside is cut,
/// and around stand zeros or the frame `background` (one image).
pub fn place<D: ImageDevice, T: Tape<f32, D>>(
    x: Images<D, T>,
    offset: (isize, isize),
    size: (usize, usize),
    background: Option<&Images<D>>,
) -> Result<Images<D, T>> {
    let (n, c, height, width) = *x.shape();
    some("place", n * c * height * width)?;
    some("place", size.0 * size.1)?;
    if let Some(b) = background
        && *b.shape() != (1, c, size.0, size.1)
    {
        return Err(Error::shape(format!(
            "place: a background of {:?} does not fit a frame of {c} channels and {size:?} pixels",
            b.shape()
        )));
    }
    let (frame_height, frame_width) = size;
    let placement = Placement { height, width, top: offset.0, left: offset.1, frame_height, frame_width };
    D::place(x, placement, background)
}

/// Zeros around each image: `top`, `bottom`, `left`, `right` pixels of them.
pub fn pad<D: ImageDevice, T: Tape<f32, D>>(
    x: Images<D, T>,
    (top, bottom, left, right): (usize, usize, usize, usize),
) -> Result<Images<D, T>> {
    let (_, _, height, width) = *x.shape();
    place(x, (top as isize, left as isize), (height + top + bottom, width + left + right), None)
}

/// The part of each image that begins at `offset` and has `size` (rows, columns).
pub fn crop<D: ImageDevice, T: Tape<f32, D>>(
    x: Images<D, T>,
    offset: (usize, usize),
    size: (usize, usize),
) -> Result<Images<D, T>> {
    let (_, _, height, width) = *x.shape();
    if offset.0 + size.0 > height || offset.1 + size.1 > width {
        return Err(Error::shape(format!(
            "crop: {size:?} at {offset:?} leaves the image of {height}x{width}"
        )));
    }
    place(x, (-(offset.0 as isize), -(offset.1 as isize)), size, None)
}

/// Images of another size.
pub fn upsample<D: ImageDevice, T: Tape<f32, D>>(
    x: Images<D, T>,
    method: Upsampling,
    to: (usize, usize),
) -> Result<Images<D, T>> {
    let (n, c, height, width) = *x.shape();
    some("upsample", n * c * height * width * to.0 * to.1)?;
    D::upsample(x, method, to)
}

/// Sets each value to zero with probability `p` and scales the rest by `1 / (1 - p)`; the key decides which.
pub fn dropout<D: ImageDevice, S: Shape, T: Tape<f32, D>>(
    x: Tensor<S, f32, D, T>,
    p: f32,
    key: Key,
) -> Result<Tensor<S, f32, D, T>> {
    if !(0.0..=1.0).contains(&p) {
        return Err(Error::config(format!("dropout: {p} is no probability")));
    }
    if p == 0.0 { Ok(x) } else { D::dropout(x, p, key) }
}

/// The horizontal and vertical Sobel filter of the grey image, which is the mean of the channels: two channels come out.
pub fn sobel<D: ImageDevice, T: Tape<f32, D>>(x: Images<D, T>) -> Result<Images<D, T>> {
    const FILTERS: [f32; 18] = [-1., 0., 1., -2., 0., 2., -1., 0., 1., -1., -2., -1., 0., 0., 0., 1., 2., 1.];
    let channels = x.shape().1;
    let both = FILTERS.chunks_exact(9).flat_map(|filter| filter.repeat(channels));
    let filters: Vec<f32> = both.map(|value| value / channels as f32).collect();
    let len = filters.len();
    let device = x.device().clone();
    let weight = Weight::Tensor(device.try_tensor_from_vec(filters, (len,)).map_err(D::failed)?);
    let layer = Conv2d {
        out_channels: 2,
        kernel: (3, 3),
        walk: Convolution { padding: 1, ..Convolution::default() },
        activation: Activation::Identity,
    };
    conv2d(x, &layer, &weight, None, Wanted::INPUT)
}
