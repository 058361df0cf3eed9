//! One pass over the samples: the objective and its gradient.

use std::ops::Range;

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;
use scant_nn::Rows;
use scant_nn::dots::{Columns, dots};

use super::curvature::Curvature;
use super::lbfgs::Function;

/// Samples whose scores are held at once; they stay in the second-level cache between both uses.
const BLOCK: usize = 128;

/// The function to be minimised; its parameters are the weights, and the intercepts at the samples' mean.
pub(super) struct Problem<'a> {
    rows: Rows<'a>,
    labels: &'a [i64],
    classes: usize,
    l2: f64,
    mean: Vec<f64>,
    share: f64,
    curvature: Curvature,
    chunks: Vec<Range<usize>>,
}

impl<'a> Problem<'a> {
    pub(super) fn new(rows: Rows<'a>, labels: &'a [i64], classes: usize, l2: f64) -> Self {
        let size = rows.len().div_ceil(32).max(BLOCK);
        let chunks: Vec<Range<usize>> =
            (0..rows.len()).step_by(size).map(|i| i..rows.len().min(i + size)).collect();
        let mean = rows.mean();
        let share = (classes as f64 - 1.0).max(1.0) / (classes * classes) as f64;
        let curvature = Curvature::new(rows, &mean, share, l2);
        Self { rows, labels, classes, l2, mean, share, curvature, chunks }
    }

    /// From intercepts at the samples' origin to intercepts at their mean.
    pub(super) fn centre(&self, parameters: &mut [f64]) {
        self.shift(parameters, 1.0);
    }

    /// From intercepts at the samples' mean to intercepts at their origin.
    pub(super) fn uncentre(&self, parameters: &mut [f64]) {
        self.shift(parameters, -1.0);
    }

    fn shift(&self, parameters: &mut [f64], sign: f64) {
        let (weights, intercepts) = parameters.split_at_mut(self.classes * self.rows.width());
        for (weights, intercept) in weights.chunks_exact(self.rows.width()).zip(intercepts) {
            *intercept += sign * weights.iter().zip(&self.mean).map(|(w, mean)| w * mean).sum::<f64>();
        }
    }
}

impl Function for Problem<'_> {
    fn precondition(&self, gradient: &mut [f64]) {
        let (weights, intercepts) = gradient.split_at_mut(self.classes * self.rows.width());
        weights.par_chunks_exact_mut(self.rows.width()).for_each(|weights| self.curvature.solve(weights));
        intercepts.iter_mut().for_each(|g| *g /= self.share);
    }

    fn value_and_gradient(&self, centred: &[f64]) -> (f64, Vec<f64>) {
        let (width, classes) = (self.rows.width(), self.classes);
        let mut own = centred.to_vec();
        self.uncentre(&mut own);
        let (weights, intercepts) = own.split_at(classes * width);
        let single: Vec<f32> = weights.iter().map(|&w| w as f32).collect();
        let columns = Columns::pack(&single, width);
        let parts: Vec<Part> = self
            .chunks
            .par_iter()
            .map(|chunk| {
                let rows = self.rows.slice(chunk.start, chunk.end);
                part(rows, &self.labels[chunk.clone()], &columns, intercepts)
            })
            .collect();
        let count = self.rows.len() as f64;
        let penalty: f64 = weights.iter().map(|w| w * w).sum();
        let value = parts.iter().map(|part| part.loss).sum::<f64>() / count + 0.5 * self.l2 * penalty;
        let mut gradient = vec![0.0; centred.len()];
        let (by_weight, by_intercept) = gradient.split_at_mut(classes * width);
        for (class, slot) in by_intercept.iter_mut().enumerate() {
            *slot = parts.iter().map(|part| part.residuals[class]).sum::<f64>() / count;
        }
        for (class, slots) in by_weight.chunks_exact_mut(width).enumerate() {
            for (t, slot) in slots.iter_mut().enumerate() {
                let at = class * width + t;
                let sum: f64 = parts.iter().map(|part| f64::from(part.gradient[at])).sum();
                let own = sum / count + self.l2 * weights[class * width + t];
                *slot = own - self.mean[t] * by_intercept[class];
            }
        }
        (value, gradient)
    }
}

