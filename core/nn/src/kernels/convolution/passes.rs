//! The three passes of a convolution, cut into tasks.

use super::ConvShape;
use super::correlate::{Correlation, Finish, Grid, pack};
use super::dots::{Dots, Walk};
use super::source::Source;
use super::tile::lanes;
use crate::kernels::{Activation, buffer, threads};

/// Outputs of a task, so that small images share blocks of registers.
const TASK_PIXELS: usize = 96;

/// Places of all taps along both axes.
fn taps(s: &ConvShape) -> (Vec<usize>, Vec<usize>) {
    let side = |kernel: usize| (0..kernel).map(|k| k * s.walk.dilation).collect();
    (side(s.kernel.0), side(s.kernel.1))
}

/// Copies of input planes as outputs read them.
fn forward_source(s: &ConvShape) -> (Source, Vec<usize>) {
    let (rows, columns) = taps(s);
    let origin = -(s.walk.padding as isize);
    let grid = (s.out_height, s.out_width);
    let source = Source::new((s.height, s.width), s.walk.stride, (origin, origin), grid, (&rows, &columns));
    let offsets = rows.iter().flat_map(|&y| columns.iter().map(move |&x| (y, x))).map(|t| source.offset(t));
    let offsets = offsets.collect();
    (source, offsets)
}

/// `y = activation(x * w + bias)`; every element of `y` is written.
pub fn forward(
    s: &ConvShape,
    x: &[f32],
    w: &[f32],
    bias: Option<&[f32]>,
    activation: Activation,
    y: &mut [f32],
) {
    let groups = s.walk.groups;
    let (rows, channels) = (s.out_channels / groups, s.channels / groups);
    let (source, offsets) = forward_source(s);
    let correlations: Vec<Correlation> = (0..groups)
        .map(|g| Correlation {
            source: source.clone(),
            input: (channels, s.height * s.width),
            output: (rows, s.out_pixels()),
            grids: vec![Grid {
                size: (s.out_height, s.out_width),
                base: 0,
                strides: (s.out_width, 1),
                taps: offsets.clone(),
                weights: pack((rows, channels, offsets.len()), |o, i, t| {
                    w[((g * rows + o) * channels + i) * offsets.len() + t]
                }),
            }],
        })
        .collect();
    let finish = Finish { bias, activation, accumulate: false };
    run_all(&correlations, (x, s.image_len()), (&mut y[..s.output_len()], s.output_image_len()), finish);
}

/// The gradient of the input, written into `dx` or added to it.
pub fn input_gradient(s: &ConvShape, dy: &[f32], w: &[f32], dx: &mut [f32], accumulate: bool) {
    let finish = Finish { bias: None, activation: Activation::Identity, accumulate };
    mirror(s, dy, w, dx, finish);
}

/// The forward pass of the transposed convolution: `y = activation(mirror of x + bias)`.
pub fn transposed(
    s: &ConvShape,
    x: &[f32],
    w: &[f32],
    bias: Option<&[f32]>,
    activation: Activation,
    y: &mut [f32],
) {
    mirror(s, x, w, y, Finish { bias, activation, accumulate: false });
}

/// For pixels `phase`, `phase + stride`, ... of one axis: the taps that reach them, and the outputs these belong to,
/// relative to the pixel's own number.
fn reaching(s: &ConvShape, kernel: usize, phase: usize) -> Vec<(usize, isize)> {
    let stride = s.walk.stride as isize;
    (0..kernel)
        .filter_map(|k| {
            let at = (phase + s.walk.padding) as isize - (k * s.walk.dilation) as isize;
            (at.rem_euclid(stride) == 0).then_some((k, at.div_euclid(stride)))
        })
        .collect()
}

