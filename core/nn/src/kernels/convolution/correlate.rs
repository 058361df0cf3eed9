//! Sums over taps for every pixel of a grid: what forward passes and gradients of inputs have in common.

use super::source::Source;
use super::tile::{Block, Offsets, VECTORS, channel_blocks, widest_block};
use crate::kernels::panel::{self, Product};
use crate::kernels::simd::lanes;
use crate::kernels::{Activation, buffer, threads};
use std::ops::Range;

/// Outputs whose sums for a panel of channels stay near a core.
const PIXELS: usize = 192;

/// Taps that all outputs of one grid share, and where those outputs go.
pub(super) struct Grid {
    /// Rows and columns of outputs.
    pub(super) size: (usize, usize),
    /// First element of an output plane that this grid writes.
    pub(super) base: usize,
    /// Elements from one row of outputs to the next, and from one output to the next.
    pub(super) strides: (usize, usize),
    /// Offset of each tap in a copied plane.
    pub(super) taps: Vec<usize>,
    /// What shares a vector.
    pub(super) reading: Reading,
    /// Weights in the order that [`pack`] gives them for this reading.
    pub(super) weights: Vec<f32>,
}

/// What the lanes of a vector are, and where the innermost loop finds what they read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reading {
    /// Pixels; each row of outputs begins a vector, and lanes past its end are left out.
    Rows,
    /// Pixels; vectors run on over the ends of rows, and those lanes are left out.
    Lines,
    /// Output channels; pixels are read one by one.
    Channels,
}

impl Reading {
    /// The one that leaves the fewest lanes empty, for `outputs` channels of `size`, rows of the source `pitch` apart.
    pub(super) fn best(outputs: usize, size: (usize, usize), taps: usize, pitch: usize) -> Self {
        let share = |used: usize| used as f32 / used.next_multiple_of(lanes()) as f32;
        let (rows, lines, channels) = (share(size.1), size.1 as f32 / pitch as f32, share(outputs));
        // Without taps every sum is zero, wherever it reads.
        if taps == 0 || rows >= lines.max(channels) {
            Self::Rows
        } else if channels >= lines {
            Self::Channels
        } else {
            Self::Lines
        }
    }
}

/// Orders weights for the innermost loop; `weight(output channel, input channel, tap)`.
pub(super) fn pack(
    reading: Reading,
    (outputs, inputs, taps): (usize, usize, usize),
    weight: impl Fn(usize, usize, usize) -> f32 + Sync,
) -> Vec<f32> {
    let depth = inputs * taps;
    let channels = reading == Reading::Channels;
    let (widest, padded) = match channels {
        true => (panel::widest(outputs), panel::line_len(outputs)),
        false => (widest_block(lanes()), outputs),
    };
    let mut packed = buffer::unwritten(padded * depth);
    threads::pieces(&mut packed, widest * depth, |i, packed| {
        let first = i * widest;
        let mut fill = |start: usize, width: usize, used: usize| {
            let block = &mut packed[start * depth..(start + width) * depth];
            for (input, lines) in block.chunks_exact_mut(taps * width).enumerate() {
                for (tap, line) in lines.chunks_exact_mut(width).enumerate() {
                    for (o, value) in line.iter_mut().enumerate() {
                        *value = if o < used { weight(first + start + o, input, tap) } else { 0.0 };
                    }
                }
            }
        };
        if channels {
            let used = widest.min(outputs - first);
            fill(0, panel::line_len(used), used);
        } else {
            for (start, width) in channel_blocks(widest.min(outputs - first), lanes()) {
                fill(start, width, width);
            }
        }
    });
    packed
}

/// Everything that stays the same from image to image.
pub(super) struct Correlation {
    /// How input planes are copied.
    pub(super) source: Source,
    /// Channels and floats of a plane of the input.
    pub(super) input: (usize, usize),
    /// Channels and floats of a plane of the output.
    pub(super) output: (usize, usize),
    /// The outputs.
    pub(super) grids: Vec<Grid>,
}

