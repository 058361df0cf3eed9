//! Between the contract's tensors and dfdx's: what lets a loss be a closure on dfdx tensors.

mod differentiate;
mod tensors;

pub use differentiate::{Traced, differentiate, differentiate_two, loss_on};
pub use tensors::{Layout, export, tensor};

/// The device of this build: dfdx's CPU, or its CUDA device with the feature `cuda`.
pub type Backend = dfdx::tensor::AutoDevice;

/// What this build computes on, in words, and whether that is there.
pub fn device() -> String {
    #[cfg(feature = "cuda")]
    return match Backend::try_build(0, 0) {
        Ok(_) => "cuda, device 0".to_owned(),
        Err(error) => format!("cuda, but device 0 does not open: {error:?}"),
    };
    #[cfg(not(feature = "cuda"))]
    "cpu (GPUs need a build with --features cuda)".to_owned()
}
