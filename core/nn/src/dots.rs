//! Dot products and distances of rows and packed columns: the inner loops of k-means, probes and neighbours.
//!
//! A general matrix product packs both operands and wants many columns. Here there are often few columns
//! (clusters, classes) and only some of the rows, and each row is best read once, from wherever it stands.

use pulp::{Arch, Simd, WithSimd};

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
    check(rows, columns, out);
    Arch::new().dispatch(Pairs::<false> { rows, columns, out });
}

/// The squared distances of each of `rows` to each column, laid out like the products of [`dots`].
///
/// Differences are taken before they are squared: nothing cancels, however far the data are from zero.
///
/// # Panics
/// Where a row's length is not that of the columns, or `out` is too short.
pub fn squared_distances(rows: &[&[f32]], columns: &Columns, out: &mut [f32]) {
    check(rows, columns, out);
    Arch::new().dispatch(Pairs::<true> { rows, columns, out });
}

/// The squared distance of two rows of one length, summed in double precision.
pub fn squared_distance(a: &[f32], b: &[f32]) -> f64 {
    Arch::new().dispatch(One { a, b })
}

fn check(rows: &[&[f32]], columns: &Columns, out: &[f32]) {
    assert!(rows.iter().all(|row| row.len() == columns.width), "a row is not as long as the columns");
    assert!(out.len() >= rows.len() * columns.stride(), "too little room for the results");
}

struct One<'a> {
    a: &'a [f32],
    b: &'a [f32],
}

impl WithSimd for One<'_> {
    type Output = f64;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> f64 {
        const LANES: usize = 16;
        let square = |a: f32, b: f32| (f64::from(a) - f64::from(b)) * (f64::from(a) - f64::from(b));
        let (a, b) = (self.a.chunks_exact(LANES), self.b.chunks_exact(LANES));
        let rest: f64 = a.remainder().iter().zip(b.remainder()).map(|(&a, &b)| square(a, b)).sum();
        let mut sums = [0.0; LANES];
        for (a, b) in a.zip(b) {
            for ((sum, &a), &b) in sums.iter_mut().zip(a).zip(b) {
                *sum += square(a, b);
            }
        }
        sums.iter().sum::<f64>() + rest
    }
}

struct Lanes;

impl WithSimd for Lanes {
    type Output = usize;

    fn with_simd<S: Simd>(self, _: S) -> usize {
        S::F32_LANES
    }
}

struct Pairs<'a, const DISTANCE: bool> {
    rows: &'a [&'a [f32]],
    columns: &'a Columns,
    out: &'a mut [f32],
}

impl<const DISTANCE: bool> WithSimd for Pairs<'_, DISTANCE> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        // Two vectors of columns share each row's numbers; a last single one goes alone.
        let (vectors, _) = S::as_simd_f32s(&self.columns.packed);
        let width = self.columns.width;
        let mut blocks = vectors.chunks_exact(2 * width);
        let mut column = 0;
        for pair in &mut blocks {
            let (first, second) = pair.split_at(width);
            strip::<S, 2, DISTANCE>(
                simd,
                self.rows,
                [first, second],
                self.out,
                (column, self.columns.stride()),
            );
            column += 2 * S::F32_LANES;
        }
        if !blocks.remainder().is_empty() {
            let last = [blocks.remainder()];
            strip::<S, 1, DISTANCE>(simd, self.rows, last, self.out, (column, self.columns.stride()));
        }
    }
}

/// All rows with the columns of `V` vectors; enough rows at once to fill the registers, no more.
#[inline(always)]
fn strip<S: Simd, const V: usize, const DISTANCE: bool>(
    simd: S,
    rows: &[&[f32]],
    blocks: [&[S::f32s]; V],
    out: &mut [f32],
    (column, stride): (usize, usize),
) {
    let size = if S::F32_LANES >= 16 { 8 } else { 4 };
    let full = rows.len() / size * size;
    for first in (0..full).step_by(size) {
        let (rows, out) = (&rows[first..], &mut out[first * stride + column..]);
        if S::F32_LANES >= 16 {
            tile::<S, V, 8, DISTANCE>(simd, rows, blocks, out, stride);
        } else {
            tile::<S, V, 4, DISTANCE>(simd, rows, blocks, out, stride);
        }
    }
    for first in full..rows.len() {
        tile::<S, V, 1, DISTANCE>(simd, &rows[first..], blocks, &mut out[first * stride + column..], stride);
    }
}

#[inline(always)]
#[allow(unsafe_code)]
fn tile<S: Simd, const V: usize, const N: usize, const DISTANCE: bool>(
    simd: S,
    rows: &[&[f32]],
    blocks: [&[S::f32s]; V],
    out: &mut [f32],
    stride: usize,
) {
    let width = blocks[0].len();
    let blocks: [&[S::f32s]; V] = std::array::from_fn(|v| &blocks[v][..width]);
    let rows: [&[f32]; N] = std::array::from_fn(|r| &rows[r][..width]);
    let mut sums = [[simd.splat_f32s(0.0); V]; N];
    for t in 0..width {
        // SAFETY: every block and every row was cut to exactly `width` above, and t < width.
        let vectors: [S::f32s; V] = std::array::from_fn(|v| unsafe { *blocks[v].get_unchecked(t) });
        for (sums, row) in sums.iter_mut().zip(&rows) {
            // SAFETY: as above.
            let x = simd.splat_f32s(unsafe { *row.get_unchecked(t) });
            for (sum, &vector) in sums.iter_mut().zip(&vectors) {
                *sum = if DISTANCE {
                    let difference = simd.sub_f32s(x, vector);
                    simd.mul_add_f32s(difference, difference, *sum)
                } else {
                    simd.mul_add_f32s(x, vector, *sum)
                };
            }
        }
    }
    for (r, sums) in sums.into_iter().enumerate() {
        for (v, sum) in sums.into_iter().enumerate() {
            let at = r * stride + v * S::F32_LANES;
            simd.partial_store_f32s(&mut out[at..at + S::F32_LANES], sum);
        }
    }
}

#[cfg(test)]
mod tests {
    use scant_abi::Key;

    use super::*;

    #[test]
    fn results_are_those_of_the_definition() {
        for (n, k, width) in [(1, 1, 1), (9, 10, 7), (17, 33, 40), (8, 16, 3)] {
            let mut rng = Key::new(3).rng();
            let mut draw = |count: usize| (0..count).map(|_| rng.normal()).collect::<Vec<f32>>();
            let (values, columns) = (draw(n * width), draw(k * width));
            let rows: Vec<&[f32]> = values.chunks_exact(width).collect();
            let packed = Columns::pack(&columns, width);
            let mut out = vec![0.0; n * packed.stride()];
            dots(&rows, &packed, &mut out);
            let mut squares = vec![0.0; n * packed.stride()];
            squared_distances(&rows, &packed, &mut squares);
            for (i, row) in rows.iter().enumerate() {
                for (j, column) in columns.chunks_exact(width).enumerate() {
                    let sum: f64 = row.iter().zip(column).map(|(a, b)| f64::from(a * b)).sum();
                    assert!((f64::from(out[i * packed.stride() + j]) - sum).abs() < 1e-4);
                    let square: f64 = row.iter().zip(column).map(|(a, b)| f64::from(a - b).powi(2)).sum();
                    assert!((f64::from(squares[i * packed.stride() + j]) - square).abs() < 1e-5 * square);
                }
            }
        }
    }
}
