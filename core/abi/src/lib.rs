//! Scant's contract: what a plugin and a host say to each other.
//!
//! Authors implement plain Rust traits. A plugin lists its components once; a host links that list in or loads it
//! from a library, and cannot tell the difference.

mod augmentation;
mod dataset;
mod error;
mod image;
pub mod image_ops;
mod key;

pub use augmentation::Augmentation;
pub use dataset::{Check, Dataset, DatasetInfo, Part, Verdict};
pub use error::{Context, Error, ErrorKind, Result};
pub use image::Image;
pub use key::{Key, Rng};
