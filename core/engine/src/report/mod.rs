//! Reports: one HTML file each, with everything in it, that opens without a network.

mod artefact;
mod comparison_page;
mod curves;
mod data;
pub(crate) mod number;
mod page;
mod read;
mod run_page;
mod svg;

pub use comparison_page::comparison_page;
pub use data::{Found, RunReport};
pub use run_page::run_page;
