//! Pooling over windows, each axis described by its own list of windows.

use super::{buffer, simd, threads};
use scant_abi::{Error, Result};

/// What a window becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PoolKind {
    /// Its largest value.
    Max,
    /// Its mean; zeros of the padding count.
    Average,
}

/// The windows along one axis: those pixels inside the image, and how many were counted with the padding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Windows {
    size: usize,
    spans: Vec<(usize, usize, usize)>,
}

impl Windows {
    /// Windows of `kernel` pixels every `stride` pixels over `size` pixels with `padding` on each side. With
    /// `ceil`, a last window that only begins inside counts too.
    pub fn sliding(size: usize, kernel: usize, stride: usize, padding: usize, ceil: bool) -> Result<Self> {
        if kernel == 0 || stride == 0 || size + 2 * padding < kernel || 2 * padding > kernel {
            return Err(Error::shape(format!(
                "a pooling window of {kernel}, stride {stride}, padding {padding} does not fit on {size} pixels"
            )));
        }
        let room = size + 2 * padding - kernel;
        let mut count = if ceil { room.div_ceil(stride) } else { room / stride } + 1;
        if ceil && (count - 1) * stride >= size + padding {
            count -= 1;
        }
        let spans = (0..count)
            .map(|i| {
                let start = i * stride;
                let end = (start + kernel).min(size + 2 * padding);
                let inside = (start.max(padding) - padding, (end.min(size + padding)) - padding);
                (inside.0, inside.1, end - start)
            })
            .collect();
        Ok(Self { size, spans })
    }

    /// `count` windows that together cover `size` pixels, as even as whole pixels allow.
    pub fn adaptive(size: usize, count: usize) -> Result<Self> {
        if size == 0 || count == 0 {
            return Err(Error::shape(format!("cannot pool {size} pixels into {count}")));
        }
        let spans = (0..count)
            .map(|i| {
                let (start, end) = (i * size / count, ((i + 1) * size).div_ceil(count));
                (start, end, end - start)
            })
            .collect();
        Ok(Self { size, spans })
    }

    /// Number of windows.
    pub fn count(&self) -> usize {
        self.spans.len()
    }

    /// Number of pixels beneath them.
    pub fn size(&self) -> usize {
        self.size
    }

    /// First pixel of a window, one past its last, and how many were counted with the padding.
    pub fn span(&self, window: usize) -> (usize, usize, usize) {
        self.spans[window]
    }

    /// Most pixels that a window has inside the image.
    pub fn longest(&self) -> usize {
        self.spans.iter().map(|s| s.1 - s.0).max().unwrap_or(0)
    }

    /// Whether the windows are pairs side by side.
    fn pairs(&self) -> bool {
        self.size == 2 * self.spans.len()
            && self.spans.iter().enumerate().all(|(i, s)| *s == (2 * i, 2 * i + 2, 2))
    }
}

/// Planes handed to a thread at once.
fn planes_per_piece(plane: usize) -> usize {
    (threads::PIECE / plane.max(1)).max(1)
}

/// Pools each plane of `x` into a plane of `y`.
pub fn forward(kind: PoolKind, rows: &Windows, columns: &Windows, x: &[f32], y: &mut [f32]) {
    let (plane, out) = (rows.size * columns.size, rows.count() * columns.count());
    let many = planes_per_piece(plane);
    let pairs = rows.pairs() && columns.pairs();
    threads::pieces(y, out * many, |i, y| {
        for (p, y) in y.chunks_exact_mut(out).enumerate() {
            let x = &x[(i * many + p) * plane..][..plane];
            match kind {
                PoolKind::Max if pairs => max_of_pairs(columns.size, x, y),
                PoolKind::Max => max_plane(rows, columns, x, y),
                PoolKind::Average => average_plane(rows, columns, x, y),
            }
        }
    });
}

/// The gradient of the input: written into `dx` or added to it. `x` and `y` are those of the forward pass.
pub fn backward(
    kind: PoolKind,
    (rows, columns): (&Windows, &Windows),
    x: &[f32],
    y: &[f32],
    dy: &[f32],
    dx: &mut [f32],
    accumulate: bool,
) {
    let (plane, out) = (rows.size * columns.size, rows.count() * columns.count());
    let many = planes_per_piece(plane);
    let pairs = rows.pairs() && columns.pairs();
    threads::pieces(dx, plane * many, |i, dx| {
        if !accumulate {
            dx.fill(0.0);
        }
        for (p, dx) in dx.chunks_exact_mut(plane).enumerate() {
            let at = i * many + p;
            let dy = &dy[at * out..][..out];
            match kind {
                PoolKind::Max if pairs => {
                    let (x, y) = (&x[at * plane..][..plane], &y[at * out..][..out]);
                    max_of_pairs_back(columns.size, x, y, dy, dx);
                }
                PoolKind::Max => {
                    max_plane_back(rows, columns, &x[at * plane..][..plane], &y[at * out..][..out], dy, dx);
                }
                PoolKind::Average => average_plane_back(rows, columns, dy, dx),
            }
        }
    });
}