fn mirror(s: &ConvShape, dy: &[f32], w: &[f32], dx: &mut [f32], finish: Finish) {
    let (groups, stride) = (s.walk.groups, s.walk.stride);
    let (rows, channels) = (s.out_channels / groups, s.channels / groups);
    let all = |kernel| -> Vec<Vec<(usize, isize)>> { (0..stride).map(|p| reaching(s, kernel, p)).collect() };
    let (of_rows, of_columns) = (all(s.kernel.0), all(s.kernel.1));
    let least = |of: &[Vec<(usize, isize)>]| of.iter().flatten().map(|t| t.1).min().unwrap_or(0);
    let origin = (least(&of_rows), least(&of_columns));
    let places = |of: &[Vec<(usize, isize)>], origin: isize| -> Vec<usize> {
        of.iter().flatten().map(|t| (t.1 - origin) as usize).collect()
    };
    let grid = (s.height.div_ceil(stride), s.width.div_ceil(stride));
    let (row_places, column_places) = (places(&of_rows, origin.0), places(&of_columns, origin.1));
    let size = (s.out_height, s.out_width);
    let source = Source::new(size, 1, origin, grid, (&row_places, &column_places));
    let elements = s.kernel.0 * s.kernel.1;
    let grids = |g: usize| -> Vec<Grid> {
        (0..stride)
            .flat_map(|py| (0..stride).map(move |px| (py, px)))
            .filter(|&(py, px)| py < s.height && px < s.width)
            .map(|(py, px)| {
                let pairs = || of_rows[py].iter().flat_map(|y| of_columns[px].iter().map(move |x| (y, x)));
                let taps: Vec<usize> = pairs()
                    .map(|(y, x)| source.offset(((y.1 - origin.0) as usize, (x.1 - origin.1) as usize)))
                    .collect();
                let kernel: Vec<usize> = pairs().map(|(y, x)| y.0 * s.kernel.1 + x.0).collect();
                let weights = pack((channels, rows, taps.len()), |c, o, t| {
                    w[((g * rows + o) * channels + c) * elements + kernel[t]]
                });
                Grid {
                    size: ((s.height - py).div_ceil(stride), (s.width - px).div_ceil(stride)),
                    base: py * s.width + px,
                    strides: (stride * s.width, stride),
                    taps,
                    weights,
                }
            })
            .collect()
    };
    let correlations: Vec<Correlation> = (0..groups)
        .map(|g| Correlation {
            source: source.clone(),
            input: (rows, s.out_pixels()),
            output: (channels, s.height * s.width),
            grids: grids(g),
        })
        .collect();
    run_all(&correlations, (dy, s.output_image_len()), (&mut dx[..s.input_len()], s.image_len()), finish);
}

/// Runs one correlation per group over tasks of a few images each.
fn run_all(
    groups: &[Correlation],
    (x, x_image): (&[f32], usize),
    (y, y_image): (&mut [f32], usize),
    finish: Finish,
) {
    let first = &groups[0];
    let pixels = first.grids.iter().map(|g| g.size.0 * g.size.1).max().unwrap_or(1);
    let images = TASK_PIXELS.div_ceil(pixels.max(1));
    threads::pieces(y, images * y_image, |task, y| {
        let x = &x[task * images * x_image..];
        for (g, group) in groups.iter().enumerate() {
            let x = &x[g * group.input.0 * group.input.1..];
            let channels = group.output.0;
            let bias = finish.bias.map(|b| &b[g * channels..(g + 1) * channels]);
            let count = y.len() / y_image;
            let y = &mut y[g * channels * group.output.1..];
            group.run(count, (x, x_image), (y, y_image), Finish { bias, ..finish });
        }
    });
}

/// Pieces into which the work of a weight gradient is cut, over channels and over images.
const PARTS: usize = 8;