/// What happens to the sums.
#[derive(Clone, Copy)]
pub(super) struct Finish<'a> {
    pub(super) bias: Option<&'a [f32]>,
    pub(super) activation: Activation,
    pub(super) accumulate: bool,
}

impl Correlation {
    /// Computes `images` outputs; images of `x` and `y` are `x_stride` and `y_stride` floats apart.
    pub(super) fn run(
        &self,
        images: usize,
        (x, x_stride): (&[f32], usize),
        (y, y_stride): (&mut [f32], usize),
        finish: Finish,
    ) {
        let plane = self.source.plane();
        let copied = self.input.0 * plane;
        // Vectors may read past the last pixel of the last row; what they find there is never stored.
        buffer::with(images * copied + 64, |copies| {
            copies[images * copied..].fill(0.0);
            for n in 0..images {
                for c in 0..self.input.0 {
                    let from = &x[n * x_stride + c * self.input.1..][..self.input.1];
                    self.source.copy(from, &mut copies[n * copied + c * plane..]);
                }
            }
            for grid in &self.grids {
                self.run_grid(grid, images, copies, (y, y_stride), finish);
            }
        });
    }

    fn run_grid(&self, grid: &Grid, images: usize, copies: &[f32], y: (&mut [f32], usize), finish: Finish) {
        if grid.reading == Reading::Channels {
            return self.run_channels(grid, images, copies, y, finish);
        }
        let lanes = lanes();
        let plane = self.source.plane();
        let places = (0..self.input.0).flat_map(|c| grid.taps.iter().map(move |t| c * plane + t));
        let offsets = Offsets::new(places);
        let width = VECTORS * lanes;
        let end = images * self.positions(grid);
        buffer::with(self.output.0 * width, |sums| {
            let mut starts = [0; VECTORS];
            let mut runs = Vec::new();
            for first in (0..end).step_by(width) {
                let count = width.min(end - first);
                self.runs(grid, first..first + count, &mut runs);
                let starts = &mut starts[..count.div_ceil(lanes)];
                for (v, start) in starts.iter_mut().enumerate() {
                    *start = self.place(grid, first + v * lanes);
                }
                Block {
                    source: copies,
                    offsets: &offsets,
                    vectors: starts,
                    weights: &grid.weights,
                    channels: self.output.0,
                    out: sums,
                }
                .compute();
                let sums = sums[..self.output.0 * width].chunks_exact_mut(width);
                self.store(&runs, (0, sums), grid.strides.1, (&mut *y.0, y.1), finish);
            }
        });
    }

    fn run_channels(
        &self,
        grid: &Grid,
        images: usize,
        copies: &[f32],
        y: (&mut [f32], usize),
        finish: Finish,
    ) {
        let plane = self.source.plane();
        let depth = self.input.0 * grid.taps.len();
        let steps: Vec<u32> = (0..self.input.0)
            .flat_map(|c| grid.taps.iter().map(move |t| panel::place(c * plane + t)))
            .collect();
        let end = images * self.positions(grid);
        let most = panel::widest(self.output.0);
        buffer::with(2 * most * PIXELS, |scratch| {
            let (sums, turned) = scratch.split_at_mut(most * PIXELS);
            let mut runs = Vec::new();
            for first in (0..end).step_by(PIXELS) {
                let count = PIXELS.min(end - first);
                self.runs(grid, first..first + count, &mut runs);
                let pixels: Vec<u32> =
                    (first..first + count).map(|pixel| panel::place(self.place(grid, pixel))).collect();
                for (channel, columns) in panel::panels(self.output.0) {
                    let line = panel::line_len(columns);
                    let weights = &grid.weights[channel * depth..][..depth * line];
                    let (sums, padded) = (&mut sums[..count * line], panel::line_len(count));
                    for (block, steps) in steps.chunks(panel::STEPS).enumerate() {
                        Product {
                            source: copies,
                            rows: &pixels,
                            steps,
                            panel: &weights[block * panel::STEPS * line..][..steps.len() * line],
                            line,
                            out: sums,
                            pitch: line,
                            accumulate: block > 0,
                        }
                        .compute();
                    }
                    panel::pack_columns(sums, line, (columns, count), &mut turned[..columns * padded]);
                    let lines = turned[..columns * padded].chunks_exact_mut(padded);
                    self.store(&runs, (channel, lines), grid.strides.1, (&mut *y.0, y.1), finish);
                }
            }
        });
    }

