//! What method authors build with: dfdx, the image operations it lacks on stable Rust, networks, the numerics of
//! clustering, and adapters to the contract.
//!
//! [`ops`] are ordinary differentiable operations on dfdx tensors with run-time shapes; [`kernels`] are the CPU
//! loops beneath them, on plain slices.

pub mod adapt;
pub mod cluster;
pub mod dots;
pub mod kernels;
pub mod network;
pub mod ops;
pub mod optim;
pub mod parameters;
pub mod rehearsal;
mod rows;
pub mod train;
pub mod weights;
pub mod window;

pub use dfdx;
pub use rows::Rows;

/// The examples of the README are tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
pub struct Readme;
