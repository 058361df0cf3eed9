//! The silhouette: how much nearer samples are to their own cluster than to the next.

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;
use scant_abi::{Error, Result};
use scant_nn::Rows;
use scant_nn::dots::{Columns, squared_distances};

/// The mean silhouette of `rows` grouped by `labels`, in Euclidean distance.
///
/// Every distance is looked at: time grows with the square of the number of samples.
pub fn silhouette(rows: Rows, labels: &[i64]) -> Result<f64> {
    let values = silhouettes(rows, labels)?;
    Ok(values.iter().sum::<f64>() / values.len() as f64)
}

/// The silhouette of each sample; 0 for one that is alone in its cluster.
pub fn silhouettes(rows: Rows, labels: &[i64]) -> Result<Vec<f64>> {
    /// Samples whose distances to all others are held at once.
    const BLOCK: usize = 16;
    if rows.len() != labels.len() {
        return Err(Error::shape(format!("{} samples have {} cluster labels", rows.len(), labels.len())));
    }
    let width = rows.width();
    // Samples in the order of their clusters: a cluster's distances then stand side by side.
    let mut order: Vec<usize> = (0..rows.len()).collect();
    order.sort_by_key(|&i| labels[i]);
    let mut ends: Vec<usize> =
        (1..rows.len()).filter(|&i| labels[order[i]] != labels[order[i - 1]]).collect();
    ends.push(rows.len());
    if ends.len() < 2 || ends.len() >= rows.len() {
        return Err(Error::data(format!(
            "{} samples in {} clusters have no silhouette: it takes at least 2 clusters and fewer than samples",
            rows.len(),
            if rows.is_empty() { 0 } else { ends.len() }
        )));
    }
    let sorted: Vec<f32> = order.iter().flat_map(|&i| rows.row(i)).copied().collect();
    let columns = Columns::pack(&sorted, width);
    let mut values = vec![0.0; rows.len()];
    let blocks = values.par_chunks_mut(BLOCK).zip(sorted.par_chunks(BLOCK * width)).enumerate();
    blocks.for_each_init(
        || vec![0.0; BLOCK * columns.stride()],
        |squares, (b, (values, block))| {
            let block: Vec<&[f32]> = block.chunks_exact(width).collect();
            squared_distances(&block, &columns, squares);
            let each = values.iter_mut().zip(squares.chunks_exact(columns.stride())).enumerate();
            each.for_each(|(r, (value, squares))| *value = one(b * BLOCK + r, squares, &ends));
        },
    );
    let mut in_order = vec![0.0; rows.len()];
    order.iter().zip(values).for_each(|(&i, value)| in_order[i] = value);
    Ok(in_order)
}

/// The silhouette of the sample at `place` from its squared distances; clusters end at `ends`.
fn one(place: usize, squares: &[f32], ends: &[usize]) -> f64 {
    let (mut start, mut own, mut other) = (0, None, f64::INFINITY);
    for &end in ends {
        let sum = Arch::new().dispatch(SumOfRoots(&squares[start..end]));
        let size = (end - start) as f64;
        if (start..end).contains(&place) {
            own = (size > 1.0).then(|| sum / (size - 1.0));
        } else {
            other = other.min(sum / size);
        }
        start = end;
    }
    match own {
        Some(own) if own.max(other) > 0.0 => (other - own) / own.max(other),
        _ => 0.0,
    }
}

struct SumOfRoots<'a>(&'a [f32]);

impl WithSimd for SumOfRoots<'_> {
    type Output = f64;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> f64 {
        const LANES: usize = 16;
        let chunks = self.0.chunks_exact(LANES);
        let rest: f64 = chunks.remainder().iter().map(|&square| f64::from(square.sqrt())).sum();
        let mut sums = [0.0; LANES];
        for chunk in chunks {
            sums.iter_mut().zip(chunk).for_each(|(sum, square)| *sum += f64::from(square.sqrt()));
        }
        sums.iter().sum::<f64>() + rest
    }
}
