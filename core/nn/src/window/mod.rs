//! Features of a small image inside a large frame of zeros, computed only where the image can be seen.
//!
//! A loss between features of two images that were padded to the same frame sees differences only where some pixel of
//! the image reaches. Elsewhere every feature is that of the empty frame, which is computed once. What is computed here
//! is exactly the part of the padded computation that differs.

mod layers;
mod region;

pub use layers::FeatureLayer;

use crate::kernels::Activation;
use crate::ops::{self, Conv2d, ImageDevice, Images, Pool, PoolKind, Wanted};
use crate::parameters::Weight;
use dfdx::prelude::*;
use region::{Reach, Region, cut, place_in};
use scant_abi::{Error, ErrorKind, Result};
use std::ops::Range;

/// A layer that computes one region of its output.
#[derive(Clone, Debug)]
enum Stage<D: ImageDevice> {
    /// A convolution; its padding stands in the frame already.
    Conv { frame: Placed<D>, layer: Conv2d, weight: Weight<D>, bias: Option<Weight<D>> },
    /// Max-pooling; its padding stands in the frame already.
    Pool { frame: Placed<D>, pool: Pool },
    /// Branches over one input, joined along the channels.
    Concat(Vec<Branch<D>>),
}

#[derive(Clone, Debug)]
struct Branch<D: ImageDevice> {
    stages: Vec<Stage<D>>,
    /// What the branch gives for an empty frame, where any branch sees the image.
    frame: Placed<D>,
}

/// A part of what an empty frame gives, and where something goes in it.
#[derive(Clone, Debug)]
struct Placed<D: ImageDevice> {
    background: Images<D>,
    offset: (isize, isize),
}

impl<D: ImageDevice> Placed<D> {
    fn around<T: Tape<f32, D>>(&self, x: Images<D, T>) -> Result<Images<D, T>> {
        let (_, _, rows, columns) = *self.background.shape();
        ops::place(x, self.offset, (rows, columns), Some(&self.background))
    }
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
        let zeros = vec![0.0; channels * frame.0 * frame.1];
        let empty = device.try_tensor_from_vec(zeros, (1, channels, frame.0, frame.1)).map_err(D::failed)?;
        let window = Region::new(offset, (height, width));
        let Planned { stages, empty, window } = plan(layers, empty, window)?;
        let (_, channels, rows, columns) = *empty.shape();
        Ok(Self { stages, window, frame: (channels, rows, columns) })
    }

    /// The features that see the image: (items, channels, rows, columns) of [`WindowedFeatures::window`].
    pub fn features<T: Tape<f32, D>>(&self, x: Images<D, T>) -> Result<Images<D, T>> {
        run(&self.stages, x)
    }

    /// Rows and columns of the whole frame's features that [`WindowedFeatures::features`] gives.
    pub fn window(&self) -> (Range<usize>, Range<usize>) {
        let side = |range: &Range<isize>| range.start as usize..range.end as usize;
        (side(&self.window.rows), side(&self.window.columns))
    }

    /// Channels, rows and columns of the whole frame's features: a mean over them divides by their number.
    pub fn frame(&self) -> (usize, usize, usize) {
        self.frame
    }
}

/// Layers laid out for one window, what they give for an empty frame, and the window of their output.
struct Planned<D: ImageDevice> {
    stages: Vec<Stage<D>>,
    empty: Images<D>,
    window: Region,
}

fn plan<D: ImageDevice>(
    layers: Vec<FeatureLayer<D>>,
    mut empty: Images<D>,
    mut window: Region,
) -> Result<Planned<D>> {
    let mut stages = Vec::with_capacity(layers.len());
    for layer in layers {
        let (stage, next, outputs) = match layer {
            FeatureLayer::Conv { mut layer, weight, bias } => {
                let next = ops::conv2d(empty.clone(), &layer, &weight, bias.as_ref(), Wanted::INPUT)?;
                let side = |kernel: usize| layer.walk.dilation * (kernel - 1) + 1;
                let size = (side(layer.kernel.0), side(layer.kernel.1));
                let reach = Reach { stride: layer.walk.stride, padding: layer.walk.padding, size };
                let (frame, outputs) = frame(&reach, 0.0, (&empty, &next), &window)?;
                layer.walk.padding = 0;
                (Stage::Conv { frame, layer, weight, bias }, next, outputs)
            }
            FeatureLayer::Pool(pool) if pool.kind == PoolKind::Max => {
                let next = ops::pool(empty.clone(), &pool)?;
                let size = (pool.kernel, pool.kernel);
                let reach = Reach { stride: pool.stride, padding: pool.padding, size };
                let (frame, outputs) = frame(&reach, f32::NEG_INFINITY, (&empty, &next), &window)?;
                (Stage::Pool { frame, pool: Pool { padding: 0, ceil: false, ..pool } }, next, outputs)
            }
            FeatureLayer::Pool(_) => {
                return Err(Error::new(
                    ErrorKind::Unsupported,
                    "windowed features know convolutions, max-pooling and branches of these",
                ));
            }
            FeatureLayer::Concat(branches) => plan_concat(branches, &empty, &window)?,
        };
        stages.push(stage);
        (empty, window) = (next, outputs);
    }
    Ok(Planned { stages, empty, window })
}

