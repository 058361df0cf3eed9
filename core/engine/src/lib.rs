//! Scant's engine: it finds components, reads configurations and drives runs. It knows no method.

<<<<<<< HEAD
pub mod policy;
pub mod prepare;
mod registry;
pub mod run;
=======
pub mod compare;
mod registry;
pub mod report;
>>>>>>> e818c70 (Add reports and the comparison's table)
pub mod schema;
pub mod suggest;

pub use registry::{Origin, Registered, Registry};
