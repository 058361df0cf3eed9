//! Scant's engine: it finds components, reads configurations and drives runs. It knows no method.

mod checked;
pub mod compare;
pub mod plugins;
pub mod policy;
pub mod prepare;
mod registry;
pub mod report;
pub mod run;
pub mod schema;
pub mod stats;
pub mod suggest;

pub use registry::{Origin, Registered, Registry};