/// Adds the gradient of the weights to `dw`.
pub fn weight_gradient(s: &ConvShape, x: &[f32], dy: &[f32], dw: &mut [f32]) {
    let (source, offsets) = forward_source(s);
    let groups = s.walk.groups;
    let (rows, channels, taps) = (s.out_channels / groups, s.channels / groups, offsets.len());
    // Few channels are cut over images instead, whose sums are then added in order.
    let chunk = channels.div_ceil(PARTS);
    let parts = if s.channels >= PARTS { 1 } else { PARTS.min(s.batch) };
    let chunks = channels.div_ceil(chunk);
    let of_channel = rows * taps;
    let images = s.batch.div_ceil(parts);
    let len = parts * groups * channels * of_channel;
    buffer::with(len, |sums| {
        // Pieces in order of part, group, chunk; the last chunk of a group may be smaller than the others.
        let mut pieces = Vec::with_capacity(parts * groups * chunks);
        let mut rest = &mut *sums;
        for part in 0..parts {
            for group in 0..groups {
                for first in (0..channels).step_by(chunk) {
                    let count = chunk.min(channels - first);
                    let (piece, left) = rest.split_at_mut(count * of_channel);
                    pieces.push((part, group, first, piece));
                    rest = left;
                }
            }
        }
        threads::pieces(&mut pieces, 1, |_, piece| {
            let (part, group, first, sums) = &mut piece[0];
            let from = *part * images;
            let work = Gradient { s, source: &source, offsets: &offsets, group: *group, rows };
            work.run(from..(from + images).min(s.batch), *first, (x, dy), sums);
        });
        for part in sums.chunks_exact(groups * channels * of_channel) {
            for group in 0..groups {
                for c in 0..channels {
                    let part = &part[(group * channels + c) * of_channel..];
                    for o in 0..rows {
                        let to = &mut dw[((group * rows + o) * channels + c) * taps..][..taps];
                        to.iter_mut().zip(&part[o * taps..]).for_each(|(t, p)| *t += p);
                    }
                }
            }
        }
    });
}

/// The weight gradient of one group.
struct Gradient<'a> {
    s: &'a ConvShape,
    source: &'a Source,
    offsets: &'a [usize],
    group: usize,
    rows: usize,
}