    /// Places that one image takes among all outputs.
    fn positions(&self, grid: &Grid) -> usize {
        match grid.reading {
            Reading::Lines => super::line_len(grid.size, self.source.pitch()).next_multiple_of(lanes()),
            Reading::Rows | Reading::Channels => grid.size.0 * self.row_len(grid),
        }
    }

    /// Places from one row of outputs to the next.
    fn row_len(&self, grid: &Grid) -> usize {
        match grid.reading {
            Reading::Lines => self.source.pitch(),
            Reading::Rows => grid.size.1.next_multiple_of(lanes()),
            Reading::Channels => grid.size.1,
        }
    }

    /// Where an output finds its first tap.
    fn place(&self, grid: &Grid, position: usize) -> usize {
        let (per_image, row_len) = (self.positions(grid), self.row_len(grid));
        let (image, at) = (position / per_image, position % per_image);
        let (row, column) = (at / row_len, at % row_len);
        image * self.input.0 * self.source.plane() + row * self.source.pitch() + column
    }

    /// Cuts positions into runs of outputs within one row, leaving out those between rows.
    fn runs(&self, grid: &Grid, positions: Range<usize>, runs: &mut Vec<Run>) {
        runs.clear();
        let (per_image, row_len) = (self.positions(grid), self.row_len(grid));
        let mut at = positions.start;
        while at < positions.end {
            let (image, within) = (at / per_image, at % per_image);
            let (row, column) = (within / row_len, within % row_len);
            let next = (at + row_len - column).min((image + 1) * per_image).min(positions.end);
            if row < grid.size.0 && column < grid.size.1 {
                runs.push(Run {
                    lane: at - positions.start,
                    len: (grid.size.1 - column).min(next - at),
                    image,
                    to: grid.base + row * grid.strides.0 + column * grid.strides.1,
                });
            }
            at = next;
        }
    }

    /// Finishes the sums of some channels, one line each from channel `first` on, and puts them where they belong.
    fn store<'a>(
        &self,
        runs: &[Run],
        (first, lines): (usize, impl Iterator<Item = &'a mut [f32]>),
        step: usize,
        (y, y_stride): (&mut [f32], usize),
        finish: Finish,
    ) {
        let lanes = runs.last().map_or(0, |r| r.lane + r.len);
        for (channel, sums) in (first..).zip(lines) {
            let sums = &mut sums[..lanes];
            if let Some(bias) = finish.bias {
                let bias = bias[channel];
                sums.iter_mut().for_each(|s| *s += bias);
            }
            finish.activation.apply(sums);
            for run in runs {
                let from = &sums[run.lane..run.lane + run.len];
                let to = &mut y[run.image * y_stride + channel * self.output.1 + run.to..];
                match (step, finish.accumulate) {
                    (1, false) => to[..run.len].copy_from_slice(from),
                    (1, true) => to.iter_mut().zip(from).for_each(|(t, f)| *t += f),
                    (step, false) => to.iter_mut().step_by(step).zip(from).for_each(|(t, f)| *t = *f),
                    (step, true) => to.iter_mut().step_by(step).zip(from).for_each(|(t, f)| *t += f),
                }
            }
        }
    }
}

/// Consecutive outputs of one row.
struct Run {
    lane: usize,
    len: usize,
    image: usize,
    to: usize,
}
