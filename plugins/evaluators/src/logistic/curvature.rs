//! A first guess of the objective's curvature: the samples' covariance, which L-BFGS then corrects.
//!
//! Embeddings are strongly correlated; without this guess most steps are spent on learning their covariance.

use rayon::prelude::*;
use scant_nn::Rows;

/// Beyond this many columns a triangular factor costs more than it saves.
const MOST_COLUMNS: usize = 1024;

/// The inverse of `share * covariance + l2`, for the weights of one class.
pub(super) enum Curvature {
    /// The lower triangular factor, row by row.
    Full(Vec<Vec<f64>>),
    /// The diagonal alone.
    Diagonal(Vec<f64>),
}

impl Curvature {
    pub(super) fn new(rows: Rows, mean: &[f64], share: f64, l2: f64) -> Self {
        let width = rows.width();
        // A guess needs no more samples than make the covariance's rank full.
        let count = rows.len().min(8 * width.min(MOST_COLUMNS));
        let samples: Vec<Vec<f64>> = (0..count)
            .map(|i| rows.row(i * rows.len() / count))
            .map(|row| row.iter().zip(mean).map(|(&x, mean)| f64::from(x) - mean).collect())
            .collect();
        let factor = share / count as f64;
        let ridge = |variance: f64| l2 + 1e-6 * variance + f64::MIN_POSITIVE.sqrt();
        if width > MOST_COLUMNS {
            let variance = |t: usize| factor * samples.iter().map(|row| row[t] * row[t]).sum::<f64>();
            return Self::Diagonal((0..width).map(variance).map(|v| v + ridge(v)).collect());
        }
        let mut matrix: Vec<Vec<f64>> = (0..width)
            .into_par_iter()
            .map(|t| {
                let mut line = vec![0.0; t + 1];
                for row in &samples {
                    line.iter_mut().zip(row).for_each(|(sum, x)| *sum += row[t] * x);
                }
                line.iter_mut().for_each(|sum| *sum *= factor);
                line
            })
            .collect();
        let mean_variance = (0..width).map(|t| matrix[t][t]).sum::<f64>() / width as f64;
        (0..width).for_each(|t| matrix[t][t] += ridge(mean_variance));
        Self::Full(cholesky(matrix))
    }

    /// Replaces a gradient by what the guess says is the way to the minimum.
    pub(super) fn solve(&self, vector: &mut [f64]) {
        match self {
            Self::Diagonal(diagonal) => vector.iter_mut().zip(diagonal).for_each(|(x, d)| *x /= d),
            Self::Full(factor) => {
                for (t, line) in factor.iter().enumerate() {
                    let known: f64 = line[..t].iter().zip(&*vector).map(|(l, x)| l * x).sum();
                    vector[t] = (vector[t] - known) / line[t];
                }
                for (t, line) in factor.iter().enumerate().rev() {
                    vector[t] /= line[t];
                    let x = vector[t];
                    vector[..t].iter_mut().zip(line).for_each(|(v, l)| *v -= l * x);
                }
            }
        }
    }
}

/// The lower triangular factor of a positive definite matrix, given as its lower triangle.
fn cholesky(mut matrix: Vec<Vec<f64>>) -> Vec<Vec<f64>> {
    for i in 0..matrix.len() {
        let (done, rest) = matrix.split_at_mut(i);
        let line = &mut rest[0];
        for (j, other) in done.iter().enumerate() {
            let sum: f64 = line[..j].iter().zip(other).map(|(a, b)| a * b).sum();
            line[j] = (line[j] - sum) / other[j];
        }
        let square: f64 = line[..i].iter().map(|a| a * a).sum();
        // Rounding may leave a vanishing pivot negative; a small one keeps the guess usable.
        line[i] = (line[i] - square).max(1e-12 * line[i].abs() + f64::MIN_POSITIVE).sqrt();
    }
    matrix
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn solving_inverts_the_matrix() {
        let matrix = vec![vec![4.0], vec![2.0, 5.0], vec![1.0, 0.5, 3.0]];
        let mut x = [1.0, 2.0, 3.0];
        Curvature::Full(cholesky(matrix.clone())).solve(&mut x);
        for (i, wanted) in [1.0, 2.0, 3.0].into_iter().enumerate() {
            let at = |j: usize| matrix[i.max(j)][i.min(j)];
            let product: f64 = (0..3).map(|j| at(j) * x[j]).sum();
            assert!((product - wanted).abs() < 1e-12);
        }
    }
}
