//! Between the contract's tensors and dfdx's: what lets a loss be a closure on dfdx tensors.

mod differentiate;
mod tensors;

pub use differentiate::{Traced, differentiate, differentiate_two, loss_on};
pub use tensors::{Layout, export, tensor};

/// The device of this build: dfdx's CPU, or its CUDA device with the feature `cuda`.
pub type Backend = dfdx::tensor::AutoDevice;
