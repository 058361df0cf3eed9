//! Images copied so that every tap of a kernel reads runs of consecutive floats, without a test for borders.

use crate::kernels::simd;

/// One axis of a padded copy: output `o` under a tap reads phase `tap % step`, position `o + tap / step`.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Axis {
    /// Pixels of the image.
    size: usize,
    /// Pixels from one output to the next.
    step: usize,
    /// Pixel that output 0 under tap 0 reads; negative within the padding.
    origin: isize,
    /// Phases that some tap reads, and where each stands in the copy.
    phases: Vec<usize>,
    /// Positions of each phase.
    len: usize,
}

impl Axis {
    fn new(size: usize, step: usize, origin: isize, outputs: usize, taps: &[usize]) -> Self {
        let mut phases: Vec<usize> = taps.iter().map(|t| t % step).collect();
        phases.sort_unstable();
        phases.dedup();
        let reach = taps.iter().map(|t| t / step).max().unwrap_or(0);
        Self { size, step, origin, phases, len: outputs + reach }
    }

    /// Phase index and position of a tap.
    fn place(&self, tap: usize) -> (usize, usize) {
        let phase = self.phases.iter().position(|&p| p == tap % self.step).unwrap_or(0);
        (phase, tap / self.step)
    }

    /// For one phase: the first position inside the image, how many are inside, and the pixel of the first.
    fn inside(&self, phase: usize) -> (usize, usize, usize) {
        let start = self.origin + self.phases[phase] as isize;
        let first = if start < 0 { start.unsigned_abs().div_ceil(self.step) } else { 0 };
        let pixel = (start + (first * self.step) as isize) as usize;
        if pixel >= self.size || first >= self.len {
            return (0, 0, 0);
        }
        (first, (self.size - pixel).div_ceil(self.step).min(self.len - first), pixel)
    }
}

/// How the planes of an image are copied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Source {
    rows: Axis,
    columns: Axis,
}

impl Source {
    /// For planes of `size`, read by outputs `grid` at `step`; `taps` are the offsets of the kernel's rows and columns
    /// from `origin`.
    pub(super) fn new(
        size: (usize, usize),
        step: usize,
        origin: (isize, isize),
        grid: (usize, usize),
        taps: (&[usize], &[usize]),
    ) -> Self {
        Self {
            rows: Axis::new(size.0, step, origin.0, grid.0, taps.0),
            columns: Axis::new(size.1, step, origin.1, grid.1, taps.1),
        }
    }

    /// Floats from one row of outputs to the next.
    pub(super) fn pitch(&self) -> usize {
        self.columns.len
    }

    /// Floats of one copied plane.
    pub(super) fn plane(&self) -> usize {
        self.rows.phases.len() * self.columns.phases.len() * self.rows.len * self.columns.len
    }

    /// Where output (0, 0) finds a tap.
    pub(super) fn offset(&self, tap: (usize, usize)) -> usize {
        let ((py, y), (px, x)) = (self.rows.place(tap.0), self.columns.place(tap.1));
        ((py * self.columns.phases.len() + px) * self.rows.len + y) * self.columns.len + x
    }

    /// Copies one plane.
    pub(super) fn copy(&self, plane: &[f32], out: &mut [f32]) {
        let width = self.columns.size;
        let out = &mut out[..self.plane()];
        // One long fill costs less than a short one at each end of each row.
        out.fill(0.0);
        let mut phases = out.chunks_exact_mut(self.rows.len * self.columns.len);
        for py in 0..self.rows.phases.len() {
            let (top, rows, first_row) = self.rows.inside(py);
            for px in 0..self.columns.phases.len() {
                let (left, columns, first) = self.columns.inside(px);
                let Some(phase) = phases.next() else { return };
                let lines = phase.chunks_exact_mut(self.columns.len).skip(top).take(rows);
                let from = plane[(first_row * width).min(plane.len())..].chunks_exact(width);
                for (line, from) in lines.zip(from.step_by(self.rows.step)) {
                    let (line, from) = (&mut line[left..left + columns], &from[first..]);
                    match self.columns.step {
                        1 => line.copy_from_slice(&from[..columns]),
                        2 => every::<2>(from, line),
                        4 => every::<4>(from, line),
                        step => line.iter_mut().zip(from.iter().step_by(step)).for_each(|(o, v)| *o = *v),
                    }
                }
            }
        }
    }
}

/// Copies every `STEP`-th number.
fn every<const STEP: usize>(from: &[f32], to: &mut [f32]) {
    simd::vectorised(
        #[inline(always)]
        || {
            let whole = (from.len() / STEP).min(to.len());
            let (most, rest) = to.split_at_mut(whole);
            for (to, from) in most.iter_mut().zip(from.chunks_exact(STEP)) {
                *to = from[0];
            }
            for (to, from) in rest.iter_mut().zip(from[whole * STEP..].iter().step_by(STEP)) {
                *to = *from;
            }
        },
    );
}
