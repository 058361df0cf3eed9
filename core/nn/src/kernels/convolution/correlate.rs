//! Sums over taps for every pixel of a grid: what forward passes and gradients of inputs have in common.

use super::source::Source;
use super::tile::{Block, Offsets, VECTORS, channel_blocks, lanes};
use crate::kernels::{Activation, buffer};

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
    /// Weights in the order that [`pack`] gives them.
    pub(super) weights: Vec<f32>,
}

/// Orders weights for the innermost loop; `weight(output channel, input channel, tap)`.
pub(super) fn pack(
    (outputs, inputs, taps): (usize, usize, usize),
    weight: impl Fn(usize, usize, usize) -> f32,
) -> Vec<f32> {
    let mut packed = Vec::with_capacity(outputs * inputs * taps);
    for (first, width) in channel_blocks(outputs, lanes()) {
        for input in 0..inputs {
            for tap in 0..taps {
                packed.extend((first..first + width).map(|output| weight(output, input, tap)));
            }
        }
    }
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
        let lanes = lanes();
        let plane = self.source.plane();
        let depth = self.input.0 * grid.taps.len();
        let channels = self.input.0;
        let places = (0..channels).flat_map(|c| grid.taps.iter().map(move |t| c * plane + t));
        let width = if depth > 2048 { 3 } else { VECTORS } * lanes;
        let reading = self.reading(grid, lanes);
        let gathers = reading == Reading::Gathered;
        let offsets =
            if gathers { Offsets::new((0..depth).map(|k| k * width)) } else { Offsets::new(places.clone()) };
        let gathered: Vec<usize> = if gathers { places.collect() } else { Vec::new() };
        let per_image = self.positions(grid, reading, lanes);
        let panel_len = if gathers { depth * width } else { 0 };
        buffer::with(panel_len + self.output.0 * VECTORS * lanes, |scratch| {
            let (panel, sums) = scratch.split_at_mut(panel_len);
            let mut starts = [0; VECTORS];
            let mut runs = Vec::new();
            let end = images * per_image;
            for first in (0..end).step_by(width) {
                let count = width.min(end - first);
                self.runs(grid, reading, per_image, first..first + count, &mut runs);
                if gathers {
                    gather(&runs, copies, &gathered, width, panel);
                }
                let starts = &mut starts[..count.div_ceil(lanes)];
                for (v, start) in starts.iter_mut().enumerate() {
                    *start = match reading {
                        Reading::Gathered => v * lanes,
                        Reading::Rows | Reading::Lines => {
                            self.place(grid, reading, per_image, first + v * lanes)
                        }
                    };
                }
                Block {
                    source: if gathers { panel } else { copies },
                    offsets: &offsets,
                    vectors: starts,
                    weights: &grid.weights,
                    channels: self.output.0,
                    out: sums,
                }
                .compute();
                self.store(&runs, sums, VECTORS * lanes, grid.strides.1, (&mut *y.0, y.1), finish);
            }
        });
    }

    fn reading(&self, grid: &Grid, lanes: usize) -> Reading {
        let (width, pitch) = (grid.size.1, self.source.pitch());
        // Without taps every sum is zero, wherever it reads.
        if grid.taps.is_empty() || width.is_multiple_of(lanes) {
            Reading::Rows
        } else if super::lines_pay(width, pitch) && self.output.0 <= 64 {
            Reading::Lines
        } else {
            Reading::Gathered
        }
    }

    /// Lanes that one image takes.
    fn positions(&self, grid: &Grid, reading: Reading, lanes: usize) -> usize {
        match reading {
            Reading::Lines => super::line_len(grid.size, self.source.pitch()).next_multiple_of(lanes),
            Reading::Rows | Reading::Gathered => grid.size.0 * grid.size.1,
        }
    }

    /// Floats from one row of lanes to the next.
    fn row_len(&self, grid: &Grid, reading: Reading) -> usize {
        if reading == Reading::Lines { self.source.pitch() } else { grid.size.1 }
    }

    /// Where the output of a lane finds its first tap.
    fn place(&self, grid: &Grid, reading: Reading, per_image: usize, lane: usize) -> usize {
        let row_len = self.row_len(grid, reading);
        let (image, at) = (lane / per_image, lane % per_image);
        let (row, column) = (at / row_len, at % row_len);
        image * self.input.0 * self.source.plane() + row * self.source.pitch() + column
    }

    /// Cuts lanes into runs of outputs within one row, leaving out lanes between rows.
    fn runs(
        &self,
        grid: &Grid,
        reading: Reading,
        per_image: usize,
        lanes: std::ops::Range<usize>,
        runs: &mut Vec<Run>,
    ) {
        runs.clear();
        let row_len = self.row_len(grid, reading);
        let mut lane = lanes.start;
        while lane < lanes.end {
            let (image, at) = (lane / per_image, lane % per_image);
            let (row, column) = (at / row_len, at % row_len);
            let next = (lane + row_len - column).min((image + 1) * per_image).min(lanes.end);
            if row < grid.size.0 && column < grid.size.1 {
                runs.push(Run {
                    lane: lane - lanes.start,
                    len: (grid.size.1 - column).min(next - lane),
                    from: self.place(grid, reading, per_image, lane),
                    image,
                    to: grid.base + row * grid.strides.0 + column * grid.strides.1,
                });
            }
            lane = next;
        }
    }

    fn store(
        &self,
        runs: &[Run],
        sums: &mut [f32],
        pitch: usize,
        step: usize,
        (y, y_stride): (&mut [f32], usize),
        finish: Finish,
    ) {
        let lanes = runs.last().map_or(0, |r| r.lane + r.len);
        for (channel, sums) in sums.chunks_exact_mut(pitch).take(self.output.0).enumerate() {
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

/// How the innermost loop finds what its vectors of outputs read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reading {
    /// In the copied planes; rows of outputs are whole vectors.
    Rows,
    /// In the copied planes; vectors run on over the ends of rows, and those lanes are left out.
    Lines,
    /// Gathered first.
    Gathered,
}

/// Consecutive outputs of one row.
pub(super) struct Run {
    pub(super) lane: usize,
    pub(super) len: usize,
    pub(super) from: usize,
    image: usize,
    to: usize,
}

/// Copies what the outputs of `runs` read: one line of `width` floats for each offset.
fn gather(runs: &[Run], source: &[f32], offsets: &[usize], width: usize, panel: &mut [f32]) {
    /// Runs of a length known to the compiler become single moves.
    fn copy<const LEN: usize>(runs: &[Run], source: &[f32], offset: usize, line: &mut [f32]) {
        for run in runs {
            let from: [f32; LEN] = std::array::from_fn(|i| source[offset + run.from..][i]);
            line[run.lane..run.lane + LEN].copy_from_slice(&from);
        }
    }
    let first = runs.first().map_or(0, |r| r.len);
    let same = runs.iter().all(|r| r.len == first);
    for (&offset, line) in offsets.iter().zip(panel.chunks_exact_mut(width)) {
        match first {
            2 if same => copy::<2>(runs, source, offset, line),
            4 if same => copy::<4>(runs, source, offset, line),
            8 if same => copy::<8>(runs, source, offset, line),
            _ => {
                for run in runs {
                    line[run.lane..run.lane + run.len]
                        .copy_from_slice(&source[offset + run.from..][..run.len]);
                }
            }
        }
    }
}
