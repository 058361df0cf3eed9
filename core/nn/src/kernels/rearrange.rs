//! Moving pixels: placing an image into a larger or smaller frame, up-sampling, dropout, sums of tensors.

use super::simd::vectorised;
use super::threads::{self, PIECE};
use scant_abi::Key;

/// A plane of `height` x `width` placed at (`top`, `left`) of a frame; negative offsets cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placement {
    /// Rows of the plane.
    pub height: usize,
    /// Columns of the plane.
    pub width: usize,
    /// Row of the frame where the plane's first row goes.
    pub top: isize,
    /// Column of the frame where the plane's first column goes.
    pub left: isize,
    /// Rows of the frame.
    pub frame_height: usize,
    /// Columns of the frame.
    pub frame_width: usize,
}

impl Placement {
    /// Start in the plane, start in the frame, and length of the part that both share along one axis.
    fn overlap(size: usize, offset: isize, frame: usize) -> (usize, usize, usize) {
        let start = (-offset).max(0) as usize;
        let at = offset.max(0) as usize;
        (start, at, size.saturating_sub(start).min(frame.saturating_sub(at)))
    }

    fn lines(&self) -> impl Iterator<Item = (std::ops::Range<usize>, std::ops::Range<usize>)> {
        let (y, frame_y, rows) = Self::overlap(self.height, self.top, self.frame_height);
        let (x, frame_x, columns) = Self::overlap(self.width, self.left, self.frame_width);
        let (width, frame_width) = (self.width, self.frame_width);
        (0..rows).map(move |row| {
            let from = (y + row) * width + x;
            let to = (frame_y + row) * frame_width + frame_x;
            (from..from + columns, to..to + columns)
        })
    }

    /// Copies each plane of `x` into its frame of `y`; around it stand zeros, or `background` (one frame a channel).
    pub fn place(&self, x: &[f32], background: Option<&[f32]>, y: &mut [f32]) {
        let (plane, frame) = (self.height * self.width, self.frame_height * self.frame_width);
        threads::pieces(y, frame * (PIECE / frame.max(1)).max(1), |piece, y| {
            let first = piece * (PIECE / frame.max(1)).max(1);
            for (i, y) in y.chunks_exact_mut(frame).enumerate() {
                let at = first + i;
                match background {
                    Some(b) => y.copy_from_slice(&b[(at * frame) % b.len()..][..frame]),
                    None => y.fill(0.0),
                }
                for (from, to) in self.lines() {
                    y[to].copy_from_slice(&x[at * plane..][from]);
                }
            }
        });
    }

    /// The gradient of [`Placement::place`]: written into `dx` or added to it.
    pub fn take_back(&self, dy: &[f32], dx: &mut [f32], accumulate: bool) {
        let (plane, frame) = (self.height * self.width, self.frame_height * self.frame_width);
        threads::pieces(dx, plane * (PIECE / plane.max(1)).max(1), |piece, dx| {
            let first = piece * (PIECE / plane.max(1)).max(1);
            if !accumulate {
                dx.fill(0.0);
            }
            for (i, dx) in dx.chunks_exact_mut(plane).enumerate() {
                let dy = &dy[(first + i) * frame..][..frame];
                for (from, to) in self.lines() {
                    dx[from].iter_mut().zip(&dy[to]).for_each(|(d, g)| *d += g);
                }
            }
        });
    }
}

/// How the pixels between pixels are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Upsampling {
    /// The nearest pixel.
    Nearest,
    /// Linear in both directions; corners are not aligned.
    Bilinear,
}

/// For each output along one axis: two inputs, and the share of the second.
pub(crate) fn taps(method: Upsampling, size: usize, out: usize) -> Vec<(usize, usize, f32)> {
    (0..out)
        .map(|o| match method {
            Upsampling::Nearest => (o * size / out, o * size / out, 0.0),
            Upsampling::Bilinear => {
                let at = ((o as f32 + 0.5) * size as f32 / out as f32 - 0.5).max(0.0);
                let first = (at as usize).min(size - 1);
                (first, (first + 1).min(size - 1), at - first as f32)
            }
        })
        .collect()
}

/// Enlarges (or shrinks) each plane of `x` from `from` to `to` (rows, columns).
pub fn upsample(method: Upsampling, from: (usize, usize), to: (usize, usize), x: &[f32], y: &mut [f32]) {
    if method == Upsampling::Nearest && to == (2 * from.0, 2 * from.1) {
        return double(from, x, y);
    }
    let (rows, columns) = (taps(method, from.0, to.0), taps(method, from.1, to.1));
    threads::pieces(y, to.0 * to.1, |plane, y| {
        let x = &x[plane * from.0 * from.1..][..from.0 * from.1];
        for (y, &(top, bottom, v)) in y.chunks_exact_mut(to.1).zip(&rows) {
            let (a, b) = (&x[top * from.1..][..from.1], &x[bottom * from.1..][..from.1]);
            for (y, &(left, right, h)) in y.iter_mut().zip(&columns) {
                let upper = a[left] + (a[right] - a[left]) * h;
                let lower = b[left] + (b[right] - b[left]) * h;
                *y = upper + (lower - upper) * v;
            }
        }
    });
}

