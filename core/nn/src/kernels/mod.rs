//! The CPU loops beneath the operations: plain functions on slices, threaded and vectorised.
//!
//! Every kernel gives the same bits for any number of threads: work is cut into pieces whose size does not depend
//! on the threads, and partial sums are added in a fixed order.

pub mod activation;
pub mod batch_norm;
pub mod buffer;
pub mod convolution;
pub mod gemm;
pub mod linear;
pub mod losses;
mod panel;
pub mod pool;
pub mod rearrange;
pub mod simd;
pub mod threads;

pub use activation::Activation;
