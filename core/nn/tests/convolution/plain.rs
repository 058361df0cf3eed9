//! Convolution by an explicit matrix per image: what the fast passes must agree with.

use super::columns;
use scant_nn::kernels::convolution::ConvShape;
use scant_nn::kernels::gemm::{Matrix, multiply};
use scant_nn::kernels::{Activation, buffer, threads};

/// Pieces of the batch whose weight gradients are summed apart; fixed, so that the sum's order is.
const PARTS: usize = 8;

/// `y = activation(x * w + bias)`; every element of `y` is written.
pub(super) fn forward(
    s: &ConvShape,
    x: &[f32],
    w: &[f32],
    bias: Option<&[f32]>,
    activation: Activation,
    y: &mut [f32],
) {
    let (groups, pixels, depth) = (s.walk.groups, s.out_pixels(), s.depth());
    let (rows, group_in) = (s.out_channels / groups, s.image_len() / groups);
    threads::pieces(&mut y[..s.output_len()], s.output_image_len(), |n, y| {
        let image = &x[n * s.image_len()..][..s.image_len()];
        buffer::with(depth * pixels, |matrix| {
            for g in 0..groups {
                columns::gather(s, &image[g * group_in..][..group_in], matrix);
                multiply(
                    &mut y[g * rows * pixels..][..rows * pixels],
                    Matrix::new(&w[g * rows * depth..], rows, depth),
                    Matrix::new(matrix, depth, pixels),
                    false,
                );
            }
        });
        if let Some(bias) = bias {
            for (plane, &b) in y.chunks_exact_mut(pixels).zip(bias) {
                plane.iter_mut().for_each(|v| *v += b);
            }
        }
        activation.apply(y);
    });
}

/// The gradient of the input, written into `dx` or added to it.
pub(super) fn input_gradient(s: &ConvShape, dy: &[f32], w: &[f32], dx: &mut [f32], accumulate: bool) {
    let (groups, pixels, depth) = (s.walk.groups, s.out_pixels(), s.depth());
    let (rows, group_in) = (s.out_channels / groups, s.image_len() / groups);
    threads::pieces(&mut dx[..s.input_len()], s.image_len(), |n, dx| {
        let dy = &dy[n * s.output_image_len()..][..s.output_image_len()];
        if !accumulate {
            dx.fill(0.0);
        }
        buffer::with(depth * pixels, |matrix| {
            for g in 0..groups {
                multiply(
                    matrix,
                    Matrix::new(&w[g * rows * depth..], rows, depth).transposed(),
                    Matrix::new(&dy[g * rows * pixels..], rows, pixels),
                    false,
                );
                columns::scatter(s, matrix, &mut dx[g * group_in..][..group_in]);
            }
        });
    });
}

/// Adds the gradient of the weights to `dw`.
pub(super) fn weight_gradient(s: &ConvShape, x: &[f32], dy: &[f32], dw: &mut [f32]) {
    let (groups, pixels, depth) = (s.walk.groups, s.out_pixels(), s.depth());
    let (rows, group_in) = (s.out_channels / groups, s.image_len() / groups);
    let len = s.weight_len();
    let images = s.batch.div_ceil(PARTS).max(1);
    let parts = s.batch.div_ceil(images);
    buffer::with(parts * len, |sums| {
        threads::pieces(sums, len, |part, sum| {
            sum.fill(0.0);
            buffer::with(depth * pixels, |matrix| {
                for n in part * images..((part + 1) * images).min(s.batch) {
                    let image = &x[n * s.image_len()..][..s.image_len()];
                    let dy = &dy[n * s.output_image_len()..][..s.output_image_len()];
                    for g in 0..groups {
                        columns::gather(s, &image[g * group_in..][..group_in], matrix);
                        multiply(
                            &mut sum[g * rows * depth..][..rows * depth],
                            Matrix::new(&dy[g * rows * pixels..], rows, pixels),
                            Matrix::new(matrix, depth, pixels).transposed(),
                            true,
                        );
                    }
                }
            });
        });
        for sum in sums.chunks_exact(len) {
            dw.iter_mut().zip(sum).for_each(|(d, s)| *d += s);
        }
    });
}
