//! The innermost loops of convolutions: blocks of outputs held in registers.

use crate::kernels::simd;
use pulp::{Simd, WithSimd};

/// Most vectors of outputs that one call computes.
pub(super) const VECTORS: usize = 6;

/// Where the summands of an output stand: offsets from the output's own place in the source.
#[derive(Clone, Debug, Default)]
pub(super) struct Offsets {
    values: Vec<u32>,
    largest: usize,
}

impl Offsets {
    pub(super) fn new(values: impl Iterator<Item = usize>) -> Self {
        let values: Vec<u32> =
            values.map(|v| u32::try_from(v).expect("an image of at most 2^32 floats")).collect();
        Self { largest: values.iter().copied().max().unwrap_or(0) as usize, values }
    }

    pub(super) fn len(&self) -> usize {
        self.values.len()
    }
}

/// Most output channels of a block of registers.
pub(super) fn widest_block(lanes: usize) -> usize {
    if lanes >= 16 { 8 } else { 4 }
}

/// How output channels are cut into blocks of registers: widths of 8, 4, 2, 1.
pub(super) fn channel_blocks(channels: usize, lanes: usize) -> impl Iterator<Item = (usize, usize)> {
    let widest = widest_block(lanes);
    let mut at = 0;
    std::iter::from_fn(move || {
        let left = channels - at;
        let width = (1..=widest).rev().find(|w| w.is_power_of_two() && *w <= left)?;
        at += width;
        Some((at - width, width))
    })
}

/// Sums of products for a block of outputs: `out[channel][vector] = sum over k of weight * source[offset + vector]`.
pub(super) struct Block<'a> {
    /// What is read.
    pub(super) source: &'a [f32],
    /// Offsets of the summands.
    pub(super) offsets: &'a Offsets,
    /// Where each vector of outputs begins in the source; at most [`VECTORS`].
    pub(super) vectors: &'a [usize],
    /// Weights: for each block of [`channel_blocks`], summands by channels.
    pub(super) weights: &'a [f32],
    /// Output channels.
    pub(super) channels: usize,
    /// Sums: channels by [`VECTORS`] vectors.
    pub(super) out: &'a mut [f32],
}

impl Block<'_> {
    pub(super) fn compute(self) {
        simd::run(self);
    }
}

impl WithSimd for Block<'_> {
    type Output = ();

    #[inline(always)]
    #[allow(unsafe_code)]
    fn with_simd<S: Simd>(self, simd: S) {
        let (lanes, depth) = (S::F32_LANES, self.offsets.len());
        let last = self.vectors.iter().copied().max().unwrap_or(0);
        assert!(self.vectors.len() <= VECTORS && last + self.offsets.largest + lanes <= self.source.len());
        assert!(self.weights.len() >= self.channels * depth);
        assert!(self.out.len() >= self.channels * VECTORS * lanes);
        let source = self.source.as_ptr();
        for (first, width) in channel_blocks(self.channels, lanes) {
            let weights = self.weights[first * depth..].as_ptr();
            let out = self.out[first * VECTORS * lanes..].as_mut_ptr();
            let mut at = 0;
            while at < self.vectors.len() {
                let left = self.vectors.len() - at;
                // SAFETY: the asserts above: every read of the source is at a vector's start plus an offset plus
                // less than `lanes`, `width * depth` weights follow `first * depth`, and `width` rows of `out`
                // follow `first`, in each of which `at + (vectors computed)` is at most VECTORS.
                at += unsafe {
                    let vectors = &self.vectors[at..];
                    let out = out.add(at * lanes);
                    let run = (simd, source, &*self.offsets.values, vectors, weights, out);
                    match (width, left) {
                        (8, 3..) => sums::<S, 8, 3>(run),
                        (8, 2) => sums::<S, 8, 2>(run),
                        (8, _) => sums::<S, 8, 1>(run),
                        (4, 6..) if lanes == 16 => sums::<S, 4, 6>(run),
                        (4, 3..) => sums::<S, 4, 3>(run),
                        (4, 2) => sums::<S, 4, 2>(run),
                        (4, _) => sums::<S, 4, 1>(run),
                        (2, 6..) => sums::<S, 2, 6>(run),
                        (2, 3..) => sums::<S, 2, 3>(run),
                        (2, 2) => sums::<S, 2, 2>(run),
                        (2, _) => sums::<S, 2, 1>(run),
                        (_, 6..) => sums::<S, 1, 6>(run),
                        (_, 3..) => sums::<S, 1, 3>(run),
                        (_, 2) => sums::<S, 1, 2>(run),
                        (_, _) => sums::<S, 1, 1>(run),
                    }
                };
            }
        }
    }
}

type Run<'a, S> = (S, *const f32, &'a [u32], &'a [usize], *const f32, *mut f32);

/// One block of `M` channels by `N` vectors; gives `N`.
///
/// # Safety
/// `vectors` holds `N` starts; each start plus each offset plus the lanes lie within the source; `M` weights stand for each
/// offset; `out` has `M` rows of [`VECTORS`] vectors, of which the first `N` are written.
#[inline(always)]
#[allow(unsafe_code)]
unsafe fn sums<S: Simd, const M: usize, const N: usize>(
    (simd, source, offsets, vectors, weights, out): Run<S>,
) -> usize {
    let mut sums = [[simd.splat_f32s(0.0); N]; M];
    let mut starts = [source; N];
    for (start, vector) in starts.iter_mut().zip(vectors) {
        // SAFETY: a vector's start lies within the source.
        *start = unsafe { source.add(*vector) };
    }
    let mut weight = weights;
    for &offset in offsets {
        let mut x = [simd.splat_f32s(0.0); N];
        for v in 0..N {
            // SAFETY: start, offset and lanes lie within the source.
            x[v] = unsafe { starts[v].add(offset as usize).cast::<S::f32s>().read_unaligned() };
        }
        for (m, sums) in sums.iter_mut().enumerate() {
            // SAFETY: M weights stand for each offset.
            let w = simd.splat_f32s(unsafe { *weight.add(m) });
            for v in 0..N {
                sums[v] = simd.mul_add_e_f32s(w, x[v], sums[v]);
            }
        }
        // SAFETY: at most one past the last weight.
        weight = unsafe { weight.add(M) };
    }
    for (m, sums) in sums.iter().enumerate() {
        for (v, sum) in sums.iter().enumerate() {
            // SAFETY: row m of out has room for vector v.
            unsafe { out.add((m * VECTORS + v) * S::F32_LANES).cast::<S::f32s>().write_unaligned(*sum) };
        }
    }
    N
}
