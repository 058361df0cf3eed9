//! Features of a small image inside a large frame of zeros, computed only where the image can be seen.
//!
//! A loss between features of two images that were padded to the same frame sees differences only where some pixel of
//! the image reaches. Elsewhere every feature is that of the empty frame, which is computed once. What is computed here
//! is exactly the part of the padded computation that differs.

use crate::ops::{self, Conv2d, ImageDevice, Images, Pool, PoolKind, Wanted};
use crate::parameters::Weight;
use dfdx::prelude::*;
use scant_abi::{Error, Result};
use std::ops::Range;

/// One layer of a feature extractor.
#[derive(Clone, Debug)]
pub enum FeatureLayer<D: ImageDevice> {
    /// A convolution with its weights, which stay as they are.
    Conv {
        /// The layer.
        layer: Conv2d,
        /// Its weights.
        weight: Weight<D>,
        /// Its bias.
        bias: Option<Weight<D>>,
    },
    /// Max-pooling.
    Pool(Pool),
}

/// Where something stands in a frame, by rows and columns.
type Region = (Range<isize>, Range<isize>);

/// A layer that computes one region of its output.
#[derive(Clone, Debug)]
struct Stage<D: ImageDevice> {
    layer: FeatureLayer<D>,
    /// What an empty frame gives the layer, where the computed outputs read.
    background: Images<D>,
    /// Where the window of the input goes in it.
    offset: (isize, isize),
}

/// A feature extractor for images of one size at one place of one frame.
#[derive(Clone, Debug)]
pub struct WindowedFeatures<D: ImageDevice> {
    stages: Vec<Stage<D>>,
    window: Region,
    frame: (usize, usize, usize),
}

impl<D: ImageDevice> WindowedFeatures<D> {
    /// For images of `size` (channels, rows, columns) with pixel (0, 0) at `offset` of a frame of `frame` (rows,
    /// columns).
    pub fn new(
        device: &D,
        layers: Vec<FeatureLayer<D>>,
        size: (usize, usize, usize),
        offset: (usize, usize),
        frame: (usize, usize),
    ) -> Result<Self> {
        let (channels, height, width) = size;
        if height == 0 || width == 0 || offset.0 + height > frame.0 || offset.1 + width > frame.1 {
            return Err(Error::shape(format!(
                "images of {height}x{width} at {offset:?} do not lie in a frame of {frame:?}"
            )));
        }
        let span = |start: usize, len: usize| start as isize..(start + len) as isize;
        let mut window = (span(offset.0, height), span(offset.1, width));
        let zeros = vec![0.0; channels * frame.0 * frame.1];
        let mut empty =
            device.try_tensor_from_vec(zeros, (1, channels, frame.0, frame.1)).map_err(D::failed)?;
        let mut stages = Vec::with_capacity(layers.len());
        for layer in layers {
            let (walk, outside) = match &layer {
                FeatureLayer::Conv { layer, .. } => {
                    let reach = |k: usize| layer.walk.dilation * (k - 1) + 1;
                    let reach = (reach(layer.kernel.0), reach(layer.kernel.1));
                    ((layer.walk.stride, layer.walk.padding, reach), 0.0)
                }
                FeatureLayer::Pool(pool) if pool.kind == PoolKind::Max => {
                    ((pool.stride, pool.padding, (pool.kernel, pool.kernel)), f32::NEG_INFINITY)
                }
                FeatureLayer::Pool(_) => {
                    return Err(Error::new(
                        scant_abi::ErrorKind::Unsupported,
                        "windowed features know convolutions and max-pooling",
                    ));
                }
            };
            let (stride, padding, reach) = walk;
            let next = full(&layer, empty.clone())?;
            let (_, _, rows, columns) = *next.shape();
            let seen = |window: &Range<isize>, reach: usize, outputs: usize| -> Range<isize> {
                let (stride, padding, reach) = (stride as isize, padding as isize, reach as isize);
                let first = (window.start - reach + padding + stride).div_euclid(stride).max(0);
                let last = (window.end - 1 + padding).div_euclid(stride).min(outputs as isize - 1);
                first..last + 1
            };
            let outputs = (seen(&window.0, reach.0, rows), seen(&window.1, reach.1, columns));
            if outputs.0.is_empty() || outputs.1.is_empty() {
                return Err(Error::shape("a layer's outputs do not see the image at all"));
            }
            let read = |outputs: &Range<isize>, reach: usize| -> Range<isize> {
                let start = outputs.start * stride as isize - padding as isize;
                start..start + (outputs.end - outputs.start - 1) * stride as isize + reach as isize
            };
            let region = (read(&outputs.0, reach.0), read(&outputs.1, reach.1));
            stages.push(Stage {
                layer,
                background: cut(&empty, &region, outside)?,
                offset: (window.0.start - region.0.start, window.1.start - region.1.start),
            });
            (empty, window) = (next, outputs);
        }
        Ok(Self { stages, window, frame: (empty.shape().1, empty.shape().2, empty.shape().3) })
    }

    /// The features that see the image: (items, channels, rows, columns) of [`WindowedFeatures::window`].
    pub fn features<T: Tape<f32, D>>(&self, x: Images<D, T>) -> Result<Images<D, T>> {
        let mut x = x;
        for stage in &self.stages {
            let (_, _, rows, columns) = *stage.background.shape();
            let framed = ops::private(ops::place(x, stage.offset, (rows, columns), Some(&stage.background))?);
            x = match &stage.layer {
                FeatureLayer::Conv { layer, weight, bias } => {
                    // Its padding stands in the background already.
                    let mut layer = *layer;
                    layer.walk.padding = 0;
                    ops::conv2d(framed, &layer, weight, bias.as_ref(), Wanted::INPUT)?
                }
                FeatureLayer::Pool(pool) => ops::pool(framed, &Pool { padding: 0, ceil: false, ..*pool })?,
            };
        }
        Ok(x)
    }

    /// Rows and columns of the whole frame's features that [`WindowedFeatures::features`] gives.
    pub fn window(&self) -> (Range<usize>, Range<usize>) {
        let side = |range: &Range<isize>| range.start as usize..range.end as usize;
        (side(&self.window.0), side(&self.window.1))
    }

    /// Channels, rows and columns of the whole frame's features: a mean over them divides by their number.
    pub fn frame(&self) -> (usize, usize, usize) {
        self.frame
    }
}

/// The layer on a whole frame.
fn full<D: ImageDevice>(layer: &FeatureLayer<D>, x: Images<D>) -> Result<Images<D>> {
    match layer {
        FeatureLayer::Conv { layer, weight, bias } => {
            ops::conv2d(x, layer, weight, bias.as_ref(), Wanted::INPUT)
        }
        FeatureLayer::Pool(pool) => ops::pool(x, pool),
    }
}

/// A region of one image; around the image stands `outside`.
fn cut<D: ImageDevice>(image: &Images<D>, region: &Region, outside: f32) -> Result<Images<D>> {
    let (_, channels, height, width) = *image.shape();
    let values = image.as_vec();
    let size = (region.0.len(), region.1.len());
    let mut out = Vec::with_capacity(channels * size.0 * size.1);
    for c in 0..channels {
        for y in region.0.clone() {
            for x in region.1.clone() {
                let inside = (0..height as isize).contains(&y) && (0..width as isize).contains(&x);
                let at = || (c * height + y as usize) * width + x as usize;
                out.push(if inside { values[at()] } else { outside });
            }
        }
    }
    image.device().try_tensor_from_vec(out, (1, channels, size.0, size.1)).map_err(D::failed)
}
