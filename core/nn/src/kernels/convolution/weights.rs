//! Gradients of weights: products of taps with output channels, summed over pixels.

use super::ConvShape;
use super::passes::forward_source;
use super::source::Source;
use crate::kernels::panel::{Product, line_len, pack_columns, panels, place};
use crate::kernels::simd::{lanes, vectorised};
use crate::kernels::{buffer, linear, threads};
use std::ops::Range;

/// Pieces of the batch whose sums are kept apart, where these are small; fixed, so that the order of addition is.
const PARTS: usize = 8;
/// Pieces of the channels, where they are not.
const CHUNKS: usize = 4;
/// Floats of sums that stay near a core while it goes through its images.
const NEAR: usize = 1 << 18;
/// Pixels whose gradients for a panel of channels stay in the first-level cache.
const PIXELS: usize = 128;

/// Adds the gradient of the weights to `dw`.
pub fn weight_gradient(s: &ConvShape, x: &[f32], dy: &[f32], dw: &mut [f32]) {
    if s.is_dense() {
        return linear::weight_gradient((s.batch, s.depth(), s.out_channels), x, dy, dw);
    }
    match exchanged(s) {
        Some(other) => exchange(s, &other, x, dy, dw),
        None => direct(s, x, dy, dw),
    }
}

/// The convolution in which image and gradient have changed places, where output channels alone would leave most
/// of a vector empty.
fn exchanged(s: &ConvShape) -> Option<ConvShape> {
    let c = s.walk;
    let padding = (c.dilation * (s.kernel.0 - 1)).checked_sub(c.padding)?;
    let fits = c.groups == 1 && c.stride == 1 && s.kernel.0 == s.kernel.1;
    let pays = s.out_channels < lanes() && s.channels > s.out_channels;
    (fits && pays).then_some(ConvShape {
        channels: s.out_channels,
        height: s.out_height,
        width: s.out_width,
        out_channels: s.channels,
        out_height: s.height,
        out_width: s.width,
        walk: super::Convolution { padding, ..c },
        ..*s
    })
}

fn exchange(s: &ConvShape, other: &ConvShape, x: &[f32], dy: &[f32], dw: &mut [f32]) {
    let taps = s.kernel.0 * s.kernel.1;
    buffer::with(s.weight_len(), |turned| {
        turned.fill(0.0);
        direct(other, dy, x, turned);
        for (o, dw) in dw.chunks_exact_mut(s.channels * taps).enumerate() {
            for (c, dw) in dw.chunks_exact_mut(taps).enumerate() {
                let from = &turned[(c * s.out_channels + o) * taps..][..taps];
                dw.iter_mut().zip(from.iter().rev()).for_each(|(d, f)| *d += f);
            }
        }
    });
}

fn direct(s: &ConvShape, x: &[f32], dy: &[f32], dw: &mut [f32]) {
    let (source, offsets) = forward_source(s);
    let (groups, taps) = (s.walk.groups, offsets.len());
    let (rows, channels) = (s.out_channels / groups, s.channels / groups);
    let of_channel = taps * line_len(rows);
    let (parts, chunks) =
        if channels * of_channel <= NEAR { (PARTS.min(s.batch), 1) } else { (1, CHUNKS.min(channels)) };
    let (images, chunk) = (s.batch.div_ceil(parts), channels.div_ceil(chunks));
    let parts = s.batch.div_ceil(images);
    let of_part = groups * channels * of_channel;
    let gradient = Gradient { s, source: &source, offsets: &offsets, rows, channels };
    buffer::with(parts * of_part, |sums| {
        let mut pieces = Vec::with_capacity(parts * groups * chunks);
        let mut rest = &mut *sums;
        for part in 0..parts {
            for group in 0..groups {
                for first in (0..channels).step_by(chunk) {
                    let count = chunk.min(channels - first);
                    let (piece, left) = rest.split_at_mut(count * of_channel);
                    pieces.push((part * images, group, first..first + count, piece));
                    rest = left;
                }
            }
        }
        threads::pieces(&mut pieces, 1, |_, piece| {
            let (start, group, channels, sums) = &mut piece[0];
            sums.fill(0.0);
            let images = *start..(*start + images).min(s.batch);
            gradient.run(images, *group, channels.clone(), (x, dy), sums);
        });
        let (total, others) = sums.split_at_mut(of_part);
        threads::pieces(total, threads::PIECE, |i, total| {
            for other in others.chunks_exact(of_part) {
                let other = &other[i * threads::PIECE..][..total.len()];
                vectorised(
                    #[inline(always)]
                    || total.iter_mut().zip(other).for_each(|(t, o)| *t += o),
                );
            }
        });
        let many = (threads::PIECE / (channels * taps)).max(1);
        threads::pieces(&mut dw[..s.weight_len()], many * channels * taps, |i, dw| {
            for (j, dw) in dw.chunks_exact_mut(channels * taps).enumerate() {
                let (group, o) = ((i * many + j) / rows, (i * many + j) % rows);
                for first in (0..channels).step_by(chunk) {
                    let count = chunk.min(channels - first);
                    let piece = &total[(group * channels + first) * of_channel..][..count * of_channel];
                    add_column(piece, rows, o, &mut dw[first * taps..(first + count) * taps]);
                }
            }
        });
    });
}

