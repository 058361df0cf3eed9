//! Inner products of pixels: the innermost loops of weight gradients.

use crate::kernels::simd;
use pulp::{Simd, WithSimd};

/// How two sets of lines are walked together: the same number of images, rows and vectors, each with its strides.
#[derive(Clone, Copy, Debug)]
pub(super) struct Walk {
    pub(super) images: usize,
    pub(super) rows: usize,
    pub(super) vectors: usize,
    /// Floats from image to image, and from row to row, of the gradient.
    pub(super) a: (usize, usize),
    /// The same of the source.
    pub(super) b: (usize, usize),
}

impl Walk {
    /// One past the last float read from a line that begins at 0.
    fn reach(&self, (image, row): (usize, usize), lanes: usize) -> usize {
        (self.images - 1) * image + (self.rows - 1) * row + self.vectors * lanes
    }
}

/// Adds to `out[line of a][line of b]` the inner product of each pair of lines.
pub(super) struct Dots<'a> {
    pub(super) walk: Walk,
    /// The gradient: lines every `a_pitch` floats.
    pub(super) a: &'a [f32],
    pub(super) a_pitch: usize,
    pub(super) a_lines: usize,
    /// The source: lines begin at these places.
    pub(super) b: &'a [f32],
    pub(super) b_lines: &'a [usize],
    pub(super) out: &'a mut [f32],
}

impl Dots<'_> {
    pub(super) fn add(self) {
        simd::run(self);
    }
}

impl WithSimd for Dots<'_> {
    type Output = ();

    #[inline(always)]
    #[allow(unsafe_code)]
    fn with_simd<S: Simd>(self, simd: S) {
        let lanes = S::F32_LANES;
        let (walk, taps) = (self.walk, self.b_lines.len());
        if walk.images * walk.rows * walk.vectors * self.a_lines * taps == 0 {
            return;
        }
        let last = self.b_lines.iter().copied().max().unwrap_or(0);
        assert!((self.a_lines - 1) * self.a_pitch + walk.reach(walk.a, lanes) <= self.a.len());
        assert!(last + walk.reach(walk.b, lanes) <= self.b.len());
        assert!(self.out.len() >= self.a_lines * taps);
        let widest = if lanes >= 16 { 9 } else { 3 };
        let mut line = 0;
        while line < self.a_lines {
            let high = (self.a_lines - line).min(3);
            let mut tap = 0;
            while tap < taps {
                let wide = (taps - tap).min(widest);
                let run = Pair {
                    simd,
                    walk,
                    a: self.a[line * self.a_pitch..].as_ptr(),
                    a_pitch: self.a_pitch,
                    b: self.b.as_ptr(),
                    taps: &self.b_lines[tap..],
                    out: &mut self.out[line * taps + tap..],
                    out_pitch: taps,
                };
                // SAFETY: the asserts above: each of the next `high` lines of a and `wide` lines of b, walked to the
                // end, stays within its slice.
                unsafe {
                    match (high, wide) {
                        (3, 9) => run.dots::<3, 9>(),
                        (3, 8) => run.dots::<3, 8>(),
                        (3, 7) => run.dots::<3, 7>(),
                        (3, 6) => run.dots::<3, 6>(),
                        (3, 5) => run.dots::<3, 5>(),
                        (3, 4) => run.dots::<3, 4>(),
                        (3, 3) => run.dots::<3, 3>(),
                        (3, 2) => run.dots::<3, 2>(),
                        (3, _) => run.dots::<3, 1>(),
                        (2, 9) => run.dots::<2, 9>(),
                        (2, 8) => run.dots::<2, 8>(),
                        (2, 7) => run.dots::<2, 7>(),
                        (2, 6) => run.dots::<2, 6>(),
                        (2, 5) => run.dots::<2, 5>(),
                        (2, 4) => run.dots::<2, 4>(),
                        (2, 3) => run.dots::<2, 3>(),
                        (2, 2) => run.dots::<2, 2>(),
                        (2, _) => run.dots::<2, 1>(),
                        (_, 9) => run.dots::<1, 9>(),
                        (_, 8) => run.dots::<1, 8>(),
                        (_, 7) => run.dots::<1, 7>(),
                        (_, 6) => run.dots::<1, 6>(),
                        (_, 5) => run.dots::<1, 5>(),
                        (_, 4) => run.dots::<1, 4>(),
                        (_, 3) => run.dots::<1, 3>(),
                        (_, 2) => run.dots::<1, 2>(),
                        (_, _) => run.dots::<1, 1>(),
                    }
                }
                tap += wide;
            }
            line += high;
        }
    }
}

struct Pair<'a, S> {
    simd: S,
    walk: Walk,
    a: *const f32,
    a_pitch: usize,
    b: *const f32,
    taps: &'a [usize],
    out: &'a mut [f32],
    out_pitch: usize,
}

impl<S: Simd> Pair<'_, S> {
    /// Inner products of `H` lines of a with `W` lines of b.
    ///
    /// # Safety
    /// `H` lines of a and the first `W` taps' lines of b, walked to the end, lie within their slices.
    #[inline(always)]
    #[allow(unsafe_code)]
    unsafe fn dots<const H: usize, const W: usize>(self) {
        let (simd, walk) = (self.simd, self.walk);
        let mut sums = [[simd.splat_f32s(0.0); W]; H];
        let mut lines = [self.b; W];
        for (line, tap) in lines.iter_mut().zip(self.taps) {
            // SAFETY: a tap's line lies within b.
            *line = unsafe { line.add(*tap) };
        }
        for image in 0..walk.images {
            for row in 0..walk.rows {
                for v in 0..walk.vectors {
                    let at_a = image * walk.a.0 + row * walk.a.1 + v * S::F32_LANES;
                    let at_b = image * walk.b.0 + row * walk.b.1 + v * S::F32_LANES;
                    let mut a = [simd.splat_f32s(0.0); H];
                    for (h, a) in a.iter_mut().enumerate() {
                        // SAFETY: line h of a, within the walk.
                        *a =
                            unsafe { self.a.add(h * self.a_pitch + at_a).cast::<S::f32s>().read_unaligned() };
                    }
                    for w in 0..W {
                        // SAFETY: the tap's line of b, within the walk.
                        let b = unsafe { lines[w].add(at_b).cast::<S::f32s>().read_unaligned() };
                        for h in 0..H {
                            sums[h][w] = simd.mul_add_e_f32s(a[h], b, sums[h][w]);
                        }
                    }
                }
            }
        }
        for (h, sums) in sums.iter().enumerate() {
            for (w, sum) in sums.iter().enumerate() {
                self.out[h * self.out_pitch + w] += simd.reduce_sum_f32s(*sum);
            }
        }
    }
}
