//! Fully connected layers on rows, and what layers share: bias and its gradient.

use super::panel::{Numbers, multiply, pack_columns, pack_rows};
use super::simd::vectorised;
use super::{Activation, buffer, threads};

/// `y = activation(x w^T + bias)` with `w` as (outputs, inputs).
pub fn forward(
    (rows, inputs, outputs): (usize, usize, usize),
    x: &[f32],
    w: &[f32],
    bias: Option<&[f32]>,
    activation: Activation,
    y: &mut [f32],
) {
    let pack = |(first, columns): (usize, usize), panel: &mut [f32]| {
        pack_columns(&w[first * inputs..], inputs, (inputs, columns), panel);
    };
    let x = Numbers { values: x, row: inputs, step: 1 };
    multiply(x, (rows, inputs, outputs), pack, y, false);
    finish((rows, outputs, 1), bias, activation, y);
}

/// Adds the bias to (items, channels, pixels) and applies the activation.
pub fn finish(
    (_, channels, pixels): (usize, usize, usize),
    bias: Option<&[f32]>,
    activation: Activation,
    y: &mut [f32],
) {
    let item = channels * pixels;
    let many = (threads::PIECE / item.max(1)).max(1) * item;
    if bias.is_none() {
        return activation.apply_threaded(y);
    }
    threads::pieces(y, many, |_, y| {
        if let Some(bias) = bias {
            vectorised(
                #[inline(always)]
                || {
                    for item in y.chunks_exact_mut(item) {
                        if pixels == 1 {
                            item.iter_mut().zip(bias).for_each(|(v, b)| *v += b);
                        } else {
                            for (plane, b) in item.chunks_exact_mut(pixels).zip(bias) {
                                plane.iter_mut().for_each(|v| *v += b);
                            }
                        }
                    }
                },
            );
        }
        activation.apply(y);
    });
}

/// The gradient of the input, written into `dx` or added to it.
pub fn input_gradient(
    (rows, inputs, outputs): (usize, usize, usize),
    dy: &[f32],
    w: &[f32],
    dx: &mut [f32],
    accumulate: bool,
) {
    let pack = |columns: (usize, usize), panel: &mut [f32]| pack_rows(w, inputs, columns, panel);
    let dy = Numbers { values: dy, row: outputs, step: 1 };
    multiply(dy, (rows, outputs, inputs), pack, dx, accumulate);
}

/// Adds the gradient of the weights to `dw`.
pub fn weight_gradient(
    (rows, inputs, outputs): (usize, usize, usize),
    x: &[f32],
    dy: &[f32],
    dw: &mut [f32],
) {
    let pack = |columns: (usize, usize), panel: &mut [f32]| pack_rows(x, inputs, columns, panel);
    let dy = Numbers { values: dy, row: 1, step: outputs };
    multiply(dy, (outputs, rows, inputs), pack, dw, true);
}

/// Adds the gradient of a bias to `db`: `dy` holds `batch` items of `channels` planes of `pixels` values.
pub fn bias_gradient((batch, channels, pixels): (usize, usize, usize), dy: &[f32], db: &mut [f32]) {
    let items = 16;
    let parts = batch.div_ceil(items);
    buffer::with(parts * channels, |sums| {
        threads::pieces(sums, channels, |part, sums| {
            sums.fill(0.0);
            for n in part * items..((part + 1) * items).min(batch) {
                let item = &dy[n * channels * pixels..][..channels * pixels];
                if pixels == 1 {
                    vectorised(
                        #[inline(always)]
                        || sums.iter_mut().zip(item).for_each(|(s, v)| *s += v),
                    );
                } else {
                    for (s, plane) in sums.iter_mut().zip(item.chunks_exact(pixels)) {
                        *s += sum(plane);
                    }
                }
            }
        });
        for part in sums.chunks_exact(channels) {
            db.iter_mut().zip(part).for_each(|(d, s)| *d += s);
        }
    });
}

/// The sum of a slice in a fixed order that sixteen lanes can share.
#[inline]
pub(crate) fn sum(values: &[f32]) -> f32 {
    vectorised(
        #[inline(always)]
        || {
            let mut lanes = [0.0f32; 16];
            let chunks = values.chunks_exact(16);
            let rest = chunks.remainder();
            for chunk in chunks {
                for (lane, v) in lanes.iter_mut().zip(chunk) {
                    *lane += v;
                }
            }
            lanes.iter().sum::<f32>() + rest.iter().sum::<f32>()
        },
    )
}
