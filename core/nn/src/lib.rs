//! What method authors build with: networks on dfdx, the numerics of clustering, and adapters to the contract.

pub mod cluster;
pub mod dots;
mod rows;

pub use rows::Rows;