/// What one chunk of samples adds.
struct Part {
    loss: f64,
    /// By class, then column of the samples, in single precision.
    gradient: Vec<f32>,
    residuals: Vec<f64>,
}

fn part(rows: Rows, labels: &[i64], columns: &Columns, intercepts: &[f64]) -> Part {
    let (stride, width) = (columns.stride(), rows.width());
    // Classes beyond the last are padding of the vectors: they never win.
    let mut offsets = vec![f32::NEG_INFINITY; stride];
    offsets.iter_mut().zip(intercepts).for_each(|(to, &b)| *to = b as f32);
    let mut scores = vec![0.0; BLOCK * stride];
    let mut sum =
        Part { loss: 0.0, gradient: vec![0.0; width * columns.count()], residuals: vec![0.0; stride] };
    for (labels, rows) in labels.chunks(BLOCK).zip(rows.values().chunks(BLOCK * width)) {
        let list: Vec<&[f32]> = rows.chunks_exact(width).collect();
        dots(&list, columns, &mut scores);
        let scores = &mut scores[..list.len() * stride];
        Arch::new().dispatch(Softmax { scores, labels, offsets: &offsets, sum: &mut sum });
        Arch::new().dispatch(Outer {
            rows,
            width,
            residuals: scores,
            stride,
            classes: columns.count(),
            sum: &mut sum.gradient,
        });
    }
    sum
}

/// Turns scores into probabilities minus the truth, and adds the loss.
struct Softmax<'a> {
    scores: &'a mut [f32],
    labels: &'a [i64],
    offsets: &'a [f32],
    sum: &'a mut Part,
}

impl WithSimd for Softmax<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        for (scores, &label) in self.scores.chunks_exact_mut(self.offsets.len()).zip(self.labels) {
            scores.iter_mut().zip(self.offsets).for_each(|(score, offset)| *score += offset);
            let largest = scores.iter().fold(f32::NEG_INFINITY, |a, &b| if b > a { b } else { a });
            let truth = scores[label as usize] - largest;
            scores.iter_mut().for_each(|score| *score = exponential(*score - largest));
            let total: f32 = scores.iter().sum();
            self.sum.loss += f64::from(total).ln() - f64::from(truth);
            let share = 1.0 / total;
            scores.iter_mut().for_each(|score| *score *= share);
            scores[label as usize] -= 1.0;
            self.sum.residuals.iter_mut().zip(scores).for_each(|(sum, &mut r)| *sum += f64::from(r));
        }
    }
}

/// e^x for x <= 0, to 2 units in the last place; written so that it vectorises, as the library's does not.
#[inline(always)]
fn exponential(x: f32) -> f32 {
    let x = if x < -87.0 { -87.0 } else { x };
    // x = n ln 2 + r; adding and taking away 1.5 * 2^23 rounds to the nearest whole number.
    const ROUND: f32 = 12_582_912.0;
    let shifted = x.mul_add(std::f32::consts::LOG2_E, ROUND);
    let n = shifted - ROUND;
    let r = n.mul_add(-0.693_359_4, x);
    let r = n.mul_add(2.121_944_4e-4, r);
    let mut p = 1.987_569_1e-4_f32;
    for c in [1.398_199_9e-3, 8.333_452e-3, 4.166_579_6e-2, 0.166_666_65, 0.5] {
        p = p.mul_add(r, c);
    }
    let fraction = p.mul_add(r * r, r) + 1.0;
    fraction * f32::from_bits(((n as i32 + 127) as u32) << 23)
}

/// Adds to each class's gradient the samples, each times the class's residual.
struct Outer<'a> {
    rows: &'a [f32],
    width: usize,
    residuals: &'a [f32],
    stride: usize,
    classes: usize,
    sum: &'a mut [f32],
}

