//! The layers with weights, bias and activation: convolution, its mirror, and the fully connected layer.

use super::split;
use crate::kernels::{Activation, buffer, convolution, linear as dense};
use crate::ops::tape::{Sink, WeightSink, read, record, slice, tensor};
use crate::ops::{Conv2d, ConvTranspose2d, Images, Rows, Wanted};
use crate::parameters::Weight;
use dfdx::prelude::*;
use scant_abi::Result;

/// What differs between the layers: three products, and how outputs are cut into channels.
trait Layer: Copy + 'static {
    fn output_len(&self) -> usize;
    /// Items, channels, and values of a channel in one item of the output.
    fn extent(&self) -> (usize, usize, usize);
    fn forward(&self, x: &[f32], w: &[f32], bias: Option<&[f32]>, activation: Activation, y: &mut [f32]);
    fn input_gradient(&self, dy: &[f32], w: &[f32], dx: &mut [f32], accumulate: bool);
    fn weight_gradient(&self, x: &[f32], dy: &[f32], dw: &mut [f32]);
}

impl Layer for convolution::ConvShape {
    fn output_len(&self) -> usize {
        self.output_len()
    }
    fn extent(&self) -> (usize, usize, usize) {
        (self.batch, self.out_channels, self.out_pixels())
    }
    fn forward(&self, x: &[f32], w: &[f32], bias: Option<&[f32]>, activation: Activation, y: &mut [f32]) {
        convolution::forward(self, x, w, bias, activation, y);
    }
    fn input_gradient(&self, dy: &[f32], w: &[f32], dx: &mut [f32], accumulate: bool) {
        convolution::input_gradient(self, dy, w, dx, accumulate);
    }
    fn weight_gradient(&self, x: &[f32], dy: &[f32], dw: &mut [f32]) {
        convolution::weight_gradient(self, x, dy, dw);
    }
}

/// A convolution seen from its output.
#[derive(Clone, Copy)]
struct Mirror(convolution::ConvShape);

impl Layer for Mirror {
    fn output_len(&self) -> usize {
        self.0.input_len()
    }
    fn extent(&self) -> (usize, usize, usize) {
        (self.0.batch, self.0.channels, self.0.height * self.0.width)
    }
    fn forward(&self, x: &[f32], w: &[f32], bias: Option<&[f32]>, activation: Activation, y: &mut [f32]) {
        convolution::transposed(&self.0, x, w, bias, activation, y);
    }
    fn input_gradient(&self, dy: &[f32], w: &[f32], dx: &mut [f32], accumulate: bool) {
        if accumulate {
            buffer::with(self.0.output_len(), |fresh| {
                convolution::forward(&self.0, dy, w, None, Activation::Identity, fresh);
                crate::kernels::rearrange::pour(fresh, dx, true);
            });
        } else {
            convolution::forward(&self.0, dy, w, None, Activation::Identity, dx);
        }
    }
    fn weight_gradient(&self, x: &[f32], dy: &[f32], dw: &mut [f32]) {
        convolution::weight_gradient(&self.0, dy, x, dw);
    }
}

/// Rows, inputs, outputs.
#[derive(Clone, Copy)]
struct Dense(usize, usize, usize);

impl Layer for Dense {
    fn output_len(&self) -> usize {
        self.0 * self.2
    }
    fn extent(&self) -> (usize, usize, usize) {
        (self.0, self.2, 1)
    }
    fn forward(&self, x: &[f32], w: &[f32], bias: Option<&[f32]>, activation: Activation, y: &mut [f32]) {
        dense::forward((self.0, self.1, self.2), x, w, bias, activation, y);
    }
    fn input_gradient(&self, dy: &[f32], w: &[f32], dx: &mut [f32], accumulate: bool) {
        dense::input_gradient((self.0, self.1, self.2), dy, w, dx, accumulate);
    }
    fn weight_gradient(&self, x: &[f32], dy: &[f32], dw: &mut [f32]) {
        dense::weight_gradient((self.0, self.1, self.2), x, dy, dw);
    }
}

fn run<L: Layer, S: Shape, R: Shape, T: Tape<f32, Cpu>>(
    layer: L,
    x: Tensor<S, f32, Cpu, T>,
    shape: R,
    (weight, bias): (&Weight<Cpu>, Option<&Weight<Cpu>>),
    activation: Activation,
    wanted: Wanted,
) -> Result<Tensor<R, f32, Cpu, T>> {
    let (x, tape) = split(x)?;
    let mut values = buffer::unwritten(layer.output_len());
    read(weight, |w| match bias {
        Some(bias) => read(bias, |b| layer.forward(slice(&x), w, Some(b), activation, &mut values)),
        None => layer.forward(slice(&x), w, None, activation, &mut values),
    });
    let y = tensor(x.device(), values, shape)?;
    if !T::OWNS_TAPE {
        return Ok(y.put_tape(tape));
    }
    let kept = (activation != Activation::Identity).then(|| y.clone());
    let weight = weight.clone();
    let of_x = wanted.input.then(|| Sink::new(&x));
    let of_weight = wanted.weights.then(|| WeightSink::new(&weight));
    let of_bias = bias.filter(|_| wanted.weights).map(WeightSink::new);
    Ok(record(y, tape, move |gradients, mut dy| {
        if let Some(y) = kept {
            activation.pull_back_threaded(slice(&y), &mut dy);
        }
        if let Some(sink) = of_bias {
            sink.add(gradients, |db| dense::bias_gradient(layer.extent(), &dy, db))?;
        }
        if let Some(sink) = of_weight {
            sink.add(gradients, |dw| layer.weight_gradient(slice(&x), &dy, dw))?;
        }
        if let Some(sink) = of_x {
            sink.fill(gradients, |dx, accumulate| {
                read(&weight, |w| layer.input_gradient(&dy, w, dx, accumulate));
            })?;
        }
        buffer::give(dy);
        Ok(())
    }))
}

pub(super) fn conv2d<T: Tape<f32, Cpu>>(
    x: Images<Cpu, T>,
    layer: &Conv2d,
    weight: &Weight<Cpu>,
    bias: Option<&Weight<Cpu>>,
    wanted: Wanted,
) -> Result<Images<Cpu, T>> {
    let s = layer.shape(*x.shape())?;
    run(s, x, (s.batch, s.out_channels, s.out_height, s.out_width), (weight, bias), layer.activation, wanted)
}

pub(super) fn conv_transpose2d<T: Tape<f32, Cpu>>(
    x: Images<Cpu, T>,
    layer: &ConvTranspose2d,
    weight: &Weight<Cpu>,
    bias: Option<&Weight<Cpu>>,
    wanted: Wanted,
) -> Result<Images<Cpu, T>> {
    let s = layer.shape(*x.shape())?;
    run(Mirror(s), x, (s.batch, s.channels, s.height, s.width), (weight, bias), layer.activation, wanted)
}

pub(super) fn linear<T: Tape<f32, Cpu>>(
    x: Rows<Cpu, T>,
    outputs: usize,
    weight: &Weight<Cpu>,
    bias: Option<&Weight<Cpu>>,
    activation: Activation,
    wanted: Wanted,
) -> Result<Rows<Cpu, T>> {
    let (rows, inputs) = *x.shape();
    run(Dense(rows, inputs, outputs), x, (rows, outputs), (weight, bias), activation, wanted)
}
