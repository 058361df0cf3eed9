//! What pulls points of a layout together: their nearest neighbours among the samples.

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;
use scant_abi::Result;
use scant_nn::Rows;

use super::forces::repulsion;
use crate::neighbors::nearest_neighbors;

/// A sparse symmetric matrix of affinities that add up to 1.
pub(super) struct Affinities {
    /// Where each point's neighbours start in the lists below.
    starts: Vec<usize>,
    neighbors: Vec<u32>,
    weights: Vec<f32>,
}

impl Affinities {
    pub(super) fn new(rows: Rows, perplexity: f64) -> Result<Self> {
        let count = (3.0 * perplexity + 1.0) as usize;
        let count = count.min(rows.len() - 1);
        // Each point is its own nearest neighbour, or, among equals, one of the nearest: ask for one more.
        let found = nearest_neighbors(rows, rows, count + 1)?;
        let each = found.indices.par_chunks(count + 1).zip(found.squares.par_chunks(count + 1)).enumerate();
        let lists: Vec<Vec<(u32, f64)>> = each
            .map(|(i, (indices, squares))| {
                let others = indices.iter().zip(squares).filter(|&(&j, _)| j as usize != i).take(count);
                let (indices, squares): (Vec<u32>, Vec<f64>) =
                    others.map(|(&j, &square)| (j, square)).unzip();
                indices.into_iter().zip(conditional(&squares, perplexity)).collect()
            })
            .collect();
        Ok(Self::symmetric(&lists))
    }

    /// The mean of the matrix and its transpose, scaled to add up to 1.
    fn symmetric(lists: &[Vec<(u32, f64)>]) -> Self {
        let mut both: Vec<Vec<(u32, f64)>> = lists.to_vec();
        for (i, list) in lists.iter().enumerate() {
            list.iter().for_each(|&(j, p)| both[j as usize].push((i as u32, p)));
        }
        let total: f64 = 2.0 * lists.iter().flatten().map(|&(_, p)| p).sum::<f64>();
        let (mut starts, mut neighbors, mut weights) = (vec![0], Vec::new(), Vec::new());
        for list in &mut both {
            list.sort_by_key(|&(j, _)| j);
            for group in list.chunk_by(|a, b| a.0 == b.0) {
                neighbors.push(group[0].0);
                weights.push((group.iter().map(|&(_, p)| p).sum::<f64>() / total) as f32);
            }
            starts.push(neighbors.len());
        }
        Self { starts, neighbors, weights }
    }

    fn of(&self, point: usize) -> (&[u32], &[f32]) {
        let at = self.starts[point]..self.starts[point + 1];
        (&self.neighbors[at.clone()], &self.weights[at])
    }

    /// For each point the sums over its neighbours of p q dx and p q dy, where q = 1 / (1 + distance^2).
    pub(super) fn attraction(&self, x: &[f32], y: &[f32]) -> Vec<[f32; 2]> {
        const CHUNK: usize = 64;
        let mut pulls = vec![[0.0; 2]; x.len()];
        pulls.par_chunks_mut(CHUNK).enumerate().for_each_init(Gathered::default, |gathered, (c, pulls)| {
            for (r, pull) in pulls.iter_mut().enumerate() {
                let point = c * CHUNK + r;
                let (neighbors, weights) = self.of(point);
                gathered.fill(neighbors, x, y);
                *pull = Arch::new().dispatch(Pull { at: [x[point], y[point]], gathered, weights });
            }
        });
        pulls
    }

    /// The sum of p ln (p / q) over all neighbours.
    pub(super) fn divergence(&self, x: &[f32], y: &[f32]) -> f64 {
        let total: f64 = repulsion(x, y).iter().map(|push| f64::from(push[2])).sum();
        let one = |point: usize| -> f64 {
            let (neighbors, weights) = self.of(point);
            let each = neighbors.iter().zip(weights).filter(|(_, p)| **p > 0.0);
            each.map(|(&j, &p)| {
                let (dx, dy) = (f64::from(x[point] - x[j as usize]), f64::from(y[point] - y[j as usize]));
                let q = 1.0 / (1.0 + dx * dx + dy * dy) / total;
                f64::from(p) * (f64::from(p) / q).ln()
            })
            .sum()
        };
        (0..x.len()).into_par_iter().map(one).collect::<Vec<f64>>().iter().sum()
    }
}

/// The coordinates of a point's neighbours, side by side.
#[derive(Default)]
struct Gathered {
    x: Vec<f32>,
    y: Vec<f32>,
}

impl Gathered {
    fn fill(&mut self, neighbors: &[u32], x: &[f32], y: &[f32]) {
        self.x.clear();
        self.y.clear();
        self.x.extend(neighbors.iter().map(|&j| x[j as usize]));
        self.y.extend(neighbors.iter().map(|&j| y[j as usize]));
    }
}

struct Pull<'a> {
    at: [f32; 2],
    gathered: &'a Gathered,
    weights: &'a [f32],
}

impl WithSimd for Pull<'_> {
    type Output = [f32; 2];

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> [f32; 2] {
        const LANES: usize = 16;
        let mut sums = [[0.0_f32; LANES]; 2];
        let [at_x, at_y] = self.at;
        let others = self.gathered.x.chunks(LANES).zip(self.gathered.y.chunks(LANES));
        for ((x, y), weights) in others.zip(self.weights.chunks(LANES)) {
            let [sums_x, sums_y] = &mut sums;
            for ((((x, y), p), along_x), along_y) in x.iter().zip(y).zip(weights).zip(sums_x).zip(sums_y) {
                let (dx, dy) = (at_x - x, at_y - y);
                let pull = p / (1.0 + dx * dx + dy * dy);
                *along_x += pull * dx;
                *along_y += pull * dy;
            }
        }
        [sums[0].iter().sum(), sums[1].iter().sum()]
    }
}

/// Probabilities of the neighbours at these squared distances, as wide as makes their perplexity the wanted one.
fn conditional(squares: &[f64], perplexity: f64) -> Vec<f64> {
    let nearest = squares.iter().copied().fold(f64::INFINITY, f64::min);
    let target = perplexity.ln();
    let (mut low, mut high, mut precision) = (0.0, f64::INFINITY, 1.0);
    let mut shares = vec![0.0; squares.len()];
    for _ in 0..200 {
        shares.iter_mut().zip(squares).for_each(|(p, square)| *p = (-precision * (square - nearest)).exp());
        let total: f64 = shares.iter().sum();
        shares.iter_mut().for_each(|p| *p /= total);
        let mean: f64 = shares.iter().zip(squares).map(|(p, square)| p * (square - nearest)).sum();
        let difference = total.ln() + precision * mean - target;
        if difference.abs() <= 1e-5 {
            break;
        }
        if difference > 0.0 {
            low = precision;
            precision = if high.is_finite() { 0.5 * (low + high) } else { 2.0 * precision };
        } else {
            high = precision;
            precision = 0.5 * (low + high);
        }
    }
    shares
}
