//! Dot products of many rows with a few packed columns: the inner loop of k-means and of linear classifiers.
//!
//! A general matrix product packs both operands and wants many columns. Here there are few columns (clusters,
//! classes), often only some of the rows take part, and each row is best read once, from wherever it stands.

use pulp::{Arch, Simd, WithSimd};

/// How many rows are multiplied at once: enough independent sums to fill the processor's pipeline.
const TILE: usize = 8;

/// Columns of one length, laid out so that one vector register holds the same coordinate of several columns.
#[derive(Clone, Debug)]
pub struct Columns {
    packed: Vec<f32>,
    width: usize,
    count: usize,
    lanes: usize,
}

impl Columns {
    /// Packs `columns`, one after another of `width` numbers each.
    pub fn pack(columns: &[f32], width: usize) -> Self {
        let lanes = Arch::new().dispatch(Lanes);
        let count = columns.len() / width.max(1);
        let mut packed = vec![0.0; count.div_ceil(lanes) * lanes * width];
        for (index, column) in columns.chunks_exact(width.max(1)).enumerate() {
            let block = &mut packed[index / lanes * lanes * width..];
            for (vector, &x) in block.chunks_exact_mut(lanes).zip(column) {
                vector[index % lanes] = x;
            }
        }
        Self { packed, width, count, lanes }
    }

    /// The number of columns.
    pub fn count(&self) -> usize {
        self.count
    }

    /// The room one row of products takes in `out` of [`dots`]: the count, rounded up to whole vectors.
    pub fn stride(&self) -> usize {
        self.count.div_ceil(self.lanes) * self.lanes
    }
}

/// The products of each of `rows` with each column, into `out`: row after row, [`Columns::stride`] apart.
///
/// # Panics
/// Where a row's length is not that of the columns, or `out` is too short.
pub fn dots(rows: &[&[f32]], columns: &Columns, out: &mut [f32]) {
    assert!(rows.iter().all(|row| row.len() == columns.width), "a row is not as long as the columns");
    assert!(out.len() >= rows.len() * columns.stride(), "too little room for the products");
    Arch::new().dispatch(Dots { rows, columns, out });
}

struct Lanes;

impl WithSimd for Lanes {
    type Output = usize;

    fn with_simd<S: Simd>(self, _: S) -> usize {
        S::F32_LANES
    }
}

struct Dots<'a> {
    rows: &'a [&'a [f32]],
    columns: &'a Columns,
    out: &'a mut [f32],
}

impl WithSimd for Dots<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let stride = self.columns.stride();
        let (vectors, _) = S::as_simd_f32s(&self.columns.packed);
        let full = self.rows.len() / TILE * TILE;
        for (b, block) in vectors.chunks_exact(self.columns.width.max(1)).enumerate() {
            let column = b * S::F32_LANES;
            for first in (0..full).step_by(TILE) {
                tile::<S, TILE>(
                    simd,
                    &self.rows[first..],
                    block,
                    &mut self.out[first * stride + column..],
                    stride,
                );
            }
            for first in full..self.rows.len() {
                tile::<S, 1>(
                    simd,
                    &self.rows[first..],
                    block,
                    &mut self.out[first * stride + column..],
                    stride,
                );
            }
        }
    }
}

#[inline(always)]
#[allow(unsafe_code)]
fn tile<S: Simd, const N: usize>(
    simd: S,
    rows: &[&[f32]],
    block: &[S::f32s],
    out: &mut [f32],
    stride: usize,
) {
    let rows: [&[f32]; N] = std::array::from_fn(|r| &rows[r][..block.len()]);
    let mut sums = [simd.splat_f32s(0.0); N];
    for (t, &vector) in block.iter().enumerate() {
        for (sum, row) in sums.iter_mut().zip(&rows) {
            // SAFETY: t < block.len(), and every row was cut to exactly that length above.
            let x = unsafe { *row.get_unchecked(t) };
            *sum = simd.mul_add_f32s(simd.splat_f32s(x), vector, *sum);
        }
    }
    for (r, sum) in sums.into_iter().enumerate() {
        simd.partial_store_f32s(&mut out[r * stride..r * stride + S::F32_LANES], sum);
    }
}

#[cfg(test)]
mod tests {
    use scant_abi::Key;

    use super::*;

    #[test]
    fn products_are_those_of_the_definition() {
        for (n, k, width) in [(1, 1, 1), (9, 10, 7), (17, 33, 40), (8, 16, 3)] {
            let mut rng = Key::new(3).rng();
            let mut draw = |count: usize| (0..count).map(|_| rng.normal()).collect::<Vec<f32>>();
            let (values, columns) = (draw(n * width), draw(k * width));
            let rows: Vec<&[f32]> = values.chunks_exact(width).collect();
            let packed = Columns::pack(&columns, width);
            let mut out = vec![0.0; n * packed.stride()];
            dots(&rows, &packed, &mut out);
            for (i, row) in rows.iter().enumerate() {
                for (j, column) in columns.chunks_exact(width).enumerate() {
                    let sum: f64 = row.iter().zip(column).map(|(a, b)| f64::from(a * b)).sum();
                    assert!((f64::from(out[i * packed.stride() + j]) - sum).abs() < 1e-4);
                }
            }
        }
    }
}
