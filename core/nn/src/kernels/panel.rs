//! Products of numbers read one by one with a packed panel: the innermost loop of fully connected layers and of the
//! gradients of convolutions' weights.
//!
//! Sums of a block of rows and columns stay in registers; of each step, a line of the panel is read once and every row
//! has one number. Where a row finds its numbers is free, so that no operand but the panel is ever rearranged.

use super::simd::lanes;
use super::{buffer, simd, threads};
use pulp::{Simd, WithSimd};

/// Columns of a panel, where there are `columns` in all: two or three vectors, so that none is left with one of its own.
pub(super) fn widest(columns: usize) -> usize {
    let vectors = columns.div_ceil(lanes());
    if vectors % 3 == 1 { 2 * lanes() } else { 3 * lanes() }
}

/// Floats of a line of a panel with so many columns: whole vectors.
pub(super) fn line_len(columns: usize) -> usize {
    columns.next_multiple_of(lanes())
}

/// The panels that `columns` are cut into: the first column of each, and how many.
pub(super) fn panels(columns: usize) -> impl Iterator<Item = (usize, usize)> {
    let widest = widest(columns);
    (0..columns).step_by(widest).map(move |first| (first, widest.min(columns - first)))
}

/// `out[row][column] = sum over steps of source[rows[row] + steps[step]] * panel[step][column]`, or added to it.
pub(super) struct Product<'a> {
    /// What rows read.
    pub(super) source: &'a [f32],
    /// Where each row begins in the source.
    pub(super) rows: &'a [u32],
    /// How far from there each step reads.
    pub(super) steps: &'a [u32],
    /// Lines of whole vectors, one for each step.
    pub(super) panel: &'a [f32],
    /// Floats of a line.
    pub(super) line: usize,
    /// Lines of sums, `pitch` floats apart, each as long as the panel's.
    pub(super) out: &'a mut [f32],
    /// Floats from one line of sums to the next.
    pub(super) pitch: usize,
    /// Whether the sums are added to what is there.
    pub(super) accumulate: bool,
}

impl Product<'_> {
    pub(super) fn compute(self) {
        simd::run(self);
    }
}

impl WithSimd for Product<'_> {
    type Output = ();

    #[inline(always)]
    #[allow(unsafe_code)]
    fn with_simd<S: Simd>(self, simd: S) {
        let (rows, lanes) = (self.rows.len(), S::F32_LANES);
        if rows == 0 {
            return;
        }
        let largest = |of: &[u32]| of.iter().copied().max().unwrap_or(0) as usize;
        assert!(self.steps.is_empty() || largest(self.rows) + largest(self.steps) < self.source.len());
        assert!(self.panel.len() >= self.steps.len() * self.line);
        assert!(
            (1..=3).contains(&(self.line / lanes)) && self.line.is_multiple_of(lanes),
            "one to three vectors"
        );
        assert!((rows - 1) * self.pitch + self.line <= self.out.len());
        let mut row = 0;
        while row < rows {
            let height = match rows - row {
                8.. if lanes >= 16 => 8,
                4.. => 4,
                left => left,
            };
            let block = Block {
                simd,
                source: self.source.as_ptr(),
                rows: &self.rows[row..row + height],
                steps: self.steps,
                panel: self.panel.as_ptr(),
                out: self.out[row * self.pitch..].as_mut_ptr(),
                pitch: self.pitch,
                accumulate: self.accumulate,
            };
            // SAFETY: the asserts above: every row and step lies within the source, the panel has a line of `line`
            // floats for each step, and `height` lines of as many floats follow in `out`.
            unsafe {
                match (height, self.line / lanes) {
                    (8, 3) => block.sums::<8, 3>(),
                    (8, 2) => block.sums::<8, 2>(),
                    (8, _) => block.sums::<8, 1>(),
                    (4, 3) => block.sums::<4, 3>(),
                    (4, 2) => block.sums::<4, 2>(),
                    (4, _) => block.sums::<4, 1>(),
                    (3, 3) => block.sums::<3, 3>(),
                    (3, 2) => block.sums::<3, 2>(),
                    (3, _) => block.sums::<3, 1>(),
                    (2, 3) => block.sums::<2, 3>(),
                    (2, 2) => block.sums::<2, 2>(),
                    (2, _) => block.sums::<2, 1>(),
                    (_, 3) => block.sums::<1, 3>(),
                    (_, 2) => block.sums::<1, 2>(),
                    (_, _) => block.sums::<1, 1>(),
                }
            }
            row += height;
        }
    }
}

struct Block<'a, S> {
    simd: S,
    source: *const f32,
    rows: &'a [u32],
    steps: &'a [u32],
    panel: *const f32,
    out: *mut f32,
    pitch: usize,
    accumulate: bool,
}

