//! Losses.

use super::{Out, constant};
use crate::ops::{ImageDevice, Rows};
use dfdx::prelude::*;

/// The sum of all values times a factor.
fn total<D: ImageDevice, S: Shape, T: Tape<f32, D>>(x: Tensor<S, f32, D, T>, factor: f32) -> Out<(), D, T> {
    let len = x.shape().num_elements();
    x.try_reshape_like(&(len,))?.try_sum::<(), Axis<0>>()?.try_mul(factor)
}

/// Cross-entropy against a tensor of probabilities, of which each row has been weighted.
fn against<D: ImageDevice, T: Tape<f32, D>>(
    logits: Rows<D, T>,
    target: Rows<D>,
    factor: f32,
) -> Out<(), D, T> {
    total(logits.try_log_softmax::<Axis<1>>()?.try_mul(target)?, -factor)
}

pub(in crate::ops) fn cross_entropy<D: ImageDevice, T: Tape<f32, D>>(
    logits: Rows<D, T>,
    classes: &[usize],
    weights: Option<&[f32]>,
    factor: f32,
) -> Out<(), D, T> {
    let shape = *logits.shape();
    let mut target = vec![0.0; shape.0 * shape.1];
    for (row, class) in classes.iter().enumerate() {
        target[row * shape.1 + class] = weights.map_or(1.0, |w| w[row]);
    }
    let target = constant(logits.device(), target, shape)?;
    against(logits, target, factor)
}

pub(in crate::ops) fn soft_cross_entropy<D: ImageDevice, T: Tape<f32, D>>(
    logits: Rows<D, T>,
    target: &Rows<D>,
    weights: Option<&[f32]>,
    factor: f32,
) -> Out<(), D, T> {
    let shape = *logits.shape();
    let mut target = target.clone();
    if let Some(weights) = weights {
        let weights = constant(logits.device(), weights.to_vec(), (shape.0,))?;
        target = target.try_mul(weights.try_broadcast_like::<_, Axis<1>>(&shape)?)?;
    }
    against(logits, target, factor)
}

pub(in crate::ops) fn squared_error<D: ImageDevice, S: Shape, T: Tape<f32, D> + Merge<R>, R: Tape<f32, D>>(
    x: Tensor<S, f32, D, T>,
    target: Tensor<S, f32, D, R>,
    factor: f32,
) -> Out<(), D, T> {
    total(x.try_sub(target)?.try_square()?, factor)
}

pub(in crate::ops) fn bce_with_logits<D: ImageDevice, S: Shape, T: Tape<f32, D>>(
    x: Tensor<S, f32, D, T>,
    target: &Tensor<S, f32, D>,
    factor: f32,
) -> Out<(), D, T> {
    total(x.try_bce_with_logits(target.clone())?, factor)
}

pub(in crate::ops) fn gaussian_kl<D: ImageDevice, T: Tape<f32, D> + Merge<R>, R: Tape<f32, D>>(
    mean: Rows<D, T>,
    log_variance: Rows<D, R>,
    factor: f32,
) -> Out<(), D, T> {
    let spread = log_variance.with_empty_tape().try_exp()?.try_sub(log_variance)?.try_sub(1.0)?;
    total(mean.try_square()?.try_add(spread)?, 0.5 * factor)
}

pub(in crate::ops) fn softmax_kl<D: ImageDevice, T: Tape<f32, D> + Merge<R>, R: Tape<f32, D>>(
    p: Rows<D, R>,
    q: Rows<D, T>,
    factor: f32,
) -> Out<(), D, T> {
    let p = p.try_log_softmax::<Axis<1>>()?;
    let probability = p.with_empty_tape().try_exp()?;
    let (p, of_p) = p.split_tape();
    let q = q.try_log_softmax::<Axis<1>>()?;
    // P (ln P - ln Q), with the tape of Q in front.
    let ratio = q.try_negate()?.try_add(p.put_tape(of_p))?;
    total(ratio.try_mul(probability)?, factor)
}
