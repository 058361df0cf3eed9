//! The first principal components, by a Krylov space of the covariance.

use rayon::prelude::*;
use scant_abi::{Error, ErrorKind, Key, Result};
use scant_nn::Rows;

/// The first principal components of some samples.
#[derive(Clone, Debug, PartialEq)]
pub struct Principal {
    /// The components, unit vectors, one after another; each one's largest entry by magnitude is positive.
    pub components: Vec<f64>,
    /// The variance along each (with n - 1 below the line).
    pub variances: Vec<f64>,
    /// The samples' coordinates, sample after sample.
    pub coordinates: Vec<f64>,
}

/// The first `count` principal components of `rows`.
pub fn principal_components(rows: Rows, count: usize) -> Result<Principal> {
    let width = rows.width();
    if rows.len() < 2 || count == 0 || count > width.min(rows.len()) {
        return Err(Error::data(format!(
            "{} samples of {width} columns have no {count} principal components",
            rows.len()
        )));
    }
    let mean = rows.mean();
    let mut size = (40 + 2 * count).min(width);
    loop {
        let basis = krylov(rows, &mean, size);
        let images: Vec<Vec<f64>> = basis.iter().map(|v| covariance_times(rows, &mean, v)).collect();
        let mut small: Vec<Vec<f64>> =
            images.iter().map(|image| basis.iter().map(|v| dot(image, v)).collect()).collect();
        let vectors = jacobi(&mut small);
        let mut order: Vec<usize> = (0..size).collect();
        order.sort_by(|&a, &b| small[b][b].total_cmp(&small[a][a]));
        order.truncate(count);
        let combine = |of: &[Vec<f64>], j: usize| -> Vec<f64> {
            (0..width).map(|t| of.iter().zip(&vectors).map(|(v, row)| v[t] * row[j]).sum()).collect()
        };
        let scale = small[order[0]][order[0]].max(f64::MIN_POSITIVE);
        let residual = |&j: &usize| {
            let (vector, image) = (combine(&basis, j), combine(&images, j));
            vector.iter().zip(&image).map(|(v, i)| (i - small[j][j] * v).powi(2)).sum::<f64>().sqrt() / scale
        };
        if size == width || order.iter().map(residual).fold(0.0, f64::max) < 1e-10 {
            let variances: Vec<f64> = order.iter().map(|&j| small[j][j].max(0.0)).collect();
            let components: Vec<f64> = order.iter().flat_map(|&j| upright(combine(&basis, j))).collect();
            if components.iter().any(|x| !x.is_finite()) {
                return Err(Error::new(
                    ErrorKind::Numeric,
                    "the covariance overflows: scale the samples down",
                ));
            }
            let coordinates = project(rows, &mean, &components);
            return Ok(Principal { components, variances, coordinates });
        }
        size = (2 * size).min(width);
    }
}

/// The same line, pointing so that its largest entry is positive.
fn upright(mut vector: Vec<f64>) -> Vec<f64> {
    let largest = vector.iter().copied().fold(0.0, |a: f64, b| if b.abs() > a.abs() { b } else { a });
    if largest < 0.0 {
        vector.iter_mut().for_each(|x| *x = -*x);
    }
    vector
}

/// An orthonormal basis of `size` vectors, each the covariance's image of the one before, made orthogonal.
fn krylov(rows: Rows, mean: &[f64], size: usize) -> Vec<Vec<f64>> {
    let mut rng = Key::new(0).named("principal components").rng();
    let mut basis: Vec<Vec<f64>> = Vec::with_capacity(size);
    let mut next: Vec<f64> = (0..rows.width()).map(|_| f64::from(rng.normal())).collect();
    while basis.len() < size {
        let before = norm(&next);
        // Twice is enough: the second time removes what rounding left.
        for _ in 0..2 {
            for vector in &basis {
                let share = dot(&next, vector);
                next.iter_mut().zip(vector).for_each(|(x, v)| *x -= share * v);
            }
        }
        let length = norm(&next);
        if length > 1e-10 * before && length > 0.0 {
            next.iter_mut().for_each(|x| *x /= length);
            let image = covariance_times(rows, mean, &next);
            basis.push(std::mem::replace(&mut next, image));
        } else {
            // The space is exhausted: go on in a fresh direction.
            next = (0..rows.width()).map(|_| f64::from(rng.normal())).collect();
        }
    }
    basis
}