impl WithSimd for Outer<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        // Two vectors of columns where there are registers for them.
        let vectors = if S::F32_LANES >= 16 { 2 } else { 1 };
        for t in (0..self.width).step_by(vectors * S::F32_LANES) {
            let mut class = 0;
            while class < self.classes {
                class += match (self.classes - class, vectors) {
                    (8.., 2) => self.tile::<S, 8, 2>(simd, class, t),
                    (4.., 2) => self.tile::<S, 4, 2>(simd, class, t),
                    (2.., 2) => self.tile::<S, 2, 2>(simd, class, t),
                    (_, 2) => self.tile::<S, 1, 2>(simd, class, t),
                    (8.., _) => self.tile::<S, 8, 1>(simd, class, t),
                    (2.., _) => self.tile::<S, 2, 1>(simd, class, t),
                    _ => self.tile::<S, 1, 1>(simd, class, t),
                };
            }
        }
    }
}

impl Outer<'_> {
    /// Classes `class..class + N` with `V` vectors of columns from `t` on, over all samples; gives `N`.
    #[inline(always)]
    fn tile<S: Simd, const N: usize, const V: usize>(&mut self, simd: S, class: usize, t: usize) -> usize {
        let ends: [usize; V] = std::array::from_fn(|v| (t + (v + 1) * S::F32_LANES).min(self.width));
        let starts: [usize; V] = std::array::from_fn(|v| (t + v * S::F32_LANES).min(self.width));
        let mut sums = [[simd.splat_f32s(0.0); V]; N];
        let whole = t + V * S::F32_LANES <= self.width;
        let samples = self.rows.chunks_exact(self.width).zip(self.residuals.chunks_exact(self.stride));
        for (row, residuals) in samples {
            let vectors: [S::f32s; V] = std::array::from_fn(|v| {
                if whole {
                    S::as_simd_f32s(&row[starts[v]..starts[v] + S::F32_LANES]).0[0]
                } else {
                    simd.partial_load_f32s(&row[starts[v]..ends[v]])
                }
            });
            for (sums, &residual) in sums.iter_mut().zip(&residuals[class..class + N]) {
                let residual = simd.splat_f32s(residual);
                for (sum, &vector) in sums.iter_mut().zip(&vectors) {
                    *sum = simd.mul_add_f32s(residual, vector, *sum);
                }
            }
        }
        for (n, sums) in sums.into_iter().enumerate() {
            for (v, sum) in sums.into_iter().enumerate() {
                let at = (class + n) * self.width;
                let held = &mut self.sum[at + starts[v]..at + ends[v]];
                let more = simd.add_f32s(simd.partial_load_f32s(held), sum);
                simd.partial_store_f32s(held, more);
            }
        }
        N
    }
}

#[cfg(test)]
mod tests {
    use scant_abi::Key;

    use super::*;

    #[test]
    fn the_exponential_is_the_library_s() {
        for i in 0..8_000 {
            let x = -0.01 * i as f32;
            let exact = f64::from(x).exp();
            assert!((f64::from(exponential(x)) - exact).abs() < 2e-7 * exact, "{x}");
        }
    }

    #[test]
    fn the_gradient_is_that_of_the_value() {
        let mut rng = Key::new(1).rng();
        let (samples, width, classes) = (300, 19, 17);
        let values: Vec<f32> = (0..samples * width).map(|i| rng.normal() + (i % width % 3) as f32).collect();
        let labels: Vec<i64> = (0..samples).map(|_| rng.below(classes) as i64).collect();
        let problem = Problem::new(Rows::new(&values, width).unwrap(), &labels, classes, 0.01);
        let point: Vec<f64> = (0..classes * (width + 1)).map(|_| 0.3 * f64::from(rng.normal())).collect();
        let (_, gradient) = problem.value_and_gradient(&point);
        for i in (0..point.len()).step_by(13) {
            let at = |by: f64| {
                let mut moved = point.clone();
                moved[i] += by;
                problem.value_and_gradient(&moved).0
            };
            // Four points: the error is of the fourth order of the distance.
            let slope = (8.0 * (at(1e-2) - at(-1e-2)) - (at(2e-2) - at(-2e-2))) / 12e-2;
            assert!((slope - gradient[i]).abs() < 1e-4, "{i}: {slope} {}", gradient[i]);
        }
    }
}
