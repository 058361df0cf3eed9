//! Two-dimensional convolution: forward, gradient of the input, gradient of the weights.
//!
//! A transposed convolution is the mirror of a convolution: its forward pass is [`input_gradient`], its input's
//! gradient is [`forward`], and its weights' gradient is [`weight_gradient`] with the two images exchanged.

mod columns;
mod plain;
mod shape;

pub use plain::{forward, input_gradient, weight_gradient};
pub use shape::{ConvShape, Convolution};