fn larger(best: f32, value: f32) -> f32 {
    if value > best || value.is_nan() { value } else { best }
}

fn max_of_pairs(width: usize, x: &[f32], y: &mut [f32]) {
    simd::vectorised(
        #[inline(always)]
        || {
            for (two, y) in x.chunks_exact(2 * width).zip(y.chunks_exact_mut(width / 2)) {
                let (top, bottom) = two.split_at(width);
                for ((y, a), b) in y.iter_mut().zip(top.chunks_exact(2)).zip(bottom.chunks_exact(2)) {
                    *y = larger(larger(larger(a[0], a[1]), b[0]), b[1]);
                }
            }
        },
    );
}

/// The maxima of columns over a window's rows first, which vectors share, then those along each row.
fn max_plane(rows: &Windows, columns: &Windows, x: &[f32], y: &mut [f32]) {
    let width = columns.size;
    buffer::with(width, |tallest| {
        for (&(top, bottom, _), y) in rows.spans.iter().zip(y.chunks_exact_mut(columns.count())) {
            simd::vectorised(
                #[inline(always)]
                || {
                    tallest.fill(f32::NEG_INFINITY);
                    for line in x[top * width..bottom * width].chunks_exact(width) {
                        tallest.iter_mut().zip(line).for_each(|(t, &v)| *t = larger(*t, v));
                    }
                },
            );
            for (&(left, right, _), y) in columns.spans.iter().zip(y) {
                *y = tallest[left..right].iter().fold(f32::NEG_INFINITY, |best, &v| larger(best, v));
            }
        }
    });
}

/// [`max_plane_back`] where windows are pairs of pairs: without a branch.
fn max_of_pairs_back(width: usize, x: &[f32], y: &[f32], dy: &[f32], dx: &mut [f32]) {
    simd::vectorised(
        #[inline(always)]
        || {
            let half = width / 2;
            let outputs = y.chunks_exact(half).zip(dy.chunks_exact(half));
            let pixels = x.chunks_exact(2 * width).zip(dx.chunks_exact_mut(2 * width));
            for ((y, dy), (x, dx)) in outputs.zip(pixels) {
                let ((top, bottom), (dtop, dbottom)) = (x.split_at(width), dx.split_at_mut(width));
                let x = top.chunks_exact(2).zip(bottom.chunks_exact(2));
                let dx = dtop.chunks_exact_mut(2).zip(dbottom.chunks_exact_mut(2));
                for (((y, d), (a, b)), (da, db)) in y.iter().zip(dy).zip(x).zip(dx) {
                    let holds = |v: f32| (v == *y) | (v.is_nan() & y.is_nan());
                    let (first, second, third) = (holds(a[0]), holds(a[1]), holds(b[0]));
                    let share = |chosen: bool| if chosen { *d } else { 0.0 };
                    da[0] += share(first);
                    da[1] += share(!first & second);
                    db[0] += share(!first & !second & third);
                    db[1] += share(!first & !second & !third);
                }
            }
        },
    );
}

/// The first pixel that holds a window's maximum gets the window's gradient.
fn max_plane_back(rows: &Windows, columns: &Windows, x: &[f32], y: &[f32], dy: &[f32], dx: &mut [f32]) {
    let mut at = 0;
    for &(top, bottom, _) in &rows.spans {
        for &(left, right, _) in &columns.spans {
            let best = y[at];
            'window: for row in top..bottom {
                for column in left..right {
                    let value = x[row * columns.size + column];
                    if value == best || (value.is_nan() && best.is_nan()) {
                        dx[row * columns.size + column] += dy[at];
                        break 'window;
                    }
                }
            }
            at += 1;
        }
    }
}

fn average_plane(rows: &Windows, columns: &Windows, x: &[f32], y: &mut [f32]) {
    let mut y = y.iter_mut();
    for &(top, bottom, tall) in &rows.spans {
        for (&(left, right, wide), y) in columns.spans.iter().zip(&mut y) {
            let lines = x[top * columns.size..bottom * columns.size].chunks_exact(columns.size);
            let sum: f32 = lines.map(|line| line[left..right].iter().sum::<f32>()).sum();
            *y = sum / (tall * wide) as f32;
        }
    }
}

fn average_plane_back(rows: &Windows, columns: &Windows, dy: &[f32], dx: &mut [f32]) {
    let mut dy = dy.iter();
    for &(top, bottom, tall) in &rows.spans {
        for (&(left, right, wide), &d) in columns.spans.iter().zip(&mut dy) {
            let share = d / (tall * wide) as f32;
            for line in dx[top * columns.size..bottom * columns.size].chunks_exact_mut(columns.size) {
                line[left..right].iter_mut().for_each(|v| *v += share);
            }
        }
    }
}
