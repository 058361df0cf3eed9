//! Networks as data: a description becomes the contract's [`Model`](scant_abi::Model).

mod compile;
#[cfg(feature = "cuda")]
mod cuda;
pub mod description;
mod device;
mod draw;
mod model;
mod plan;
mod pretrained;
mod run;
pub mod shorthand;
pub mod zoo;

pub use description::{Init, Layer, NetworkConfig, Part};
pub use device::{Mirror, NetworkDevice};
pub use model::Network;
