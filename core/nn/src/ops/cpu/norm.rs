//! Batch normalisation.

use super::split;
use crate::kernels::batch_norm::{Affine, Extent, Moments, input_gradient, moments, normalise, sums};
use crate::kernels::{Activation, buffer, rearrange};
use crate::ops::tape::{Sink, WeightSink, read, record, slice, tensor};
use crate::ops::{BatchNorm, NormMode, Wanted};
use crate::parameters::{RunningStatistics, Weight};
use dfdx::prelude::*;
use scant_abi::Result;

#[allow(clippy::too_many_arguments)]
pub(super) fn batch_norm<S: Shape, T: Tape<f32, Cpu> + Merge<R>, R: Tape<f32, Cpu>>(
    x: Tensor<S, f32, Cpu, T>,
    extent: Extent,
    layer: &BatchNorm,
    (gain, bias): (&Weight<Cpu>, &Weight<Cpu>),
    running: &RunningStatistics<Cpu>,
    mode: NormMode,
    add: Option<Tensor<S, f32, Cpu, R>>,
    wanted: Wanted,
) -> Result<Tensor<S, f32, Cpu, T>> {
    let (x, mut tape) = split(x)?;
    let mut summand = None;
    if let Some(add) = add {
        let (add, of_add) = split(add)?;
        tape = tape.merge(of_add);
        summand = Some(add);
    }
    let moments = statistics(extent, slice(&x), layer, running, mode);
    let affine = read(gain, |g| read(bias, |b| Affine::new(&moments, g, b, layer.epsilon)));
    let activation = layer.activation;
    let mut values = buffer::unwritten(slice(&x).len());
    normalise(extent, slice(&x), &affine, summand.as_ref().map(|a| slice(a)), activation, &mut values);
    let y = tensor(x.device(), values, *x.shape())?;
    if !T::OWNS_TAPE {
        return Ok(y.put_tape(tape));
    }
    let kept = (activation != Activation::Identity).then(|| y.clone());
    let of_x = wanted.input.then(|| Sink::new(&x));
    let of_summand = summand.as_ref().map(Sink::new);
    let of_weights = wanted.weights.then(|| (WeightSink::new(gain), WeightSink::new(bias)));
    Ok(record(y, tape, move |gradients, mut dz| {
        if let Some(y) = kept {
            activation.pull_back_threaded(slice(&y), &mut dz);
        }
        if let Some(sink) = of_summand {
            sink.fill(gradients, |out, accumulate| rearrange::pour(&dz, out, accumulate))?;
        }
        let of_batch = mode != NormMode::Eval;
        let totals =
            (of_batch || of_weights.is_some()).then(|| sums(extent, slice(&x), &moments, &affine, &dz));
        if let (Some((of_gain, of_bias)), Some(totals)) = (of_weights, &totals) {
            of_gain.add(gradients, |out| out.iter_mut().zip(&totals.weighted).for_each(|(o, v)| *o += v))?;
            of_bias.add(gradients, |out| out.iter_mut().zip(&totals.plain).for_each(|(o, v)| *o += v))?;
        }
        match of_x {
            Some(sink) => {
                let totals = totals.as_ref().filter(|_| of_batch);
                input_gradient(extent, slice(&x), &moments, &affine, totals, &mut dz);
                sink.pour(gradients, dz)
            }
            None => {
                buffer::give(dz);
                Ok(())
            }
        }
    }))
}

/// The statistics that `mode` asks for; moves the running ones where it says so.
fn statistics(
    extent: Extent,
    x: &[f32],
    layer: &BatchNorm,
    running: &RunningStatistics<Cpu>,
    mode: NormMode,
) -> Moments {
    if mode == NormMode::Eval {
        let state = running.buffer.values();
        return Moments {
            mean: state[running.mean.clone()].to_vec(),
            variance: state[running.variance.clone()].to_vec(),
        };
    }
    let moments = moments(extent, x);
    if mode == NormMode::Train {
        let count = (extent.0 * extent.2) as f32;
        let unbiased = count / (count - 1.0);
        let mut state = running.buffer.values_mut();
        let share = layer.momentum;
        for (old, new) in state[running.mean.clone()].iter_mut().zip(&moments.mean) {
            *old += share * (new - *old);
        }
        for (old, new) in state[running.variance.clone()].iter_mut().zip(&moments.variance) {
            *old += share * (new * unbiased - *old);
        }
    }
    moments
}
