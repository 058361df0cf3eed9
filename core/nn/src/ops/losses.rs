//! Losses: single numbers, whose gradients are computed with them.

use super::activation::same_shape;
use super::convolution::some;
use super::{ImageDevice, Rows, Scalar};
use dfdx::prelude::*;
use scant_abi::{Error, Result};

/// What the sum over all values is divided by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reduction {
    /// One: the sum itself.
    Sum,
    /// The number of items: the mean over items of the sum over each.
    Items,
    /// The number of values.
    Values,
}

impl Reduction {
    fn factor(self, items: usize, values: usize) -> f32 {
        match self {
            Self::Sum => 1.0,
            Self::Items => 1.0 / items as f32,
            Self::Values => 1.0 / values as f32,
        }
    }
}

fn row_factor(reduction: Reduction, (rows, classes): (usize, usize)) -> f32 {
    reduction.factor(rows, rows * classes)
}

fn items<S: Shape>(shape: &S) -> usize {
    shape.concrete().as_ref().first().copied().unwrap_or(1)
}

fn check_weights(weights: Option<&[f32]>, rows: usize) -> Result<()> {
    match weights {
        Some(w) if w.len() != rows => {
            Err(Error::shape(format!("cross entropy: {} row weights for {rows} rows", w.len())))
        }
        _ => Ok(()),
    }
}

/// Softmax cross-entropy of logits against classes; each row counts by its weight, if there are any.
pub fn cross_entropy<D: ImageDevice, T: Tape<f32, D>>(
    logits: Rows<D, T>,
    classes: &[usize],
    weights: Option<&[f32]>,
    reduction: Reduction,
) -> Result<Scalar<D, T>> {
    let shape = *logits.shape();
    some("cross_entropy", shape.0 * shape.1)?;
    check_weights(weights, shape.0)?;
    if classes.len() != shape.0 {
        return Err(Error::shape(format!("cross_entropy: {} classes for {} rows", classes.len(), shape.0)));
    }
    if let Some(class) = classes.iter().find(|&&c| c >= shape.1) {
        return Err(Error::shape(format!("cross_entropy: class {class} among {} logits", shape.1)));
    }
    D::cross_entropy(logits, classes, weights, row_factor(reduction, shape))
}

/// Softmax cross-entropy of logits against probabilities, which are constants.
pub fn soft_cross_entropy<D: ImageDevice, T: Tape<f32, D>>(
    logits: Rows<D, T>,
    target: &Rows<D>,
    weights: Option<&[f32]>,
    reduction: Reduction,
) -> Result<Scalar<D, T>> {
    let shape = *logits.shape();
    some("soft_cross_entropy", shape.0 * shape.1)?;
    check_weights(weights, shape.0)?;
    same_shape("soft_cross_entropy", &shape, target.shape())?;
    D::soft_cross_entropy(logits, target, weights, row_factor(reduction, shape))
}

/// Squared differences; the target may have a tape and then gets its gradient too.
pub fn mse<D: ImageDevice, S: Shape, T: Tape<f32, D> + Merge<R>, R: Tape<f32, D>>(
    x: Tensor<S, f32, D, T>,
    target: Tensor<S, f32, D, R>,
    reduction: Reduction,
) -> Result<Scalar<D, T>> {
    same_shape("mse", x.shape(), target.shape())?;
    let values = x.shape().num_elements();
    some("mse", values)?;
    let factor = reduction.factor(items(x.shape()), values);
    D::squared_error(x, target, factor)
}

/// Binary cross-entropy of sigmoid(`x`) against probabilities, which are constants.
pub fn bce_with_logits<D: ImageDevice, S: Shape, T: Tape<f32, D>>(
    x: Tensor<S, f32, D, T>,
    target: &Tensor<S, f32, D>,
    reduction: Reduction,
) -> Result<Scalar<D, T>> {
    same_shape("bce_with_logits", x.shape(), target.shape())?;
    let values = x.shape().num_elements();
    some("bce_with_logits", values)?;
    let factor = reduction.factor(items(x.shape()), values);
    D::bce_with_logits(x, target, factor)
}

/// Kullback-Leibler divergence of N(mean, exp(log_variance)) from the standard normal.
pub fn gaussian_kl<D: ImageDevice, T: Tape<f32, D> + Merge<R>, R: Tape<f32, D>>(
    mean: Rows<D, T>,
    log_variance: Rows<D, R>,
    reduction: Reduction,
) -> Result<Scalar<D, T>> {
    same_shape("gaussian_kl", mean.shape(), log_variance.shape())?;
    let shape = *mean.shape();
    some("gaussian_kl", shape.0 * shape.1)?;
    D::gaussian_kl(mean, log_variance, row_factor(reduction, shape))
}

/// KL(softmax(p) || softmax(q)) of logits; both sides get gradients where they have tapes.
pub fn softmax_kl<D: ImageDevice, T: Tape<f32, D> + Merge<R>, R: Tape<f32, D>>(
    p: Rows<D, R>,
    q: Rows<D, T>,
    reduction: Reduction,
) -> Result<Scalar<D, T>> {
    same_shape("softmax_kl", p.shape(), q.shape())?;
    let shape = *q.shape();
    some("softmax_kl", shape.0 * shape.1)?;
    D::softmax_kl(p, q, row_factor(reduction, shape))
}
