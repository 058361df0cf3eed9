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
