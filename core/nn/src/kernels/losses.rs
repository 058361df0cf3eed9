//! Loss values with their gradients: each function gives the sum over all rows, and writes that sum's gradients.

use super::activation::{exp, sigmoid, softplus};
use super::simd::vectorised;
use super::threads::{self, PIECE};

/// What each row should be.
#[derive(Clone, Copy, Debug)]
pub enum Target<'a> {
    /// The class of each row.
    Classes(&'a [usize]),
    /// A probability for each class of each row.
    Soft(&'a [f32]),
}

/// Rows handed to a thread at once.
const ROWS: usize = 64;

/// Softmax cross-entropy of each row times its weight, summed. `gradient` gets the gradient of the logits.
pub fn cross_entropy(
    logits: &[f32],
    classes: usize,
    target: Target,
    weights: Option<&[f32]>,
    gradient: &mut [f32],
) -> f32 {
    let mut losses = vec![0.0f64; logits.len() / classes];
    threads::pieces2((gradient, ROWS * classes), (&mut losses, ROWS), |piece, gradient, losses| {
        for (i, (gradient, loss)) in gradient.chunks_exact_mut(classes).zip(losses).enumerate() {
            let row = piece * ROWS + i;
            let logits = &logits[row * classes..][..classes];
            let weight = weights.map_or(1.0, |w| w[row]);
            log_softmax(logits, gradient);
            *loss = match target {
                Target::Classes(of) => {
                    let loss = -gradient[of[row]];
                    gradient.iter_mut().for_each(|g| *g = weight * exp(*g));
                    gradient[of[row]] -= weight;
                    f64::from(weight * loss)
                }
                Target::Soft(of) => {
                    let of = &of[row * classes..][..classes];
                    let total: f32 = of.iter().sum();
                    let loss: f64 = of.iter().zip(&*gradient).map(|(t, l)| -f64::from(t * l)).sum();
                    for (g, t) in gradient.iter_mut().zip(of) {
                        *g = weight * (total * exp(*g) - t);
                    }
                    f64::from(weight) * loss
                }
            };
        }
    });
    losses.iter().sum::<f64>() as f32
}

/// Writes the logarithm of the softmax of `logits`.
fn log_softmax(logits: &[f32], out: &mut [f32]) {
    let top = logits.iter().fold(f32::NEG_INFINITY, |m, &v| if v > m || v.is_nan() { v } else { m });
    let sum: f32 = logits.iter().map(|&v| exp(v - top)).sum();
    let log_sum = top + sum.ln();
    out.iter_mut().zip(logits).for_each(|(o, v)| *o = v - log_sum);
}

/// Kullback-Leibler divergence from softmax(`q`) to softmax(`p`), that is KL(P || Q), summed over rows. The
/// gradients of both logits are written.
pub fn softmax_kl(p: &[f32], q: &[f32], classes: usize, dp: &mut [f32], dq: &mut [f32]) -> f32 {
    let mut losses = vec![0.0f64; p.len() / classes];
    threads::pieces2((dp, ROWS * classes), (dq, ROWS * classes), |piece, dp, dq| {
        for (i, (dp, dq)) in dp.chunks_exact_mut(classes).zip(dq.chunks_exact_mut(classes)).enumerate() {
            let at = (piece * ROWS + i) * classes;
            log_softmax(&p[at..at + classes], dp);
            log_softmax(&q[at..at + classes], dq);
        }
    });
    for ((dp, dq), loss) in dp.chunks_exact_mut(classes).zip(dq.chunks_exact_mut(classes)).zip(&mut losses) {
        let kl: f32 = dp.iter().zip(&*dq).map(|(p, q)| exp(*p) * (p - q)).sum();
        for (dp, dq) in dp.iter_mut().zip(dq) {
            let probability = exp(*dp);
            (*dp, *dq) = (probability * (*dp - *dq - kl), exp(*dq) - probability);
        }
        *loss = f64::from(kl);
    }
    losses.iter().sum::<f64>() as f32
}

/// Sums `part(value of a, value of b, gradient)` over all elements, in pieces of fixed size.
fn elementwise(
    a: &[f32],
    b: &[f32],
    gradient: &mut [f32],
    part: impl Fn(f32, f32, &mut f32) -> f32 + Sync,
) -> f32 {
    let mut sums = vec![0.0f64; gradient.len().div_ceil(PIECE)];
    threads::pieces2((gradient, PIECE), (&mut sums, 1), |piece, gradient, sum| {
        let range = piece * PIECE..piece * PIECE + gradient.len();
        let (a, b) = (&a[range.clone()], &b[range]);
        sum[0] = vectorised(
            #[inline(always)]
            || {
                let mut total = 0.0f64;
                for ((gradient, a), b) in gradient.chunks_mut(1024).zip(a.chunks(1024)).zip(b.chunks(1024)) {
                    let mut lanes = [0.0f32; 16];
                    let blocks = gradient.chunks_mut(16).zip(a.chunks(16)).zip(b.chunks(16));
                    for ((gradient, a), b) in blocks {
                        for (((lane, g), a), b) in lanes.iter_mut().zip(gradient).zip(a).zip(b) {
                            *lane += part(*a, *b, g);
                        }
                    }
                    total += f64::from(lanes.iter().sum::<f32>());
                }
                total
            },
        );
    });
    sums.iter().sum::<f64>() as f32
}

/// Sum of squared differences; `gradient` gets that of `x` (the target's is its negative).
pub fn squared_error(x: &[f32], target: &[f32], gradient: &mut [f32]) -> f32 {
    elementwise(
        x,
        target,
        gradient,
        #[inline(always)]
        |x, t, g| {
            let difference = x - t;
            *g = 2.0 * difference;
            difference * difference
        },
    )
}

/// Binary cross-entropy of sigmoid(`x`) against probabilities, summed; `gradient` gets that of `x`.
pub fn binary_cross_entropy(x: &[f32], target: &[f32], gradient: &mut [f32]) -> f32 {
    elementwise(
        x,
        target,
        gradient,
        #[inline(always)]
        |x, t, g| {
            *g = sigmoid(x) - t;
            softplus(x) - t * x
        },
    )
}

/// KL divergence of N(mean, exp(log_variance)) from the standard normal, summed; both gradients are written.
pub fn gaussian_kl(
    mean: &[f32],
    log_variance: &[f32],
    of_mean: &mut [f32],
    of_log_variance: &mut [f32],
) -> f32 {
    of_mean.copy_from_slice(mean);
    elementwise(
        mean,
        log_variance,
        of_log_variance,
        #[inline(always)]
        |m, l, g| {
            let e = exp(l);
            *g = 0.5 * (e - 1.0);
            0.5 * (m * m + e - 1.0 - l)
        },
    )
}
