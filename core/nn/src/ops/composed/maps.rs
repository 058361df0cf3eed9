//! Tables of which pixel reads which.

use crate::kernels::convolution::ConvShape;
use crate::kernels::pool::Windows;
use crate::kernels::rearrange::{Placement, Upsampling, taps};

/// A linear map of the pixels of a plane: each output is a sum over taps of a weight times an input pixel. Tables are
/// (taps, outputs); a tap that reads nothing has weight 0.
pub(super) struct PixelMap {
    pub(super) taps: usize,
    pub(super) outputs: usize,
    pub(super) index: Vec<usize>,
    pub(super) weight: Vec<f32>,
}

impl PixelMap {
    /// `read(tap, output)` gives the pixel and its weight.
    fn new(taps: usize, outputs: usize, read: impl Fn(usize, usize) -> Option<(usize, f32)>) -> Self {
        let entries = (0..taps).flat_map(|t| (0..outputs).map(move |o| (t, o)));
        let (index, weight) = entries.map(|(t, o)| read(t, o).unwrap_or((0, 0.0))).unzip();
        Self { taps, outputs, index, weight }
    }

    /// What each output of a convolution reads.
    pub(super) fn convolution(s: &ConvShape) -> Self {
        Self::new(s.kernel.0 * s.kernel.1, s.out_pixels(), |t, o| {
            input_pixel(s, t, o).map(|pixel| (pixel, 1.0))
        })
    }

    /// For each pixel of a convolution's input: the products (tap, output) that belong to it.
    pub(super) fn transposed(s: &ConvShape) -> Self {
        let (taps, pixels, outputs) = (s.kernel.0 * s.kernel.1, s.height * s.width, s.out_pixels());
        let mut map = Self::new(taps, pixels, |_, _| None);
        for t in 0..taps {
            for o in 0..outputs {
                if let Some(pixel) = input_pixel(s, t, o) {
                    map.index[t * pixels + pixel] = t * outputs + o;
                    map.weight[t * pixels + pixel] = 1.0;
                }
            }
        }
        map
    }

    /// What each window of a pool reads; for a mean, weighted by its share.
    pub(super) fn windows(rows: &Windows, columns: &Windows, mean: bool) -> Self {
        let (tall, wide) = (rows.longest(), columns.longest());
        Self::new(tall * wide, rows.count() * columns.count(), |t, o| {
            let (top, bottom, high) = rows.span(o / columns.count());
            let (left, right, broad) = columns.span(o % columns.count());
            let (y, x) = (top + t / wide, left + t % wide);
            let weight = if mean { 1.0 / (high * broad) as f32 } else { 1.0 };
            (y < bottom && x < right).then_some((y * columns.size() + x, weight))
        })
    }

    /// The four pixels around each pixel of another size.
    pub(super) fn upsampling(method: Upsampling, from: (usize, usize), to: (usize, usize)) -> Self {
        let (rows, columns) = (taps(method, from.0, to.0), taps(method, from.1, to.1));
        Self::new(4, to.0 * to.1, |t, o| {
            let ((top, bottom, v), (left, right, h)) = (rows[o / to.1], columns[o % to.1]);
            let (y, of_row) = if t < 2 { (top, 1.0 - v) } else { (bottom, v) };
            let (x, of_column) = if t % 2 == 0 { (left, 1.0 - h) } else { (right, h) };
            Some((y * from.1 + x, of_row * of_column))
        })
    }

    /// Where each pixel of a frame comes from.
    pub(super) fn placement(p: &Placement) -> Self {
        Self::new(1, p.frame_height * p.frame_width, |_, o| {
            let y = (o / p.frame_width) as isize - p.top;
            let x = (o % p.frame_width) as isize - p.left;
            let inside = (0..p.height as isize).contains(&y) && (0..p.width as isize).contains(&x);
            inside.then_some((y as usize * p.width + x as usize, 1.0))
        })
    }
}

/// The pixel of the input that output `o` reads under tap `t`, if it is not padding.
fn input_pixel(s: &ConvShape, t: usize, o: usize) -> Option<usize> {
    let side = |out: usize, k: usize, size: usize| {
        let at = (out * s.walk.stride + k * s.walk.dilation).checked_sub(s.walk.padding)?;
        (at < size).then_some(at)
    };
    let y = side(o / s.out_width, t / s.kernel.1, s.height)?;
    let x = side(o % s.out_width, t % s.kernel.1, s.width)?;
    Some(y * s.width + x)
}
