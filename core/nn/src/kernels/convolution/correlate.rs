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
        let offsets: Vec<usize> =
            (0..self.input.0).flat_map(|c| grid.taps.iter().map(move |t| c * plane + t)).collect();
        let width = if depth > 2048 { 3 } else { VECTORS } * lanes;
        let pixels = images * grid.size.0 * grid.size.1;
        // Without taps every sum is zero, wherever it reads.
        let direct = depth == 0 || grid.size.1.is_multiple_of(lanes);
        let near = Offsets::new(offsets.iter().copied());
        let far = Offsets::new((0..depth).map(|k| k * width));
        let panel_len = if direct { 0 } else { depth * width };
        buffer::with(panel_len + self.output.0 * VECTORS * lanes, |scratch| {
            let (panel, sums) = scratch.split_at_mut(panel_len);
            let mut starts = [0; VECTORS];
            for first in (0..pixels).step_by(width) {
                let count = width.min(pixels - first);
                let runs = self.runs(grid, first, count);
                let vectors = count.div_ceil(lanes);
                if direct {
                    for (v, start) in starts[..vectors].iter_mut().enumerate() {
                        *start = self.place(grid, first + v * lanes);
                    }
                } else {
                    gather(&runs, copies, &offsets, width, panel);
                    for (v, start) in starts[..vectors].iter_mut().enumerate() {
                        *start = v * lanes;
                    }
                }
                Block {
                    source: if direct { copies } else { panel },
                    offsets: if direct { &near } else { &far },
                    vectors: &starts[..vectors],
                    weights: &grid.weights,
                    channels: self.output.0,
                    out: sums,
                }
                .compute();
                self.store(grid, &runs, sums, VECTORS * lanes, (&mut *y.0, y.1), finish);
            }
        });
    }

    /// Where an output finds its first tap.
    fn place(&self, grid: &Grid, pixel: usize) -> usize {
        let (image, at) = (pixel / (grid.size.0 * grid.size.1), pixel % (grid.size.0 * grid.size.1));
        let (row, column) = (at / grid.size.1, at % grid.size.1);
        image * self.input.0 * self.source.plane() + row * self.source.pitch() + column
    }

    /// Cuts consecutive outputs into runs within one row.
    fn runs(&self, grid: &Grid, first: usize, count: usize) -> Vec<Run> {
        let mut runs = Vec::with_capacity(count / grid.size.1 + 2);
        let mut lane = 0;
        while lane < count {
            let pixel = first + lane;
            let column = pixel % grid.size.1;
            let len = (grid.size.1 - column).min(count - lane);
            let (image, row) = (pixel / (grid.size.0 * grid.size.1), pixel / grid.size.1 % grid.size.0);
            let to = grid.base + row * grid.strides.0 + column * grid.strides.1;
            runs.push(Run { lane, len, from: self.place(grid, pixel), image, to });
            lane += len;
        }
        runs
    }

    fn store(
        &self,
        grid: &Grid,
        runs: &[Run],
        sums: &mut [f32],
        pitch: usize,
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
                match (grid.strides.1, finish.accumulate) {
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
    let same = runs.iter().all(|r| r.len == runs[0].len);
    for (&offset, line) in offsets.iter().zip(panel.chunks_exact_mut(width)) {
        match runs[0].len {
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
