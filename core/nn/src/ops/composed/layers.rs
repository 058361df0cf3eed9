//! Layers with weights, activations and sums.

use super::maps::PixelMap;
use super::{Out, constant, gather};
use crate::kernels::Activation;
use crate::kernels::convolution::ConvShape;
use crate::ops::{BatchNorm, Flat, ImageDevice, Images, NormMode, Rows, Wanted};
use crate::parameters::{RunningStatistics, Weight};
use dfdx::prelude::*;

/// The weights as a tensor; where they are shared, backward adds its gradient to theirs.
fn read<D: ImageDevice, T: Tape<f32, D>>(
    weight: &Weight<D>,
    wanted: bool,
    tape: &mut T,
) -> Result<Flat<D>, D::Err> {
    let (parameters, range) = match weight {
        Weight::Tensor(tensor) => return Ok(tensor.clone()),
        Weight::Shared(parameters, range) => (parameters.clone(), range.clone()),
    };
    let part: Flat<D> = parameters.values.tensor().clone().try_slice((range.clone(),))?;
    if wanted {
        let kept = part.clone();
        tape.add_backward_op(move |gradients| {
            if !parameters.learning() {
                return Ok(());
            }
            gradients.try_alloc_for(&kept)?;
            let gradient = gradients.get(&kept);
            let mut sums = parameters.gradients.tensor_mut();
            // The gradient of a slice's inner product with it is the gradient at its place among zeros.
            let probe = sums.clone();
            let product = probe.leaky_trace().try_slice((range,))?.try_mul(gradient)?;
            let spread = product.try_sum::<(), Axis<0>>()?.try_backward()?.get(&probe);
            *sums = probe.try_add(spread)?;
            Ok(())
        });
    }
    Ok(part)
}

/// `activation(y + bias)` for (items, channels, pixels).
fn finish<D: ImageDevice, T: Tape<f32, D>>(
    y: Tensor<(usize, usize, usize), f32, D, T>,
    bias: Option<&Weight<D>>,
    activation: Activation,
    wanted: Wanted,
) -> Out<(usize, usize, usize), D, T> {
    let Some(bias) = bias else { return activate(y, activation) };
    let shape = *y.shape();
    let (y, mut tape) = y.split_tape();
    let bias = read(bias, wanted.weights, &mut tape)?;
    let bias = bias.try_broadcast_like::<_, Axes2<0, 2>>(&shape)?;
    activate(y.put_tape(tape).try_add(bias)?, activation)
}

pub(in crate::ops) fn conv2d<D: ImageDevice, T: Tape<f32, D>>(
    x: Images<D, T>,
    s: &ConvShape,
    weight: &Weight<D>,
    bias: Option<&Weight<D>>,
    activation: Activation,
    wanted: Wanted,
) -> Out<(usize, usize, usize, usize), D, T> {
    let groups = s.walk.groups;
    let x = x.try_reshape_like(&(s.batch * s.channels, s.height * s.width))?;
    let columns = gather(x, &PixelMap::convolution(s))?;
    let columns = columns.try_reshape_like(&(s.batch, groups, s.depth(), s.out_pixels()))?;
    let (columns, mut tape) = columns.split_tape();
    let w = read(weight, wanted.weights, &mut tape)?.put_tape(tape);
    let w = w.try_reshape_like(&(groups, s.out_channels / groups, s.depth()))?;
    let shape = (s.batch, groups, s.out_channels / groups, s.depth());
    let y = w.try_broadcast_like::<_, Axis<0>>(&shape)?.try_matmul(columns)?;
    let y = y.try_reshape_like(&(s.batch, s.out_channels, s.out_pixels()))?;
    finish(y, bias, activation, wanted)?.try_reshape_like(&(
        s.batch,
        s.out_channels,
        s.out_height,
        s.out_width,
    ))
}

pub(in crate::ops) fn conv_transpose2d<D: ImageDevice, T: Tape<f32, D>>(
    x: Images<D, T>,
    s: &ConvShape,
    weight: &Weight<D>,
    bias: Option<&Weight<D>>,
    activation: Activation,
    wanted: Wanted,
) -> Out<(usize, usize, usize, usize), D, T> {
    let groups = s.walk.groups;
    let rows = s.out_channels / groups;
    let x = x.try_reshape_like(&(s.batch, groups, rows, s.out_pixels()))?;
    let (x, mut tape) = x.split_tape();
    let w = read(weight, wanted.weights, &mut tape)?.put_tape(tape);
    let w = w.try_reshape_like(&(groups, rows, s.depth()))?;
    let w: Tensor<(usize, usize, usize), f32, D, T> = w.try_permute::<_, Axes3<0, 2, 1>>()?;
    let w = w.try_broadcast_like::<_, Axis<0>>(&(s.batch, groups, s.depth(), rows))?;
    let products = w.try_matmul(x)?;
    let len = s.kernel.0 * s.kernel.1 * s.out_pixels();
    let products = products.try_reshape_like(&(s.batch * s.channels, len))?;
    let gathered = gather(products, &PixelMap::transposed(s))?;
    let y: Tensor<(usize, usize), f32, D, T> = gathered.try_sum::<_, Axis<1>>()?;
    let y = y.try_reshape_like(&(s.batch, s.channels, s.height * s.width))?;
    finish(y, bias, activation, wanted)?.try_reshape_like(&(s.batch, s.channels, s.height, s.width))
}