impl Gradient<'_> {
    /// Sums over `images` for the channels from `first` on: (channel, output channel, tap).
    fn run(&self, images: std::ops::Range<usize>, first: usize, (x, dy): (&[f32], &[f32]), sums: &mut [f32]) {
        sums.fill(0.0);
        let s = self.s;
        let direct = s.out_width.is_multiple_of(lanes());
        // So many pixels at once that the gradient of a block stays in the second-level cache, and what the taps
        // read in the first.
        let most = 4096.min(262_144 / self.rows);
        let lines = super::lines_pay(s.out_width, self.source.pitch());
        let most = if direct || lines { most } else { most.min(1024) };
        let block = (most / s.out_pixels()).clamp(1, images.len().max(1));
        for start in images.clone().step_by(block) {
            let count = block.min(images.end - start);
            if direct {
                self.direct(start, count, first, (x, dy), sums);
            } else {
                self.spread(start, count, first, lines, (x, dy), sums);
            }
        }
    }

    /// Copies a channel of `count` images.
    fn copy(&self, start: usize, count: usize, channel: usize, x: &[f32], copies: &mut [f32]) {
        let s = self.s;
        let (pixels, plane) = (s.height * s.width, self.source.plane());
        let channel = self.group * (s.channels / s.walk.groups) + channel;
        for n in 0..count {
            let from = &x[(start + n) * s.image_len() + channel * pixels..][..pixels];
            self.source.copy(from, &mut copies[n * plane..]);
        }
    }

    /// Rows of outputs are whole vectors: both operands are read where they stand.
    fn direct(&self, start: usize, count: usize, first: usize, (x, dy): (&[f32], &[f32]), sums: &mut [f32]) {
        let s = self.s;
        let plane = self.source.plane();
        let walk = Walk {
            images: count,
            rows: s.out_height,
            vectors: s.out_width / lanes(),
            a: (s.output_image_len(), s.out_width),
            b: (plane, self.source.pitch()),
        };
        let a = &dy[start * s.output_image_len() + self.group * self.rows * s.out_pixels()..];
        buffer::with(count * plane, |copies| {
            for (c, out) in sums.chunks_exact_mut(self.rows * self.offsets.len()).enumerate() {
                self.copy(start, count, first + c, x, copies);
                Dots {
                    walk,
                    a,
                    a_pitch: s.out_pixels(),
                    a_lines: self.rows,
                    b: copies,
                    b_lines: self.offsets,
                    out,
                }
                .add();
            }
        });
    }

    /// Rows of outputs are no whole vectors: the gradient is copied into lines of all pixels. With `lines`, zeros stand
    /// in them where the source has its borders, and the source is read where it stands; without, what the taps
    /// read is copied into such lines too.
    fn spread(
        &self,
        start: usize,
        count: usize,
        first: usize,
        lines: bool,
        (x, dy): (&[f32], &[f32]),
        sums: &mut [f32],
    ) {
        let (s, lanes, taps) = (self.s, lanes(), self.offsets.len());
        let (plane, pixels) = (self.source.plane(), s.out_pixels());
        let row = if lines { self.source.pitch() } else { s.out_width };
        let of_image = super::line_len((s.out_height, s.out_width), row);
        // Images follow each other without a gap where both operands are copied.
        let of_image = if lines { of_image.next_multiple_of(lanes) } else { of_image };
        let width = (count * of_image).next_multiple_of(lanes);
        let walk = match lines {
            true => {
                Walk { images: count, rows: 1, vectors: of_image / lanes, a: (of_image, 0), b: (plane, 0) }
            }
            false => Walk { images: 1, rows: 1, vectors: width / lanes, a: (0, 0), b: (0, 0) },
        };
        let places: Vec<usize> =
            if lines { self.offsets.to_vec() } else { (0..taps).map(|t| t * width).collect() };
        let gathered = if lines { 0 } else { taps * width };
        let copied = count * plane;
        buffer::with(self.rows * width + gathered + copied + lanes, |scratch| {
            let (a, scratch) = scratch.split_at_mut(self.rows * width);
            let (b, copies) = scratch.split_at_mut(gathered);
            // Vectors may read on past the last image: zeros of the gradient meet what stands there.
            copies[copied..].fill(0.0);
            a.fill(0.0);
            for (o, line) in a.chunks_exact_mut(width).enumerate() {
                for (n, line) in line[..count * of_image].chunks_exact_mut(of_image).enumerate() {
                    let at = (start + n) * s.output_image_len() + (self.group * self.rows + o) * pixels;
                    let from = dy[at..at + pixels].chunks_exact(s.out_width);
                    for (to, from) in line.chunks_mut(row).zip(from) {
                        to[..s.out_width].copy_from_slice(from);
                    }
                }
            }
            for (c, out) in sums.chunks_exact_mut(self.rows * taps).enumerate() {
                self.copy(start, count, first + c, x, copies);
                if !lines {
                    for (&offset, line) in self.offsets.iter().zip(b.chunks_exact_mut(width)) {
                        line[count * pixels..].fill(0.0);
                        for (n, line) in line[..count * pixels].chunks_exact_mut(pixels).enumerate() {
                            copy_rows(&copies[n * plane + offset..], self.source.pitch(), line, s.out_width);
                        }
                    }
                }
                let b = if lines { &*copies } else { &*b };
                Dots { walk, a, a_pitch: width, a_lines: self.rows, b, b_lines: &places, out }.add();
            }
        });
    }
}

/// Copies rows of `width` floats that stand `pitch` floats apart.
fn copy_rows(from: &[f32], pitch: usize, to: &mut [f32], width: usize) {
    fn fixed<const WIDTH: usize>(from: &[f32], pitch: usize, to: &mut [f32]) {
        for (row, to) in to.chunks_exact_mut(WIDTH).enumerate() {
            let line: [f32; WIDTH] = std::array::from_fn(|i| from[row * pitch..][i]);
            to.copy_from_slice(&line);
        }
    }
    match width {
        2 => fixed::<2>(from, pitch, to),
        4 => fixed::<4>(from, pitch, to),
        8 => fixed::<8>(from, pitch, to),
        _ => {
            for (row, to) in to.chunks_exact_mut(width).enumerate() {
                to.copy_from_slice(&from[row * pitch..][..width]);
            }
        }
    }
}
