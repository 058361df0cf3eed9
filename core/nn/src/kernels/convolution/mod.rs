//! Two-dimensional convolution: forward, gradient of the input, gradient of the weights.
//!
//! A transposed convolution is the mirror of a convolution: its forward pass is [`transposed`], its input's gradient is
//! [`forward`], and its weights' gradient is [`weight_gradient`] with the two images exchanged.
//!
//! Input planes are copied once with their padding, strides taken apart into phases, so that each tap reads runs of
//! consecutive floats. Where a row of outputs is a whole number of vectors, the innermost loop reads that copy where it
//! stands; otherwise the operands of a block of outputs are gathered first. No matrix of all columns is ever written.

mod correlate;
mod dots;
mod passes;
mod shape;
mod source;
mod tile;

#[cfg(test)]
mod tests;

pub use passes::{forward, input_gradient, transposed, weight_gradient};
pub use shape::{ConvShape, Convolution};

/// Whether it pays to compute the lanes between rows too, rather than gather those of the rows.
fn lines_pay(width: usize, pitch: usize) -> bool {
    4 * pitch <= 5 * width
}

/// Floats from the first output of a grid to its last, where rows are `pitch` floats apart.
fn line_len((rows, columns): (usize, usize), pitch: usize) -> usize {
    (rows - 1) * pitch + columns
}