pub(in crate::ops) fn linear<D: ImageDevice, T: Tape<f32, D>>(
    x: Rows<D, T>,
    outputs: usize,
    weight: &Weight<D>,
    bias: Option<&Weight<D>>,
    activation: Activation,
    wanted: Wanted,
) -> Out<(usize, usize), D, T> {
    let (rows, inputs) = *x.shape();
    let (x, mut tape) = x.split_tape();
    let w = read(weight, wanted.weights, &mut tape)?.try_reshape_like(&(outputs, inputs))?;
    let w: Tensor<(usize, usize), f32, D> = w.try_permute::<_, Axes2<1, 0>>()?;
    let y = x.put_tape(tape).try_matmul(w)?.try_reshape_like(&(rows, outputs, 1))?;
    finish(y, bias, activation, wanted)?.try_reshape_like(&(rows, outputs))
}

#[allow(clippy::too_many_arguments)]
pub(in crate::ops) fn batch_norm<D: ImageDevice, S: Shape, T: Tape<f32, D> + Merge<R>, R: Tape<f32, D>>(
    x: Tensor<S, f32, D, T>,
    extent: (usize, usize, usize),
    layer: &BatchNorm,
    (gain, bias): (&Weight<D>, &Weight<D>),
    running: &RunningStatistics<D>,
    mode: NormMode,
    add: Option<Tensor<S, f32, D, R>>,
    wanted: Wanted,
) -> Out<S, D, T> {
    let (device, shape) = (x.device().clone(), *x.shape());
    let x = x.try_reshape_like(&extent)?;
    let (centred, variance): (_, Tensor<(usize,), f32, D, T>) = if mode == NormMode::Eval {
        let state = running.buffer.to_vec();
        let part =
            |range: &std::ops::Range<usize>| constant(&device, state[range.clone()].to_vec(), (extent.1,));
        let mean = part(&running.mean)?.try_broadcast_like::<_, Axes2<0, 2>>(&extent)?;
        (x.try_sub(mean)?, part(&running.variance)?.put_tape(T::default()))
    } else {
        let mean: Tensor<(usize,), f32, D, T> = x.with_empty_tape().try_mean::<_, Axes2<0, 2>>()?;
        let batch_mean = mean.as_vec();
        let centred = x.try_sub(mean.try_broadcast_like::<_, Axes2<0, 2>>(&extent)?)?;
        let variance: Tensor<(usize,), f32, D, T> =
            centred.with_empty_tape().try_square()?.try_mean::<_, Axes2<0, 2>>()?;
        if mode == NormMode::Train {
            let count = (extent.0 * extent.2) as f32;
            let mut state = running.buffer.to_vec();
            let mut move_to = |range: &std::ops::Range<usize>, new: Vec<f32>, factor: f32| {
                for (old, new) in state[range.clone()].iter_mut().zip(new) {
                    *old += layer.momentum * (new * factor - *old);
                }
            };
            move_to(&running.mean, batch_mean, 1.0);
            move_to(&running.variance, variance.as_vec(), count / (count - 1.0));
            running.buffer.tensor_mut().copy_from(&state);
        }
        (centred, variance)
    };
    let deviation = variance.try_add(layer.epsilon)?.try_sqrt()?;
    let normal = centred.try_div(deviation.try_broadcast_like::<_, Axes2<0, 2>>(&extent)?)?;
    let (normal, mut tape) = normal.split_tape();
    let gain = read(gain, wanted.weights, &mut tape)?.try_broadcast_like::<_, Axes2<0, 2>>(&extent)?;
    let bias = read(bias, wanted.weights, &mut tape)?.try_broadcast_like::<_, Axes2<0, 2>>(&extent)?;
    let y = normal.put_tape(tape).try_mul(gain)?.try_add(bias)?.try_reshape_like(&shape)?;
    match add {
        Some(summand) => activate(y.try_add(summand)?, layer.activation),
        None => activate(y, layer.activation),
    }
}

#[cfg(feature = "cuda")]
pub(in crate::ops) fn add<D: ImageDevice, S: Shape, T: Tape<f32, D> + Merge<R>, R: Tape<f32, D>>(
    x: Tensor<S, f32, D, T>,
    y: Tensor<S, f32, D, R>,
    activation: Activation,
) -> Out<S, D, T> {
    activate(x.try_add(y)?, activation)
}

pub(in crate::ops) fn activate<D: ImageDevice, S: Shape, T: Tape<f32, D>>(
    x: Tensor<S, f32, D, T>,
    activation: Activation,
) -> Out<S, D, T> {
    // The part below zero, as a number that is at most zero.
    let below = |x: Tensor<S, f32, D, T>| x.try_negate()?.try_relu()?.try_negate();
    match activation {
        Activation::Identity => Ok(x),
        Activation::Relu => x.try_relu(),
        Activation::LeakyRelu(slope) => {
            let under = below(x.with_empty_tape())?.try_mul(slope)?;
            x.try_relu()?.try_add(under)
        }
        Activation::Elu(alpha) => {
            let under = below(x.with_empty_tape())?.try_exp()?.try_sub(1.0)?.try_mul(alpha)?;
            x.try_relu()?.try_add(under)
        }
        Activation::Sigmoid => x.try_sigmoid(),
        Activation::Tanh => x.try_tanh(),
        Activation::Softplus => {
            let tail = x.with_empty_tape().try_abs()?.try_negate()?.try_exp()?.try_add(1.0)?.try_ln()?;
            x.try_relu()?.try_add(tail)
        }
    }
}
