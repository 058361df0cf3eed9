//! Where k-means starts: greedy k-means++ (Arthur and Vassilvitskii, 2007), for many starts at once.
//!
//! One pass over the samples serves the candidates of every start, so that memory is read once for all of them.

use rayon::prelude::*;
use scant_abi::{Key, Rng};

use super::kmeans::Samples;
use crate::dots::{Columns, dots};

/// One start of k-means: its centroids, one after another.
pub(super) type Start = Vec<f32>;

/// `count` starts of `clusters` centroids each, start `i` drawn from `key.fold(i)`.
pub(super) fn starts(samples: &Samples, clusters: usize, count: usize, key: Key) -> Vec<Start> {
    let trials = 2 + (clusters as f64).ln() as usize;
    let mut rngs: Vec<Rng> = (0..count).map(|i| key.fold(i as u64).rng()).collect();
    let mut chosen: Vec<Vec<usize>> = rngs.iter_mut().map(|rng| vec![rng.below(samples.len())]).collect();
    // The squared distance of each sample to the nearest centroid so far, chunk by chunk, start by start.
    let mut nearest: Vec<Vec<Vec<f32>>> =
        samples.chunks().iter().map(|chunk| vec![vec![f32::INFINITY; chunk.len()]; count]).collect();
    for _ in 1..clusters {
        let last: Vec<usize> = chosen.iter().map(|c| c[c.len() - 1]).collect();
        lower(samples, &last, &mut nearest);
        let candidates: Vec<usize> = rngs
            .par_iter_mut()
            .enumerate()
            .flat_map_iter(|(start, rng)| draw(rng, trials, &nearest, start))
            .collect();
        let remaining = potentials(samples, &candidates, &nearest);
        for (start, (picks, costs)) in candidates.chunks(trials).zip(remaining.chunks(trials)).enumerate() {
            let best = (0..trials).min_by(|&a, &b| costs[a].total_cmp(&costs[b])).unwrap_or(0);
            chosen[start].push(picks[best]);
        }
    }
    chosen.iter().map(|picks| picks.iter().flat_map(|&index| samples.row(index)).copied().collect()).collect()
}

/// Draws samples with probability proportional to their squared distance from the centroids so far.
fn draw(rng: &mut Rng, trials: usize, nearest: &[Vec<Vec<f32>>], start: usize) -> Vec<usize> {
    let distances = || nearest.iter().flat_map(|chunk| &chunk[start]);
    let total: f64 = distances().map(|&d| f64::from(d)).sum();
    if total <= 0.0 {
        // Every sample coincides with a centroid: any is as good as any other.
        let count = distances().count();
        return (0..trials).map(|_| rng.below(count)).collect();
    }
    let mut marks: Vec<(f64, usize)> = (0..trials)
        .map(|trial| {
            let bits = u64::from(rng.bits()) << 21 ^ u64::from(rng.bits() >> 11);
            (total * bits as f64 / (1_u64 << 53) as f64, trial)
        })
        .collect();
    marks.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (mut picks, mut sum, mut last) = (vec![0; trials], 0.0, 0);
    let mut waiting = marks.iter().peekable();
    for (index, &distance) in distances().enumerate() {
        sum += f64::from(distance);
        if distance > 0.0 {
            last = index;
        }
        while let Some(&(_, trial)) = waiting.next_if(|mark| mark.0 < sum) {
            picks[trial] = index;
        }
    }
    waiting.for_each(|&(_, trial)| picks[trial] = last);
    picks
}

/// Takes one more centroid of each start into account.
fn lower(samples: &Samples, centroids: &[usize], nearest: &mut [Vec<Vec<f32>>]) {
    let columns = samples.pack(centroids);
    samples.chunks().par_iter().zip(nearest).for_each(|(chunk, nearest)| {
        each_distance(samples, chunk.clone(), &columns, centroids, |row, distances| {
            for (start, &distance) in distances.iter().enumerate() {
                let held = &mut nearest[start][row];
                *held = held.min(distance);
            }
        });
    });
}

/// What the sum of squared distances would become with each candidate.
fn potentials(samples: &Samples, candidates: &[usize], nearest: &[Vec<Vec<f32>>]) -> Vec<f64> {
    let columns = samples.pack(candidates);
    let partial: Vec<Vec<f64>> = samples
        .chunks()
        .par_iter()
        .zip(nearest)
        .map(|(chunk, nearest)| {
            let trials = candidates.len() / nearest.len();
            let mut sums = vec![0.0; candidates.len()];
            each_distance(samples, chunk.clone(), &columns, candidates, |row, distances| {
                let groups = sums.chunks_exact_mut(trials).zip(distances.chunks_exact(trials));
                for ((sums, distances), held) in groups.zip(nearest) {
                    let held = held[row];
                    sums.iter_mut().zip(distances).for_each(|(s, &d)| *s += f64::from(d.min(held)));
                }
            });
            sums
        })
        .collect();
    partial.iter().fold(vec![0.0; candidates.len()], |mut total, part| {
        total.iter_mut().zip(part).for_each(|(t, p)| *t += p);
        total
    })
}

/// Calls `use_row` with each sample's place in its chunk and its squared distances to `centroids`.
fn each_distance(
    samples: &Samples,
    chunk: std::ops::Range<usize>,
    columns: &Columns,
    centroids: &[usize],
    mut use_row: impl FnMut(usize, &[f32]),
) {
    const BLOCK: usize = 64;
    let norms: Vec<f32> = centroids.iter().map(|&index| samples.norm(index)).collect();
    let mut products = vec![0.0; BLOCK * columns.stride()];
    for first in chunk.clone().step_by(BLOCK) {
        let rows: Vec<&[f32]> = (first..chunk.end.min(first + BLOCK)).map(|i| samples.row(i)).collect();
        dots(&rows, columns, &mut products);
        for (r, products) in products.chunks_exact_mut(columns.stride()).take(rows.len()).enumerate() {
            let own = samples.norm(first + r);
            for (product, norm) in products.iter_mut().zip(&norms) {
                *product = (own + norm - 2.0 * *product).max(0.0);
            }
            use_row(first + r - chunk.start, &products[..norms.len()]);
        }
    }
}
