//! Losses: the gradient is found with the value and waits for the backward pass.

use super::split;
use crate::kernels::losses::{self, Target};
use crate::kernels::{buffer, rearrange};
use crate::ops::tape::{Sink, record, slice, tensor};
use crate::ops::{Rows, Scalar};
use dfdx::prelude::*;
use scant_abi::Result;

/// A loss of value `sum * factor` whose sum has these gradients, each for one input.
fn loss<T: Tape<f32, Cpu>>(
    device: &Cpu,
    tape: T,
    sum: f32,
    factor: f32,
    parts: Vec<(Option<Sink>, Vec<f32>)>,
) -> Result<Scalar<Cpu, T>> {
    let y = tensor(device, vec![sum * factor], ())?;
    if !T::OWNS_TAPE {
        parts.into_iter().for_each(|(_, values)| buffer::give(values));
        return Ok(y.put_tape(tape));
    }
    Ok(record(y, tape, move |gradients, dy| {
        let factor = factor * dy[0];
        for (sink, values) in parts {
            if let Some(sink) = sink {
                sink.fill(gradients, |out, accumulate| {
                    rearrange::pour_scaled(factor, &values, out, accumulate);
                })?;
            }
            buffer::give(values);
        }
        Ok(())
    }))
}

pub(super) fn cross_entropy<T: Tape<f32, Cpu>>(
    logits: Rows<Cpu, T>,
    target: Target,
    weights: Option<&[f32]>,
    factor: f32,
) -> Result<Scalar<Cpu, T>> {
    let (x, tape) = split(logits)?;
    let mut gradient = buffer::take(slice(&x).len());
    let sum = losses::cross_entropy(slice(&x), x.shape().1, target, weights, &mut gradient);
    let sink = T::OWNS_TAPE.then(|| Sink::new(&x));
    loss(x.device(), tape, sum, factor, vec![(sink, gradient)])
}

pub(super) fn squared_error<S: Shape, T: Tape<f32, Cpu> + Merge<R>, R: Tape<f32, Cpu>>(
    x: Tensor<S, f32, Cpu, T>,
    target: Tensor<S, f32, Cpu, R>,
    factor: f32,
) -> Result<Scalar<Cpu, T>> {
    let ((x, tape), (t, of_target)) = (split(x)?, split(target)?);
    let mut gradient = buffer::take(slice(&x).len());
    let sum = losses::squared_error(slice(&x), slice(&t), &mut gradient);
    let mut parts = Vec::new();
    if R::OWNS_TAPE {
        let mut opposite = buffer::take(gradient.len());
        rearrange::pour_scaled(-1.0, &gradient, &mut opposite, false);
        parts.push((Some(Sink::new(&t)), opposite));
    }
    parts.push((T::OWNS_TAPE.then(|| Sink::new(&x)), gradient));
    loss(x.device(), tape.merge(of_target), sum, factor, parts)
}

pub(super) fn bce_with_logits<S: Shape, T: Tape<f32, Cpu>>(
    x: Tensor<S, f32, Cpu, T>,
    target: &Tensor<S, f32, Cpu>,
    factor: f32,
) -> Result<Scalar<Cpu, T>> {
    let ((x, tape), (t, _)) = (split(x)?, split(target.clone())?);
    let mut gradient = buffer::take(slice(&x).len());
    let sum = losses::binary_cross_entropy(slice(&x), slice(&t), &mut gradient);
    let sink = T::OWNS_TAPE.then(|| Sink::new(&x));
    loss(x.device(), tape, sum, factor, vec![(sink, gradient)])
}

pub(super) fn gaussian_kl<T: Tape<f32, Cpu> + Merge<R>, R: Tape<f32, Cpu>>(
    mean: Rows<Cpu, T>,
    log_variance: Rows<Cpu, R>,
    factor: f32,
) -> Result<Scalar<Cpu, T>> {
    let ((mean, tape), (log_variance, other)) = (split(mean)?, split(log_variance)?);
    let len = slice(&mean).len();
    let (mut dm, mut dl) = (buffer::take(len), buffer::take(len));
    let sum = losses::gaussian_kl(slice(&mean), slice(&log_variance), &mut dm, &mut dl);
    let sink = |x: &Rows<Cpu>| T::OWNS_TAPE.then(|| Sink::new(x));
    let parts = vec![(sink(&mean), dm), (sink(&log_variance), dl)];
    loss(mean.device(), tape.merge(other), sum, factor, parts)
}

pub(super) fn softmax_kl<T: Tape<f32, Cpu> + Merge<R>, R: Tape<f32, Cpu>>(
    p: Rows<Cpu, R>,
    q: Rows<Cpu, T>,
    factor: f32,
) -> Result<Scalar<Cpu, T>> {
    let ((p, other), (q, tape)) = (split(p)?, split(q)?);
    let len = slice(&p).len();
    let (mut dp, mut dq) = (buffer::take(len), buffer::take(len));
    let sum = losses::softmax_kl(slice(&p), slice(&q), q.shape().1, &mut dp, &mut dq);
    let of_p = R::OWNS_TAPE.then(|| Sink::new(&p));
    let of_q = T::OWNS_TAPE.then(|| Sink::new(&q));
    loss(q.device(), tape.merge(other), sum, factor, vec![(of_p, dp), (of_q, dq)])
}