/// What a layer reads around the window of its input, and the window of its output.
fn frame<D: ImageDevice>(
    reach: &Reach,
    outside: f32,
    (before, after): (&Images<D>, &Images<D>),
    window: &Region,
) -> Result<(Placed<D>, Region)> {
    let outputs = reach.outputs(window, (after.shape().2, after.shape().3));
    if outputs.is_empty() {
        return Err(Error::shape("a layer's outputs do not see the image at all"));
    }
    let read = reach.inputs(&outputs);
    let background = cut(before, &read, outside)?;
    Ok((Placed { background, offset: window.within(&read) }, outputs))
}

/// Branches see the image in windows of their own; each is completed to the smallest that holds all.
fn plan_concat<D: ImageDevice>(
    branches: Vec<Vec<FeatureLayer<D>>>,
    empty: &Images<D>,
    window: &Region,
) -> Result<(Stage<D>, Images<D>, Region)> {
    let planned = branches.into_iter().map(|layers| plan(layers, empty.clone(), window.clone()));
    let planned = planned.collect::<Result<Vec<_>>>()?;
    let Some(joined) = planned.iter().map(|branch| branch.window.clone()).reduce(|a, b| a.joined(&b)) else {
        return Err(Error::config("concat: there are no branches"));
    };
    let side = |image: &Images<D>| (image.shape().2, image.shape().3);
    if planned.iter().any(|branch| side(&branch.empty) != side(&planned[0].empty)) {
        return Err(Error::shape("concat: the branches' images differ in size"));
    }
    let whole = planned.iter().map(|branch| branch.empty.clone()).collect();
    let (next, NoneTape) = concat(whole, NoneTape)?;
    let branches = planned.into_iter().map(|branch| {
        let background = cut(&branch.empty, &joined, 0.0)?;
        let frame = Placed { background, offset: branch.window.within(&joined) };
        Ok(Branch { stages: branch.stages, frame })
    });
    Ok((Stage::Concat(branches.collect::<Result<_>>()?), next, joined))
}

fn run<D: ImageDevice, T: Tape<f32, D>>(stages: &[Stage<D>], x: Images<D, T>) -> Result<Images<D, T>> {
    let mut x = x;
    for stage in stages {
        x = match stage {
            Stage::Conv { frame, layer, weight, bias } => {
                ops::conv2d(ops::private(frame.around(x)?), layer, weight, bias.as_ref(), Wanted::INPUT)?
            }
            Stage::Pool { frame, pool } => ops::pool(ops::private(frame.around(x)?), pool)?,
            Stage::Concat(branches) => {
                let (x, mut tape) = x.split_tape();
                let mut parts = Vec::with_capacity(branches.len());
                for branch in branches {
                    let given = branch.frame.around(run(&branch.stages, x.clone().put_tape(tape))?)?;
                    let (given, open) = given.split_tape();
                    parts.push(given);
                    tape = open;
                }
                let (joined, tape) = concat(parts, tape)?;
                joined.put_tape(tape)
            }
        };
    }
    Ok(x)
}

/// Images of one size, joined along their channels: each becomes some rows of one image, and the images are added.
fn concat<D: ImageDevice, T: Tape<f32, D>>(parts: Vec<Images<D>>, tape: T) -> Result<(Images<D>, T)> {
    let total: usize = parts.iter().map(|part| part.shape().1).sum();
    let (mut tape, mut first, mut sum) = (tape, 0, None);
    let mut shape = (0, total, 0, 0);
    for part in parts {
        let (n, c, rows, columns) = *part.shape();
        shape = (n, total, rows, columns);
        let lines = ops::reshape(part.put_tape(tape), (n, 1, c, rows * columns))?;
        let mut placed = place_in(lines, first, total)?;
        if let Some(sum) = sum {
            placed = ops::add(placed, sum, Activation::Identity)?;
        }
        let (next, open) = placed.split_tape();
        (tape, sum) = (open, Some(next));
        first += c;
    }
    let sum = sum.ok_or_else(|| Error::config("concat: there are no branches"))?;
    Ok(ops::reshape(sum.put_tape(tape), shape)?.split_tape())
}
