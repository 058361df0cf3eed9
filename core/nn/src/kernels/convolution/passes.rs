//! The three passes of a convolution, cut into tasks.

use super::ConvShape;
use super::correlate::{Correlation, Finish, Grid, Reading, pack};
use super::source::Source;
use crate::kernels::{Activation, linear, threads};

/// Outputs that a task has about, so that small images share what is read of the weights.
const TASK_PIXELS: usize = 128;
/// Tasks come in so many at least, and in multiples of it, so that threads have equal shares.
const TASKS: usize = 4;

/// Places of all taps along both axes.
fn taps(s: &ConvShape) -> (Vec<usize>, Vec<usize>) {
    let side = |kernel: usize| (0..kernel).map(|k| k * s.walk.dilation).collect();
    (side(s.kernel.0), side(s.kernel.1))
}

/// Copies of input planes as outputs read them, and where output (0, 0) finds each tap.
pub(super) fn forward_source(s: &ConvShape) -> (Source, Vec<usize>) {
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
    if s.is_dense() {
        return linear::forward((s.batch, s.depth(), s.out_channels), x, w, bias, activation, y);
    }
    let groups = s.walk.groups;
    let (rows, channels) = (s.out_channels / groups, s.channels / groups);
    let (source, offsets) = forward_source(s);
    let size = (s.out_height, s.out_width);
    let reading = Reading::best(rows, size, offsets.len(), source.pitch());
    let correlations: Vec<Correlation> = (0..groups)
        .map(|g| Correlation {
            source: source.clone(),
            input: (channels, s.height * s.width),
            output: (rows, s.out_pixels()),
            grids: vec![Grid {
                size,
                base: 0,
                strides: (s.out_width, 1),
                taps: offsets.clone(),
                reading,
                weights: pack(reading, (rows, channels, offsets.len()), |o, i, t| {
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
    if s.is_dense() {
        linear::input_gradient((s.batch, s.depth(), s.out_channels), dy, w, dx, finish.accumulate);
        let extent = (s.batch, s.channels, s.height * s.width);
        return linear::finish(extent, finish.bias, finish.activation, dx);
    }
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
                let size = ((s.height - py).div_ceil(stride), (s.width - px).div_ceil(stride));
                let reading = Reading::best(channels, size, taps.len(), source.pitch());
                let weights = pack(reading, (channels, rows, taps.len()), |c, o, t| {
                    w[((g * rows + o) * channels + c) * elements + kernel[t]]
                });
                Grid {
                    size,
                    reading,
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
    let batch = y.len() / y_image;
    let tasks = (batch * pixels).div_ceil(TASK_PIXELS).max(1).next_multiple_of(TASKS);
    let images = batch.div_ceil(tasks).max(1);
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