impl<S: Simd> Block<'_, S> {
    /// `M` rows by `N` vectors.
    ///
    /// # Safety
    /// There are `M` rows; each with each step lies within the source; the panel has `N` vectors for each step; `out`
    /// has room for `N` vectors at each of `M` lines.
    #[inline(always)]
    #[allow(unsafe_code)]
    unsafe fn sums<const M: usize, const N: usize>(self) {
        let Self { simd, source, rows, steps, mut panel, out, pitch, accumulate } = self;
        let mut sums = [[simd.splat_f32s(0.0); N]; M];
        let mut starts = [source; M];
        for (start, row) in starts.iter_mut().zip(rows) {
            // SAFETY: a row begins within the source.
            *start = unsafe { source.add(*row as usize) };
        }
        for &step in steps {
            let mut line = [simd.splat_f32s(0.0); N];
            for (n, line) in line.iter_mut().enumerate() {
                // SAFETY: the panel has N vectors for each step.
                *line = unsafe { panel.add(n * S::F32_LANES).cast::<S::f32s>().read_unaligned() };
            }
            for m in 0..M {
                // SAFETY: row and step lie within the source.
                let x = simd.splat_f32s(unsafe { *starts[m].add(step as usize) });
                for n in 0..N {
                    sums[m][n] = simd.mul_add_e_f32s(x, line[n], sums[m][n]);
                }
            }
            // SAFETY: at most one past the panel's end.
            panel = unsafe { panel.add(N * S::F32_LANES) };
        }
        for (m, sums) in sums.iter().enumerate() {
            for (n, sum) in sums.iter().enumerate() {
                // SAFETY: line m of out has room for N vectors.
                unsafe {
                    let to = out.add(m * pitch + n * S::F32_LANES).cast::<S::f32s>();
                    let sum = if accumulate { simd.add_f32s(*sum, to.read_unaligned()) } else { *sum };
                    to.write_unaligned(sum);
                }
            }
        }
    }
}

/// Packs columns `first..first + columns` of a matrix whose rows are the steps: one line each.
pub(super) fn pack_rows(rows: &[f32], pitch: usize, (first, columns): (usize, usize), panel: &mut [f32]) {
    let line = line_len(columns);
    for (to, from) in panel.chunks_exact_mut(line).zip(rows.chunks(pitch)) {
        to[..columns].copy_from_slice(&from[first..first + columns]);
        to[columns..].fill(0.0);
    }
}

/// Packs `columns` lines of `steps` floats, `pitch` apart, each as one column of the panel.
pub(super) fn pack_columns(lines: &[f32], pitch: usize, (steps, columns): (usize, usize), panel: &mut [f32]) {
    // Lines of the panel that stay in the first-level cache while all columns are written to them.
    const TILE: usize = 64;
    let line = line_len(columns);
    let panel = &mut panel[..steps * line];
    if columns < line {
        panel.fill(0.0);
    }
    for (tile, start) in panel.chunks_mut(TILE * line).zip((0..steps).step_by(TILE)) {
        for column in 0..columns {
            let from = &lines[column * pitch + start..column * pitch + steps];
            // Number by number: a line put together elsewhere and stored whole would wait for its own parts.
            for (to, value) in tile.chunks_exact_mut(line).zip(from) {
                to[column] = *value;
            }
        }
    }
}

/// A place in a slice, as products keep it.
pub(super) fn place(at: usize) -> u32 {
    u32::try_from(at).expect("an operand of at most 2^32 floats")
}

/// Most steps whose lines of a panel stay in the first-level cache.
pub(super) const STEPS: usize = 256;

/// A matrix over a slice, read number by number: (i, k) stands at `i * row + k * step`.
#[derive(Clone, Copy)]
pub(super) struct Numbers<'a> {
    pub(super) values: &'a [f32],
    pub(super) row: usize,
    pub(super) step: usize,
}

/// The product of `a` (rows by steps) with a matrix of `columns` that `pack` brings into panels: written to `out`
/// or added to it. All threads.
pub(super) fn multiply(
    a: Numbers,
    (rows, steps, columns): (usize, usize, usize),
    pack: impl Fn((usize, usize), &mut [f32]) + Sync,
    out: &mut [f32],
    accumulate: bool,
) {
    if steps == 0 && !accumulate {
        out[..rows * columns].fill(0.0);
    }
    let most = widest(columns);
    let at_once = rows.div_ceil(4).next_multiple_of(8);
    let offsets: Vec<u32> = (0..steps).map(|k| place(k * a.step)).collect();
    buffer::with(steps * line_len(columns), |packed| {
        threads::pieces(packed, steps * most, |i, panel| {
            pack((i * most, most.min(columns - i * most)), panel);
        });
        threads::pieces(&mut out[..rows * columns], at_once * columns, |piece, out| {
            let count = out.len() / columns;
            let starts: Vec<u32> = (0..count).map(|r| place((piece * at_once + r) * a.row)).collect();
            buffer::with(count * most, |scratch| {
                for (first, width) in panels(columns) {
                    let line = line_len(width);
                    let panel = &packed[first * steps..][..steps * line];
                    let whole = line == width;
                    for (block, offsets) in offsets.chunks(STEPS).enumerate() {
                        Product {
                            source: a.values,
                            rows: &starts,
                            steps: offsets,
                            panel: &panel[block * STEPS * line..][..offsets.len() * line],
                            line,
                            out: if whole { &mut out[first..] } else { &mut *scratch },
                            pitch: if whole { columns } else { line },
                            accumulate: block > 0 || (whole && accumulate),
                        }
                        .compute();
                    }
                    if !whole {
                        for (from, to) in scratch.chunks_exact(line).zip(out.chunks_exact_mut(columns)) {
                            let (from, to) = (&from[..width], &mut to[first..first + width]);
                            if accumulate {
                                to.iter_mut().zip(from).for_each(|(t, f)| *t += f);
                            } else {
                                to.copy_from_slice(from);
                            }
                        }
                    }
                }
            });
        });
    });
}