/// The covariance of `rows` times `vector`, without forming the covariance.
fn covariance_times(rows: Rows, mean: &[f64], vector: &[f64]) -> Vec<f64> {
    let offset = dot(mean, vector);
    let size = rows.len().div_ceil(32).max(128);
    let parts: Vec<(Vec<f64>, f64)> = rows
        .values()
        .par_chunks(size * rows.width())
        .map(|chunk| {
            let (mut sum, mut total) = (vec![0.0; rows.width()], 0.0);
            for row in chunk.chunks_exact(rows.width()) {
                let along = row.iter().zip(vector).map(|(&x, v)| f64::from(x) * v).sum::<f64>() - offset;
                sum.iter_mut().zip(row).for_each(|(sum, &x)| *sum += along * f64::from(x));
                total += along;
            }
            (sum, total)
        })
        .collect();
    let total: f64 = parts.iter().map(|part| part.1).sum();
    let below = (rows.len() - 1) as f64;
    (0..rows.width()).map(|t| (parts.iter().map(|p| p.0[t]).sum::<f64>() - total * mean[t]) / below).collect()
}

fn project(rows: Rows, mean: &[f64], components: &[f64]) -> Vec<f64> {
    let offsets: Vec<f64> = components.chunks_exact(rows.width()).map(|c| dot(c, mean)).collect();
    rows.values()
        .par_chunks_exact(rows.width())
        .flat_map_iter(|row| {
            let each = components.chunks_exact(rows.width()).zip(&offsets);
            each.map(|(c, offset)| row.iter().zip(c).map(|(&x, c)| f64::from(x) * c).sum::<f64>() - offset)
        })
        .collect()
}

/// Turns a symmetric matrix into a diagonal one by rotations; gives the rotations' product, eigenvectors as columns.
fn jacobi(matrix: &mut [Vec<f64>]) -> Vec<Vec<f64>> {
    let n = matrix.len();
    let mut vectors: Vec<Vec<f64>> =
        (0..n).map(|i| (0..n).map(|j| f64::from(u8::from(i == j))).collect()).collect();
    let size: f64 = matrix.iter().flatten().map(|x| x * x).sum();
    for _ in 0..60 {
        let off: f64 =
            (0..n).flat_map(|i| (0..i).map(move |j| (i, j))).map(|(i, j)| matrix[i][j].powi(2)).sum();
        if off <= 1e-30 * size {
            break;
        }
        for p in 0..n {
            for q in p + 1..n {
                rotate(matrix, &mut vectors, p, q);
            }
        }
    }
    vectors
}

fn rotate(matrix: &mut [Vec<f64>], vectors: &mut [Vec<f64>], p: usize, q: usize) {
    if matrix[p][q] == 0.0 {
        return;
    }
    let theta = (matrix[q][q] - matrix[p][p]) / (2.0 * matrix[p][q]);
    let t = theta.signum() / (theta.abs() + theta.hypot(1.0));
    let c = 1.0 / t.hypot(1.0);
    let s = t * c;
    let turn = |row: &mut Vec<f64>| (row[p], row[q]) = (c * row[p] - s * row[q], s * row[p] + c * row[q]);
    matrix.iter_mut().for_each(turn);
    vectors.iter_mut().for_each(turn);
    // p < q, so both rows can be held at once.
    let (front, back) = matrix.split_at_mut(q);
    for (a, b) in front[p].iter_mut().zip(&mut back[0]) {
        (*a, *b) = (c * *a - s * *b, s * *a + c * *b);
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn norm(a: &[f64]) -> f64 {
    dot(a, a).sqrt()
}