/// The gradient of [`upsample`]: written into `dx` or added to it.
pub fn upsample_back(
    method: Upsampling,
    from: (usize, usize),
    to: (usize, usize),
    dy: &[f32],
    dx: &mut [f32],
    accumulate: bool,
) {
    if method == Upsampling::Nearest && to == (2 * from.0, 2 * from.1) {
        return double_back(from, dy, dx, accumulate);
    }
    let (rows, columns) = (taps(method, from.0, to.0), taps(method, from.1, to.1));
    threads::pieces(dx, from.0 * from.1, |plane, dx| {
        if !accumulate {
            dx.fill(0.0);
        }
        let dy = &dy[plane * to.0 * to.1..][..to.0 * to.1];
        for (dy, &(top, bottom, v)) in dy.chunks_exact(to.1).zip(&rows) {
            for (&d, &(left, right, h)) in dy.iter().zip(&columns) {
                dx[top * from.1 + left] += d * (1.0 - v) * (1.0 - h);
                dx[top * from.1 + right] += d * (1.0 - v) * h;
                dx[bottom * from.1 + left] += d * v * (1.0 - h);
                dx[bottom * from.1 + right] += d * v * h;
            }
        }
    });
}

/// Each pixel four times.
fn double((height, width): (usize, usize), x: &[f32], y: &mut [f32]) {
    let plane = height * width;
    let many = (PIECE / (4 * plane).max(1)).max(1) * plane;
    threads::pieces(y, 4 * many, |piece, y| {
        let x = &x[piece * many..];
        vectorised(
            #[inline(always)]
            || {
                for (lines, x) in y.chunks_exact_mut(4 * width).zip(x.chunks_exact(width)) {
                    let (top, bottom) = lines.split_at_mut(2 * width);
                    for (pair, x) in top.chunks_exact_mut(2).zip(x) {
                        (pair[0], pair[1]) = (*x, *x);
                    }
                    bottom.copy_from_slice(top);
                }
            },
        );
    });
}

/// The gradient of [`double`].
fn double_back((height, width): (usize, usize), dy: &[f32], dx: &mut [f32], accumulate: bool) {
    let plane = height * width;
    let many = (PIECE / (4 * plane).max(1)).max(1) * plane;
    threads::pieces(dx, many, |piece, dx| {
        let dy = &dy[4 * piece * many..];
        vectorised(
            #[inline(always)]
            || {
                for (dx, lines) in dx.chunks_exact_mut(width).zip(dy.chunks_exact(4 * width)) {
                    let (top, bottom) = lines.split_at(2 * width);
                    for ((d, a), b) in dx.iter_mut().zip(top.chunks_exact(2)).zip(bottom.chunks_exact(2)) {
                        let sum = (a[0] + a[1]) + (b[0] + b[1]);
                        *d = if accumulate { *d + sum } else { sum };
                    }
                }
            },
        );
    });
}

/// Sets each value to zero with probability `p` and scales the others by `1 / (1 - p)`; `key` decides which. The
/// same key on gradients is the backward pass.
pub fn dropout(p: f32, key: Key, values: &mut [f32]) {
    let scale = if p < 1.0 { 1.0 / (1.0 - p) } else { 0.0 };
    threads::pieces(values, PIECE, |i, values| {
        let mut rng = key.fold(i as u64).rng();
        values.iter_mut().for_each(|v| *v *= if rng.chance(p) { 0.0 } else { scale });
    });
}

/// `out = source`, or `out += source` where `accumulate`.
pub fn pour(source: &[f32], out: &mut [f32], accumulate: bool) {
    threads::pieces(out, PIECE, |i, out| {
        let source = &source[i * PIECE..][..out.len()];
        if accumulate {
            vectorised(
                #[inline(always)]
                || out.iter_mut().zip(source).for_each(|(o, s)| *o += s),
            );
        } else {
            out.copy_from_slice(source);
        }
    });
}

/// `out = factor * source`, or `out += factor * source` where `accumulate`.
pub fn pour_scaled(factor: f32, source: &[f32], out: &mut [f32], accumulate: bool) {
    threads::pieces(out, PIECE, |i, out| {
        let source = &source[i * PIECE..][..out.len()];
        vectorised(
            #[inline(always)]
            || {
                if accumulate {
                    out.iter_mut().zip(source).for_each(|(o, s)| *o += factor * s);
                } else {
                    out.iter_mut().zip(source).for_each(|(o, s)| *o = factor * s);
                }
            },
        );
    });
}
