//! Two-dimensional convolution: forward, gradient of the input, gradient of the weights.
//!
//! A transposed convolution is the mirror of a convolution: its forward pass is [`transposed`], its input's gradient is
//! [`forward`], and its weights' gradient is [`weight_gradient`] with the two images exchanged.
//!
//! Input planes are copied once with their padding, strides taken apart into phases, so that each tap reads runs of
//! consecutive floats. The innermost loops read that copy where it stands: as vectors of pixels with one weight each, or
//! pixel by pixel with vectors of weights, whichever leaves fewer lanes empty. No matrix of columns is ever written.

mod correlate;
mod passes;
mod shape;
mod source;
mod tile;
mod weights;

pub use passes::{forward, input_gradient, transposed};
pub use shape::{ConvShape, Convolution};
pub use weights::weight_gradient;

/// Floats from the first output of a grid to its last, where rows are `pitch` floats apart.
fn line_len((rows, columns): (usize, usize), pitch: usize) -> usize {
    (rows - 1) * pitch + columns
}