/// Adds the sums of one output channel, which stand in a column of one panel.
fn add_column(sums: &[f32], rows: usize, channel: usize, dw: &mut [f32]) {
    let mut at = 0;
    for (first, count) in panels(rows) {
        let line = line_len(count);
        if (first..first + count).contains(&channel) {
            let column = sums[at + channel - first..].iter().step_by(line);
            dw.iter_mut().zip(column).for_each(|(d, s)| *d += s);
            return;
        }
        at += dw.len() * line;
    }
}

/// What all pieces of the work share.
struct Gradient<'a> {
    s: &'a ConvShape,
    source: &'a Source,
    offsets: &'a [usize],
    /// Output channels of a group.
    rows: usize,
    /// Channels of a group.
    channels: usize,
}

impl Gradient<'_> {
    /// Adds the sums over `images` for some channels of a group: for each panel of output channels, one line for each
    /// tap of each channel.
    fn run(
        &self,
        images: Range<usize>,
        group: usize,
        channels: Range<usize>,
        (x, dy): (&[f32], &[f32]),
        sums: &mut [f32],
    ) {
        let (s, plane) = (self.s, self.source.plane());
        let (size, pixels) = (s.height * s.width, s.out_pixels());
        let copied = channels.len() * plane;
        let at_once = (2 * PIXELS / pixels).clamp(1, images.len().max(1));
        let rows: Vec<u32> = (0..channels.len())
            .flat_map(|c| self.offsets.iter().map(move |offset| place(c * plane + offset)))
            .collect();
        let steps: Vec<u32> = (0..at_once * pixels)
            .map(|pixel| {
                let (image, at) = (pixel / pixels, pixel % pixels);
                place(image * copied + at / s.out_width * self.source.pitch() + at % s.out_width)
            })
            .collect();
        buffer::with(at_once * (copied + line_len(self.rows) * pixels), |scratch| {
            let (copies, gradients) = scratch.split_at_mut(at_once * copied);
            for start in images.clone().step_by(at_once) {
                let count = at_once.min(images.end - start);
                for n in 0..count {
                    for (c, copy) in channels.clone().zip(copies[n * copied..].chunks_exact_mut(plane)) {
                        let from = (start + n) * s.image_len() + (group * self.channels + c) * size;
                        self.source.copy(&x[from..from + size], copy);
                    }
                }
                let mut at = 0;
                for (first, columns) in panels(self.rows) {
                    for n in 0..count {
                        let channel = (start + n) * s.out_channels + group * self.rows + first;
                        let panel = &mut gradients[at + n * pixels * line_len(columns)..];
                        pack_columns(&dy[channel * pixels..], pixels, (pixels, columns), panel);
                    }
                    at += at_once * pixels * line_len(columns);
                }
                for from in (0..count * pixels).step_by(PIXELS) {
                    let to = (from + PIXELS).min(count * pixels);
                    let (mut at, mut sums) = (0, &mut *sums);
                    for (_, columns) in panels(self.rows) {
                        let line = line_len(columns);
                        let (out, others) = sums.split_at_mut(rows.len() * line);
                        Product {
                            source: copies,
                            rows: &rows,
                            steps: &steps[from..to],
                            panel: &gradients[at + from * line..at + to * line],
                            line,
                            out,
                            pitch: line,
                            accumulate: true,
                        }
                        .compute();
                        at += at_once * pixels * line;
                        sums = others;
                    }
                }
            }
        });
    }
}
