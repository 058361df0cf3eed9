//! Optimisers over flat parameter buffers, each one pass over memory.

mod average;
mod config;
mod optimizer;
mod update;

pub use average::{AverageConfig, AverageSettings, WeightAverage};
pub use config::{OptimizerConfig, Rule};
pub use optimizer::Optimizer;
